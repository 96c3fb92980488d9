"""The log of a launch, live: the page asks every second for what is new and appends it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from hashlib import blake2s
from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.views.decorators.http import require_GET

from registry import logs
from registry.admin import live, marks, words
from registry.measures import format_bytes
from registry.models import Worker

KEPT_LINES = 2000  # in the page
FIRST_BYTES = 64_000  # what a page begins with, and what it gets after it fell far behind
MOST_BYTES = 256_000  # in one answer
BLOCK_LINES = 100  # what the page forgets at a time
START = re.compile(r"-?[0-9]{1,15}")

_ESCAPE_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


def urls(site: AdminSite) -> list[URLPattern]:
    """The log's page, and what it asks for."""
    return [
        path("<int:worker_id>/log/", site.admin_view(require_GET(_page(site))), name="registry_worker_log"),
        path("<int:worker_id>/log/new/", live.view(site, new_part), name="registry_worker_log_new"),
    ]


def panel(worker: Worker) -> SafeString:
    """The live log as a piece of any page that loads `registry/log.js`; what it shows comes after the page."""
    context = {"worker": worker, "tabs": list(_tabs(worker)), "kept": KEPT_LINES, "end": _end(worker, -FIRST_BYTES)}
    return render_to_string("registry/log.html", context)


def new_part(request: HttpRequest, worker_id: int) -> SafeString | None:
    """What was written since `start`, and the question for what comes then."""
    worker = _find(worker_id)
    if worker is None or not live.may_view(request, "worker"):
        return None
    given = request.GET.get("start", "")
    start = int(given) if START.fullmatch(given) else -FIRST_BYTES
    found = logs.news(worker, start, MOST_BYTES)
    if found.behind:
        found = _newest(worker, start)
    return format_html("{}{}", _text(found), _end(worker, found.end, found=found))


def _find(worker_id: int) -> Worker | None:
    return Worker.objects.select_related("deployment", "node").filter(pk=worker_id).first()


def _page(site: AdminSite) -> Any:
    def answer(request: HttpRequest, worker_id: int) -> HttpResponse:
        if not live.may_view(request, "worker"):
            raise PermissionDenied
        worker = _find(worker_id)
        if worker is None:
            raise Http404(gettext("There is no launch {number}.").format(number=worker_id))
        title = gettext("Log of {worker}").format(worker=worker)
        context = {"title": title, "worker": worker, "log": panel(worker), "state": marks.badge(worker.state)}
        context["launch"] = marks.link(worker, str(worker.launch_id))
        context["deployment"] = marks.link(worker.deployment)
        return render(request, "registry/log_page.html", site.each_context(request) | context)

    return answer


def _tabs(worker: Worker) -> Iterator[tuple[str, Worker]]:
    """The replica's present launch, the one before it, and this one when it is neither."""
    current = logs.newest_launch(worker)
    previous = logs.previous_launch(current)
    yield gettext("Current launch"), current
    if previous is not None:
        yield gettext("Previous launch"), previous
    if worker not in {current, previous}:
        yield gettext("This launch"), worker


def _newest(worker: Worker, start: int) -> logs.News:
    """The end of a log that grew by more than an answer holds; nobody reads all of that as it passes."""
    found = logs.news(worker, -FIRST_BYTES)
    return replace(found, missing=max(0, found.missing - max(0, start)))


def _text(found: logs.News) -> SafeString:
    """Blocks of lines, so that the page can drop the oldest."""
    lines = _as_on_a_terminal(found.text).splitlines(keepends=True)
    blocks = [lines[at : at + BLOCK_LINES] for at in range(0, len(lines), BLOCK_LINES)]
    shown = format_html_join("", '<span data-lines="{}">{}</span>', ((len(block), "".join(block)) for block in blocks))
    if not found.missing:
        return shown
    note = gettext("… {size} before …").format(size=format_bytes(found.missing))
    left_out = format_html('<span class="yard-log-note">{}\n</span>', note)
    return format_html("{}{}", left_out, shown)


def _as_on_a_terminal(text: str) -> str:
    """Without colours; of a line that is written over and over, as a progress bar is, the last version."""
    plain = _ESCAPE_SEQUENCE.sub("", text).replace("\r\n", "\n")
    return "\n".join(line.removesuffix("\r").rpartition("\r")[2] for line in plain.split("\n"))


def _end(worker: Worker, start: int, *, found: logs.News | None = None) -> SafeString:
    """The last element of the log: it asks for its successor, which comes with the text before it."""
    note = "" if found is None else _note(worker, found)
    mark = blake2s(f"{start} {note}".encode(), digest_size=8).hexdigest()
    url = f"{reverse('admin:registry_worker_log_new', args=[worker.pk])}?start={start}&seen={mark}"
    when = "load, every 2s" if found is None else "every 2s" if logs.is_over(worker) else "every 1s"
    return format_html(
        '<span class="yard-log-note" data-seen="{}" hx-get="{}" hx-trigger="{}" hx-swap="outerHTML">{}</span>',
        *(mark, url, when, note),
    )


def _note(worker: Worker, found: logs.News) -> SafeString | str:
    """Why there is nothing; of a launch that is over how it ended, and what came after it."""
    if not logs.is_over(worker):
        return words.of(found.note)
    ended = words.of(found.note) or _ended(worker)
    begun = logs.next_launch(worker)
    if begun is None:
        return ended
    url = reverse("admin:registry_worker_log", args=[begun.pk])
    goes_on = gettext("{ended} The replica goes on with {launch}.")
    return format_html(goes_on, ended=ended, launch=format_html('<a class="yard-link" href="{}">{}</a>', url, begun))


def _ended(worker: Worker) -> str:
    state = worker.get_state_display().lower()
    if not worker.reason:
        return gettext("{worker} ended: {state}.").format(worker=worker, state=state)
    return gettext("{worker} ended: {state} ({reason}).").format(worker=worker, state=state, reason=worker.reason)
