"""From messages and texts to token ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from inference.text.chat import chat_renderer, template_text
from inference.text.detokenizer import Decode
from inference.tools.formats import FORMATS, ToolSyntax, detect, takes_tools


class PromptEncoder:
    """A tokenizer with its chat template, for prompts."""

    def __init__(self, tokenizer: Any, chat_template: str | None) -> None:
        self._tokenizer = tokenizer
        self._render = chat_renderer(tokenizer, chat_template)

    def chat(self, messages: Sequence[Mapping[str, Any]], **template: Any) -> tuple[int, ...]:
        """The template writes the special tokens itself, so none are added."""
        return self._encode(self._render(messages, **template), special=False)

    def text(self, text: str, *, special: bool = True) -> tuple[int, ...]:
        """A plain text, with the special tokens that the tokenizer puts around it or without."""
        return self._encode(text, special=special)

    def texts(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Many plain texts at once, which the tokenizer encodes on all cores."""
        if not texts:
            return []
        encoded = self._tokenizer(list(texts), add_special_tokens=True, truncation=False, padding=False)
        return [tuple(token_ids) or self._start() for token_ids in encoded["input_ids"]]

    def _encode(self, text: str, *, special: bool) -> tuple[int, ...]:
        encoded = self._tokenizer(text, add_special_tokens=special, truncation=False, padding=False)
        return tuple(encoded["input_ids"]) or self._start()

    def _start(self) -> tuple[int, ...]:
        """What an empty prompt becomes: the token that begins texts, else the one that ends them, as OpenAI does."""
        for token_id in (self._tokenizer.bos_token_id, self._tokenizer.eos_token_id):
            if token_id is not None:
                return (int(token_id),)
        return ()


def tool_syntax_of(tokenizer: Any, chat_template: str | None, tool_format: str | None) -> ToolSyntax | None:
    """How the model writes calls of tools: by its template, or by the option where that does not show it."""
    template = template_text(tokenizer, chat_template)
    form = FORMATS[tool_format] if tool_format is not None and takes_tools(template) else detect(template)
    if form is None:
        return None
    return ToolSyntax(form, frozenset({form.opening, form.closing} & tokenizer.get_added_vocab().keys()))


def decoder_of(tokenizer: Any, syntax: ToolSyntax | None = None) -> Decode:
    """Token ids to text, by the tokenizer's core: its wrapper costs ten times as much.

    Special tokens are left out, but for the marks of calls, which some tokenizers count among them.
    """
    core = getattr(tokenizer, "backend_tokenizer", None)
    if core is None:
        return lambda ids: str(tokenizer.decode(list(ids), skip_special_tokens=True))
    special = {token_id: token.content for token_id, token in tokenizer.added_tokens_decoder.items() if token.special}
    marks = syntax.tokens if syntax is not None else frozenset()
    hidden = frozenset(token_id for token_id, content in special.items() if content not in marks)
    if len(hidden) == len(special):
        return lambda ids: str(core.decode(list(ids), skip_special_tokens=True))
    return lambda ids: str(core.decode([one for one in ids if one not in hidden], skip_special_tokens=False))
