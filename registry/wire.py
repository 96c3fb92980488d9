"""How this process speaks to workers: with TLS or without, as its settings and their addresses say."""

from __future__ import annotations

import ssl
from functools import cache
from http.client import HTTPConnection, HTTPSConnection
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings

from inference.protocol.tls import TlsFiles


def client_context() -> ssl.SSLContext | None:
    """Whom this process trusts, and what it shows; None: what the machine trusts. Raises `TlsUnusable`."""
    return _context(settings.MODELYARD_WORKER_TLS)


def refusal(address: str) -> str:
    """Why no token may go there: plain HTTP to another machine, where TLS is set up. Empty: it may."""
    if address.startswith("https://") or settings.MODELYARD_WORKER_TLS.ca is None:
        return ""
    if _is_loopback(urlsplit(address).hostname or ""):
        return ""
    return (
        f"The worker at {address} speaks without TLS: set MODELYARD_WORKER_TLS_CERT and MODELYARD_WORKER_TLS_KEY for "
        "the agent of its node, and restart its model."
    )


def connection(address: str, *, timeout_s: float) -> HTTPConnection:
    """To a worker's server; it connects with its first request."""
    where = urlsplit(address)
    if where.scheme == "https":
        return HTTPSConnection(where.hostname or "", where.port, timeout=timeout_s, context=client_context())
    return HTTPConnection(where.hostname or "", where.port, timeout=timeout_s)


@cache
def _context(files: TlsFiles) -> ssl.SSLContext | None:
    # Read once: a new certificate takes a new process.
    return files.client()


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
