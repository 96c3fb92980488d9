"""Large files, several at a time, each continued where it was interrupted and checked when it is whole."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from inference.errors import LoadError
from inference.protocol.causes import Cause
from inference.sources.files import sha256_of
from inference.sources.progress import Span

_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Blob:
    """A file to fetch: where from, where to, its size in bytes and its SHA-256 in hexadecimal."""

    url: str
    path: Path
    size: int
    digest: str

    @property
    def partial(self) -> Path:
        """Where it grows. Not the hub library's name for such files: that library would delete it."""
        return self.path.with_name(f"{self.path.name}.partial")

    @property
    def present(self) -> int:
        """Bytes that are here already."""
        whole = self.path if self.path.is_file() else self.partial
        return min(whole.stat().st_size, self.size) if whole.is_file() else 0


class Meter:
    """Counts the bytes of all files that are being fetched, and tells a span."""

    def __init__(self, span: Span, total: int, *, done: int) -> None:
        self._span = span
        self._total = total
        self._done = done
        self._lock = threading.Lock()
        self.stopped = threading.Event()
        self.add(0)

    def add(self, size: int) -> None:
        """So many bytes more, or fewer when a file has to begin again. Raises when the download is to stop."""
        if self.stopped.is_set():
            raise LoadError("The download was stopped.", Cause.DOWNLOAD)
        with self._lock:
            self._done += size
            self._span.at(self._done / max(1, self._total), f"downloading {_amounts(self._done, self._total)}")


def _amounts(done: int, total: int) -> str:
    if total < 10**9:
        return f"{done / 1e6:.0f} of {total / 1e6:.0f} MB"
    return f"{done / 1e9:.1f} of {total / 1e9:.1f} GB"


def fetch(blobs: Iterable[Blob], headers: Mapping[str, str], meter: Meter) -> None:
    """Fetch them all, or none further once one has failed."""
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="download") as pool:
        running = [pool.submit(_fetch, blob, headers, meter) for blob in blobs]
        try:
            for finished in as_completed(running):
                finished.result()
        finally:
            meter.stopped.set()
            for future in running:
                future.cancel()


def _fetch(blob: Blob, headers: Mapping[str, str], meter: Meter) -> None:
    from huggingface_hub.file_download import http_get

    with blob.partial.open("ab") as file:
        if file.tell() > blob.size:
            file.truncate(0)
        http_get(
            blob.url,
            file,
            resume_size=file.tell(),
            headers=dict(headers),
            expected_size=blob.size,
            tqdm_class=_bar(meter),
        )
    if sha256_of(blob.partial, lambda _: None) != blob.digest:
        blob.partial.unlink()
        reason = f"A file of the model came damaged from the hub ({blob.path.name[:12]}…)."
        raise LoadError(reason, Cause.DOWNLOAD, hint="Start again; if it repeats, look at the proxy.")
    blob.partial.rename(blob.path)


def _bar(meter: Meter) -> Any:
    """What the library needs of a progress bar."""

    class Bar:
        def __init__(self, *_: Any, **__: Any) -> None:
            pass

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def update(self, size: float | None = 1) -> None:
            meter.add(int(size or 0))

    return Bar
