"""The bytes that each token stands for, by the way its tokenizer writes bytes into its vocabulary."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

TokenBytes = Callable[[int], bytes]
Step = Mapping[str, Any]

# SentencePiece's names: of a space, and of a single byte that no piece has.
_SPACE = "\u2581"
_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
# What a SentencePiece model does that comes without a decoder of the tokenizers library.
_SENTENCEPIECE: tuple[Step, ...] = ({"type": "Metaspace", "replacement": _SPACE}, {"type": "ByteFallback"})


def token_bytes_of(tokenizer: Any) -> TokenBytes:
    """A function from token ids to bytes. Special and added tokens are their own names, an unknown id is nothing.

    Names of special tokens, as OpenAI's and vLLM's log probabilities have them: who reads `<|im_end|>` there sees why
    an answer ended.
    """
    named = {int(token_id): str(token).encode() for token_id, token in tokenizer.added_tokens_decoder.items()}
    core = getattr(tokenizer, "backend_tokenizer", None)
    steps = _SENTENCEPIECE if core is None else _steps(core)
    piece_of = tokenizer.convert_ids_to_tokens if core is None else core.id_to_token

    def token_bytes(token_id: int) -> bytes:
        if token_id in named:
            return named[token_id]
        piece = piece_of(token_id)
        return b"" if piece is None else _bytes(piece, steps)

    return token_bytes


def _steps(core: Any) -> Sequence[Step]:
    """What the decoder of a tokenizer of the tokenizers library does, in order."""
    if core.decoder is None:
        return ()
    decoder = json.loads(core.decoder.__getstate__())
    return tuple(decoder["decoders"]) if decoder["type"] == "Sequence" else (decoder,)


def _bytes(piece: str, steps: Sequence[Step]) -> bytes:
    kinds = {step["type"] for step in steps}
    if "ByteLevel" in kinds:
        return b"".join(_OF_LETTER.get(letter, letter.encode()) for letter in piece)
    if "ByteFallback" in kinds and (byte := _BYTE.fullmatch(piece)):
        return bytes([int(byte[1], 16)])
    for step in steps:
        piece = _WRITTEN.get(step["type"], _as_it_is)(piece, step)
    return piece.encode()


def _replaced(piece: str, step: Step) -> str:
    pattern = step["pattern"].get("String")
    return piece if pattern is None else piece.replace(pattern, step["content"])


def _word_piece(piece: str, step: Step) -> str:
    """A word begins where a piece does not continue one; the text of a whole answer has no space at its start."""
    return piece.removeprefix(step["prefix"]) if piece.startswith(step["prefix"]) else f" {piece}"


def _as_it_is(piece: str, step: Step) -> str:
    return piece


_WRITTEN: Mapping[str, Callable[[str, Step], str]] = {
    "Replace": _replaced,
    "Metaspace": lambda piece, step: piece.replace(step["replacement"], " "),
    "WordPiece": _word_piece,
    "BPEDecoder": lambda piece, step: piece.replace(step["suffix"], " "),
}


def _byte_letters() -> dict[str, bytes]:
    """GPT-2's alphabet: printable bytes are their own letters, the others those from U+0100 on."""
    own = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in own]
    letters = {chr(byte): bytes([byte]) for byte in own}
    return letters | {chr(256 + place): bytes([byte]) for place, byte in enumerate(others)}


_OF_LETTER = _byte_letters()
