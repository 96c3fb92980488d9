"""Which model is measured: a folder given, else the demo chat model as bf16 safetensors, the form that all can load."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import django


def folder(given: Path | None) -> Path:
    """The model's folder; converting the demo model takes seconds once, and is kept where workers keep theirs."""
    if given is not None:
        return given.expanduser().resolve()
    # In a process of its own: torch's threads and memory are nothing that a client should have.
    done = subprocess.run([sys.executable, "-m", "bench.model"], stdout=subprocess.PIPE, text=True, check=True)
    return Path(done.stdout.strip())


def main() -> None:
    """Convert it if need be, and say where it is."""
    # The list of demo models comes with Django's models. Nothing is connected to and nothing is signed.
    os.environ |= {"MODELYARD_SECRET_KEY": "bench", "DATABASE_URL": "postgresql://127.0.0.1/bench"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "modelyard.settings"
    django.setup()
    from inference.sources.gguf_cache import converted
    from inference.sources.progress import Span
    from modelyard.demo import DEMO_MODELS

    gguf = DEMO_MODELS[0].path()
    if gguf is None:
        sys.exit("The demo models are not installed: `make setup` does that. Or name a model with --model.")
    print(converted(gguf, Path("~/.cache/modelyard").expanduser(), Span(lambda _: None)))


if __name__ == "__main__":
    main()
