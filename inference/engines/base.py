"""What every engine is (load once, count, close), and its two kinds: those that give tokens, and those that proxy."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from inference.errors import InvalidRequest
from inference.failure import Failure
from inference.tools.formats import ToolSyntax

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FinishReason = Literal["stop", "length"]


class Capability(enum.StrEnum):
    """An endpoint family that a loaded model can serve."""

    CHAT = "chat"
    COMPLETIONS = "completions"
    EMBEDDINGS = "embeddings"


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """How far loading is: percent from 0 to 100, and what is being done, in a few words."""

    percent: int
    detail: str


ReportProgress = Callable[[LoadProgress], None]


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """All that an engine may know about its launch; `options` are the deployment's, checked by the engine.

    `environ` is what a process that the engine starts inherits: this one's environment without secrets.
    """

    model: Path
    name: str
    cache_dir: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How to choose tokens. None means: the model's generation_config.json, else the neutral value of the field.

    `max_tokens` None is what is left of the context. `top_k` 0 and `min_p` 0.0 switch these off. `seed` None is a
    fresh one. `logit_bias` is added to the logits of its token ids. Before `min_tokens` are generated nothing ends the
    answer. `stop_token_ids` end it as the model's own stop tokens do. `logprobs` asks for the log probability of every
    token and of so many of the likeliest (0: the token alone); `prompt_logprobs` for those of the prompt's tokens.
    `grammar` is a serialized llguidance grammar that the text has to follow.
    """

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    ignore_eos: bool = False
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    min_tokens: int = 0
    stop_token_ids: tuple[int, ...] = ()
    include_stop: bool = False
    logprobs: int | None = None
    prompt_logprobs: int | None = None
    grammar: str | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """An encoded prompt: the token ids that the model will see, template and special tokens included.

    `continued`: it ends within an answer, whose text goes on.
    """

    token_ids: tuple[int, ...]
    continued: bool = False


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """The natural logarithm of a token's probability before temperature and filters, and the likeliest at its place.

    `top` has (token id, logprob), the likeliest first. Texts and bytes of ids: `TokenEngine.token_bytes`.
    """

    token_id: int
    logprob: float
    top: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Delta:
    """What one step added: text (may be empty while a character is incomplete) and the tokens generated so far.

    `logprobs` has an entry for each token of this step, whether its text is shown yet or not. The first delta carries
    `prompt_logprobs`, an entry a token of the prompt, None for the first, and every delta `cached_tokens`, those of the
    prompt that were not computed again. The last delta carries the finish reason, and in `stop_reason` which stop
    string or token of the request it was. Its count includes the stop token, as OpenAI counts.
    """

    text: str
    completion_tokens: int
    finish_reason: FinishReason | None = None
    logprobs: tuple[TokenLogprob, ...] = ()
    prompt_logprobs: tuple[TokenLogprob | None, ...] | None = None
    cached_tokens: int = 0
    stop_reason: str | int | None = None


class Progress(Protocol):
    """A sequence in an engine's hands; once `finished`, nothing is added to it any more. Read from any thread."""

    @property
    def completion_tokens(self) -> int:
        """The tokens that the engine has made, whether anybody took them or not."""

    @property
    def finished(self) -> bool:
        """Whether it is done, or has left the engine because it was given up."""


@dataclass(eq=False, slots=True)
class Tally:
    """What one sequence takes, for the books. The engine sets `progress` when it lets the sequence in."""

    progress: Progress | None = None
    cached_tokens: int = 0

    @property
    def completion_tokens(self) -> int:
        """The tokens so far; 0 for a sequence that was never let in."""
        return 0 if self.progress is None else self.progress.completion_tokens

    @property
    def final(self) -> bool:
        """Whether the count will not change any more."""
        return self.progress is None or self.progress.finished


@dataclass(frozen=True, slots=True)
class Embeddings:
    """One vector a text, in the order of the texts, [texts, width], and the tokens that went in."""

    vectors: NDArray[np.float32] | Sequence[Sequence[float]]
    prompt_tokens: int


@dataclass(frozen=True, slots=True)
class EngineStats:
    """Counters since the start; `running` and `waiting` are sequences now.

    `stalled_s`: seconds since the last step while there is something to do, else 0. `cache_tokens` is the fixed size of
    the key-value cache, `cache_used_tokens` what running sequences hold of it, `prefix_hit_tokens` counts the prompt
    tokens that were found in it.
    """

    running: int = 0
    waiting: int = 0
    tokens_total: int = 0
    tokens_per_second: float = 0.0
    aborted_total: int = 0
    stalled_s: float = 0.0
    preempted_total: int = 0
    cache_tokens: int = 0
    cache_used_tokens: int = 0
    prefix_hit_tokens: int = 0


@dataclass(frozen=True, slots=True)
class HeldMemory:
    """Bytes that a model holds now and has held at most; zero: not known."""

    bytes: int = 0
    peak_bytes: int = 0


def _say_nothing(failure: Failure) -> None:
    """For an engine whose owner looks at its errors only."""


class Engine(ABC):
    """One loaded model. Everything but `load` and `close` is called on the server's event loop."""

    capabilities: frozenset[Capability] = frozenset()
    context_length: int = 0
    # How many requests it runs at once, the others waiting; None: it does not say.
    max_running: int | None = None
    # What answers depend on beside the options: versions, the way through the model, and which weights these are.
    backend: tuple[str, ...] = ()
    # Whether a model's name on a hub becomes files on this machine, in `config.model`, before `load` is called.
    reads_files: bool = True

    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        # Called once, from any thread, when the engine's own loop has died and nothing can be answered any more.
        self.on_crash: Callable[[Failure], None] = _say_nothing

    @abstractmethod
    def load(self, report: ReportProgress) -> None:
        """Load the model, in a thread of its own. Raises `LoadError` with a reason that a person understands."""

    @abstractmethod
    def stats(self) -> EngineStats:
        """Counters, cheap enough for every heartbeat."""

    def held_outside(self) -> HeldMemory | None:
        """The memory of a model that is not in this process; None: it is."""
        return None

    @abstractmethod
    def close(self) -> None:
        """Stop the engine's threads and processes and give their memory back. What runs ends with an error."""


class TokenEngine(Engine):
    """An engine that gives tokens and vectors, which our server puts into OpenAI's format."""

    # How the loaded model writes calls of tools; None when its chat template takes no tools.
    tool_syntax: ToolSyntax | None = None

    async def check_grammar(self, grammar: str) -> None:
        """Get a serialized llguidance grammar ready for `generate`.

        Raises `InvalidRequest` with the reason, in a few words, when answers cannot be held to it.
        """
        raise InvalidRequest("this model's engine cannot hold its answers to a form")

    @abstractmethod
    def encode_chat(self, messages: Sequence[Mapping[str, Any]], **template: Any) -> Prompt:
        """Messages through the chat template, which sees `template` (such as tools) too.

        With `continue_final_message` the prompt ends with the text of the last message. Raises `InvalidRequest` when
        the template refuses the messages, or changes that text.
        """

    @abstractmethod
    def encode_text(self, text: str, *, special: bool = True) -> Prompt:
        """A plain prompt for completions, with the special tokens that the tokenizer puts around it or without."""

    @abstractmethod
    def token_bytes(self, token_id: int) -> bytes:
        """What a token stands for, which may be a part of a character; for a special token its name, as in vLLM."""

    @abstractmethod
    def generate(self, prompt: Prompt, sampling: SamplingParams, tally: Tally | None = None) -> AsyncIterator[Delta]:
        """Deltas until one has a finish reason. Closing the iterator aborts the sequence within one step.

        The `tally` tells what it took, also after an abort, of whose last token nobody hears.

        Before the first delta raises `InvalidRequest` when the request cannot be answered at all, and
        `EngineOverloaded` when too many wait already.
        """

    @abstractmethod
    async def embed(self, prompts: Sequence[str | tuple[int, ...]]) -> Embeddings:
        """Vectors of texts or of token ids. Raises `InvalidRequest` when one does not fit into the context."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What another server answers: `body` is read once, as it comes, and raises `EngineClosed` when it breaks off."""

    status: int
    headers: Mapping[str, str]
    body: AsyncIterator[bytes]


class ProxyEngine(Engine):
    """An engine that speaks OpenAI's format itself, as another server: its answers are relayed as they are."""

    @abstractmethod
    def forward(self, path: str, body: bytes, *, headers: Mapping[str, str]) -> AbstractAsyncContextManager[Answer]:
        """Pass a request on. Leaving the context aborts it there. Raises `EngineClosed` when nobody answers."""
