"""One answer of the echo engine, word by word, with log probabilities made up so that they never change."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

from inference.engines.base import Delta, FinishReason, Prompt, SamplingParams, TokenLogprob
from inference.engines.echo import words
from inference.text.stop_strings import StopStrings

# Every word's; the others at its place have one less each, down the list.
_LOGPROB = -0.5


class Speech:
    """Says the words of the question, or with `tells_time` when it said each.

    `limit` is the most tokens; with 0 there is only something about the prompt.
    """

    def __init__(self, prompt: Prompt, sampling: SamplingParams, *, limit: int, tells_time: bool = False) -> None:
        self._prompt = prompt
        self._sampling = sampling
        self._limit = limit
        spoken = _words(prompt, endless=sampling.ignore_eos)
        self._words = map(_now, spoken) if tells_time else spoken
        self._stops = StopStrings(sampling.stop)
        self.completion_tokens = 0
        self.finished = False

    def step(self) -> Delta:
        """The next word; the last delta has the reason why nothing follows."""
        known = self._known() if self.completion_tokens == 0 else None
        if self._limit == 0:
            self.finished = True
            return Delta("", 0, "length", prompt_logprobs=known)
        word = next(self._words, None)
        self.completion_tokens += 1
        text = "" if word is None else self._stops.push(word)
        reason = self._reason(word)
        if reason is not None:
            self.finished = True
            text += self._stops.flush()
        return Delta(
            text,
            self.completion_tokens,
            reason,
            self._scores(word),
            prompt_logprobs=known,
            stop_reason=self._stops.matched,
        )

    def _reason(self, word: str | None) -> FinishReason | None:
        # The stop token counts as well.
        if word is None or self._stops.matched is not None:
            return "stop"
        return "length" if self.completion_tokens == self._limit else None

    def _scores(self, word: str | None) -> tuple[TokenLogprob, ...]:
        if self._sampling.logprobs is None:
            return ()
        return (made_up(words.END if word is None else words.encode(word)[0], self._sampling.logprobs),)

    def _known(self) -> tuple[TokenLogprob | None, ...] | None:
        top = self._sampling.prompt_logprobs
        if top is None:
            return None
        return (None, *(made_up(token_id, top) for token_id in self._prompt.token_ids[1:]))


def made_up(token_id: int, top: int) -> TokenLogprob:
    """The token is always the likeliest; behind it come words that nobody says."""
    others = [(words.encode(f" word{place}")[0], _LOGPROB - place) for place in range(1, top)]
    return TokenLogprob(token_id, _LOGPROB, ((token_id, _LOGPROB), *others)[:top])


def _words(prompt: Prompt, *, endless: bool) -> Iterator[str]:
    said = (words.words_left if prompt.continued else words.words_to_echo)(prompt.token_ids)
    return itertools.cycle(said or [" echo"]) if endless else iter(said)


def _now(_: str) -> str:
    return f" {time.time_ns() // 1000}"
