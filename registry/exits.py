"""Why a process ended: what its agent saw, what its log said last, and what to do about it."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass

from inference.protocol.causes import Cause
from registry.hints import NO_FACTS, Facts, facts_of, hint_for
from registry.models import Worker
from registry.states import Order

LAST_LINES = 40  # of a log: what a process says while it dies; before that it may have overcome an error
LONGEST_LINE = 300
# By themselves processes do not do this: somebody sent them.
FROM_OUTSIDE = frozenset(
    {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2}
)
# The worker's own last words, where it could not tell the database.
OWN_WORDS = re.compile(r"python -m inference: (.+)")
OWN_CAUSE = re.compile(rf"Cause: ({'|'.join(Cause)})$")
# A worker's line that tells of its work, and so not why it ended.
ALL_WELL = re.compile(r"\d{4}-\d\d-\d\d \S+ (?:DEBUG|INFO) ")
# What libraries and kernels say, the more exact before the more general; a log is read from its end.
SAYINGS = [
    (re.compile(pattern), cause)
    for pattern, cause in (
        (r"OutOfMemoryError|CUDA out of memory|CUDA error: out of memory", Cause.GPU_MEMORY),
        (r"no NVIDIA driver|driver version is insufficient|no CUDA-capable device|libcuda\.so", Cause.DRIVER_MISSING),
        (r"CUDA error|device-side assert|CUBLAS_STATUS|CUDNN_STATUS", Cause.CRASHED),
        (r"No space left on device", Cause.DISK_FULL),
        (r"[Aa]ddress already in use", Cause.PORT_TAKEN),
        (r"MemoryError|bad_alloc|t allocate memory|[Oo]ut of memory: Killed|^Killed$", Cause.HOST_MEMORY),
        (r"ModuleNotFoundError|ImportError|cannot open shared object file", Cause.NOT_INSTALLED),
        (r"trust_remote_code", Cause.REMOTE_CODE),
        (r"SafetensorError|UnpicklingError", Cause.FILES_CORRUPT),
        (r"FileNotFoundError", Cause.FILES_MISSING),
    )
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEnd:
    """What is known of an end. `code`: negative is a signal, None not known. `evidence`: the agent's own finding."""

    code: int | None
    note: str = ""
    witnessed: bool = True
    evidence: str = ""
    log: str = ""
    ordered: bool = False
    facts: Facts = NO_FACTS


@dataclass(frozen=True, slots=True)
class Explanation:
    """A sentence, the kind (`Cause`, empty for an end that was ordered), and what to do next."""

    cause: str
    reason: str
    hint: str = ""


def end_of(worker: Worker) -> ProcessEnd:
    """From the row of a launch whose process is gone."""
    return ProcessEnd(
        code=worker.exit_code,
        note=worker.exit_note,
        witnessed=worker.exit_witnessed,
        evidence=worker.exit_cause,
        log=worker.log_tail,
        ordered=worker.order != Order.RUN,
        facts=facts_of(worker),
    )


def explain_exit(end: ProcessEnd) -> Explanation:
    """The most certain first: the agent's finding, the worker's own words, what its log says, the exit code alone."""
    if end.ordered:
        return Explanation("", _sentence(end, end.note))
    cause, words = _finding(end)
    return Explanation(cause, _sentence(end, words), hint_for(cause, end.facts))


def _finding(end: ProcessEnd) -> tuple[str, str]:
    """The kind of the end, and the words that show it."""
    lines = [line.strip() for line in end.log.splitlines() if line.strip()][-LAST_LINES:]
    if end.evidence:
        return end.evidence, end.note
    if _killed_from_outside(end.code):
        # The log of a process that was killed ends anywhere: what it says is not why.
        return Cause.KILLED, "" if lines and lines[-1].startswith(end.note) else end.note
    return _own_words(lines) or _saying(lines) or (_by_code(end), "" if ALL_WELL.match(end.note) else end.note)


def _own_words(lines: list[str]) -> tuple[str, str] | None:
    for index in reversed(range(len(lines))):
        if words := OWN_WORDS.match(lines[index]):
            named = OWN_CAUSE.search(lines[index - 1]) if index else None
            # Bad arguments are said before anything else is.
            return (named[1] if named else Cause.OPTIONS), words[1][:LONGEST_LINE]
    return None


def _saying(lines: list[str]) -> tuple[str, str] | None:
    for line in reversed(lines):
        for pattern, cause in SAYINGS:
            if pattern.search(line):
                return cause, line[:LONGEST_LINE]
    return None


def _by_code(end: ProcessEnd) -> Cause:
    if not end.witnessed:
        return Cause.NODE_LOST
    crashed = end.code is not None and (end.code < 0 or end.code > 1)
    return Cause.CRASHED if crashed or "Traceback (most recent call last)" in end.log else Cause.EXITED


def _sentence(end: ProcessEnd, words: str) -> str:
    if end.code == -signal.SIGKILL and end.witnessed and not words:
        words = "by somebody on the machine, or by the kernel because memory ran out"
    return f"{_how(end)}: {words}" if words else _how(end)


def _how(end: ProcessEnd) -> str:
    if not end.witnessed:
        return "the process ended while no agent was watching"
    if end.code is None:
        return "the process is gone and its exit code is not known"
    if end.code < 0:
        return f"killed by signal {-end.code} ({_name(-end.code)})"
    if end.code == 0:
        return "the process ended" if end.ordered else "the process ended by itself although it should run"
    return f"the process ended with exit code {end.code}"


def _killed_from_outside(code: int | None) -> bool:
    return code is not None and -code in FROM_OUTSIDE


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "an unknown signal"
