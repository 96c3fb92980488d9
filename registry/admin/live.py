"""Parts of pages that renew themselves: htmx asks every few seconds, and nothing moves when nothing changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2s
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET


def part(name: str, url: str, *, template: str, context: Mapping[str, object], every_s: int = 2) -> SafeString:
    """A piece of the page that asks `url` for its successor."""
    content = render_to_string(template, dict(context))
    mark = blake2s(content.encode(), digest_size=8).hexdigest()
    return format_html(
        '<div id="{}" data-seen="{}" hx-get="{}?seen={}" hx-trigger="every {}s" hx-swap="outerHTML">{}</div>',
        *(name, mark, url, mark, every_s, SafeString(content)),
    )


def view(site: AdminSite, render: Callable[..., SafeString | None]) -> Callable[..., HttpResponse]:
    """The endpoint of a part. None from `render`: not for this user, or gone."""

    @never_cache
    @require_GET
    def answer(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        content = render(request, **kwargs) if site.has_permission(request) else None
        if content is None:
            # The page reloads, and so gets to the login page or learns what is gone.
            return HttpResponse(status=403, headers={"HX-Refresh": "true"})
        if f'data-seen="{request.GET.get("seen")}"' in content:
            return HttpResponse(status=204)
        return HttpResponse(content)

    return answer


def may_view(request: HttpRequest, noun: str) -> bool:
    """Whether this user may look at rows of this model of ours."""
    user = request.user
    return user.has_perm(f"registry.view_{noun}") or user.has_perm(f"registry.change_{noun}")
