"""Opens the worker's port, and says where that is."""

from __future__ import annotations

import errno
import socket

from aiohttp import web

from inference.errors import ListenError
from inference.protocol.causes import Cause
from inference.protocol.tls import TlsFiles, TlsUnusable, rehearse

# Connections that may wait to be accepted: a burst of clients must not run into SYN retries of a second.
_BACKLOG = 1024


_PLAIN = TlsFiles()
_TLS_HINT = "`modelyard tls NODE ADDRESS` makes a certificate for an address; then start the model again."


async def listen(runner: web.AppRunner, host: str, *, port: int, tls: TlsFiles = _PLAIN) -> str:
    """The base address of the open port. Raises `ListenError` with a sentence."""
    try:
        context = tls.server()
        rehearse(tls, _reachable(host))
    except TlsUnusable as error:
        raise ListenError(str(error), Cause.OPTIONS, hint=_TLS_HINT) from error
    try:
        site = web.TCPSite(runner, host, port, backlog=_BACKLOG, reuse_address=True, ssl_context=context)
        await site.start()
    except OSError as error:
        raise _explained(error, host, port=port) from error
    return _address("http" if context is None else "https", host, port=runner.addresses[0][1])


def _explained(error: OSError, host: str, *, port: int) -> ListenError:
    if error.errno == errno.EADDRINUSE:
        hint = "Choose another with --port, or 0 for any that is free."
        return ListenError(f"Port {port} of {host} is taken.", Cause.PORT_TAKEN, hint=hint)
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        hint = "Choose one of its own with --host; for a node, that is the address that its agent was given."
        return ListenError(f"This machine has no address '{host}'.", Cause.OPTIONS, hint=hint)
    if error.errno == errno.EACCES:
        hint = "Choose one above 1023 with --port."
        return ListenError(f"Port {port} of {host} needs rights that this process lacks.", Cause.OPTIONS, hint=hint)
    hint = "Choose another with --host and --port."
    return ListenError(f"Cannot listen at {host}, port {port}: {error.strerror}.", Cause.OPTIONS, hint=hint)


def _reachable(host: str) -> str:
    # Nobody can connect to "all addresses", so a name stands for the machine.
    return socket.gethostname() if host in ("0.0.0.0", "::") else host  # noqa: S104


def _address(scheme: str, host: str, *, port: int) -> str:
    reachable = _reachable(host)
    return f"{scheme}://[{reachable}]:{port}" if ":" in reachable else f"{scheme}://{reachable}:{port}"
