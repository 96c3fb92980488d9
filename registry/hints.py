"""What to do about a failure: the next step for each kind, with numbers where they are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from inference.protocol.causes import Cause
from registry.measures import format_bytes
from registry.models import Claim, Worker

CONTEXT_STEP = 256  # tokens: a context is proposed as a round number
USABLE = 0.9  # of a device: the rest is for activations and for what an allocator cannot use


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a launch; sizes in bytes, context in tokens, zero or empty when not known.

    `claimed` and `total` are of the smallest device that it claims, which fills up first.
    """

    node: str = ""
    device: str = ""
    path: str = ""
    claimed: int = 0
    total: int = 0
    weights: int = 0
    cache: int = 0
    context: int = 0

    @property
    def here(self) -> str:
        return self.node or "its node"

    @property
    def files(self) -> str:
        return self.path or "the model's path"


NO_FACTS = Facts()

HINTS = {
    Cause.FILES_MISSING: "Copy the model to {files} on {here}, or correct the model's path.",
    Cause.FILES_CORRUPT: "Copy or download the model again to {files} on {here}.",
    Cause.DOWNLOAD: "See whether {here} reaches the hub; gated models need HF_TOKEN in its agent's environment.",
    Cause.ARCHITECTURE: "Choose a model that the engine knows, or install a newer transformers library on {here}.",
    Cause.REMOTE_CODE: "Read the Python files in {files}, and set “trust remote code” of the model if they may run.",
    Cause.OPTIONS: "Correct the deployment's options; the reason names the one that is wrong.",
    Cause.PORT_TAKEN: "Each start asks for a free port: start it again. If it repeats, see what takes ports on {here}.",
    Cause.DRIVER_MISSING: "Check the driver with `nvidia-smi` on {here}, or deploy to the CPU with the option device.",
    Cause.DISK_FULL: "Make room on {here}, where logs and converted models are kept.",
    Cause.NOT_INSTALLED: "Install the engine's packages on {here}, in the environment that its agent runs in.",
    Cause.KILLED: "It is started again. If nobody meant to kill it, see the kernel's log on {here} (`dmesg`).",
    Cause.CRASHED: "The last lines of its log say more. If it comes back, try another dtype or a newer driver.",
    Cause.HUNG: "It is replaced. If it comes back, its log has what it did last.",
    Cause.TIMEOUT: "See its log for what took so long, or raise the deployment's time-out.",
    Cause.NODE_LOST: "See whether {here} runs and reaches the database; its agent goes on by itself.",
    Cause.SPAWN: "See the agent's log on {here}: the process could not be started at all.",
    Cause.EXITED: "The last lines of its log may say more.",
}


def hint_for(cause: str, facts: Facts = NO_FACTS) -> str:
    """The next step in one sentence; empty for a kind that nobody knows."""
    if cause == Cause.GPU_MEMORY:
        return _gpu_memory(facts)
    if cause == Cause.HOST_MEMORY:
        return _host_memory(facts)
    template = {kind.value: text for kind, text in HINTS.items()}.get(cause, "")
    return template.format(files=facts.files, here=facts.here)


def hint_of(worker: Worker) -> str:
    """What the row says, else what is known for its kind of failure."""
    return worker.hint or (hint_for(worker.cause, facts_of(worker)) if worker.cause else "")


def past_hint(worker: Worker) -> str:
    """Of a launch that is over, whose claims are gone: nothing is asked but its row, revision and node."""
    return worker.hint or (hint_for(worker.cause, facts_of(worker, claims=())) if worker.cause else "")


def facts_of(worker: Worker, claims: Sequence[Claim] | None = None) -> Facts:
    """From the row, its revision and its claims, as long as there are any: they go with the process."""
    snapshot, estimate = worker.revision.snapshot, worker.revision.estimate
    claims = list(worker.claims.select_related("device__node")) if claims is None else claims
    tightest = min(claims, key=lambda claim: claim.device.memory_total_bytes, default=None)
    return Facts(
        node=worker.node.name if worker.node else "",
        device=str(tightest.device) if tightest else "",
        path=snapshot.get("path", ""),
        claimed=tightest.bytes if tightest else worker.revision.claim_bytes,
        total=tightest.device.memory_total_bytes if tightest else 0,
        weights=int(estimate.get("weights_bytes", 0)) // max(1, len(claims)),
        cache=int(estimate.get("kv_bytes", 0)) // max(1, len(claims)),
        context=worker.context_length or _whole(snapshot["options"].get("context_length")),
    )


def context_that_fits(facts: Facts) -> int:
    """The longest round context whose cache fits beside the weights; 0 when that is not known, or no advice."""
    if not (facts.context and facts.cache and facts.total):
        return 0
    room = int(USABLE * facts.total) - facts.weights
    tokens = room * facts.context // facts.cache // CONTEXT_STEP * CONTEXT_STEP
    return tokens if 0 < tokens < facts.context else 0


def _gpu_memory(facts: Facts) -> str:
    context = context_that_fits(facts)
    lower = f"Lower context_length from {facts.context} to {context}" if context else "Lower context_length"
    if not context and facts.context:
        lower = f"Lower context_length (now {facts.context})"
    eighth = f" (the weights take {format_bytes(facts.weights)})" if facts.weights else ""
    claim = _claim(facts)
    return f"{lower}, or load the model in 8 bit{eighth}, or give it more memory or another card{claim}."


def _host_memory(facts: Facts) -> str:
    return (
        f"Stop another model on {facts.here}, take a smaller dtype or context_length, or say how much memory it needs, "
        f"so that it is placed where that is free{_claim(facts)}."
    )


def _claim(facts: Facts) -> str:
    if not facts.claimed:
        return ""
    of = f" of {facts.device}'s {format_bytes(facts.total)}" if facts.device else ""
    return f" (it claimed {format_bytes(facts.claimed)}{of})"


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
