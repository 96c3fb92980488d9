"""The rows that are the truth: what should run, what does, and what happened."""

from registry.models.deployment import Deployment, Revision, Strategy
from registry.models.event import Event
from registry.models.model import Alias, Model
from registry.models.node import Device, ModelFiles, Node
from registry.models.sweep import Sweep
from registry.models.worker import Claim, Worker

__all__ = [
    "Alias",
    "Claim",
    "Deployment",
    "Device",
    "Event",
    "Model",
    "ModelFiles",
    "Node",
    "Revision",
    "Strategy",
    "Sweep",
    "Worker",
]
