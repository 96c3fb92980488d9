"""Writes growing answers to their rows."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from uuid import UUID

from django.db import InterfaceError, OperationalError
from django.db.models.functions import Now
from django.utils.translation import gettext_noop

from pages import database
from pages.answers.answer import GrowingAnswer
from pages.models import Message
from pages.models.message import State

logger = logging.getLogger(__name__)

ABANDONED = timedelta(seconds=30)
SILENT = timedelta(seconds=6)  # three times it could have been kept
BROKEN_OFF = gettext_noop("The server ended while this was being answered. Ask again.")  # translated when it is shown
AGAIN_AFTER_S = (1, 2, 5, 10, 30, 60)


async def keep(answer: GrowingAnswer) -> bool:
    """Write what there is. What is over is tried again for two minutes; what still grows is written soon anyway.

    Returns whether there still is a row for it, as far as is known.
    """
    for pause in (*AGAIN_AFTER_S, None):
        try:
            return await database.run(answer.id, _write, answer)
        except (OperationalError, InterfaceError) as error:
            if answer.state == State.RUNNING:
                return True
            if pause is None:
                logger.error("The answer %s could not be kept: %s", answer.id, error)
                break
            await asyncio.sleep(pause)
    return True


def _write(answer: GrowingAnswer) -> bool:
    return Message.objects.filter(id=answer.id).update(kept_at=Now(), **answer.fields) > 0


def broken_off() -> int:
    """Say of answers that nobody gives any more that they broke off: their process is gone. Returns how many."""
    return Message.objects.filter(state=State.RUNNING, kept_at__lt=Now() - ABANDONED).update(
        state=State.FAILED, error=BROKEN_OFF
    )


def stopped(number: UUID) -> None:
    """Stop an answer that nobody seems to give any more: who wants it stopped need not wait until that is certain."""
    Message.objects.filter(id=number, state=State.RUNNING, kept_at__lt=Now() - SILENT).update(state=State.STOPPED)
