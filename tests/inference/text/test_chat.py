"""Messages through chat templates."""

from __future__ import annotations

from typing import Any

import pytest

from inference.errors import InvalidRequest, LoadError
from inference.text.chat import NEUTRAL_TEMPLATE, chat_renderer, choose_template

MESSAGES = [{"role": "system", "content": "Be short."}, {"role": "user", "content": " Hi "}]


class Jinja:
    """The two things that the renderer reads of a tokenizer, with the real template engine."""

    def __init__(self, chat_template: str | None) -> None:
        self.chat_template = chat_template

    def apply_chat_template(self, messages: list[dict[str, Any]], **options: Any) -> str:
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        environment = ImmutableSandboxedEnvironment()
        environment.globals["raise_exception"] = self._refuse
        template = environment.from_string(options["chat_template"] or self.chat_template)
        return template.render(messages=messages, add_generation_prompt=options["add_generation_prompt"])

    @staticmethod
    def _refuse(message: str) -> None:
        from jinja2 import TemplateError

        raise TemplateError(message)


def test_a_base_model_gets_a_neutral_transcript() -> None:
    prompt = chat_renderer(Jinja(None))(MESSAGES)
    assert prompt == "System: Be short.\n\nUser: Hi\n\nAssistant:"


def test_the_tokenizers_own_template_wins_over_the_neutral_one_and_loses_to_the_option() -> None:
    assert choose_template(Jinja("own"), None) is None
    assert choose_template(Jinja("own"), "mine") == "mine"
    assert choose_template(Jinja(None), None) == NEUTRAL_TEMPLATE
    assert chat_renderer(Jinja("own"), "{{ messages | length }} messages")(MESSAGES) == "2 messages"


def test_what_a_template_says_against_the_messages_reaches_the_client() -> None:
    render = chat_renderer(Jinja("{{ raise_exception('System role not supported') }}"))
    with pytest.raises(InvalidRequest, match=r"refuses these messages: System role not supported\.") as refused:
        render(MESSAGES)
    assert refused.value.param == "messages"


def test_a_template_that_reads_what_a_message_lacks_is_the_clients_error_too() -> None:
    render = chat_renderer(Jinja("{{ messages[0]['tool'] + 'x' }}"))
    with pytest.raises(InvalidRequest, match="chat template refuses"):
        render(MESSAGES)


def test_an_override_that_is_no_template_fails_the_load() -> None:
    with pytest.raises(LoadError, match="'chat_template' is not a Jinja template"):
        chat_renderer(Jinja("own"), "{% for %}")
