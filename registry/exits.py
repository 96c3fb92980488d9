"""Why a process ended, in words that say what to do next."""

from __future__ import annotations

import signal


def explain_exit(code: int | None, note: str, *, witnessed: bool = True) -> str:
    """One sentence from the exit code (negative: a signal, None: not known) and what the agent saw."""
    if not witnessed:
        cause = "the process ended while no agent was watching"
    elif code is None:
        cause = "the process is gone and its exit code is not known"
    elif code < 0:
        cause = _explain_signal(-code)
    elif code == 0:
        cause = "the process ended by itself although it should run"
    else:
        cause = f"the process ended with exit code {code}"
    return f"{cause}: {note}" if note else cause


def _explain_signal(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = "an unknown signal"
    if number == signal.SIGKILL:
        return "killed by signal 9 (SIGKILL): by somebody on the machine, or by the kernel because memory ran out"
    return f"killed by signal {number} ({name})"
