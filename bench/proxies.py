"""The echo engine asked directly, and through the gateways of others."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.load.target import Target
from bench.servers import NAME, Contender, Process, answers, clean, worker
from modelyard.ports import kernel_port


def direct(name: str, options: Mapping[str, Any], home: Path) -> Contender:
    """Nobody between the client and the engine."""

    @contextmanager
    def start() -> Iterator[Target]:
        with worker(None, options, home) as (_, target):
            yield target

    return Contender(name, start)


def litellm(venv: Path, options: Mapping[str, Any], home: Path) -> Contender:
    """LiteLLM's proxy as it is without a database, before a worker like the others'."""

    @contextmanager
    def start() -> Iterator[Target]:
        with worker(None, options, home) as (_, upstream):
            config, port = home / "litellm.json", kernel_port()
            config.write_text(json.dumps(_config(upstream)), encoding="utf-8")
            command = [str(venv / "bin" / "litellm"), "--config", str(config), "--host", "127.0.0.1"]
            environment = clean(os.environ) | {
                "PATH": f"{venv / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
                "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
                "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it asks for one on the internet
            }
            with Process([*command, "--port", str(port)], environment, home / "litellm.log") as process:
                process.until(lambda: answers(f"http://127.0.0.1:{port}/health/liveliness"))
                yield Target(f"http://127.0.0.1:{port}/v1", NAME)

    return Contender("LiteLLM", start)


def _config(upstream: Target) -> dict[str, Any]:
    # YAML, which JSON is too.
    where = {"model": f"openai/{NAME}", "api_base": upstream.url, "api_key": upstream.key}
    return {"model_list": [{"model_name": NAME, "litellm_params": where}]}
