"""The echo engine asked directly, and through the servers of others, each as its package installs and starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
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
            environment = _environment(venv) | {
                "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
                "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it asks for one on the internet
            }
            with Process([*command, "--port", str(port)], environment, home / "litellm.log") as process:
                process.until(lambda: answers(f"http://127.0.0.1:{port}/health/liveliness"))
                yield Target(f"http://127.0.0.1:{port}/v1", NAME)

    return Contender(f"LiteLLM {_version(venv, 'litellm')}", start)


def _config(upstream: Target) -> dict[str, Any]:
    # YAML, which JSON is too.
    where = {"model": f"openai/{NAME}", "api_base": upstream.url, "api_key": upstream.key}
    return {"model_list": [{"model_name": NAME, "litellm_params": where}]}


def fastchat(venv: Path, options: Mapping[str, Any], home: Path) -> Contender:
    """FastChat's API server and controller before a worker that speaks FastChat's protocol, a process each."""

    @contextmanager
    def start() -> Iterator[Target]:
        ports = {name: kernel_port() for name in ("worker", "controller", "openai_api_server")}
        urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        engine = [sys.executable, "-m", "bench.fastchat_worker", "--name", NAME, "--options", json.dumps(dict(options))]
        with ExitStack() as stack:

            def begin(name: str, command: Sequence[str], *, ready: str) -> None:
                environment = _environment(venv) | {"LOGDIR": str(home / "fastchat")}
                full = [*command, "--port", str(ports[name])]
                process = stack.enter_context(Process(full, environment, home / f"fastchat-{name}.log"))
                process.until(lambda: answers(f"{urls[name]}{ready}"))

            def theirs(name: str) -> list[str]:
                return [str(venv / "bin" / "python"), "-m", f"fastchat.serve.{name}", "--host", "127.0.0.1"]

            begin("worker", engine, ready="/worker_get_status")
            begin("controller", theirs("controller"), ready="/test_connection")
            _register(urls["controller"], urls["worker"])
            server = [*theirs("openai_api_server"), "--controller-address", urls["controller"]]
            begin("openai_api_server", server, ready="/v1/models")
            yield Target(f"{urls['openai_api_server']}/v1", NAME)

    return Contender(f"FastChat {_version(venv, 'fschat')}", start)


def _register(controller: str, worker_url: str) -> None:
    # As `fastchat.serve.register_worker` does it; without heartbeats the worker never counts as gone.
    about = json.dumps({"worker_name": worker_url, "check_heart_beat": False, "worker_status": None}).encode()
    request = urllib.request.Request(f"{controller}/register_worker", about, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10):
        pass


def _environment(venv: Path) -> dict[str, str]:
    return clean(os.environ) | {"PATH": f"{venv / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}


def _version(venv: Path, package: str) -> str:
    look = f"import importlib.metadata as found; print(found.version('{package}'))"
    done = subprocess.run([venv / "bin" / "python", "-c", look], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{venv} is no virtual environment that has {package}.")
    return done.stdout.strip()
