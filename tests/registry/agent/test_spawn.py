"""What a worker process is started with."""

from __future__ import annotations

from pathlib import Path

from inference.cli import build_parser, read_config
from inference.protocol.tls import TlsFiles
from registry.agent.spawn import tls_arguments


def test_a_worker_reads_the_paths_of_certificates_that_its_agent_writes() -> None:
    files = TlsFiles(Path("/tls/ca.pem"), Path("/tls/node.pem"), Path("/tls/node-key.pem"))
    arguments = build_parser().parse_args(["--model", "echo", "--engine", "echo", *tls_arguments(files)])
    assert read_config(arguments, {}).tls == files


def test_without_a_certificate_of_its_own_a_node_serves_as_before() -> None:
    assert list(tls_arguments(TlsFiles(ca=Path("/tls/ca.pem")))) == []
