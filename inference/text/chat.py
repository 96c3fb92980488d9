"""Messages to a prompt, through the tokenizer's chat template."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jinja2 import TemplateError

from inference.errors import InvalidRequest, LoadError
from inference.protocol.causes import Cause

Messages = Sequence[Mapping[str, Any]]
Render = Callable[..., str]

# For base models, which were never taught a format: a transcript, with nothing in it that favours one family of models.
NEUTRAL_TEMPLATE = (
    "{% for message in messages %}"
    "{{ message['role'] | capitalize }}: {{ message['content'] | trim }}\n\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)
# Stands behind a text that is to be continued, while its end is looked for: templates trim spaces, but no words.
_END = "THE-TEXT-GOES-ON-HERE"
# What templates raise: their own raise_exception, and Python's errors when a message lacks what they read.
_TEMPLATE_FAULTS = (TemplateError, TypeError, ValueError, LookupError, AttributeError)


def choose_template(tokenizer: Any, override: str | None) -> str | None:
    """The template to pass along: an override, None for the tokenizer's own, or the neutral one."""
    if override is not None:
        return override
    return None if tokenizer.chat_template else NEUTRAL_TEMPLATE


def template_text(tokenizer: Any, override: str | None) -> str:
    """The template itself: of several that a tokenizer names, the one for tools."""
    template = choose_template(tokenizer, override) or tokenizer.chat_template
    if isinstance(template, Mapping):
        template = template.get("tool_use") or template.get("default")
    return template or ""


def chat_renderer(tokenizer: Any, override: str | None = None) -> Render:
    """A function from messages to the text of the prompt. Raises `LoadError` when the override is no template."""
    template = choose_template(tokenizer, override)
    if override is not None:
        _check_override(override)

    def apply(messages: Messages, **variables: Any) -> str:
        try:
            prompt = tokenizer.apply_chat_template(
                list(messages), chat_template=template, tokenize=False, **{"add_generation_prompt": True, **variables}
            )
        except _TEMPLATE_FAULTS as error:
            raise _refused(_sentence(error)) from error
        return str(prompt)

    def render(messages: Messages, *, continue_final_message: bool = False, **variables: Any) -> str:
        return _left_open(apply, messages, **variables) if continue_final_message else apply(messages, **variables)

    return render


def _left_open(apply: Render, messages: Messages, **variables: Any) -> str:
    """The prompt up to the end of the last message's text, which stands in it as it is."""
    *before, last = messages
    text: str = last["content"]
    rendered: str = apply([*before, {**last, "content": text + _END}], **variables)
    begin, found, _ = rendered.rpartition(_END)
    # Templates that trim leave the end alone, where the mark stands, and take spaces from the beginning.
    shown = text.lstrip()
    if not found or not begin.endswith(shown):
        raise _refused("it leaves out or changes the last one, so that its text cannot be continued")
    return begin.removesuffix(text if begin.endswith(text) else shown) + text


def _check_override(template: str) -> None:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    try:
        # The extension is what transformers' own environment adds to the syntax besides its `generation` tag.
        ImmutableSandboxedEnvironment(extensions=["jinja2.ext.loopcontrols"]).parse(template)
    except TemplateError as error:
        reason = f"The option 'chat_template' is not a Jinja template: {error}."
        raise LoadError(reason, Cause.OPTIONS, hint="Correct it or leave it out.") from error


def _sentence(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _refused(sentence: str) -> InvalidRequest:
    message = f"The model's chat template refuses these messages: {sentence.rstrip('.')}."
    return InvalidRequest(message, "messages", code="chat_template_refused")
