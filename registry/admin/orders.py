"""Deploy, Stop and Restart: as buttons of a deployment's page and as actions of the list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm

from registry import desired
from registry.admin.base import YardAdmin, action, actor, refusal
from registry.errors import InvalidDesire
from registry.models import Deployment

ORDERS: dict[str, Callable[..., None]] = {"deploy": desired.start, "stop": desired.stop, "restart": desired.restart}
MEANING = {
    "deploy": "It runs with its present settings; replicas that were given up start anew.",
    "stop": "Workers finish the requests that they have, and end. The settings stay.",
    "restart": "Every worker is replaced by a new one, and finishes the requests that it has first.",
}
DONE = {"deploy": "starts", "stop": "stops", "restart": "restarts"}


def _dialog(verb: str) -> dict[str, Any]:
    # The dialog also makes the button a POST with a CSRF token; without one, unfold's buttons are plain links.
    return {
        "title": f"{verb.capitalize()} this deployment?",
        "description": MEANING[verb],
        "form_class": BaseDialogForm,
        "form_submit_text": verb.capitalize(),
    }


def _button(verb: str, icon: str, variant: ActionVariant) -> dict[str, Any]:
    # Unfold draws a link, and its icon is text too: say what it is and what it is called.
    attributes = {"role": "button", "aria-label": verb.capitalize(), "aria-haspopup": "dialog"}
    looks = {"description": verb.capitalize(), "icon": icon, "variant": variant, "attrs": attributes}
    return looks | {"permissions": ["change"], "dialog": _dialog(verb)}


class OrdersAdmin(YardAdmin):
    """Each order asks first, takes the permission to change deployments, and is written with the user's name."""

    actions = ("deploy_selected", "stop_selected", "restart_selected")
    actions_detail = ("deploy", "stop", "restart")

    @action(**_button("deploy", "play_arrow", ActionVariant.PRIMARY))
    def deploy(self, request: HttpRequest, form: object, object_id: str) -> HttpResponse:
        return self._order(request, object_id, "deploy")

    @action(**_button("stop", "stop", ActionVariant.DEFAULT))
    def stop(self, request: HttpRequest, form: object, object_id: str) -> HttpResponse:
        return self._order(request, object_id, "stop")

    @action(**_button("restart", "restart_alt", ActionVariant.DEFAULT))
    def restart(self, request: HttpRequest, form: object, object_id: str) -> HttpResponse:
        return self._order(request, object_id, "restart")

    @action(description="Deploy", permissions=["change"])
    def deploy_selected(self, request: HttpRequest, queryset: QuerySet[Deployment]) -> HttpResponse | None:
        return self._order_all(request, queryset, "deploy")

    @action(description="Stop", permissions=["change"])
    def stop_selected(self, request: HttpRequest, queryset: QuerySet[Deployment]) -> HttpResponse | None:
        return self._order_all(request, queryset, "stop")

    @action(description="Restart", permissions=["change"])
    def restart_selected(self, request: HttpRequest, queryset: QuerySet[Deployment]) -> HttpResponse | None:
        return self._order_all(request, queryset, "restart")

    def _order(self, request: HttpRequest, object_id: str, verb: str) -> HttpResponse:
        deployment = self.get_object(request, object_id)
        page = reverse("admin:registry_deployment_changelist")
        if deployment is None:
            messages.error(request, "This deployment is gone.")
        else:
            page = reverse("admin:registry_deployment_change", args=[deployment.pk])
            self._give(request, [deployment], verb)
        if request.headers.get("HX-Request"):
            return HttpResponse(headers={"HX-Redirect": page})
        return redirect(page)

    def _order_all(self, request: HttpRequest, queryset: QuerySet[Deployment], verb: str) -> HttpResponse | None:
        deployments = list(queryset.select_related("model"))
        if verb == "deploy" or "confirmed" in request.POST:
            self._give(request, deployments, verb)
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": f"{verb.capitalize()} {len(deployments)} deployment{'s' if len(deployments) > 1 else ''}?",
            "opts": self.opts,
            "deployments": deployments,
            "meaning": MEANING[verb],
            "verb": verb,
            "checkbox": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "registry/confirm_order.html", context)

    def _give(self, request: HttpRequest, deployments: list[Deployment], verb: str) -> None:
        try:
            with transaction.atomic():
                for deployment in deployments:
                    ORDERS[verb](deployment, actor=actor(request))
        except InvalidDesire as error:
            messages.error(request, refusal(error))
        else:
            names = ", ".join(deployment.name for deployment in deployments)
            messages.success(request, f"{names} {DONE[verb] if len(deployments) == 1 else verb}.")
