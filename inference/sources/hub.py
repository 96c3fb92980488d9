"""Models from a hub: the files that are needed, downloaded once into a cache that all workers of a machine share.

The cache is that of the hub's own library (blobs by content, snapshots by commit, refs by branch), so that what it or
its command line has downloaded is found here, and the other way round. Weights come by `blobs`, since the library would
begin an interrupted file again from its start; then the library adds the small files and puts the snapshot together.
"""

from __future__ import annotations

import glob
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.errors import LoadError
from inference.protocol.causes import Cause
from inference.protocol.model_id import HubModel, downloaded
from inference.sources.blobs import Blob, Meter, fetch
from inference.sources.hub_errors import explained, not_here
from inference.sources.hub_files import needed
from inference.sources.lock import exclusively
from inference.sources.offline import online
from inference.sources.progress import Span

_WAITING = "waiting for another worker that downloads the same model"
# Left free on the disk for logs, and for the small files, which are not counted to the byte.
_SPARE = 100_000_000
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HubAccess:
    """How to reach a hub: its address (None: the public one), the cache, and whether to leave the network alone."""

    cache: Path
    endpoint: str | None = None
    offline: bool = False


def download(model: HubModel, access: HubAccess, span: Span) -> Path:
    """The folder or GGUF file of a model, downloading what is missing. Raises `LoadError` with the reason."""
    if access.offline:
        found = cached(model, access.cache)
        if found is None:
            raise not_here(model, access.cache)
        return found
    span.at(0.0, "asking the hub")
    with online(), explained(model, access.endpoint, access.cache):
        from huggingface_hub import HfApi

        revision = HfApi(endpoint=access.endpoint).resolve_revision(
            model.id, revision=model.revision, cache_dir=access.cache
        )
        found = cached(model, access.cache, commit=revision.resolved)
        return found or _Download(model, access, revision=revision).run(span)


def cached(model: HubModel, cache: Path, *, commit: str = "") -> Path | None:
    """What was downloaded before, as long as nothing of it is known to be missing."""
    from huggingface_hub import get_cached_repo_tree
    from huggingface_hub.errors import CachedRepoTreeNotFoundError

    if (found := downloaded(model, cache, commit=commit)) is None:
        return None
    snapshot = found.parents[model.file.count("/")] if model.file else found
    try:
        files = get_cached_repo_tree(model.id, revision=snapshot.name, cache_dir=cache)
    except CachedRepoTreeNotFoundError:
        return found  # from older tools, which kept no list; who loads it looks for itself
    chosen = needed([file.path for file in files], model.file)
    return found if all((snapshot / path).is_file() for path in chosen) else None


class _Download:
    """One commit of one model on its way into the cache."""

    def __init__(self, model: HubModel, access: HubAccess, *, revision: Any) -> None:
        self._model = model
        self._access = access
        self._revision = revision
        self._home = model.folder(access.cache)

    def run(self, span: Span) -> Path:
        """Wait for whoever is at it already, fetch what is missing, and give the snapshot."""
        files = self._listing()
        chosen = needed(files, self._model.file)
        blobs = self._home / "blobs"
        blobs.mkdir(parents=True, exist_ok=True)
        with exclusively(self._home / ".modelyard.lock", span, _WAITING):
            self._fetch_large([files[path] for path in chosen], span)
            self._fetch_rest(chosen)
        snapshot = self._home / "snapshots" / str(self._revision.resolved)
        log.info("%s, revision %s, is in %s", self._model.id, self._model.revision, snapshot)
        return snapshot / self._model.file

    def _listing(self) -> Mapping[str, Any]:
        """All files of the commit, with size and digest."""
        from huggingface_hub import HfApi
        from huggingface_hub.hf_api import RepoFile

        tree = HfApi(endpoint=self._access.endpoint).list_repo_tree(
            self._model.id, recursive=True, revision=self._revision.resolved
        )
        return {entry.path: entry for entry in tree if isinstance(entry, RepoFile)}

    def _fetch_large(self, files: Sequence[Any], span: Span) -> None:
        """Those that the hub keeps by content; only these are large."""
        from huggingface_hub.utils import build_hf_headers

        blobs = {file.lfs.sha256: self._blob(file) for file in files if file.lfs is not None}
        missing = [blob for blob in blobs.values() if not blob.path.is_file()]
        total, here = sum(file.size for file in files), sum(blob.present for blob in blobs.values())
        _check_disk(self._access.cache, sum(blob.size - blob.present for blob in missing))
        fetch(missing, build_hf_headers(), Meter(span, total, done=here))

    def _blob(self, file: Any) -> Blob:
        from huggingface_hub import hf_hub_url

        url = hf_hub_url(self._model.id, file.path, revision=self._revision.resolved, endpoint=self._access.endpoint)
        return Blob(url, self._home / "blobs" / file.lfs.sha256, file.lfs.size, file.lfs.sha256)

    def _fetch_rest(self, chosen: Sequence[str]) -> None:
        from huggingface_hub import snapshot_download

        snapshot_download(
            self._model.id,
            revision=self._revision,
            cache_dir=self._access.cache,
            endpoint=self._access.endpoint,
            allow_patterns=[glob.escape(path) for path in chosen],
        )


def _check_disk(cache: Path, needs: int) -> None:
    free = shutil.disk_usage(cache).free
    if needs and needs + _SPARE > free:
        reason = (
            f"The model takes {needs / 1e9:.1f} GB more on the disk of {cache}, where {free / 1e9:.1f} GB are free."
        )
        hint = "Make room there, or set MODELYARD_CACHE_DIR to a folder on a larger disk."
        raise LoadError(reason, Cause.DISK_FULL, hint=hint)
