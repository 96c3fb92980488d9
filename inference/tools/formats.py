"""How families of models write the calls of tools, and which of these a chat template asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class ToolFormat:
    """A call is an object with a name and, under the key `arguments`, what the tool gets.

    It stands between `opening` and `closing`, which is empty where nothing closes it. A `bare` one may also begin the
    answer without its mark. `separator` is what forced calls have between them.
    """

    name: str
    opening: str
    closing: str
    arguments: str
    bare: bool
    separator: str


# Hermes 2 and 3, Qwen 2.5 and 3, SmolLM3 and others that were taught with NousResearch's prompts:
# <tool_call>\n{"name": ..., "arguments": {...}}\n</tool_call>
HERMES = ToolFormat("hermes", "<tool_call>", "</tool_call>", arguments="arguments", bare=False, separator="\n")
# Llama 3.1 and later: {"name": ..., "parameters": {...}}, with or without the token for "code follows" before it.
LLAMA3 = ToolFormat("llama3", "<|python_tag|>", "", arguments="parameters", bare=True, separator="; ")

FORMATS: Mapping[str, ToolFormat] = MappingProxyType({form.name: form for form in (HERMES, LLAMA3)})


@dataclass(frozen=True, slots=True)
class ToolSyntax:
    """A format as one model's tokenizer has it: `tokens` are those of its marks that are a token of their own."""

    form: ToolFormat
    tokens: frozenset[str] = frozenset()


_CODE = re.compile(r"\{[%{].*?[%}]\}", re.DOTALL)
_TOOLS = re.compile(r"\btools\b")
# The sentence of Llama's own templates: {"name": function name, "parameters": dictionary of argument name ...}
_NAME_AND_PARAMETERS = re.compile(r'"name":[^{}]{0,80}"parameters":')


def takes_tools(template: str) -> bool:
    """Whether a chat template looks at tools at all."""
    return any(_TOOLS.search(code) for code in _CODE.findall(template))


def detect(template: str) -> ToolFormat | None:
    """The format that a chat template teaches; None when it takes no tools, or has a format that we do not read."""
    # Qwen3-Coder has Hermes' marks around calls in XML.
    if not takes_tools(template) or "<function=" in template:
        return None
    if HERMES.opening in template:
        return HERMES
    if LLAMA3.opening in template or _NAME_AND_PARAMETERS.search(template):
        return LLAMA3
    return None
