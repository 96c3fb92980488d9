"""Which of the loop's functions are timed, and as what."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import wraps
from typing import Any

from bench.profiling.stopwatch import Stopwatch

_ENGINE = "inference.engines.transformers"
# (module, function or method, section)
HOOKS = (
    (f"{_ENGINE}.loop", "DecodeLoop._wait_for_work", "idle"),
    (f"{_ENGINE}.loop", "DecodeLoop._take_news", "arrivals"),
    (f"{_ENGINE}.loop", "DecodeLoop._answer_one_call", "embeddings"),
    (f"{_ENGINE}.loop", "deliver", "deliver"),
    ("inference.batching.scheduler", "Scheduler.plan", "schedule"),
    ("inference.batching.scheduler", "Scheduler.advance", "schedule"),
    (f"{_ENGINE}.stepper", "Stepper._compute", "forward"),
    (f"{_ENGINE}.stepper", "sample", "sample"),
    (f"{_ENGINE}.sequence", "Sequence.accept", "detokenize"),
)
STEP = (f"{_ENGINE}.loop", "DecodeLoop._step", "other")


def place(module: str, name: str) -> tuple[Any, str]:
    """The object that holds a function, and the function's name there. Raises `AttributeError` when it is gone."""
    holder = importlib.import_module(module)
    *outer, last = name.split(".")
    for part in outer:
        holder = getattr(holder, part)
    getattr(holder, last)
    return holder, last


def attach(watch: Stopwatch) -> None:
    """Time the loops of this process from now on. For a process that does nothing else."""
    for module, name, section in HOOKS:
        _replace(module, name, lambda function, section=section: watch.timed(section, function))
    _replace(*STEP[:2], lambda function: watch.timed(STEP[2], function, ends_a_step=True))
    _replace("inference.batching.scheduler", "Scheduler.plan", lambda function: _telling(watch, function))


def _replace(module: str, name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    holder, last = place(module, name)
    setattr(holder, last, wrap(getattr(holder, last)))


def _telling(watch: Stopwatch, plan: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(plan)
    def run(*args: Any, **kwargs: Any) -> Any:
        works = plan(*args, **kwargs)
        watch.feed(len(works), sum(len(work.chunk.token_ids) for work in works))
        return works

    return run
