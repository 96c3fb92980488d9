"""The requests of a soak: the same number and seed give the same request."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bench.load import prompts
from bench.load.exchange import STAY, Leave
from bench.load.target import CHAT, COMPLETIONS, EMBEDDINGS
from bench.soaking.bad import BAD

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 12},
        "age": {"type": "integer", "minimum": 0, "maximum": 99},
    },
    "required": ["name", "age"],
    "additionalProperties": False,
}
STOPS = [" the", ",", "\n\n", " a"]
# So few that each comes again and again, among other neighbours every time.
SEEDED, PREFIXES = 12, 4


@dataclass(frozen=True, slots=True)
class Job:
    """One request and what is right as its answer.

    `content` replaces the body as it is. `choices` and `generated` are the choices answered and made. Jobs with the
    same `twin` have the same answer.
    """

    path: str
    body: Mapping[str, Any] = field(default_factory=dict)
    kind: str = ""
    content: bytes | None = None
    method: str = "POST"
    expected: int = 200
    leave: Leave = STAY
    choices: int = 1
    generated: int = 1
    twin: str = ""

    @property
    def streamed(self) -> bool:
        """Whether the answer is a stream of events."""
        return bool(self.body.get("stream"))


Make = Callable[[random.Random, int], Job]


def _chat(chance: random.Random, number: int, **more: Any) -> Job:
    body = {"messages": [{"role": "user", "content": prompts.story(number, chance.randint(3, 40))}]}
    return Job(CHAT, body | {"max_tokens": chance.randint(1, 48)} | _taste(chance) | more)


def _completion(chance: random.Random, number: int, **more: Any) -> Job:
    body = {"prompt": f"[{number}] {prompts.words(number, chance.randint(1, 30))}", "max_tokens": chance.randint(1, 48)}
    return Job(COMPLETIONS, body | _taste(chance) | more)


def _taste(chance: random.Random) -> dict[str, Any]:
    """How to draw: of many clients, each has its own idea."""
    return chance.choice(
        (
            {"temperature": 0},
            {},
            {"temperature": 0.7, "top_p": 0.9},
            {"temperature": 1.2, "top_k": 40, "min_p": 0.05},
            {"presence_penalty": 0.5, "frequency_penalty": 0.3, "repetition_penalty": 1.1},
            {"logit_bias": {"11": -100, "28": 3}},
        )
    )


def _choices(job: Job, **how: int) -> Job:
    """With `n`, and perhaps `best_of`."""
    return replace(job, body={**job.body, **how}, choices=how["n"], generated=how.get("best_of", how["n"]))


def _several_prompts(chance: random.Random, number: int) -> Job:
    several = [prompts.words(number + i, 4) for i in range(4)]
    return Job(COMPLETIONS, {"prompt": several, "max_tokens": 12}, choices=4, generated=4)


def _seeded(chance: random.Random, number: int) -> Job:
    which = chance.randrange(SEEDED)
    drawn = {"max_tokens": 24, "temperature": 0.9, "seed": which, "stream": chance.random() < 0.5}
    return Job(CHAT, {"messages": [{"role": "user", "content": prompts.story(which)}], **drawn}, twin=f"seed {which}")


def _long(chance: random.Random, number: int, *, beginning: int) -> Job:
    system = {"role": "system", "content": prompts.words(beginning, chance.randint(600, 900))}
    messages = [system, {"role": "user", "content": f"[{number}] Go on."}]
    return Job(CHAT, {"messages": messages, "max_tokens": 8, "stream": True})


def _structured(chance: random.Random, number: int, **form: Any) -> Job:
    return _chat(chance, number, response_format=form, max_tokens=40, stream=chance.random() < 0.5)


def _embeddings(chance: random.Random, number: int) -> Job:
    texts = [prompts.words(number + i, chance.randint(1, 60)) for i in range(chance.choice((1, 1, 1, 4, 16)))]
    return Job(EMBEDDINGS, {"input": texts, "encoding_format": chance.choice(("float", "base64"))}, choices=len(texts))


def _left(job: Job, **when: Any) -> Job:
    return replace(job, body={**job.body, "max_tokens": 200}, leave=Leave(**when))


def _bad(chance: random.Random, number: int) -> Job:
    one = chance.choice(BAD)
    return Job(one.path, one.body, content=one.content, method=one.method, expected=one.status)


_STREAM = {"stream": True, "stream_options": {"include_usage": True}}
_PERSON = {"name": "person", "schema": SCHEMA, "strict": True}
# How often, and what.
KINDS: Mapping[str, tuple[int, Make]] = {
    "chat, streamed": (18, lambda c, i: _chat(c, i, **_STREAM)),
    "chat": (9, _chat),
    "completion, streamed": (8, lambda c, i: _completion(c, i, **_STREAM)),
    "completion": (5, _completion),
    "several choices": (4, lambda c, i: _choices(_chat(c, i, **_STREAM), n=3)),
    "best_of": (2, lambda c, i: _choices(_completion(c, i), n=2, best_of=3)),
    "several prompts": (2, _several_prompts),
    "logprobs": (4, lambda c, i: _chat(c, i, logprobs=True, top_logprobs=5)),
    "echo": (2, lambda c, i: _completion(c, i, logprobs=2, echo=True)),
    "stops": (4, lambda c, i: _chat(c, i, stop=STOPS, stream=c.random() < 0.5)),
    "seeded": (6, _seeded),
    "json_schema": (4, lambda c, i: _structured(c, i, type="json_schema", json_schema=_PERSON)),
    "json_object": (2, lambda c, i: _structured(c, i, type="json_object")),
    "long, known beginning": (4, lambda c, i: _long(c, i, beginning=c.randrange(PREFIXES))),
    "long, new": (2, lambda c, i: _long(c, i, beginning=i)),
    "embeddings": (8, _embeddings),
    "left in the stream": (5, lambda c, i: _left(_chat(c, i, **_STREAM), pieces=c.randint(1, 20))),
    "left, several choices": (1, lambda c, i: _left(_chat(c, i, **_STREAM, n=4), pieces=c.randint(1, 30))),
    "left waiting": (4, lambda c, i: _left(_chat(c, i), seconds=c.random())),
    "left at once": (1, lambda c, i: _left(_completion(c, i), seconds=0.0)),
    "bad": (8, _bad),
}


def job(number: int, seed: int, kinds: Sequence[str]) -> Job:
    """The request with this number, of one of the kinds."""
    chance = random.Random(f"{seed}:{number}")
    [kind] = chance.choices(kinds, [KINDS[name][0] for name in kinds])
    return replace(KINDS[kind][1](chance, number), kind=kind)
