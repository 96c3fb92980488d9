"""Why there is no answer, said to a person.

The API's own sentences are in English and name fields. In English they serve here too; in other languages the causes
that people meet are said by their codes, and the sentence follows where it has more to say than that.
"""

from __future__ import annotations

import re

from django.utils.translation import get_language, gettext, gettext_noop

from inference.protocol.errors import ApiError

_IMAGE = re.compile(
    r"messages\[\d+\]\.content\[\d+\]\.type"
)  # the only part of a message that a page sends beside text
_BUSY = gettext_noop("The model has too much to do. Ask again in a moment.")
_LIMIT = gettext_noop("A limit is reached. {message}")
KNOWN = {
    "model_not_ready": gettext_noop("The model cannot answer now. {message}"),
    "model_not_found": gettext_noop("There is no such model any more, or you may not ask it."),
    "permission_denied": gettext_noop("You may not do this. {message}"),
    "rate_limit_exceeded": _LIMIT,
    "queue_full": _BUSY,
    "queue_timeout": _BUSY,
    "engine_overloaded": _BUSY,
    "limits_busy": gettext_noop("The server has too much to do. Ask again in a moment."),
    "engine_timeout": gettext_noop("The model took the question and said nothing for too long. Ask again."),
    "answer_cut_short": gettext_noop("The model went away in the middle of its answer. Ask again."),
    "context_length_exceeded": gettext_noop("This is too long for the model. {message}"),
    "internal_error": gettext_noop("The server had an error. Ask again; tell an administrator if it stays."),
}


def told(error: ApiError) -> str:
    """A sentence in the language that is active here."""
    if _IMAGE.fullmatch(error.param or ""):
        return gettext("This model reads text only: leave the image out, or choose a model that sees.")
    if (get_language() or "en").startswith("en"):
        return error.message
    known = KNOWN.get(error.code or "", gettext_noop("The model did not answer. {message}"))
    return gettext(known).format(message=error.message)
