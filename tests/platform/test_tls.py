"""`modelyard tls`, as a user calls it: no installation, no database."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from yard import clean_environment

from inference.protocol.tls import TlsFiles, rehearse

pytestmark = pytest.mark.processes


def tls(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "modelyard", "tls", *arguments]
    return subprocess.run(
        command, cwd=folder, env=clean_environment(), capture_output=True, text=True, timeout=60, check=False
    )


def test_it_makes_what_two_machines_need_and_says_what_to_set(tmp_path: Path) -> None:
    made = tls(tmp_path, "gpu-2", "10.0.0.5", "gpu-2.example.org")
    settings = dict(line.split("=") for line in made.stdout.splitlines())
    files = TlsFiles(*(Path(settings[f"MODELYARD_WORKER_TLS_{name}"]) for name in ("CA", "CERT", "KEY")))
    rehearse(files, "10.0.0.5")
    rehearse(files, "gpu-2.example.org")
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "tls").iterdir()} == {0o600}
    assert "ca-key.pem signs for every machine" in made.stderr


def test_what_cannot_be_is_a_sentence(tmp_path: Path) -> None:
    refused = tls(tmp_path, "gpu-2", "10.0.0.5:8000 x")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "'10.0.0.5:8000 x' is not an address: say an IP address or a host name, without a port.\n"
    assert list(tmp_path.iterdir()) == []
