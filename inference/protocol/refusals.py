"""Fields of OpenAI's reference and of its extensions that this server does not support yet.

What is not supported is refused with a sentence, never ignored when it would change the answer. To lift one,
delete its line and declare the field in its request model. A field that changes nothing needs no line: unknown fields
are accepted, and named in a header of the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from inference.protocol.errors import BadRequest

# The header that names what a request had for nothing, and the most that it names.
IGNORED_FIELDS = "X-Modelyard-Ignored-Fields"
_MOST_NAMED = 20
_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class Refusal:
    """A field, when its value asks for something, and what to say after 'is not supported by this server'."""

    param: str
    asks: Callable[[Any], bool] = bool
    hint: str = ""

    def error(self) -> BadRequest:
        """The 400 for a request that uses the field."""
        message = f"'{self.param}' is not supported by this server{self.hint}."
        return BadRequest(message, param=self.param, code="unsupported_parameter")


def refuse(body: Mapping[str, Any], refusals: Iterable[Refusal]) -> None:
    """Raise for the first refused field that `body` makes use of. A null never asks for anything."""
    for refusal in refusals:
        value = body.get(refusal.param)
        if value is not None and refusal.asks(value):
            raise refusal.error()


def listed(names: Sequence[str]) -> str:
    """The value of the header. A client may call a field anything, so what no header can have is escaped."""
    return ", ".join(quote(name[:_LONGEST_NAME], safe="", errors="replace") for name in names[:_MOST_NAMED])


def _given(value: object) -> bool:
    # 0 asks too: for the old `logprobs` it means the chosen token's alone.
    return value is not False


def _other_than(*harmless: object) -> Callable[[Any], bool]:
    return lambda value: value not in harmless


_SAMPLING = (
    Refusal("bad_words"),
    Refusal("allowed_token_ids"),
    Refusal("use_beam_search"),
    Refusal("truncate_prompt_tokens"),
    Refusal("skip_special_tokens", lambda value: value is False, " when it is false"),
    Refusal("guided_grammar", hint="; use a JSON schema or a regular expression"),
)

CHAT = (
    *_SAMPLING,
    Refusal("best_of", _other_than(1), " for chats; use 'n'"),
    Refusal("echo"),
    Refusal("functions", hint="; use 'tools'"),
    Refusal("function_call", _other_than("none", "auto"), "; use 'tool_choice'"),
    Refusal("modalities", _other_than(["text"], []), ", except for ['text']"),
    Refusal("audio"),
    Refusal("moderation"),
    Refusal("web_search_options", _given),
)

COMPLETIONS = (
    *_SAMPLING,
    Refusal("suffix"),
)

TOKENIZE = (
    Refusal("continue_final_message"),
    Refusal("chat_template", hint="; a deployment's option names another template"),
)
