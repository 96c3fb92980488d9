"""Grammars on the real tokenizer of the demo model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from inference.errors import InvalidRequest
from inference.structured.grammars import MAX_GRAMMAR_CHARACTERS, Grammars
from inference.structured.mask import GrammarMask
from inference.structured.serialize import ForcedTool, Grammar, calls, choice, json_schema, regex, serialized
from inference.tools.formats import HERMES, LLAMA3, ToolFormat, ToolSyntax

pytestmark = pytest.mark.torch  # transformers, whose tokenizer this is, imports it

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
TOOLS = [ForcedTool("greet", PERSON), ForcedTool("stop", {"type": "object", "additionalProperties": False})]
STOP = 2


def allowed(mask: GrammarMask) -> set[int]:
    return set(np.flatnonzero(np.unpackbits(mask.bits().view(np.uint8), bitorder="little")).tolist())


def follows(mask: GrammarMask, token_ids: Sequence[int]) -> bool:
    """Whether each token is allowed after those before it."""
    for token_id in token_ids:
        if token_id not in allowed(mask):
            return False
        mask.accept(token_id)
    return True


def ends(grammars: Grammars, tokenizer: Any, grammar: str, text: str) -> bool:
    """Whether a text follows the grammar to an end, where only the stop token may come if nothing may follow."""
    mask = grammars.mask(grammar)
    return follows(mask, tokenizer(text).input_ids) and STOP in allowed(mask)


TEXTS = [
    (json_schema(PERSON), '{"name": "Ada 😀 東京", "age": 36}', True),
    (json_schema(PERSON), '{\n  "name": "Ada",\n  "age": 36\n}', True),
    (json_schema(PERSON), '{"age": 36, "name": "Ada"}', False),
    (json_schema(PERSON), '{"name": "Ada"}', False),
    (json_schema(PERSON), '{"name": "Ada", "age": "36"}', False),
    (json_schema(PERSON), f'{{"name": "Ada",{" " * 34}"age": 36}}', False),
    (json_schema({"type": "object"}), '{"a": [1, {"b": null}]}', True),
    (json_schema({"type": "object"}), "[1]", False),
    (regex("[0-9]+/[a-z]+"), "12/ab", True),
    (regex("^a\nb$"), "a\nb", True),
    (regex("[0-9]+"), "12a", False),
    (choice(["yes", "n.o", "é🎉"]), "é🎉", True),
    (choice(["yes", "n.o", "é🎉"]), "nxo", False),
]


@pytest.mark.parametrize(("grammar", "text", "wanted"), TEXTS)
def test_only_texts_of_a_grammar_come_to_its_end(
    grammars: Grammars, tokenizer: Any, grammar: Grammar, *, text: str, wanted: bool
) -> None:
    assert ends(grammars, tokenizer, serialized(grammar), text) == wanted


def test_after_the_end_only_the_stop_token_may_come(grammars: Grammars, tokenizer: Any) -> None:
    mask = grammars.mask(serialized(regex("ab")))
    assert STOP not in allowed(mask)
    assert follows(mask, tokenizer("ab").input_ids)
    assert allowed(mask) == {STOP}


def call(form: ToolFormat, name: str, arguments: str) -> str:
    text = f'{{"name": "{name}", "{form.arguments}": {arguments}}}'
    return text if form.bare else f"{form.opening}\n{text}\n{form.closing}"


@pytest.mark.parametrize("form", [HERMES, LLAMA3])
def test_forced_calls_are_those_of_the_tools_and_follow_their_schemas(
    grammars: Grammars, tokenizer: Any, form: ToolFormat
) -> None:
    good, other = call(form, "greet", '{"name": "Ada", "age": 36}'), call(form, "stop", "{}")
    both = calls(TOOLS, ToolSyntax(form), parallel=True)
    assert ends(grammars, tokenizer, both, good)
    assert ends(grammars, tokenizer, both, good + form.separator + other)
    for wrong in (call(form, "greet", "{}"), call(form, "else", "{}"), "Hello", "", good + good):
        assert not ends(grammars, tokenizer, both, wrong)
    single = calls(TOOLS, ToolSyntax(form), parallel=False)
    assert not ends(grammars, tokenizer, single, good + form.separator + other)


def test_where_a_call_is_not_forced_the_answer_may_have_its_own_form(grammars: Grammars, tokenizer: Any) -> None:
    either = calls(TOOLS, ToolSyntax(HERMES), parallel=True, otherwise=json_schema(PERSON))
    assert ends(grammars, tokenizer, either, '{"name": "Ada", "age": 36}')
    assert ends(grammars, tokenizer, either, call(HERMES, "stop", "{}"))
    assert not ends(grammars, tokenizer, either, "Hello")


def test_marks_that_are_tokens_of_their_own_are_forced_as_such(tokenizer: Any) -> None:
    from copy import deepcopy

    marked = deepcopy(tokenizer)
    marked.add_tokens(["<tool_call>", "</tool_call>"])
    syntax = ToolSyntax(HERMES, frozenset({"<tool_call>", "</tool_call>"}))
    # More logits than tokens, as models whose table is padded have them.
    own = Grammars(marked, vocabulary=len(tokenizer) + 64, stop_ids=[STOP])
    mask = own.mask(calls(TOOLS, syntax, parallel=True))
    assert mask.bits().nbytes * 8 == len(tokenizer) + 64
    assert allowed(mask) == {marked.convert_tokens_to_ids("<tool_call>")}
    assert follows(mask, marked(call(HERMES, "stop", "{}")).input_ids)
    own.close()


def reference_chain(length: int) -> dict[str, Any]:
    links = {f"d{i}": {"properties": {"a": {"$ref": f"#/$defs/d{i + 1}"}}} for i in range(length)}
    return {"$defs": {**links, f"d{length}": {"type": "integer"}}, "$ref": "#/$defs/d0"}


REFUSED = [
    (json_schema({"type": "strin"}), "Invalid type: strin"),
    (json_schema({"not": {}}), 'Unimplemented keys: ["not"]'),
    (json_schema({"type": "array", "uniqueItems": True}), 'Unimplemented keys: ["uniqueItems"]'),
    (json_schema({"type": "string", "format": "poem"}), "Unknown format: poem"),
    (json_schema({"type": "string", "pattern": "(?=a)b"}), "look-around"),
    (json_schema({"$ref": "#/nowhere"}), "does not exist"),
    (json_schema({"oneOf": [{"minLength": 1}, {"maxLength": 2}]}), "use 'anyOf'"),
    (json_schema({"$ref": "#"}), "no text can follow it"),
    (regex("("), "unclosed group"),
    (regex("x^a"), "lookarounds not supported yet"),
    (regex("(a*b*)" * 2000), "it is too complex"),
    (regex("a" * MAX_GRAMMAR_CHARACTERS), "it is too large"),
]


@pytest.mark.parametrize(("grammar", "reason"), REFUSED)
def test_what_cannot_be_honoured_is_refused_with_the_reason(grammars: Grammars, grammar: Grammar, reason: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        grammars.prepare(serialized(grammar)).result()
    assert reason in refused.value.message
    assert "\n" not in refused.value.message


def test_a_chain_of_references_that_would_overflow_a_usual_stack_compiles(grammars: Grammars) -> None:
    grammar = serialized(json_schema(reference_chain(1200)))
    grammars.prepare(grammar).result()
    assert grammars.mask(grammar).bits().any()


def test_a_grammar_that_becomes_too_complex_allows_nothing_more(grammars: Grammars, tokenizer: Any) -> None:
    mask = grammars.mask(serialized(regex("((((a{1,100}){1,100}){1,100}){1,100})")))
    (token_id,) = tokenizer("a").input_ids
    count = 0
    while allowed(mask) and count < 100:
        mask.accept(token_id)
        count += 1
    assert allowed(mask) == set()
    assert count < 100


def test_answers_with_the_same_grammar_do_not_share_their_place(grammars: Grammars, tokenizer: Any) -> None:
    first, second = (grammars.mask(serialized(choice(["ab", "cd"]))) for _ in range(2))
    assert follows(first, tokenizer("ab").input_ids)
    assert follows(second, tokenizer("cd").input_ids)
