"""What the chosen model is doing, in the reader's language."""

from __future__ import annotations

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from registry.catalog import CatalogModel, ServingState

WORDS = {
    ServingState.READY: _("ready"),
    ServingState.LOADING: _("loading {progress} %"),
    ServingState.STARTING: _("starting"),
    ServingState.WAITING: _("waiting"),
    ServingState.FAILED: _("failed"),
    ServingState.STOPPING: _("stopping"),
    ServingState.STOPPED: _("stopped"),
}


def described(model: CatalogModel) -> dict[str, str]:
    """For a page: its name, its state, that in a word, and in a sentence with the reason, which is in English."""
    status = model.status
    word = str(WORDS[status.state]).format(progress=status.progress)
    reason = status.reason.rstrip(".")
    pattern = gettext("{name}: {word} ({reason}).") if reason else gettext("{name}: {word}.")
    sentence = pattern.format(name=model.name, word=word, reason=reason)
    return {"name": model.name, "state": str(status.state), "word": word, "sentence": sentence}
