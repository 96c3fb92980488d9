"""What one command asks of a deployment: its name, and the fields that it wants to be different."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from inference.protocol.engines import engine_entry
from registry.errors import InvalidDesire
from registry.models import Deployment, Model

NOT_FIELDS = {"name", "path", "model", "description", "reset"}


@dataclass(frozen=True, slots=True)
class Wish:
    """A model and its deployment, as one command names them. None leaves an existing deployment's value as it is.

    `reset` names fields that go back to their default: `gpus` to as few as it fits on, `memory_bytes` to the estimate.
    """

    name: str
    path: str | None = None
    replicas: int | None = None
    engine: str | None = None
    options: Mapping[str, Any] | None = None
    memory_bytes: int | None = None
    restart_budget: int | None = None
    start_timeout_s: int | None = None
    load_timeout_s: int | None = None
    drain_timeout_s: int | None = None
    hang_timeout_s: int | None = None
    gpus: int | None = None
    devices: str | None = None
    node_labels: Mapping[str, str] | None = None
    max_memory_per_gpu_bytes: int | None = None
    exclusive: bool | None = None
    strategy: str | None = None
    model: str | None = None
    description: str = field(default="")
    reset: frozenset[str] = frozenset()

    def apply(self, deployment: Deployment) -> None:
        """Write the wished fields into a deployment that is not yet stored."""
        for name in self.reset:
            setattr(deployment, name, getattr(Deployment(), name))
        for each in fields(self):
            if each.name not in NOT_FIELDS and (value := getattr(self, each.name)) is not None:
                setattr(deployment, each.name, value)

    def draft(self) -> Deployment:
        """The deployment as it would be, stored nowhere. Raises `InvalidDesire` when its model cannot be known."""
        deployment = Deployment.objects.select_related("model").filter(name=self.name).first()
        if deployment is None:
            deployment = Deployment(name=self.name, model=self._model(self.model or self.name))
        elif self.model is not None or self.path is not None:
            deployment.model = self._model(self.model or deployment.model.name)
        self.apply(deployment)
        return deployment

    def _model(self, name: str) -> Model:
        model = Model.objects.filter(name=name).first()
        if model is None:
            if self.path is None and engine_entry(self.engine).loads_weights:
                raise InvalidDesire(f"There is no deployment and no model {name!r}: say --path with its weights.")
            model = Model(name=name)
        if self.path is not None:
            model.path = self.path
        return model
