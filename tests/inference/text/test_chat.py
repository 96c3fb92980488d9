"""Messages through chat templates."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chat_templates import LLAMA, QWEN

from inference.errors import InvalidRequest, LoadError
from inference.protocol.chat import ChatCompletionRequest
from inference.text.chat import NEUTRAL_TEMPLATE, chat_renderer, choose_template, template_text
from inference.tools.formats import HERMES, LLAMA3, ToolFormat, detect

MESSAGES = [{"role": "system", "content": "Be short."}, {"role": "user", "content": " Hi "}]


class Jinja:
    """The two things that the renderer reads of a tokenizer, with the real template engine."""

    def __init__(self, chat_template: str | None) -> None:
        self.chat_template = chat_template

    def apply_chat_template(self, messages: list[dict[str, Any]], **options: Any) -> str:
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        environment.globals["raise_exception"] = self._refuse
        # As transformers has it; Jinja's own escapes what HTML would read.
        environment.filters["tojson"] = lambda value, indent=None: json.dumps(value, indent=indent)
        template = environment.from_string(options.pop("chat_template") or self.chat_template)
        return template.render(messages=messages, **{"tools": None, **options})

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


TRIMS = "{% for m in messages %}<{{ m.role }}>\n{{ m.content | trim }}<end>{% endfor %}"
KEEPS = TRIMS.replace(" | trim", "")
OPEN = {"add_generation_prompt": False, "continue_final_message": True}


@pytest.mark.parametrize("template", [TRIMS, KEEPS, QWEN, NEUTRAL_TEMPLATE])
@pytest.mark.parametrize("text", ["One, two", " One, two \n", "", "THE-TEXT-GOES-ON-HERE", "One THE-TEXT"])
def test_an_open_answer_ends_the_prompt_exactly_as_it_is(template: str, text: str) -> None:
    said = [*MESSAGES, {"role": "assistant", "content": "One"}, {"role": "assistant", "content": text}]
    render = chat_renderer(Jinja(template))
    before = render([*said[:-1], {"role": "assistant", "content": ""}], add_generation_prompt=False)
    prompt = render(said, **OPEN)
    assert prompt.endswith(text)
    assert before.startswith(prompt.removesuffix(text).rstrip(" "))


@pytest.mark.parametrize("change", ["m.content.split('</think>')[-1]", "m.content | upper", "m.content[:3]"])
def test_a_template_that_changes_the_open_answer_is_a_refusal(change: str) -> None:
    render = chat_renderer(Jinja(KEEPS.replace("m.content", change)))
    with pytest.raises(InvalidRequest, match="cannot be continued") as refused:
        render([*MESSAGES, {"role": "assistant", "content": "thoughts</think>answer"}], **OPEN)
    assert (refused.value.param, refused.value.code) == ("messages", "chat_template_refused")


TOOL = {"type": "function", "function": {"name": "f", "description": "Does <it>."}}
SAID = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": "<b>"}'}}
CHAT = [
    {"role": "user", "content": "Do it."},
    {"role": "assistant", "content": None, "tool_calls": [SAID]},
    {"role": "tool", "tool_call_id": "1", "content": "done"},
]


def rendered(template: str, **fields: Any) -> str:
    """A request with tools through a template, as the server does it."""
    request = ChatCompletionRequest.parse({"model": "m", "messages": CHAT, "tools": [TOOL], **fields})
    tools = [tool.for_template() for tool in request.usable_tools]
    messages = [message.for_template() for message in request.messages]
    return chat_renderer(Jinja(template))(messages, tools=tools, **request.chat_template_kwargs)


def test_a_template_of_qwens_kind_shows_tools_calls_and_results() -> None:
    prompt = rendered(QWEN)
    assert '<tools>\n{"type": "function", "function": {"name": "f", "description": "Does <it>."' in prompt
    assert (
        '<|im_start|>assistant\n<tool_call>\n{"name": "f", "arguments": {"a": "<b>"}}\n</tool_call><|im_end|>' in prompt
    )
    assert "<tool_response>\ndone\n</tool_response>" in prompt
    assert prompt.endswith("<|im_start|>assistant\n")


def test_a_template_of_llamas_kind_shows_them_too_and_refuses_two_calls_at_once() -> None:
    assert '\n\n{"name": "f", "parameters": {"a": "<b>"}}<|eot_id|>' in rendered(LLAMA)
    twice = [CHAT[0], {"role": "assistant", "tool_calls": [SAID, SAID]}]
    with pytest.raises(InvalidRequest, match="only supports single tool-calls"):
        rendered(LLAMA, messages=twice)


def test_a_request_may_set_variables_of_the_template() -> None:
    assert rendered(QWEN, chat_template_kwargs={"enable_thinking": False}).endswith("<think>\n\n</think>\n\n")


@pytest.mark.parametrize(("template", "form"), [(QWEN, HERMES), (LLAMA, LLAMA3), (NEUTRAL_TEMPLATE, None)])
def test_the_format_of_calls_is_seen_in_the_template(template: str, form: ToolFormat | None) -> None:
    assert detect(template_text(Jinja(template), None)) is form


def test_of_several_templates_the_one_for_tools_is_looked_at() -> None:
    several: Any = {"default": "{{ messages }}", "tool_use": QWEN}
    assert template_text(Jinja(several), None) == QWEN
    assert template_text(Jinja(several), "mine") == "mine"
    assert template_text(Jinja(None), None) == NEUTRAL_TEMPLATE
