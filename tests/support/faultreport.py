"""The table of the fault suite: after each fault, how long it took until all was true again."""

from __future__ import annotations

from dataclasses import dataclass, field

from load import Load


@dataclass(slots=True)
class Report:
    """One line a fault."""

    lines: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, fault: str, seconds: float, load: Load | None = None, *, note: str = "") -> None:
        told = "; ".join(part for part in (load.tally.summary if load else "", note) if part)
        self.lines.append((fault, f"{seconds:.1f} s", told))

    def table(self) -> str:
        width = max(len(fault) for fault, _, _ in self.lines)
        return "\n".join(f"{fault:<{width}}  {seconds:>7}  {told}".rstrip() for fault, seconds, told in self.lines)
