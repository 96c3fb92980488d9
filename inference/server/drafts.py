"""What was generated for a request: its deltas become finished choices and counted tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from inference.engines.base import Delta, Tally, TokenLogprob
from inference.protocol.requests import GenerationRequest
from inference.protocol.responses import Choice, Usage
from inference.server.generation import ChoiceSpec
from inference.server.logprobs import Logprobs, Scored, TokenBytes, prompt_logprobs
from inference.tools.parser import CallDelta, Expected, ToolCallParser, joined

LogprobsFormat = Callable[[TokenBytes, int], Logprobs]
Draft = Sequence[Delta]


@dataclass(frozen=True, slots=True)
class Generation:
    """A validated request with its prompts encoded; a prompt's tokens count once, however many choices it has.

    `calls` are the calls of tools that may be in the answers' texts.
    """

    request: GenerationRequest
    specs: Sequence[ChoiceSpec]
    prompt_tokens: int
    calls: Expected | None = None

    def taken(self) -> Usage:
        """What the engine counted, also of tokens that nobody was there to read; nothing if it let nothing in."""
        tallies = [None if spec.tally.progress is None else spec.tally for spec in self.specs]
        return self.usage(tallies) if any(tallies) else Usage(0, 0)

    @property
    def settled(self) -> bool:
        """Whether the engine has let go of all its sequences."""
        return all(spec.tally.final for spec in self.specs)

    def usage(self, newest: Sequence[Delta | Tally | None]) -> Usage:
        """The tokens so far, by the newest delta of each choice; candidates that are not returned count too."""
        begun = [(index, delta) for index, delta in enumerate(newest) if delta is not None]
        cached: dict[int, int] = {}
        for index, delta in begun:
            prompt = index // self.request.candidates
            # What one choice computed, the others of the same prompt may have found: it was computed all the same.
            cached[prompt] = min(delta.cached_tokens, cached.get(prompt, delta.cached_tokens))
        return Usage(self.prompt_tokens, sum(delta.completion_tokens for _, delta in begun), sum(cached.values()))


class Collector:
    """Keeps the deltas until all choices are finished."""

    def __init__(self, choices: int) -> None:
        self.drafts: list[list[Delta]] = [[] for _ in range(choices)]

    async def deliver(self, index: int, delta: Delta) -> None:
        """Take the next delta of a choice."""
        self.drafts[index].append(delta)


class Editor:
    """Makes choices of drafts, with their log probabilities in the format of an endpoint."""

    def __init__(self, generation: Generation, token_bytes: TokenBytes, form: LogprobsFormat) -> None:
        self._request = generation.request
        self._calls = generation.calls
        self._bytes = token_bytes
        self._form = form

    async def choices(self, specs: Sequence[ChoiceSpec], drafts: Sequence[Draft]) -> list[Choice]:
        """The `n` best of each prompt, renumbered; in the order of their seeds unless there are more candidates."""
        chosen = chosen_drafts(drafts, candidates=self._request.candidates, n=self._request.n)
        choices = []
        for index, draft in enumerate(chosen):
            choices.append(self._choice(index, specs[draft], drafts[draft]))
            # Thousands of tokens with twenty others each take 50 ms; running streams get their turn in between.
            await asyncio.sleep(0)
        return choices

    def _choice(self, index: int, spec: ChoiceSpec, draft: Draft) -> Choice:
        last = draft[-1]
        text, calls = self._text(draft)
        return Choice(
            index,
            spec.echo + text,
            finish_reason(last, called=bool(calls)),
            last.stop_reason,
            self._logprobs(spec, draft),
            self._prompt_logprobs(draft[0]),
            calls,
        )

    def _text(self, draft: Draft) -> tuple[str, tuple[CallDelta, ...]]:
        text = "".join(delta.text for delta in draft)
        if self._calls is None:
            return text, ()
        parser = ToolCallParser(self._calls)
        found, rest = parser.push(text), parser.finish()
        return found.content + rest.content, joined([*found.calls, *rest.calls])

    def _logprobs(self, spec: ChoiceSpec, draft: Draft) -> dict[str, Any] | None:
        if self._request.tops is None:
            return None
        rendering = self._form(self._bytes, self._request.tops)
        generated = scored(token for delta in draft for token in delta.logprobs)
        if not self._request.echoes:
            return rendering.render(generated)
        rendering.follow(spec.prompt.token_ids, spec.echo)
        return rendering.render([*echoed(spec, draft[0]), *generated])

    def _prompt_logprobs(self, first: Delta) -> list[dict[str, Any] | None] | None:
        if self._request.prompt_logprobs is None or first.prompt_logprobs is None:
            return None
        return prompt_logprobs(first.prompt_logprobs, self._bytes, tops=self._request.prompt_logprobs)


def chosen_drafts(drafts: Sequence[Draft], *, candidates: int, n: int) -> list[int]:
    """Which drafts are returned: of each prompt's candidates the `n` likeliest, the best one first."""
    if candidates == n:
        return list(range(len(drafts)))
    prompts = [range(start, start + candidates) for start in range(0, len(drafts), candidates)]
    # Stable: of equal ones the first, so that the same seed gives the same answer.
    ranked = [sorted(prompt, key=lambda draft: -mean_logprob(drafts[draft])) for prompt in prompts]
    return [draft for prompt in ranked for draft in prompt[:n]]


def mean_logprob(draft: Draft) -> float:
    """The log probability per token, by which OpenAI ranks candidates."""
    logprobs = [token.logprob for delta in draft for token in delta.logprobs]
    return sum(logprobs) / max(1, len(logprobs))


def finish_reason(last: Delta, *, called: bool) -> str:
    """OpenAI's: an answer that ended with calls waits for their results; one that was cut may be cut in a call."""
    return "tool_calls" if called and last.finish_reason == "stop" else last.finish_reason or ""


def scored(tokens: Iterable[TokenLogprob]) -> list[Scored]:
    """The tokens of a step, as they are rendered."""
    return [(token.token_id, token) for token in tokens]


def echoed(spec: ChoiceSpec, first: Delta) -> list[Scored]:
    """The tokens of a prompt that an answer begins with; none unless the engine was asked about them."""
    return [] if first.prompt_logprobs is None else list(zip(spec.prompt.token_ids, first.prompt_logprobs, strict=True))
