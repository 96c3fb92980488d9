"""Reading and checking the files of a model, with reasons that a person understands."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from math import prod
from pathlib import Path
from typing import Any

from inference.errors import LoadError
from inference.protocol.causes import Cause

AGAIN = "Copy or download the model again."
# The header says its own length in the first eight bytes; the format allows at most 100 MB of it.
_LENGTH_BYTES = 8
_LONGEST_HEADER = 100_000_000
_CHUNK = 1 << 22
_TABLES = ("embed", "wte", "wpe", "lm_head")
_BYTES_PER_VALUE = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "BF16": 2, "F16": 2, "I16": 2}


def corrupt(reason: str) -> LoadError:
    """The error for a file that is there, but is not what it should be."""
    return LoadError(reason, Cause.FILES_CORRUPT, hint=AGAIN)


def unreadable(path: Path, error: OSError) -> LoadError:
    """The error for a file that is not given to us."""
    return LoadError(
        f"{path} cannot be read: {error.strerror}.", Cause.FILES_MISSING, hint="Check the file's permissions."
    )


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises `LoadError` when the file cannot be read or holds anything else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise unreadable(path, error) from error
    except ValueError as error:
        raise corrupt(f"{path} is not valid JSON ({error}).") from error
    if not isinstance(content, dict):
        raise corrupt(f"{path} holds no JSON object.")
    return content


def read_optional_json(path: Path) -> dict[str, Any]:
    """Like `read_json`; empty when there is no such file."""
    return read_json(path) if path.is_file() else {}


def safetensors_header(path: Path) -> dict[str, Any]:
    """The table of tensors by name. Raises `LoadError` when the file is broken or shorter than its table says."""
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
            if not 2 <= length <= min(_LONGEST_HEADER, size - _LENGTH_BYTES):
                raise corrupt(f"{path} is broken: it is not a safetensors file, or its beginning is cut off.")
            header = json.loads(file.read(length))
    except OSError as error:
        raise unreadable(path, error) from error
    except ValueError as error:
        raise corrupt(f"{path} is broken: its table of tensors is not valid.") from error
    tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
    _check_length(path, size, _LENGTH_BYTES + length + _data_length(path, tensors))
    return tensors


def _data_length(path: Path, tensors: Mapping[str, Any]) -> int:
    try:
        return max((int(entry["data_offsets"][1]) for entry in tensors.values()), default=0)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise corrupt(f"{path} is broken: its table of tensors is not valid.") from error


def _check_length(path: Path, size: int, expected: int) -> None:
    if size < expected:
        raise corrupt(f"{path} is truncated: it has {size:,} bytes of {expected:,}.")


def weight_bytes(headers: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """Bytes of the tensors by their type, such as {"BF16": 269_000_000}."""
    sizes: Counter[str] = Counter()
    for header in headers:
        for entry in header.values():
            start, end = entry["data_offsets"]
            sizes[entry["dtype"]] += end - start
    return sizes


def linear_values(headers: Iterable[Mapping[str, Any]]) -> int:
    """How many values lie in matrices that 8- and 4-bit loading shrinks: all but embeddings and the output layer."""
    return sum(
        prod(entry["shape"])
        for header in headers
        for name, entry in header.items()
        if len(entry.get("shape", ())) > 1 and not any(table in name for table in _TABLES)
    )


def bytes_per_value(dtype: str) -> int:
    """The width of a safetensors type; one byte for the small ones."""
    return _BYTES_PER_VALUE.get(dtype, 1)


def check_pytorch_file(path: Path) -> None:
    """Raise `LoadError` when a .bin file is visibly broken: torch writes a zip file, whose index is at its end."""
    with path.open("rb") as file:
        start = file.read(2)
    old_format = start == b"\x80\x02"
    if not old_format and not zipfile.is_zipfile(path):
        raise corrupt(f"{path} is broken or truncated: it is not a file that torch has written.")


def shards_of(index: Path) -> tuple[Path, ...]:
    """The files that an index of shards names. Raises `LoadError` when one is missing."""
    weight_map = read_json(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise corrupt(f"{index} names no weight files.")
    shards = tuple(index.parent / str(name) for name in sorted(set(weight_map.values())))
    missing = [shard.name for shard in shards if not shard.is_file()]
    if missing:
        reason = f"{index.parent} lacks {len(missing)} of {len(shards)} weight files, such as {missing[0]}."
        raise LoadError(reason, Cause.FILES_MISSING, hint=AGAIN)
    return shards


def sha256_of(path: Path, report: Callable[[float], None]) -> str:
    """The digest of a whole file in hexadecimal, reporting the fraction that was read."""
    size, done, digest = path.stat().st_size, 0, hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            done += len(chunk)
            report(done / size)
    return digest.hexdigest()
