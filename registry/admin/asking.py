"""Orders that ask first: one description makes the button of a row's page and the action of the list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm

from registry.admin.base import YardAdmin, action, actor, refusal
from registry.errors import InvalidDesire

Answers = Mapping[str, Any]
SUFFIX = "_selected"  # of the list's actions
VERBS = (  # of all orders, for the catalogs
    *(gettext_noop("Deploy"), gettext_noop("Stop"), gettext_noop("Restart"), gettext_noop("Revoke")),
    *(gettext_noop("Cordon"), gettext_noop("Uncordon"), gettext_noop("Drain")),
    *(gettext_noop("Label"), gettext_noop("Remove")),
)


@dataclass(frozen=True, slots=True)
class Order:
    """What an operator may order. `give` takes the row, what the form asked for, and the actor."""

    verb: str
    meaning: str | Promise
    done: tuple[str, str]  # of one row and of several, in English
    give: Callable[[Any, Answers, str], object]
    icon: str
    variant: ActionVariant = ActionVariant.DEFAULT
    form: type[BaseDialogForm] = BaseDialogForm
    permission: str = "change"
    asks: bool = True  # the list's action; the button always does

    @property
    def title(self) -> str | Promise:
        return _(self.verb.capitalize())


def button(order: Order, noun: str | Promise) -> Any:
    """The order as a button of a row's page."""

    def press(self: AskingAdmin, request: HttpRequest, form: BaseDialogForm, *, object_id: str) -> HttpResponse:
        return self.order_one(request, order, (object_id, form.cleaned_data))

    press.__name__ = order.verb
    # Unfold draws a link, and its icon is text too: say what it is and what it is called.
    attributes = {"role": "button", "aria-label": order.title, "aria-haspopup": "dialog"}
    looks = {"description": order.title, "icon": order.icon, "variant": order.variant, "attrs": attributes}
    # The dialog also makes the button a POST with a CSRF token; without one, unfold's buttons are plain links.
    dialog = {
        "title": format_lazy(_("{order} this {noun}?"), order=order.title, noun=noun),
        "description": order.meaning,
        "form_class": order.form,
        "form_submit_text": order.title,
    }
    return action(permissions=[order.permission], dialog=dialog, **looks)(press)


def list_action(order: Order) -> Any:
    """The order as an action of the list."""

    def choose(self: AskingAdmin, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return self.order_all(request, order, queryset)

    choose.__name__ = order.verb + SUFFIX
    return action(description=order.title, permissions=[order.permission])(choose)


class AskingAdmin(YardAdmin):
    """Each order takes a permission and is written down with the user's name."""

    def line(self, row: Any) -> str:
        """What the question says of a row beside its name."""
        return ""

    def order_one(self, request: HttpRequest, order: Order, asked: tuple[str, Answers]) -> HttpResponse:
        object_id, answers = asked
        row = self.get_object(request, object_id)
        if row is None:
            messages.error(request, gettext("This {noun} is gone.").format(noun=self.opts.verbose_name))
        else:
            self._give(request, order, ([row], answers))
        page = self._page(row)
        return HttpResponse(headers={"HX-Redirect": page}) if request.headers.get("HX-Request") else redirect(page)

    def order_all(self, request: HttpRequest, order: Order, queryset: QuerySet[Any]) -> HttpResponse | None:
        rows = list(queryset)
        submitted = request.POST if "_form_submitted" in request.POST else None
        form = order.form(request=request, data=submitted)
        answered = form.is_valid()
        if answered or not order.asks:
            self._give(request, order, (rows, form.cleaned_data if answered else {}))
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": self._question(order, len(rows)),
            "opts": self.opts,
            "order": order,
            "form": form,
            "lines": [(row, self.line(row)) for row in rows],
            "checkbox": ACTION_CHECKBOX_NAME,
            "action": order.verb + SUFFIX,
            "back": self._page(None),
        }
        return TemplateResponse(request, "registry/confirm.html", context)

    def _question(self, order: Order, count: int) -> str:
        if count == 1:
            return gettext("{order} this {noun}?").format(order=order.title, noun=self.opts.verbose_name)
        words = gettext("{order} {count} {nouns}?")
        return words.format(order=order.title, count=count, nouns=self.opts.verbose_name_plural)

    def _give(self, request: HttpRequest, order: Order, to: tuple[list[Model], Answers]) -> None:
        rows, answers = to
        names = ", ".join(map(str, rows))
        try:
            with transaction.atomic():
                for row in rows:
                    order.give(row, answers, actor(request))
        except InvalidDesire as error:
            messages.error(request, refusal(error))
        else:
            done = gettext(order.done[len(rows) > 1])
            messages.success(request, gettext("{names} {done}.").format(names=names, done=done))

    def _page(self, row: Model | None) -> str:
        """The row's own page, or the list when the row is no more."""
        place = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        if row is not None and self.model._default_manager.filter(pk=row.pk).exists():
            return reverse(f"{place}_change", args=[row.pk])
        return reverse(f"{place}_changelist")
