"""GGUF files converted once: a folder of plain safetensors for each file's content.

<cache>/gguf/<digest>-v1/           a finished conversion; it appears in one rename, never half
<cache>/gguf/<digest>-v1.lock       held while somebody converts; freed by the kernel when its holder dies
<cache>/gguf/.<digest>-v1-…/        being written; whoever holds the lock next removes what a crash left
<cache>/gguf/digests/               digests of files already read, by device, inode, size and time of change
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from inference.errors import LoadError
from inference.protocol.causes import Cause
from inference.sources.files import corrupt, sha256_of, unreadable
from inference.sources.lock import exclusively
from inference.sources.progress import Span

# What the conversion writes has changed when this is raised: older folders are not used any more.
CONVERSION = "v1"
_MAGIC = b"GGUF"
_WAITING = "waiting for another worker that converts the same model"

Convert = Callable[[Path, Path, Span], None]


def converted(gguf: Path, cache_dir: Path, span: Span) -> Path:
    """The folder with the converted model, converting it when this is the first time."""
    from inference.sources.gguf_convert import convert

    return cached_conversion(gguf, cache_dir, span, convert=convert)


def cached_conversion(gguf: Path, cache_dir: Path, span: Span, *, convert: Convert) -> Path:
    """Like `converted`, with the conversion given: `convert(gguf, target, span)` writes into an empty folder."""
    _check_magic(gguf)
    root = cache_dir / "gguf"
    try:
        root.mkdir(parents=True, exist_ok=True)
        target = root / f"{content_digest(gguf, root / 'digests', span)}-{CONVERSION}"
        if target.is_dir():
            return target
        with exclusively(target.with_name(f"{target.name}.lock"), span, _WAITING):
            # Another process may have finished while we waited.
            if not target.is_dir():
                _convert_into(target, gguf, span, convert=convert)
        return target
    except OSError as error:
        raise LoadError(
            f"{gguf.name} cannot be converted into {root}: {error.strerror or error}.",
            Cause.DISK_FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else Cause.OPTIONS,
            hint="Make room there, or set MODELYARD_CACHE_DIR to a folder that can be written.",
        ) from error


def _check_magic(gguf: Path) -> None:
    try:
        with gguf.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except OSError as error:
        raise unreadable(gguf, error) from error
    if magic != _MAGIC:
        raise corrupt(f"{gguf} is not a GGUF file: it does not begin with 'GGUF'.")


def _convert_into(target: Path, gguf: Path, span: Span, *, convert: Convert) -> None:
    prefix = f".{target.name}-"
    for leftover in target.parent.glob(f"{prefix}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    workplace = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
    try:
        convert(gguf, workplace, span)
        _sync(workplace)
        workplace.rename(target)
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def _sync(folder: Path) -> None:
    """Write the files to the disk before the rename: else a power cut could leave the name without the content."""
    for path in [*folder.iterdir(), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def content_digest(path: Path, known: Path, span: Span) -> str:
    """SHA-256 of the whole file, the first 32 digits. Read once for each state of a file: big ones take seconds."""
    state = path.stat()
    identity = f"{state.st_dev}-{state.st_ino}-{state.st_size}-{state.st_mtime_ns}"
    note = known / identity
    if note.is_file():
        return note.read_text(encoding="ascii")
    digest = sha256_of(path, lambda done: span.part(0.0, 0.02).at(done, "reading the model's file"))[:32]
    known.mkdir(exist_ok=True)
    fresh = known / f"{identity}.{os.getpid()}"
    fresh.write_text(digest, encoding="ascii")
    fresh.rename(note)
    return digest
