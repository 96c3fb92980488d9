"""The bytes of tokens, with tokenizers of each kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from inference.text.token_bytes import token_bytes_of


@dataclass
class Wrapper:
    """What transformers puts around a tokenizer, as far as it matters."""

    backend_tokenizer: Any

    @property
    def added_tokens_decoder(self) -> dict[int, Any]:
        return dict(self.backend_tokenizer.get_added_tokens_decoder())


@dataclass
class Slow:
    """A SentencePiece tokenizer without the tokenizers library."""

    pieces: tuple[str, ...]
    added_tokens_decoder: dict[int, str] = field(default_factory=dict)

    def convert_ids_to_tokens(self, token_id: int) -> str:
        return self.pieces[token_id]


def of_pieces(decoder: Any, *pieces: str) -> list[bytes]:
    core = Tokenizer(models.WordLevel({piece: place for place, piece in enumerate(pieces)}, unk_token=pieces[0]))
    core.decoder = decoder
    return [token_bytes_of(Wrapper(core))(token_id) for token_id in range(len(pieces))]


@pytest.fixture(scope="module")
def byte_level() -> Tokenizer:
    """A token a letter, and merges of some: those of a space and of parts of two characters."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("Ġ", "a"), ("½", "ł"), ("ð", "Ł")]
    vocabulary = {letter: place for place, letter in enumerate([*letters, *("".join(pair) for pair in merges)])}
    core = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.add_special_tokens([AddedToken("<|end|>", special=True)])
    core.add_tokens([AddedToken("é  ", normalized=False)])
    return core


@given(st.text(max_size=30))
def test_the_tokens_of_a_byte_level_text_are_its_bytes(byte_level: Tokenizer, text: str) -> None:
    token_bytes = token_bytes_of(Wrapper(byte_level))
    assert b"".join(map(token_bytes, byte_level.encode(text).ids)) == text.encode()


def test_a_token_may_be_a_part_of_a_character_or_a_name_of_its_own(byte_level: Tokenizer) -> None:
    token_bytes = token_bytes_of(Wrapper(byte_level))
    names = {name: token_bytes(byte_level.token_to_id(name)) for name in ("ðŁ", "Ġa", "<|end|>", "é  ")}
    assert names == {"ðŁ": b"\xf0\x9f", "Ġa": b" a", "<|end|>": b"<|end|>", "é  ": "é  ".encode()}
    assert token_bytes(100_000) == b""


def test_sentencepiece_writes_spaces_and_single_bytes_by_name() -> None:
    llama = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    expected = [b" one", b"two", b"\xe4", b"<0xZZ>"]
    pieces = ("▁one", "two", "<0xE4>", "<0xZZ>")
    assert of_pieces(llama, *pieces) == expected
    assert [token_bytes_of(Slow(pieces))(place) for place in range(4)] == expected


def test_other_vocabularies_say_where_words_begin_or_end() -> None:
    assert of_pieces(decoders.Metaspace(), "▁one", "two") == [b" one", b"two"]
    assert of_pieces(decoders.WordPiece(), "one", "##two") == [b" one", b"two"]
    assert of_pieces(decoders.BPEDecoder(), "one</w>", "two") == [b"one ", b"two"]
    assert of_pieces(None, "one") == [b"one"]
