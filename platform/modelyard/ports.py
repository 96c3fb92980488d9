"""TCP ports: which are free, and one that stays free."""

from __future__ import annotations

import errno
import random
import socket

# Below the kernel's ephemeral range (32768 and up), so that no outgoing connection takes a kept port while we are down.
KEPT_PORTS = range(20_000, 30_000)


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now. Raises `OSError` when the address itself cannot be bound."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free for a server
        try:
            probe.bind(address)
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def kept_port(host: str = "127.0.0.1") -> int:
    """A free port that suits being written down for the next start."""
    for port in random.sample(KEPT_PORTS, 200):
        if is_free(host, port):
            return port
    return kernel_port(host)


def kernel_port(host: str = "127.0.0.1") -> int:
    """A port that the kernel chose, free a moment ago."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
