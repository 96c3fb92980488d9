"""Deploy, Stop and Restart: as buttons of a deployment's page and as actions of the list."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.enums import ActionVariant

from registry import desired
from registry.admin.asking import AskingAdmin, Order, button, list_action
from registry.models import Deployment

NOUN = _("deployment")
DEPLOY = Order(
    verb="deploy",
    meaning=_("It runs with its present settings; replicas that were given up start anew."),
    done=(gettext_noop("starts"), gettext_noop("start")),
    give=lambda deployment, answers, actor: desired.start(deployment, actor=actor),
    icon="play_arrow",
    variant=ActionVariant.PRIMARY,
    asks=False,
)
STOP = Order(
    verb="stop",
    meaning=_("Workers finish the requests that they have, and end. The settings stay."),
    done=(gettext_noop("stops"), gettext_noop("stop")),
    give=lambda deployment, answers, actor: desired.stop(deployment, actor=actor),
    icon="stop",
)
RESTART = Order(
    verb="restart",
    meaning=_("Every worker is replaced by a new one, and finishes the requests that it has first."),
    done=(gettext_noop("restarts"), gettext_noop("restart")),
    give=lambda deployment, answers, actor: desired.restart(deployment, actor=actor),
    icon="restart_alt",
)


class OrdersAdmin(AskingAdmin):
    """What may be ordered of deployments."""

    actions = ("deploy_selected", "stop_selected", "restart_selected")
    actions_detail = ("deploy", "stop", "restart")

    deploy, deploy_selected = button(DEPLOY, NOUN), list_action(DEPLOY)
    stop, stop_selected = button(STOP, NOUN), list_action(STOP)
    restart, restart_selected = button(RESTART, NOUN), list_action(RESTART)

    def line(self, row: Deployment) -> str:
        return f"{row.replicas} × {row.model}"
