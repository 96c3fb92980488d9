"""What the control plane does next: pure, from a snapshot of the rows to a list of actions."""

from registry.plan.actions import Action, Alarm, Command, Create, End, NodeBack, NodeLost, Place, Promote, Release
from registry.plan.budget import backoff_s, failures, gave_up, retry_in
from registry.plan.calm import calm
from registry.plan.planning import plan
from registry.plan.views import DeploymentView, Ending, Limits, NodeView, Snapshot, WorkerView

__all__ = [
    "Action",
    "Alarm",
    "Command",
    "Create",
    "DeploymentView",
    "End",
    "Ending",
    "Limits",
    "NodeBack",
    "NodeLost",
    "NodeView",
    "Place",
    "Promote",
    "Release",
    "Snapshot",
    "WorkerView",
    "backoff_s",
    "calm",
    "failures",
    "gave_up",
    "plan",
    "retry_in",
]
