"""The chat's pages, and what changes conversations; answers come by the websocket."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST, require_safe

from openai_api.policy import own_sources_only
from pages.chat import presets, shown, store
from pages.chat.asking import conversation_of
from pages.chat.search import search
from pages.chat.tree import Tree
from pages.errors import NothingHere, Refused
from pages.models import Conversation

View = Callable[..., HttpResponseBase]

NO_FILE_NAME = re.compile(r"""[\x00-\x1f\x7f/\\:*?"<>|]+""")


def for_members(view: View) -> View:
    """For people who are logged in; what is not theirs does not exist."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except NothingHere as error:
            raise Http404(str(error)) from None

    return own_sources_only(login_required(guarded))


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Chat is what most people come for."""
    return redirect("chat")


@require_safe
@for_members
def chat(request: HttpRequest) -> HttpResponse:
    """A new chat."""
    return _page(request, None)


@require_safe
@for_members
def conversation(request: HttpRequest, number: UUID) -> HttpResponse:
    """A conversation where it was left."""
    return _page(request, conversation_of(_person(request), number))


@require_safe
@for_members
def conversations(request: HttpRequest) -> HttpResponse:
    """The list beside the chat, or what of it contains `find`.

    `after` for the next part, and `had`, how many the page has of it when the time was too short for all of it.
    """
    return render(request, "pages/conversations.html", _listed(request))


@require_POST
@for_members
def rename(request: HttpRequest, number: UUID) -> HttpResponse:
    """Another title."""
    return JsonResponse({"title": str(store.rename(_person(request), number, request.POST.get("title", "")))})


@require_POST
@for_members
def delete(request: HttpRequest, number: UUID) -> HttpResponse:
    """The conversation and all that was said."""
    store.delete(_person(request), number)
    return JsonResponse({})


@require_POST
@for_members
def version(request: HttpRequest, number: UUID, message: UUID) -> HttpResponse:
    """Show another version of a message, and what followed it."""
    tree = store.show(_person(request), number, message)
    return HttpResponse("".join(shown.end_of(tree.path(tree.newest_below(message)), chosen=message)))


@require_safe
@for_members
def earlier(request: HttpRequest, number: UUID, message: UUID) -> HttpResponse:
    """What comes before the turns that a page has, up to this message."""
    return HttpResponse("".join(shown.end_of(store.until(_person(request), number, message))))


@require_POST
@for_members
def share(request: HttpRequest, number: UUID) -> HttpResponse:
    """The link under which others may read it."""
    shared = store.share(_person(request), number)
    return JsonResponse({"url": request.build_absolute_uri(reverse("shared", args=[shared.share_token]))})


@require_POST
@for_members
def unshare(request: HttpRequest, number: UUID) -> HttpResponse:
    """Take the link back."""
    store.unshare(_person(request), number)
    return JsonResponse({})


@require_POST
@for_members
def keep_preset(request: HttpRequest) -> HttpResponse:
    """What is in the panel under a name; answers with the list to choose from."""
    try:
        return _presets(request, kept=presets.keep(_person(request), request.POST.dict()).pk)
    except Refused as error:
        return JsonResponse({"error": str(error)}, status=409)


@require_POST
@for_members
def drop_preset(request: HttpRequest, number: int) -> HttpResponse:
    """Without one of one's own; answers with the list to choose from."""
    presets.drop(_person(request), number)
    return _presets(request, kept=None)


@require_safe
@for_members
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """Somebody's conversation, to read; a long one in parts."""
    found, after = store.shared(token), _place(request.GET.get("after", ""))
    path = store.shared_path(found)
    end = after + shown.AT_ONCE
    turns = [shown.read_only(message) for message in path[after:end]]
    context = {"conversation": found, "turns": turns, "more": end if end < len(path) else None}
    return render(request, "pages/shared.html", context)


@require_safe
@for_members
def export(request: HttpRequest, number: UUID, form: str) -> HttpResponse:
    """As a file: `md`, the path that is shown, or `json`, everything."""
    found = conversation_of(_person(request), number)
    if form not in {"md", "json"}:
        raise NothingHere("Conversations are exported as .md or .json.")
    whole = form == "json"
    text = json.dumps(store.as_json(found), ensure_ascii=False, indent=2) if whole else store.as_markdown(found)
    kind = "application/json" if whole else "text/markdown; charset=utf-8"
    named = content_disposition_header(as_attachment=True, filename=f"{_file_name(found)}.{form}")
    return HttpResponse(text, content_type=kind, headers={"Content-Disposition": named})


def _file_name(conversation: Conversation) -> str:
    """Its title, as far as every system takes it."""
    return " ".join(NO_FILE_NAME.sub(" ", conversation.title).split()).strip(" .")[:80] or str(conversation.id)


def _page(request: HttpRequest, found: Conversation | None) -> HttpResponse:
    turns = shown.end_of(Tree(found.messages.all()).path(found.leaf_id)) if found else []
    context = {
        "conversation": found,
        "turns": turns,
        "presets": presets.offered(_person(request)),
        "parameters": found.parameters if found else {},
        **_listed(request, current=found.id if found else None),
    }
    return render(request, "pages/chat.html", context)


def _presets(request: HttpRequest, *, kept: int | None) -> HttpResponse:
    return render(request, "pages/presets.html", {"presets": presets.offered(_person(request)), "kept": kept})


def _listed(request: HttpRequest, *, current: UUID | None = None) -> dict[str, Any]:
    q = request.GET.get("find", "").replace("\0", "").strip()
    after, had = (_place(request.GET.get(name, "")) for name in ("after", "had"))
    if not q:
        conversations, more = store.listed(_person(request), after=after)
        return {"conversations": conversations, "more": more, "current": current}
    found = search(_person(request), q, after=after, wanted=max(1, store.PAGE - had))
    listed = {"conversations": found.conversations, "more": found.more, "searching": found.late}
    return {**listed, "q": q, "current": current}


def _place(given: str) -> int:
    # As many digits as a place in a list can have.
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 10 else 0


def _person(request: HttpRequest) -> int:
    assert request.user.pk is not None  # `for_members` saw to it
    return int(request.user.pk)
