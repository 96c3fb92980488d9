"""The answers of each event loop, beside its gateway."""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary

from openai_api import lifespan
from openai_api.gateway import Gateway
from pages import database
from pages.answers.giving import Answers
from pages.answers.keeping import keep

_here: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[Gateway, Answers]] = WeakKeyDictionary()


def current() -> Answers:
    """The answers that this loop gives; the first call starts it."""
    gateway, loop = lifespan.current(), asyncio.get_running_loop()
    known = _here.get(loop)
    if known is not None and known[0] is gateway:
        return known[1]
    answers = Answers(gateway, keep)
    _here[loop] = gateway, answers
    lifespan.before_stop(answers.close)
    lifespan.before_stop(database.close)
    return answers
