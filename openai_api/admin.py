"""API keys in the admin: made, renamed and revoked here; the secret is on one page, once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import transaction
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm

from openai_api import keys
from openai_api.models import ApiKey
from registry.admin.base import YardAdmin, action, display
from registry.lifecycle import notify

MEANING = "Programs that use it are refused within a second. This cannot be taken back; make a new key instead."
DIALOG = {
    "title": "Revoke this key?",
    "description": MEANING,
    "form_class": BaseDialogForm,
    "form_submit_text": "Revoke",
}


@admin.register(ApiKey)
class ApiKeyAdmin(YardAdmin):
    """Only the name and the end of a key can change; whose it is cannot."""

    list_display = ("name", "shown_prefix", "user", "state", "last_used_at", "created_at", "expires_at")
    list_select_related = ("user",)
    list_filter = ("user",)
    search_fields = ("name", "prefix", "user__username")
    fields = ("name", "user", "expires_at")
    actions = ("revoke_selected",)
    actions_detail = ("revoke",)

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Sequence[Any]:
        more = ("shown_prefix", "state", "created_at", "last_used_at", "revoked_at") if obj else ()
        return (*self.fields, *more)

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Sequence[str]:
        return ("user", "shown_prefix", "state", "created_at", "last_used_at", "revoked_at") if obj else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"user": request.user.pk, **super().get_changeform_initial_data(request)}

    @display(description="Key", ordering="prefix")
    def shown_prefix(self, key: ApiKey) -> str:
        return f"{key.prefix}…"

    @display(description="State", label={"active": "success", "expired": "warning", "revoked": "danger"})
    def state(self, key: ApiKey) -> str:
        return key.state(timezone.now())

    @action(description="Revoke", icon="block", variant=ActionVariant.DANGER, permissions=["change"], dialog=DIALOG)
    def revoke(self, request: HttpRequest, form: object, object_id: str) -> HttpResponse:
        if (key := self.get_object(request, object_id)) is not None:
            self._revoke(request, [key])
        page = reverse("admin:openai_api_apikey_changelist")
        if request.headers.get("HX-Request"):
            return HttpResponse(headers={"HX-Redirect": page})
        return redirect(page)

    @action(description="Revoke", permissions=["change"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> HttpResponse | None:
        selected = list(queryset.select_related("user"))
        if "confirmed" in request.POST:
            self._revoke(request, selected)
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": f"Revoke {len(selected)} key{'s' if len(selected) > 1 else ''}?",
            "opts": self.opts,
            "keys": selected,
            "meaning": MEANING,
            "checkbox": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "openai_api/confirm_revoke.html", context)

    def save_model(  # noqa: PLR0917 - Django's signature
        self, request: HttpRequest, obj: ApiKey, form: ModelForm[ApiKey], change: bool
    ) -> None:
        if change:
            super().save_model(request, obj, form, change)
            notify("key")
            return
        made, secret = keys.create_key(obj.name, obj.user, expires_at=obj.expires_at)
        # Django goes on with `obj`: it becomes the row that was made. The secret is only in this response.
        obj.pk, obj.prefix, obj.secret = made.pk, made.prefix, secret  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Your new API key",
            "opts": self.opts,
            "key": obj,
            "base_url": request.build_absolute_uri("/v1"),
        }
        return TemplateResponse(request, "openai_api/key_created.html", context)

    def delete_model(self, request: HttpRequest, obj: ApiKey) -> None:
        with transaction.atomic():
            super().delete_model(request, obj)
            notify("key")

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        with transaction.atomic():
            super().delete_queryset(request, queryset)
            notify("key")

    def _revoke(self, request: HttpRequest, selected: list[ApiKey]) -> None:
        revoked = keys.revoke(selected)
        names = ", ".join(key.name for key in selected)
        if revoked:
            messages.success(request, f"Revoked: {names}.")
        else:
            messages.info(request, f"Already revoked: {names}.")
