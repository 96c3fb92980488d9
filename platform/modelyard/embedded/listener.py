"""The address of the web process, held by its supervisor: it stays open while one web process follows another."""

from __future__ import annotations

import errno
import socket
from typing import Any

# Connections that the kernel accepts before we do; Linux takes what net.core.somaxconn allows.
BACKLOG = 4096


class Listener:
    """Opened for the first process that inherits it, closed when none shall follow."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._sockets: list[socket.socket] = []

    def open(self) -> tuple[int, ...]:
        """The file descriptors to inherit, one for each address of the host. Raises `OSError`."""
        if not self._sockets:
            self._sockets = listening(self._host, self._port)
        return tuple(one.fileno() for one in self._sockets)

    def close(self) -> None:
        """From now on connections are refused, once the last heir has closed its own too."""
        for one in self._sockets:
            one.close()
        self._sockets = []


def listening(host: str, port: int) -> list[socket.socket]:
    """Open sockets at every address of a host, as asyncio would. Raises `OSError`."""
    opened: list[socket.socket] = []
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            opened.append(socket.socket(family, kind, protocol))
            if not _bound(opened[-1], address, optional=host == "localhost"):
                opened.pop().close()
    except OSError:
        for one in opened:
            one.close()
        raise
    return opened


def _bound(one: socket.socket, address: tuple[Any, ...], *, optional: bool) -> bool:
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free for a server
    if one.family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        one.bind(address)
    except OSError as error:
        # "localhost" is ::1 too, also on a machine without IPv6.
        if optional and error.errno == errno.EADDRNOTAVAIL:
            return False
        raise
    one.listen(BACKLOG)
    return True
