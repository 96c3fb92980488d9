"""Cordon, Uncordon, Drain, Label and Remove: what operators may order of nodes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import AnonymousUser
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, ngettext
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from registry import desired
from registry.admin.asking import Answers, AskingAdmin, Order, button, list_action
from registry.admin.fields import LabelChangesField
from registry.models import Node, Worker
from registry.states import ACTIVE

NOUN = _("node")
WEEK_MIN = 7 * 24 * 60


class _AboutWorkers(BaseDialogForm):  # type: ignore[misc]  # unfold has no types
    """Says how many workers run on the node that is asked about."""

    form_before_template = "registry/about_workers.html"

    def get_before_template_context(self, request: HttpRequest, object_id: int | str | None = None) -> dict[str, Any]:
        running = Worker.objects.filter(node_id=object_id, state__in=ACTIVE) if object_id else Worker.objects.none()
        return {"workers": running.count()}


class DrainForm(_AboutWorkers):
    """How long what runs may go on."""

    minutes = forms.IntegerField(
        label=_("Minutes until what still runs is stopped"),
        initial=10,
        min_value=0,
        max_value=WEEK_MIN,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("0: at once."),
    )


class RemoveForm(_AboutWorkers):
    """Whether to remove it in any case."""

    force = forms.BooleanField(
        label=_("Even if its agent is running or workers are left"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text=_("They are given up as lost and placed elsewhere; their processes end by themselves."),
    )


class LabelForm(BaseDialogForm):  # type: ignore[misc]  # unfold has no types
    """Labels to set and to delete."""

    labels = LabelChangesField(
        label=_("Labels"),
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "zone=a old-"}),
        help_text=_("key=value sets a label, key- deletes it; several by spaces. Deployments choose nodes by them."),
    )


def _drain(node: Node, answers: Answers, actor: str) -> object:
    return desired.drain(node, timeout_s=60 * answers["minutes"], actor=actor)


CORDON = Order(
    verb="cordon",
    meaning=_("It gets no new workers; what runs there goes on."),
    done=(gettext_noop("is cordoned"), gettext_noop("are cordoned")),
    give=lambda node, answers, actor: desired.cordon(node, cordoned=True, actor=actor),
    icon="block",
)
UNCORDON = Order(
    verb="uncordon",
    meaning=_("It gets new workers again. This also ends a drain."),
    done=(gettext_noop("takes workers again"), gettext_noop("take workers again")),
    give=lambda node, answers, actor: desired.cordon(node, cordoned=False, actor=actor),
    icon="check_circle",
    variant=ActionVariant.PRIMARY,
)
DRAIN = Order(
    verb="drain",
    meaning=_(
        "It gets no new workers. Its replicas move to other nodes where they fit; workers finish their requests "
        "first, and what still runs at the deadline is stopped."
    ),
    done=(gettext_noop("drains"), gettext_noop("drain")),
    give=_drain,
    icon="logout",
    form=DrainForm,
)
LABEL = Order(
    verb="label",
    meaning=_("Labels say what a node is, such as its zone. What runs there goes on."),
    done=(gettext_noop("is labelled"), gettext_noop("are labelled")),
    give=lambda node, answers, actor: desired.label(node, answers["labels"], actor=actor),
    icon="sell",
    form=LabelForm,
)
REMOVE = Order(
    verb="remove",
    meaning=_(
        "Modelyard forgets the node, its devices and its labels; its history stays. An agent that starts there "
        "again registers it anew."
    ),
    done=(gettext_noop("is removed"), gettext_noop("are removed")),
    give=lambda node, answers, actor: desired.remove_node(node, actor=actor, force=answers["force"]),
    icon="delete",
    form=RemoveForm,
    permission="remove",
)


class NodeOrdersAdmin(AskingAdmin):
    """What may be ordered of nodes."""

    actions = ("cordon_selected", "uncordon_selected", "drain_selected", "label_selected", "remove_selected")
    actions_detail = ("cordon", "uncordon", "drain", "label", "remove")

    cordon, cordon_selected = button(CORDON, NOUN), list_action(CORDON)
    uncordon, uncordon_selected = button(UNCORDON, NOUN), list_action(UNCORDON)
    drain, drain_selected = button(DRAIN, NOUN), list_action(DRAIN)
    label, label_selected = button(LABEL, NOUN), list_action(LABEL)
    remove, remove_selected = button(REMOVE, NOUN), list_action(REMOVE)

    def line(self, row: Node) -> str:
        count = row.running  # type: ignore[attr-defined]  # annotated by the list
        return ngettext("{count} worker", "{count} workers", count).format(count=count)

    def has_remove_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        user = request.user
        return not isinstance(user, AnonymousUser) and user.has_perm("registry.delete_node")

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        """Of Cordon and Uncordon only what would change something."""
        buttons: list[Any] = super().get_actions_detail(request, object_id)
        cordoned = Node.objects.filter(pk=object_id, cordoned=True).exists()
        hidden = "cordon" if cordoned else "uncordon"
        return [one for one in buttons if one.method.original_function_name != hidden]
