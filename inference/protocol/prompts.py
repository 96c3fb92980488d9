"""What completions and embeddings read: one or several texts, or token ids."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from inference.protocol.problems import json_type, problem

TextOrTokens = str | tuple[int, ...]

# OpenAI's limit of inputs in one request.
MAX_PROMPTS = 2048
# What clients may write, for the description of the API.
TokenId = Annotated[int, Field(ge=0)]
_TokenIds = Annotated[list[TokenId], Field(min_length=1)]
_NotEmpty = Annotated[str, Field(min_length=1)]
Prompts = str | _TokenIds | Annotated[list[str | _TokenIds], Field(min_length=1, max_length=MAX_PROMPTS)]
Inputs = _NotEmpty | _TokenIds | Annotated[list[_NotEmpty | _TokenIds], Field(min_length=1, max_length=MAX_PROMPTS)]


def prompt_list(value: object) -> object:
    """A validator: string, strings, token ids or lists of token ids become a tuple with one item a prompt."""
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list):
        raise problem(f"must be a string, or an array of strings or token ids, not {json_type(value)}")
    if not value:
        raise problem("must not be empty")
    if _is_token_id(value[0]):
        return (token_ids(value),)
    if len(value) > MAX_PROMPTS:
        raise problem(f"must have at most {MAX_PROMPTS} items, not {len(value)}")
    return tuple(_prompt(item, f"[{index}]") for index, item in enumerate(value))


def _prompt(item: Any, at: str) -> TextOrTokens:
    if isinstance(item, str):
        return item
    if not isinstance(item, list):
        raise problem(f"must be a string or an array of token ids, not {json_type(item)}", at=at)
    if not item:
        raise problem("must not be empty", at=at)
    return token_ids(item, at=at)


def token_ids(items: list[Any], *, at: str = "") -> tuple[int, ...]:
    """The items, when all are numbers that a token may have; `at` leads to the list within its field."""
    for index, item in enumerate(items):
        if not _is_token_id(item):
            raise problem(f"must be a token id, not {json_type(item)}", at=f"{at}[{index}]")
        if item < 0:
            raise problem(f"must be at least 0, not {item}", at=f"{at}[{index}]")
    return tuple(items)


def _is_token_id(item: object) -> bool:
    return isinstance(item, int) and not isinstance(item, bool)
