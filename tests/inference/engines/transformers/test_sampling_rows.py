"""A row's token and log probability are bit for bit those that it has alone, whatever stands beside it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from inference.engines.transformers.defaults import Sampling  # noqa: E402
from inference.engines.transformers.sampling import SamplerState, prompt_logprobs, sample  # noqa: E402
from inference.engines.transformers.sampling.draw import weigh  # noqa: E402

ROWS, STEPS = 32, 2


class OnlyOdd:
    """Lets every second token come, as a grammar would."""

    def bits(self) -> Any:
        return np.full(-(-5003 // 32), 0xAAAAAAAA, dtype=np.uint32).view(np.int32)

    def accept(self, token_id: int) -> None:
        assert token_id % 2


def settings(chance: random.Random) -> Sampling:
    def maybe(value: Any, otherwise: Any) -> Any:
        return value if chance.random() < 0.4 else otherwise

    return Sampling(
        temperature=maybe(0.0, chance.uniform(0.2, 2.0)),
        top_p=maybe(chance.random(), 1.0),
        top_k=maybe(chance.randint(1, 200), 0),
        min_p=maybe(chance.uniform(0.0, 0.2), 0.0),
        presence_penalty=maybe(0.5, 0.0),
        frequency_penalty=maybe(-0.7, 0.0),
        repetition_penalty=maybe(1.3, 1.0),
        seed=chance.randrange(1 << 32),
        logit_bias=maybe({chance.randrange(5003): chance.uniform(-9, 9)}, {}),
        min_tokens=maybe(2, 0),
        logprobs=maybe(chance.randint(0, 20), None),
    )


def states(seed: int, vocabulary: int) -> list[SamplerState]:
    chance = random.Random(seed)
    return [
        SamplerState(
            settings(chance),
            [chance.randrange(vocabulary) for _ in range(9)],
            vocabulary=vocabulary,
            stop_ids=frozenset({3}),
            mask=OnlyOdd() if chance.random() < 0.2 else None,
        )
        for _ in range(ROWS)
    ]


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_a_row_alone_and_among_others_gets_the_same_choice(dtype: Any) -> None:
    torch.manual_seed(7)
    steps = [(torch.randn(ROWS, 5003) * 2).to(dtype) for _ in range(STEPS)]
    together, alone = states(1, 5003), states(1, 5003)
    whole = [sample(together, logits) for logits in steps]
    for row, one in enumerate(alone):
        assert [sample([one], logits[row : row + 1]) for logits in steps] == [[choices[row]] for choices in whole]


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("vocabulary", [5003, 49_152])
def test_weights_are_whole_numbers_and_do_not_depend_on_how_many_rows_there_are(vocabulary: int) -> None:
    torch.manual_seed(8)
    logits = torch.randn(ROWS, vocabulary)
    wanted = [Sampling(temperature=0.7 + row / 50, top_p=0.9 if row % 2 else 1.0) for row in range(ROWS)]
    whole = weigh(logits, wanted)
    # Whole numbers add up exactly, in any order.
    assert torch.equal(whole, whole.floor())
    for size in (1, 5):
        for at in range(0, ROWS, size):
            assert torch.equal(weigh(logits[at : at + size], wanted[at : at + size]), whole[at : at + size])


@pytest.mark.usefixtures("threads")
def test_log_probabilities_of_a_prompt_do_not_depend_on_how_it_is_cut() -> None:
    torch.manual_seed(9)
    logits, ids = torch.randn(70, 5003).to(torch.bfloat16), list(range(70))
    whole = prompt_logprobs(logits, ids, 5)
    for size in (1, 3, 64):
        parts = [prompt_logprobs(logits[at : at + size], ids[at : at + size], 5) for at in range(0, 70, size)]
        assert [logprob for part in parts for logprob in part] == whole
