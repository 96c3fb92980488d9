"""Labels of nodes as people write them."""

from __future__ import annotations

from registry.errors import InvalidDesire


def parse_label(written: str) -> tuple[str, str]:
    """`zone=a`. Raises `InvalidDesire`, in the words of the flag `--label`."""
    key, equals, value = written.partition("=")
    if not equals or not key:
        raise InvalidDesire(f"--label {written}: write it as KEY=VALUE, such as zone=a.")
    return key, value


def parse_change(written: str) -> tuple[str, str | None]:
    """`zone=a` sets, `zone-` deletes: its value is None. Raises `InvalidDesire`."""
    key, equals, value = written.partition("=")
    if equals and key:
        return key, value
    if not equals and len(written) > 1 and written.endswith("-"):
        return written[:-1], None
    raise InvalidDesire(f"{written!r} is no change of a label: write KEY=VALUE to set one, KEY- to delete it.")
