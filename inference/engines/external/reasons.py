"""Why a server ended: from its exit code and its last words. Pure."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from inference.engines.external.child import Ending
from inference.failure import Failure
from inference.protocol.causes import Cause

_LONGEST = 400
# By themselves processes do not end so.
_FROM_OUTSIDE = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
_NOT_STARTED = 127
_SEE_LOG = "The worker's log has the details."
_ERROR = re.compile(r"(?:[\w.]*(?:Error|Exception)|[\w ]*error): .+")


@dataclass(frozen=True, slots=True)
class Saying:
    """What servers say before they end: words (the first group, else all that matches), their kind, the next step."""

    pattern: re.Pattern[str]
    cause: Cause
    hint: str = ""


# Of any server; what is known of one kind comes before these.
SAYINGS = (
    Saying(re.compile(r".*[Aa]ddress already in use.*"), Cause.PORT_TAKEN, "Start it again: it asks for another port."),
    Saying(
        re.compile(r".*(?:OutOfMemoryError|CUDA out of memory|CUDA error: out of memory).*"),
        Cause.GPU_MEMORY,
        "Lower context_length, or give it more memory or another card.",
    ),
    Saying(
        re.compile(r".*(?:no NVIDIA driver|No CUDA GPUs are available|driver version is insufficient|libcuda\.so).*"),
        Cause.DRIVER_MISSING,
        "Check the driver with `nvidia-smi`, or install the server's build for CPUs.",
    ),
    Saying(re.compile(r".*No space left on device.*"), Cause.DISK_FULL, "Make room on this machine."),
    Saying(
        re.compile(r"(?:MemoryError|.*bad_alloc|.*t allocate memory).*"),
        Cause.HOST_MEMORY,
        "Stop another model on this machine, or give this one less.",
    ),
    Saying(
        re.compile(r"(?:ModuleNotFoundError|ImportError|.*cannot open shared object file).*"),
        Cause.NOT_INSTALLED,
        "Its installation is not complete: install it again.",
    ),
)


@dataclass(frozen=True, slots=True)
class Language:
    """How one kind of server talks. `clean` takes off what it puts before each line; `vague` errors tell of others."""

    name: str
    sayings: Sequence[Saying]
    clean: Callable[[str], str] = str.strip
    vague: re.Pattern[str] = re.compile(r"\b\B")  # matches nothing


def explain(language: Language, ending: Ending) -> Failure:
    """The failure to report."""
    how = _how(ending.code)
    if -ending.code in _FROM_OUTSIDE:
        # The log of a process that was killed ends anywhere: what it says is not why.
        hint = "It is started again. If nobody meant to kill it, see whether memory ran out (`dmesg`)."
        return Failure(f"{language.name} {how}.", Cause.KILLED, hint)
    lines = [text for line in ending.lines if (text := language.clean(line))]
    words, cause, hint = _said(language, lines) or (_last_error(language, lines), Cause.CRASHED, _SEE_LOG)
    if ending.code == _NOT_STARTED:
        cause, hint = Cause.NOT_INSTALLED, "Install it again, or correct the path of its executable."
    sentence = f"{language.name} {how}: {words.strip().rstrip('.')[:_LONGEST]}." if words else f"{language.name} {how}."
    return Failure(sentence, cause, hint)


def _said(language: Language, lines: Sequence[str]) -> tuple[str, Cause, str] | None:
    for saying in (*language.sayings, *SAYINGS):
        for line in reversed(lines):
            if match := saying.pattern.fullmatch(line):
                return match[match.lastindex or 0], saying.cause, saying.hint
    return None


def _last_error(language: Language, lines: Sequence[str]) -> str:
    """The last line that is one, rather one that says what happened; else whatever came last."""
    errors = [line for line in lines if _ERROR.fullmatch(line)]
    exact = [line for line in errors if not language.vague.search(line)]
    return (exact or errors or list(lines) or [""])[-1]


def _how(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by signal {-code} ({signal.Signals(-code).name})"
    except ValueError:
        return f"was killed by signal {-code}"
