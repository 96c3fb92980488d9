"""A sequence in the loop's hands."""

from __future__ import annotations

from dataclasses import dataclass, field

from inference.batching.track import Track
from inference.engines.base import TokenLogprob
from inference.engines.transformers.delivery import Inbox
from inference.engines.transformers.sampling import SamplerState
from inference.engines.transformers.sequence import Sequence


@dataclass(eq=False, slots=True)
class Ticket:
    """`aborted` is set by any thread, all else is the loop's. `scored` are the prompt's log probabilities so far."""

    sequence: Sequence
    inbox: Inbox
    sampler: SamplerState
    track: Track
    aborted: bool = False
    started: bool = False
    cached: int = 0
    scored: list[TokenLogprob] = field(default_factory=list)


def ticket_for(sequence: Sequence, inbox: Inbox, sampler: SamplerState) -> Ticket:
    """A new one. The tokens are copied: the answer's are put behind the prompt's."""
    request = sequence.request
    track = Track(list(request.prompt_ids), wants_prompt=request.sampling.prompt_logprobs is not None)
    return Ticket(sequence, inbox, sampler, track)
