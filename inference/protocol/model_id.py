"""Models by their name on a hub, such as `Qwen/Qwen2.5-0.5B-Instruct`, and where downloaded ones lie."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DEFAULT_REVISION = "main"
_WRITTEN = re.compile(
    r"(?P<id>[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95})"
    r"(?:/(?P<file>[\w.-][\w./-]*\.gguf))?"
    r"(?:@(?P<revision>[\w.-][\w./-]{0,199}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class HubModel:
    """A model on a hub: `owner/name`, a branch, tag or commit, and for GGUF which file of several."""

    id: str
    revision: str = DEFAULT_REVISION
    file: str = ""

    @property
    def name(self) -> str:
        """Its last part, without the owner."""
        return Path(self.file).stem or self.id.rpartition("/")[2]

    def folder(self, cache: Path) -> Path:
        """Where the hub's own tools keep it in their cache."""
        return cache / f"models--{self.id.replace('/', '--')}"


def hub_model(written: str) -> HubModel | None:
    """`owner/name`, `owner/name@revision` or `owner/name/file.gguf`; None for what can only be a path."""
    match = _WRITTEN.fullmatch(written)
    if match is None or ".." in written or "//" in written:
        return None
    return HubModel(match["id"], match["revision"] or DEFAULT_REVISION, match["file"] or "")


def hub_cache(environ: Mapping[str, str], cache_dir: Path) -> Path:
    """The folder of downloaded models: that of the hub's own tools where the environment names it, else in ours."""
    if environ.get("HF_HUB_CACHE"):
        return Path(environ["HF_HUB_CACHE"]).expanduser()
    home = environ.get("HF_HOME")
    return (Path(home).expanduser() if home else cache_dir) / "hub"


def downloaded(model: HubModel, cache: Path, *, commit: str = "") -> Path | None:
    """The folder, or GGUF file, of a model that was downloaded before; None when there is none. Raises `OSError`."""
    ref = model.folder(cache) / "refs" / model.revision
    if not commit:
        commit = ref.read_text(encoding="ascii").strip() if ref.is_file() else model.revision
    found = model.folder(cache) / "snapshots" / commit / model.file
    return found if found.exists() else None
