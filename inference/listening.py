"""Opens the worker's port, and says where that is."""

from __future__ import annotations

import errno
import socket

from aiohttp import web

from inference.errors import ListenError
from inference.protocol.causes import Cause

# Connections that may wait to be accepted: a burst of clients must not run into SYN retries of a second.
_BACKLOG = 1024


async def listen(runner: web.AppRunner, host: str, *, port: int) -> str:
    """The base address of the open port. Raises `ListenError` with a sentence."""
    try:
        await web.TCPSite(runner, host, port, backlog=_BACKLOG, reuse_address=True).start()
    except OSError as error:
        raise _explained(error, host, port=port) from error
    return _address(host, runner.addresses[0][1])


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


def _address(host: str, port: int) -> str:
    # Nobody can connect to "all addresses", so a name stands for the machine.
    reachable = socket.gethostname() if host in ("0.0.0.0", "::") else host  # noqa: S104
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
