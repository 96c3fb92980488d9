"""Which format a chat template teaches."""

from __future__ import annotations

import pytest

from inference.tools.formats import HERMES, LLAMA3, ToolFormat, detect, takes_tools

QWEN = (
    "{%- if tools %}<|im_start|>system\nFor each function call, return a json object within <tool_call></tool_call>:\n"
    '<tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>{%- endif %}'
)
LLAMA = (
    '{%- if tools is not none %}Respond in the format {"name": function name, "parameters": dictionary of argument '
    "name and its value}.{%- endif %}"
)
CODER = "{% if tools %}<tool_call>\n<function=example>\n<parameter=a>{% endif %}"
UNKNOWN = "{% if tools %}[AVAILABLE_TOOLS] {{ tools | tojson }}{% endif %}"
PLAIN = "You know about tools.{% for message in messages %}{{ message.content }}{% endfor %}"


@pytest.mark.parametrize(
    ("template", "form"),
    [
        (QWEN, HERMES),
        (LLAMA, LLAMA3),
        ("{% if tools %}{% endif %}<|python_tag|>", LLAMA3),
        (CODER, None),
        (UNKNOWN, None),
        (PLAIN, None),
        (PLAIN + "<tool_call>", None),
        ("", None),
    ],
)
def test_the_format_is_read_from_the_template(template: str, form: ToolFormat | None) -> None:
    assert detect(template) is form


def test_a_template_takes_tools_when_its_code_looks_at_them() -> None:
    assert takes_tools(UNKNOWN)
    assert not takes_tools(PLAIN)
