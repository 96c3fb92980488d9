"""Which weights these are, told by a few pieces of each file: gigabytes are not read again for a name."""

from __future__ import annotations

import hashlib
from pathlib import Path

from inference.sources.resolve import ModelFiles

# What the answers depend on beside the weights. A change of them is as good as another model.
_SMALL = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
# The table of tensors is at the beginning of a file; of the rest as many pieces are looked at, evenly spread.
_HEAD = 1 << 16
_PIECE = 1 << 12
_PIECES = 64


def identity(files: ModelFiles) -> str:
    """The same for the same files in any folder, on any machine."""
    digest = hashlib.sha256()
    for name in _SMALL:
        path = files.folder / name
        digest.update(f"{name}\0".encode() + (path.read_bytes() if path.is_file() else b""))
    for path in sorted(files.weights, key=lambda path: path.name):
        _add_pieces(digest, path)
    return digest.hexdigest()[:16]


def _add_pieces(digest: hashlib._Hash, path: Path) -> None:
    size = path.stat().st_size
    digest.update(f"{path.name}\0{size}\0".encode())
    with path.open("rb") as file:
        digest.update(file.read(_HEAD))
        for step in range(1, _PIECES + 1):
            file.seek(max(0, size * step // _PIECES - _PIECE))
            digest.update(file.read(_PIECE))
