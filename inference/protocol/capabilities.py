"""Which endpoint serves what, and the sentence for a client that asked the wrong one."""

from __future__ import annotations

from collections.abc import Iterable

from inference.protocol.errors import BadRequest

# By what a model has to be able to do.
ENDPOINTS = {
    "chat": "/v1/chat/completions",
    "completions": "/v1/completions",
    "embeddings": "/v1/embeddings",
}
# What every model serves, whatever it is made for.
TOKENIZER = {"tokenize": "/tokenize", "detokenize": "/detokenize"}
PATHS = ENDPOINTS | TOKENIZER


def serves(capabilities: Iterable[str], endpoint: str) -> bool:
    """Whether a model that can do so much answers at this endpoint, a name in `PATHS`."""
    return endpoint in TOKENIZER or endpoint in capabilities


def wrong_endpoint(model: str, asked: str, *, capabilities: Iterable[str]) -> BadRequest:
    """The error for a model that cannot do what was asked; names the endpoints that it can serve."""
    usable = [ENDPOINTS[name] for name in ENDPOINTS if name in set(capabilities)]
    hint = f" Use {' or '.join(usable)}." if usable else ""
    message = f"The model '{model}' does not serve {asked}.{hint}"
    return BadRequest(message, param="model", code="wrong_endpoint")
