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


def explain(
    name: str, ending: Ending, *, sayings: Sequence[Saying], clean: Callable[[str], str] = str.strip
) -> Failure:
    """The failure to report. `clean` takes off what a server puts before each line, such as the time."""
    how = _how(ending.code)
    if -ending.code in _FROM_OUTSIDE:
        # The log of a process that was killed ends anywhere: what it says is not why.
        hint = "It is started again. If nobody meant to kill it, see whether memory ran out (`dmesg`)."
        return Failure(f"{name} was {how}.", Cause.KILLED, hint)
    lines = [text for line in ending.lines if (text := clean(line))]
    for saying in (*sayings, *SAYINGS):
        for line in reversed(lines):
            if match := saying.pattern.fullmatch(line):
                return Failure(_sentence(name, how, words=match[match.lastindex or 0]), saying.cause, saying.hint)
    last = next((line for line in reversed(lines) if _ERROR.fullmatch(line)), lines[-1] if lines else "")
    cause = Cause.NOT_INSTALLED if ending.code == _NOT_STARTED else Cause.CRASHED
    return Failure(_sentence(name, how, words=last), cause, "Its log has the details.")


def _how(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"killed by signal {-code} ({signal.Signals(-code).name})"
    except ValueError:
        return f"killed by signal {-code}"


def _sentence(name: str, how: str, *, words: str) -> str:
    verb = f"was {how}" if how.startswith("killed") else how
    return f"{name} {verb}: {words.strip().rstrip('.')[:_LONGEST]}." if words else f"{name} {verb}."
