"""Compiles grammars for one model's tokenizer, off the event loop, and keeps the last ones."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from inference.errors import InvalidRequest
from inference.structured.mask import GrammarMask
from inference.structured.reasons import reason_of

if TYPE_CHECKING:
    from llguidance import LLMatcher, LLParserLimits, LLTokenizer

# Schemas of this size take 0.1 s, those written to be slow 5 s.
MAX_GRAMMAR_CHARACTERS = 100_000
# Compiled grammars that are kept, of 0.1 to 50 MB each.
_KEPT = 32
# The library follows references by recursion, with about 10 kB of stack a level, and a stack that overflows ends the
# process. This one has room for all that fits into the limit above; only what is used of it takes memory.
_STACK_BYTES = 256 << 20
# The library's own limit is 250,000, of 1 to 2 kB each.
_LEXER_STATES = 50_000


class Grammars:
    """The grammars of one model. `vocabulary` is the number of its logits; `stop_ids` are what ends an answer."""

    def __init__(self, tokenizer: Any, *, vocabulary: int, stop_ids: Iterable[int]) -> None:
        self._tokenizer = tokenizer
        self._vocabulary = vocabulary
        self._stop_ids = sorted(stop_ids)
        self._compiled: OrderedDict[str, LLMatcher] = OrderedDict()
        self._lock = threading.Lock()
        self._executor: ThreadPoolExecutor | None = None
        # Made in the executor's only thread.
        self._tokens: LLTokenizer | None = None

    def prepare(self, serialized: str) -> Future[None]:
        """Compile in a thread of ours. The future raises `InvalidRequest` with the reason when that cannot be."""
        if self._kept(serialized) is not None:
            return _done()
        with self._lock:
            executor = self._executor = self._executor or _spacious_executor()
        return executor.submit(self._compile, serialized)

    def mask(self, serialized: str) -> GrammarMask:
        """For a new answer. Waits for the thread when the grammar was not prepared, or is forgotten again."""
        while (matcher := self._kept(serialized)) is None:
            self.prepare(serialized).result()
        assert self._tokens is not None
        return GrammarMask(matcher.deep_copy(), tokens=self._tokens.vocab_size, vocabulary=self._vocabulary)

    def close(self) -> None:
        """End the thread, once it has done what it is at."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)

    def _kept(self, serialized: str) -> LLMatcher | None:
        with self._lock:
            matcher = self._compiled.get(serialized)
            if matcher is not None:
                self._compiled.move_to_end(serialized)
            return matcher

    def _compile(self, serialized: str) -> None:
        if len(serialized) > MAX_GRAMMAR_CHARACTERS:
            size = f"{len(serialized)} characters, while {MAX_GRAMMAR_CHARACTERS} are allowed"
            raise InvalidRequest(f"it is too large: {size}")
        if self._kept(serialized) is not None:
            return
        self._tokens = self._tokens or self._token_index()
        matcher = _matcher(serialized, self._tokens)
        with self._lock:
            self._compiled[serialized] = matcher
            while len(self._compiled) > _KEPT:
                self._compiled.popitem(last=False)

    def _token_index(self) -> LLTokenizer:
        """The tokens as the library needs them: up to a second for a large vocabulary."""
        from llguidance.hf import from_tokenizer

        size = max(self._vocabulary, len(self._tokenizer))
        try:
            return from_tokenizer(self._tokenizer, n_vocab=size, eos_token=self._stop_ids or None)
        except ValueError as error:
            raise InvalidRequest(f"this model's tokenizer does not allow it: {reason_of(str(error))}") from error


def _matcher(serialized: str, tokens: LLTokenizer) -> LLMatcher:
    from llguidance import LLMatcher

    limits = _limits()
    failed, remarks = LLMatcher.validate_grammar_with_warnings(serialized, tokens, limits=limits)
    if failed or remarks:
        raise InvalidRequest(reason_of(remarks[0]))
    matcher = LLMatcher(tokens, serialized, log_level=0, limits=limits)
    # A grammar may be correct and too large all the same, which only shows when it is used.
    trial = matcher.deep_copy()
    trial.compute_bitmask()
    if trial.is_error():
        raise InvalidRequest(reason_of(trial.get_error()))
    return matcher


def _limits() -> LLParserLimits:
    from llguidance import LLParserLimits

    return LLParserLimits(max_lexer_states=_LEXER_STATES, verbose_errors=False)


def _spacious_executor() -> ThreadPoolExecutor:
    """One thread with a large stack. Another thread that starts at the same moment gets one too, to no harm."""
    executor = ThreadPoolExecutor(1, thread_name_prefix="grammars")
    usual = threading.stack_size(_STACK_BYTES)
    try:
        executor.submit(int).result()
    finally:
        threading.stack_size(usual)
    return executor


def _done() -> Future[None]:
    future: Future[None] = Future()
    future.set_result(None)
    return future
