"""`modelyard models`: what can be asked for."""

from __future__ import annotations

from typing import Any

from registry.catalog import read_catalog
from registry.management.command import YardCommand
from registry.models import Model


class Command(YardCommand):
    """As the gateway sees them: a model is what its best replica is."""

    help = "List the models, their other names, and what they do now."
    examples = ("", "--json")
    lists = True

    def handle(self, *args: Any, **options: Any) -> None:
        paths = dict(Model.objects.values_list("name", "path"))
        rows = [
            {
                "name": model.name,
                "state": model.status.state.value,
                "aliases": list(model.aliases),
                "capabilities": list(model.capabilities),
                "path": paths.get(model.name, ""),
                "reason": model.status.reason,
            }
            for model in read_catalog().models
        ]
        self.print_rows(
            rows,
            columns=("name", "state", "aliases", "capabilities", "path"),
            as_json=options["as_json"],
            nothing="No models yet: `modelyard deploy NAME --path DIR` adds one.",
        )
