"""What an operator tells an agent when starting it: where it is reached, its labels, its simulated devices."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from registry.agent.simulated import Card
from registry.errors import InvalidDesire

LOOPBACK = "127.0.0.1"
ANY_PORT = 9  # for a datagram socket that never sends


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How this agent joins. Without `cards` it offers the devices that the machine has."""

    address: str = LOOPBACK
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    cards: tuple[Card, ...] = ()


def checked_address(host: str) -> str:
    """An address that workers can listen at. Raises `InvalidDesire` for one that is not this machine's."""
    try:
        family, _, _, _, target = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            listener.bind(target)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InvalidDesire(f"{host!r} is no address of this machine ({reason}); workers listen there.") from None
    return host


def own_address(database_host: str) -> str:
    """Where other machines reach this one: the local address from which it reaches the database's host."""
    host = database_host.partition(",")[0]
    if not host or host.startswith(("/", "@")):
        return LOOPBACK  # a Unix socket: all is on this machine
    try:
        family, _, _, _, target = socket.getaddrinfo(host, ANY_PORT, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(target)  # picks a route and sends nothing
            address = str(probe.getsockname()[0])
    except OSError:
        return LOOPBACK  # the database does not answer either, and its own message says so
    return LOOPBACK if ipaddress.ip_address(address).is_loopback else address
