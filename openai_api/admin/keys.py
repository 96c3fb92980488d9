"""API keys in the admin: made, changed, rotated and revoked here; a secret is on one page, once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.enums import ActionVariant

from openai_api import keys
from openai_api.admin.key_form import KeyForm, RotateForm
from openai_api.lineage import out_of_reach
from openai_api.models import ApiKey
from registry.admin.asking import AskingAdmin, Order, button, list_action
from registry.admin.base import action, actor, display
from registry.errors import InvalidDesire

REVOKE = Order(
    verb="revoke",
    meaning=_("Programs that use it are refused within a second. This cannot be taken back; make a new key instead."),
    done=("is revoked", "are revoked"),
    give=lambda key, answers, actor: keys.revoke([key], actor=actor),
    icon="block",
    variant=ActionVariant.DANGER,
)
ROTATE = {
    "title": _("Rotate this key?"),
    "description": _(
        "You get a new key with the same rights and limits. The old one works for a while, so that "
        "programs can change over one after the other."
    ),
    "form_class": RotateForm,
    "form_submit_text": _("Rotate"),
}
STATES = {"active": _("active"), "expired": _("expired"), "revoked": _("revoked")}
SCOPES = {"inference": _("inference"), "read": _("read"), "manage": _("manage")}
SHOWN = ("shown_prefix", "state", "replaces", "parent", "created_at", "last_used_at", "revoked_at")
# The dialog is replaced as a whole: its button has done what it was for.
IN_DIALOG = {"HX-Retarget": "#dialog", "HX-Reselect": "#dialog", "HX-Reswap": "outerHTML"}


@admin.register(ApiKey)
class ApiKeyAdmin(AskingAdmin):
    """Whose a key is cannot change; all that it may do can."""

    form = KeyForm
    list_display = ("name", "shown_prefix", "owner", "rights", "badge", "last_used_at", "created_at", "expires_at")
    list_select_related = ("user", "group")
    list_filter = ("user", "group")
    search_fields = ("name", "prefix", "user__username", "group__name")
    fields = ("name", "user", "group", "scopes", "allowed_models", "expires_at")
    actions = ("revoke_selected",)
    first_step = _("Programs need a key to ask models at /v1: add one for a person or a group. It is shown once.")
    actions_detail = ("rotate", "revoke")

    revoke, revoke_selected = button(REVOKE, "key"), list_action(REVOKE)

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Sequence[Any]:
        return (*self.fields, *(SHOWN if obj else ()))

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Sequence[str]:
        return ("user", "group", *SHOWN) if obj else ()

    def get_form(
        self, request: HttpRequest, obj: ApiKey | None = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm[ApiKey]]:
        form: type[KeyForm] = super().get_form(request, obj, change, **kwargs)
        form.asker = request.user
        return form

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"user": request.user.pk, **super().get_changeform_initial_data(request)}

    @display(description=_("Key"), ordering="prefix")
    def shown_prefix(self, key: ApiKey) -> str:
        return f"{key.prefix}…"

    @display(description=_("Owner"), ordering="user__username")
    def owner(self, key: ApiKey) -> str:
        return _owner(key)

    @display(description=_("For"))
    def rights(self, key: ApiKey) -> str:
        scopes = gettext(" and ").join(str(SCOPES[scope]) for scope in key.scopes)
        models = ", ".join(key.allowed_models) or gettext("all models")
        return gettext("{scopes}, {models}").format(scopes=scopes, models=models)

    @display(description=_("State"), label={"active": "success", "expired": "warning", "revoked": "danger"})
    def badge(self, key: ApiKey) -> tuple[str, str]:
        state = key.state(timezone.now())
        return state, str(STATES[state])

    @display(description=_("State"))
    def state(self, key: ApiKey) -> str:
        return self.badge(key)[1]

    @action(description=_("Rotate"), icon="autorenew", permissions=["change"], dialog=ROTATE)
    def rotate(self, request: HttpRequest, form: RotateForm, object_id: str) -> HttpResponse:
        key = self.get_object(request, object_id)
        try:
            if key is None:
                raise InvalidDesire(gettext("This key is gone."))
            if problem := out_of_reach(request.user, user=key.user, group=key.group, scopes=key.scopes):
                raise InvalidDesire(problem)
            made, secret = keys.rotate(key, overlap=form.overlap, actor=actor(request))
        except InvalidDesire as error:
            messages.error(request, str(error))
            page = self._page(key)
            return HttpResponse(headers={"HX-Redirect": page}) if request.headers.get("HX-Request") else redirect(page)
        return self._shown(request, made, secret)

    def line(self, row: ApiKey) -> str:
        return gettext("of {owner}").format(owner=_owner(row))

    def save_model(  # noqa: PLR0917 - Django's signature
        self, request: HttpRequest, obj: ApiKey, form: ModelForm[ApiKey], change: bool
    ) -> None:
        if change:
            keys.edit(obj, actor=actor(request))
            return
        rights = {name: getattr(obj, name) for name in ("group", "scopes", "allowed_models", "expires_at")}
        made, secret = keys.create_key(obj.name, obj.user, actor=actor(request), **rights)
        # Django goes on with `obj`: it becomes the row that was made. The secret is only in this response.
        obj.pk, obj.prefix, obj.secret = made.pk, made.prefix, secret  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        return self._shown(request, obj, obj.secret)  # type: ignore[attr-defined]  # set above

    def delete_model(self, request: HttpRequest, obj: ApiKey) -> None:
        keys.delete([obj], actor=actor(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        keys.delete(list(queryset), actor=actor(request))

    def _shown(self, request: HttpRequest, key: ApiKey, secret: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Your new API key"),
            "opts": self.opts,
            "key": key,
            "owner": _owner(key),
            "secret": secret,
            "base_url": request.build_absolute_uri("/v1"),
        }
        in_dialog = bool(request.headers.get("HX-Request"))
        template = "openai_api/key_rotated.html" if in_dialog else "openai_api/key_created.html"
        # Admin views are never cached, but the views of unfold's buttons are not among them.
        headers = {"Cache-Control": "no-store, private", **(IN_DIALOG if in_dialog else {})}
        return TemplateResponse(request, template, context, headers=headers)


def _owner(key: ApiKey) -> str:
    """Whose key it is, in the reader's language."""
    return gettext("group {name}").format(name=key.group) if key.group_id is not None else str(key.user)
