"""From what a request asks about the form of its answer to a grammar that the engine can follow."""

from __future__ import annotations

from collections.abc import Sequence

from inference.engines.base import TokenEngine
from inference.errors import InvalidRequest
from inference.protocol.chat import ChatCompletionRequest
from inference.protocol.errors import BadRequest
from inference.protocol.response_format import Constraint
from inference.protocol.tools import Tool
from inference.structured import serialize
from inference.structured.closing import closed
from inference.tools.formats import ToolSyntax
from inference.tools.parser import Expected

_CODE = "unsupported_format"


def tool_syntax(request: ChatCompletionRequest, engine: TokenEngine) -> ToolSyntax | None:
    """How calls will be written; None when the model gets no tools. Raises `BadRequest` when it could not take any."""
    if not request.usable_tools:
        return None
    if engine.tool_syntax is None:
        message = (
            f"The model '{request.model}' takes no tools: its chat template has no place for them, or asks for calls "
            "in a form that this server cannot read. Leave 'tools' out, or send tool_choice 'none'."
        )
        raise BadRequest(message, param="tools", code="tools_not_supported")
    return engine.tool_syntax


def expected_calls(request: ChatCompletionRequest, syntax: ToolSyntax | None) -> Expected | None:
    """What to look for in the answer's text."""
    if syntax is None:
        return None
    names = frozenset(tool.function.name for tool in request.usable_tools)
    return Expected(syntax.form, names, most=None if request.parallel_tool_calls else 1)


async def answer_grammar(engine: TokenEngine, constraint: Constraint | None) -> str | None:
    """The grammar of an answer without tools. Raises `BadRequest` when the engine cannot follow it."""
    if constraint is None:
        return None
    grammar = serialize.serialized(_grammar(constraint))
    await _check(engine, grammar, param=constraint.param)
    return grammar


async def chat_grammar(engine: TokenEngine, request: ChatCompletionRequest, syntax: ToolSyntax | None) -> str | None:
    """The grammar of a chat's answer: forced calls, a form, or where both may come either of them."""
    constraint = request.constraint
    if syntax is None or not (request.tool_choice.forces or constraint is not None):
        return await answer_grammar(engine, constraint)
    forced = request.tool_choice.forces
    if not forced and syntax.form.bare:
        message = (
            "This model's calls of tools cannot be told from an answer in JSON, so 'tools' and "
            f"'{_field(constraint)}' cannot be combined. Leave one of them out."
        )
        raise BadRequest(message, param=_field(constraint), code=_CODE)
    grammar = serialize.calls(
        [serialize.ForcedTool(tool.function.name, closed(tool.function.parameters)) for tool in request.forced_tools],
        syntax,
        parallel=request.parallel_tool_calls and request.tool_choice.name is None,
        otherwise=None if forced or constraint is None else _grammar(constraint),
    )
    try:
        await engine.check_grammar(grammar)
    except InvalidRequest as error:
        await _blame(engine, request.tools)
        await answer_grammar(engine, constraint)
        raise _refusal("tools", error) from error
    return grammar


async def _blame(engine: TokenEngine, tools: Sequence[Tool]) -> None:
    """Raise `BadRequest` for the first tool whose schema is the reason."""
    for index, tool in enumerate(tools):
        alone = serialize.serialized(serialize.json_schema(closed(tool.function.parameters)))
        await _check(engine, alone, param=f"tools[{index}].function.parameters")


async def _check(engine: TokenEngine, grammar: str, *, param: str) -> None:
    try:
        await engine.check_grammar(grammar)
    except InvalidRequest as error:
        raise _refusal(param, error) from error


def _refusal(param: str, error: InvalidRequest) -> BadRequest:
    return BadRequest(f"'{param}' cannot be honoured: {error.message.rstrip('.')}.", param=param, code=_CODE)


def _grammar(constraint: Constraint) -> serialize.Grammar:
    if constraint.schema is not None:
        return serialize.json_schema(constraint.schema)
    return serialize.choice(constraint.choice) if constraint.regex is None else serialize.regex(constraint.regex)


def _field(constraint: Constraint | None) -> str:
    return "response_format" if constraint is None else constraint.param.partition(".")[0]
