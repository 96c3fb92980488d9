"""TLS between gateway and workers: a real worker, asked by the whole application."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import pytest
from certified import tls_files
from echo_worker import EchoWorker, echo_worker
from gateway_rig import QUESTION, eventually, model, rig

from inference.protocol.tls import TlsFiles
from openai_api.routing import lookup
from registry import wire
from registry.agent.probing import answers
from registry.catalog import ServingState
from registry.errors import LogUnavailable
from registry.logs import WorkerLog
from registry.tokens import worker_token

pytestmark = pytest.mark.processes


class Noted:
    """Keeps the rows of usage."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def note(self, line: bytes) -> None:
        self.lines.append(line)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    return tls_files(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def secured(files: TlsFiles) -> Iterator[EchoWorker]:
    """A worker that speaks TLS and lets in who has a certificate of the CA."""
    arguments = ["--tls-cert", str(files.cert), "--tls-key", str(files.key), "--tls-ca", str(files.ca)]
    with echo_worker(token_delay_ms=20, arguments=arguments) as started:
        yield started


async def test_a_worker_with_tls_answers_and_an_abort_reaches_it(
    secured: EchoWorker, files: TlsFiles, settings: Any
) -> None:
    settings.MODELYARD_WORKER_TLS = files
    assert secured.address.startswith("https://127.0.0.1:")
    async with rig(model("echo", secured.replica)) as here:
        here.gateway.books.ledger = noted = Noted()
        answer = await here.client.chat.completions.create(model="echo", messages=QUESTION)
        assert answer.choices[0].message.content == "one two three"
        stream = await here.client.completions.create(model="echo", prompt="a " * 500, stream=True, max_tokens=500)
        await anext(aiter(stream))
        await stream.close()
        await eventually(lambda: len(noted.lines) == 2)
    # The second is from what the worker said when it was asked, by the same session, what the aborted one took.
    assert [json.loads(line)["exact"] for line in noted.lines] == [True, True]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a replica that may come back."""
    monkeypatch.setattr(lookup, "PATIENCE_S", {ServingState.READY: 0.0})


async def refusal(secured: EchoWorker, caplog: pytest.LogCaptureFixture) -> str:
    """What the log says when the gateway's own settings keep the worker from answering."""
    async with rig(model("echo", secured.replica)) as here:
        with caplog.at_level(logging.WARNING), pytest.raises(openai.APIStatusError) as refused:
            await here.client.chat.completions.create(model="echo", messages=QUESTION)
    assert (refused.value.status_code, refused.value.code) == (503, "model_not_ready")
    return caplog.text


@pytest.mark.usefixtures("impatient")
async def test_without_a_certificate_of_its_own_the_gateway_is_refused(
    secured: EchoWorker, files: TlsFiles, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.MODELYARD_WORKER_TLS = replace(files, cert=None, key=None)
    said = await refusal(secured, caplog)
    assert f"{secured.address}: " in said
    assert "it may want a certificate: set MODELYARD_WORKER_TLS_CERT" in said


@pytest.mark.usefixtures("impatient")
async def test_a_worker_of_another_ca_is_not_spoken_to_and_the_log_says_why(
    secured: EchoWorker, tmp_path: Path, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.MODELYARD_WORKER_TLS = tls_files(tmp_path)
    said = await refusal(secured, caplog)
    assert f"{secured.address}: no TLS, because " in said
    assert "certificate" in said.split("no TLS, because ")[1].split(";")[0]


def test_logs_and_probes_go_the_same_way(secured: EchoWorker, files: TlsFiles, settings: Any, tmp_path: Path) -> None:
    log = WorkerLog(secured.address, worker_token(secured.launch_id))
    settings.MODELYARD_WORKER_TLS = files
    assert answers(secured.address)
    with pytest.raises(LogUnavailable, match="writes its log to no file"):  # so it was let in
        log.read(0)
    settings.MODELYARD_WORKER_TLS = tls_files(tmp_path)
    assert answers(secured.address)  # a refusal is an answer: nobody is ended for a certificate
    with pytest.raises(LogUnavailable, match=r"cannot be reached .*certificate verify failed"):
        log.read(0)


@pytest.mark.parametrize(
    ("address", "goes"),
    [
        ("https://10.0.0.5:1", True),
        ("http://10.0.0.5:1", False),
        ("http://gpu-2:1", False),
        ("http://127.0.0.1:1", True),
        ("http://[::1]:1", True),
        ("http://localhost:1", True),
    ],
)
def test_where_tls_is_set_up_no_token_goes_to_another_machine_in_the_clear(
    settings: Any, address: str, goes: bool
) -> None:
    assert not wire.refusal(address)
    settings.MODELYARD_WORKER_TLS = TlsFiles(ca=Path("/ca.pem"))
    assert ("speaks without TLS: set MODELYARD_WORKER_TLS_CERT" not in wire.refusal(address)) is goes
