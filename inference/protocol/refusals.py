"""Fields of OpenAI's reference and of its extensions that this server does not support yet.

What is not supported is refused with a sentence, never ignored when it would change the answer. To lift one,
delete its line and declare the field in its request model. A field that changes nothing needs no line: unknown fields
are accepted, and named in a header of the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from inference.protocol.errors import BadRequest

# The header that names what a request had for nothing, and the most that it names.
IGNORED_FIELDS = "X-Modelyard-Ignored-Fields"
_MOST_NAMED = 20
_LONGEST_NAME = 64


# JSON's ways to ask for nothing; Python takes 0 for false.
NOTHING: tuple[object, ...] = (False, "", [], {})


@dataclass(frozen=True, slots=True)
class Refusal:
    """A field, the values with which it asks for nothing, and what to say after 'is not supported by this server'."""

    param: str
    harmless: tuple[object, ...] = NOTHING
    hint: str = ""

    def asks(self, value: object) -> bool:
        """Whether a request with this value wants what is not there. A null never does."""
        return value is not None and value not in self.harmless

    def error(self) -> BadRequest:
        """The 400 for a request that uses the field."""
        message = f"'{self.param}' is not supported by this server{self.hint}."
        return BadRequest(message, param=self.param, code="unsupported_parameter")


def refuse(body: Mapping[str, Any], refusals: Iterable[Refusal]) -> None:
    """Raise for the first refused field that `body` makes use of."""
    for refusal in refusals:
        # Few of them are there at all.
        if refusal.param in body and refusal.asks(body[refusal.param]):
            raise refusal.error()


def listed(names: Sequence[str]) -> str:
    """The value of the header. A client may call a field anything, so what no header can have is escaped."""
    return ", ".join(quote(name[:_LONGEST_NAME], safe="", errors="replace") for name in names[:_MOST_NAMED])


_SAMPLING = (
    Refusal("bad_words"),
    Refusal("allowed_token_ids"),
    Refusal("use_beam_search"),
    Refusal("truncate_prompt_tokens"),
    Refusal("skip_special_tokens", (True,), ", except for true"),
    Refusal("guided_grammar", hint="; use a JSON schema or a regular expression"),
)

CHAT = (
    *_SAMPLING,
    Refusal("best_of", (1,), " for chats; use 'n'"),
    Refusal("echo"),
    Refusal("functions", hint="; use 'tools'"),
    Refusal("function_call", ("none", "auto"), "; use 'tool_choice'"),
    Refusal("modalities", (["text"], []), ", except for ['text']"),
    Refusal("audio"),
    Refusal("moderation"),
    Refusal("web_search_options", (False,)),
)

COMPLETIONS = (
    *_SAMPLING,
    Refusal("suffix"),
)

TOKENIZE = (Refusal("chat_template", hint="; a deployment's option names another template"),)
