"""`python -m bench start`: how long a user waits for a start, a first token and a stop."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from bench.machine import headline
from modelyard.ports import kept_port

CHAT = "smollm2-135m-instruct"
POLL_S = 0.05


class Run:
    """One start and stop of an installation, timed from outside."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.port = kept_port()
        self.begun = time.perf_counter()
        command = [sys.executable, "-m", "modelyard", "up", "--data-dir", str(data_dir), "--port", str(self.port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def until(self, look: Callable[[], bool]) -> float:
        """Seconds from the start of `up` until something is there."""
        while not look():
            if self._process.poll() is not None:
                sys.exit("`modelyard up` ended; start it by hand to see why.")
            time.sleep(POLL_S)
        return time.perf_counter() - self.begun

    def pages_answer(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/login/", timeout=2):
                return True
        except OSError:
            return False

    def token_comes(self) -> bool:
        """Whether a streamed chat gives its first token."""
        key = json.loads((self.data_dir / "credentials.json").read_text())["api_key"]
        body = {"model": CHAT, "stream": True, "max_tokens": 4, "messages": [{"role": "user", "content": "Hello!"}]}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/v1/chat/completions",
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return any(b'"content":"' in line and b'"role"' not in line for line in answer)
        except OSError:
            return False

    def stop(self) -> float:
        """Seconds that a stop takes."""
        begun = time.perf_counter()
        self._process.terminate()
        self._process.wait()
        return time.perf_counter() - begun


def measure(title: str, data_dir: Path) -> None:
    run = Run(data_dir)
    pages = run.until(run.pages_answer)
    token = run.until(run.token_comes)
    print(f"{title}: pages after {pages:.1f} s, first token after {token:.1f} s, stopped in {run.stop():.1f} s")


def main() -> None:
    headline("Start: what a user waits for")
    folder = Path(tempfile.mkdtemp(prefix="modelyard-bench-"))
    folder.chmod(0o711)  # as root, Postgres runs under another account
    try:
        measure("First start", folder / "var")
        for number in range(1, 4):
            measure(f"Later start {number}", folder / "var")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
