"""What a step does: every sequence that decodes gets its token, and one prompt comes a chunk further."""

from __future__ import annotations

from collections.abc import Sequence

# Tokens of a prompt that go through the model in one step: others wait this long for their next token at most.
PREFILL_CHUNK = 512


def plan_step(pending: Sequence[int], chunk: int = PREFILL_CHUNK) -> list[int]:
    """How many tokens each sequence feeds now; `pending` are those it has not fed yet, in order of arrival.

    One token is a decode step. More are a prompt: the first prompt in the row advances, the others wait for it.
    """
    plan, prefilling = [], False
    for count in pending:
        if count <= 1:
            plan.append(count)
            continue
        plan.append(0 if prefilling else min(count, chunk))
        prefilling = True
    return plan
