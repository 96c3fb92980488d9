"""What operators ask for: admin, commands and later APIs go through these functions, which write desired state only."""

from registry.desired.deployments import (
    DEVICES,
    check_options,
    delete,
    deploy,
    find,
    model_changed,
    renew,
    restart,
    save,
    scale,
    start,
    stop,
)
from registry.desired.models import delete_model, register, save_model
from registry.desired.nodes import cordon, drain, find_node, label, remove_node
from registry.desired.wish import Wish

__all__ = [
    "DEVICES",
    "Wish",
    "check_options",
    "cordon",
    "delete",
    "delete_model",
    "deploy",
    "drain",
    "find",
    "find_node",
    "label",
    "model_changed",
    "register",
    "remove_node",
    "renew",
    "restart",
    "save",
    "save_model",
    "scale",
    "start",
    "stop",
]
