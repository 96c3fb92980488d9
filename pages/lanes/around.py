"""What stands around the lanes on a page: the list of conversations, presets, and who asks."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase

from pages.chat import store
from pages.errors import NothingHere, Outdated, Refused

View = Callable[..., HttpResponseBase]


def person(request: HttpRequest) -> int:
    """Who asks; `for_members` saw to it that there is somebody."""
    assert request.user.pk is not None
    return int(request.user.pk)


def sidebar(request: HttpRequest) -> dict[str, Any]:
    """The context of `pages/sidebar.html`."""
    conversations, more = store.listed(person(request))
    return {"conversations": conversations, "more": more}


def or_says_why(view: View) -> View:
    """What is refused or gone is told to the page as a sentence."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except Refused as error:
            return JsonResponse({"error": str(error), "outdated": isinstance(error, Outdated)}, status=409)
        except NothingHere as error:
            return JsonResponse({"error": str(error)}, status=404)

    return guarded
