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

    def render(messages: Messages, **variables: Any) -> str:
        try:
            prompt = tokenizer.apply_chat_template(
                list(messages), chat_template=template, tokenize=False, **{"add_generation_prompt": True, **variables}
            )
        except _TEMPLATE_FAULTS as error:
            raise InvalidRequest(_refusal(error), "messages", code="chat_template_refused") from error
        return str(prompt)

    return render


def _check_override(template: str) -> None:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    try:
        # The extension is what transformers' own environment adds to the syntax besides its `generation` tag.
        ImmutableSandboxedEnvironment(extensions=["jinja2.ext.loopcontrols"]).parse(template)
    except TemplateError as error:
        reason = f"The option 'chat_template' is not a Jinja template: {error}."
        raise LoadError(reason, Cause.OPTIONS, hint="Correct it or leave it out.") from error


def _refusal(error: Exception) -> str:
    sentence = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return f"The model's chat template refuses these messages: {sentence.rstrip('.')}."
