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
from bench.vllm_engine import READY
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
        worker_url, controller, server = (f"http://127.0.0.1:{kernel_port()}" for _ in range(3))
        environment = _environment(venv) | {"LOGDIR": str(home / "fastchat")}
        engine = [sys.executable, "-m", "bench.fastchat_worker", "--name", NAME, "--options", json.dumps(dict(options))]
        with ExitStack() as stack:

            def begin(command: Sequence[str], url: str, ready: str) -> None:
                host, port = url.removeprefix("http://").split(":")
                place, log = ["--host", host, "--port", port], home / f"fastchat-{port}.log"
                process = stack.enter_context(Process([*command, *place], environment, log))
                process.until(lambda: answers(f"{url}{ready}"))

            def theirs(name: str) -> list[str]:
                return [str(venv / "bin" / "python"), "-m", f"fastchat.serve.{name}"]

            begin(engine, worker_url, "/worker_get_status")
            begin(theirs("controller"), controller, "/test_connection")
            _register(controller, worker_url)
            begin([*theirs("openai_api_server"), "--controller-address", controller], server, "/v1/models")
            yield Target(f"{server}/v1", NAME)

    return Contender(f"FastChat {_version(venv, 'fschat')}", start)


def _register(controller: str, worker_url: str) -> None:
    # As `fastchat.serve.register_worker` does it; without heartbeats the worker never counts as gone.
    about = json.dumps({"worker_name": worker_url, "check_heart_beat": False, "worker_status": None}).encode()
    request = urllib.request.Request(f"{controller}/register_worker", about, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10):
        pass


def vllm(venv: Path, model: Path, home: Path, *, delay_ms: float) -> Contender:
    """vLLM's API server before a stub of its engine core, a process each; of the model only the tokenizer is used."""

    @contextmanager
    def start() -> Iterator[Target]:
        port = kernel_port()
        sockets = ["--requests", f"ipc://{home / 'vllm-requests'}", "--outputs", f"ipc://{home / 'vllm-outputs'}"]
        environment = _environment(venv) | {"HF_HUB_OFFLINE": "1", "VLLM_CPU_KVCACHE_SPACE": "1"}

        def command(name: str, *arguments: str) -> list[str]:
            return [str(venv / "bin" / "python"), "-m", f"bench.{name}", *sockets, "--model", str(model), *arguments]

        about = ["--served-model-name", NAME, "--max-model-len", "4096", "--host", "127.0.0.1", "--port", str(port)]
        engine = Process(command("vllm_engine", "--delay-ms", str(delay_ms)), environment, home / "vllm-engine.log")
        server = Process(command("vllm_server", *about), environment, home / "vllm-server.log")
        with engine, server:
            engine.until(lambda: READY in engine.text())
            server.until(lambda: answers(f"http://127.0.0.1:{port}/health"))
            yield Target(f"http://127.0.0.1:{port}/v1", NAME)

    return Contender(f"vLLM's server {_version(venv, 'vllm')}", start)


def _environment(venv: Path) -> dict[str, str]:
    return clean(os.environ) | {"PATH": f"{venv / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}


def _version(venv: Path, package: str) -> str:
    look = f"import importlib.metadata as found; print(found.version('{package}'))"
    try:
        done = subprocess.run([venv / "bin" / "python", "-c", look], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        sys.exit(f"{venv} is no virtual environment that has {package}. bench/RESULTS.md says how to make one.")
    return done.stdout.strip()
