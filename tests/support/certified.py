"""Certificates for tests, made by the code that makes a team's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from inference.protocol.tls import TlsFiles
from modelyard import certificates


def tls_files(folder: Path, *addresses: str, days: int = 2) -> TlsFiles:
    """A machine that is reached by these addresses; the folder's CA is made when it is the first one there."""
    cert, key = certificates.issue(folder, "node", addresses or ("127.0.0.1",), days=days)
    return TlsFiles(folder / "ca.pem", cert, key)


def expired_files(folder: Path) -> TlsFiles:
    """A certificate whose time ended a day ago."""
    with _made_before(timedelta(days=3)):
        return tls_files(folder, days=-1)


@contextmanager
def _made_before(slack: timedelta) -> Iterator[None]:
    usual, certificates.SLACK = certificates.SLACK, slack
    try:
        yield
    finally:
        certificates.SLACK = usual
