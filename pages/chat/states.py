"""What the chosen model is doing, in the reader's language."""

from __future__ import annotations

import math
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from registry.catalog import CatalogModel, ServingState, Status

WORDS = {
    ServingState.READY: _("ready"),
    ServingState.LOADING: _("loading {progress} %"),
    ServingState.STARTING: _("starting"),
    ServingState.WAITING: _("waiting"),
    ServingState.FAILED: _("failed"),
    ServingState.STOPPING: _("stopping"),
    ServingState.STOPPED: _("stopped"),
}

ROUGH_S = 90  # from there on in minutes


def described(model: CatalogModel) -> dict[str, Any]:
    """For a page: its names, its state, that in a word, and in a sentence with the reason, which is in English."""
    status = model.status
    word = str(WORDS[status.state]).format(progress=status.progress)
    expected, reason = _expected(status), status.reason.rstrip(".")
    doing = gettext("{word}, ready in about {time}").format(word=word, time=expected) if expected else word
    pattern = gettext("{name}: {word} ({reason}).") if reason else gettext("{name}: {word}.")
    sentence = pattern.format(name=model.name, word=doing, reason=reason)
    names = {"name": model.name, "aliases": model.aliases}
    return {**names, "state": str(status.state), "word": word, "sentence": sentence}


def _expected(status: Status) -> str:
    """How long loading may still take, at the speed so far; nothing before there is one."""
    if status.state != ServingState.LOADING or not status.progress or status.since is None:
        return ""
    passed_s = (timezone.now() - status.since).total_seconds()
    left_s = max(1.0, passed_s * (100 - status.progress) / status.progress)
    if left_s < ROUGH_S:
        return gettext("{seconds} s").format(seconds=5 * math.ceil(left_s / 5))
    return gettext("{minutes} min").format(minutes=math.ceil(left_s / 60))
