"""Ports: free or taken, and kept ones out of the kernel's way."""

from __future__ import annotations

import socket

import pytest

from modelyard import ports


def test_a_port_is_taken_while_somebody_listens_and_free_right_after() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not ports.is_free("127.0.0.1", port)
    assert ports.is_free("127.0.0.1", port)


def test_a_kept_port_is_free_and_no_outgoing_connection_can_get_it() -> None:
    port = ports.kept_port()
    assert port in ports.KEPT_PORTS
    assert ports.is_free("127.0.0.1", port)


def test_an_address_that_is_not_ours_raises() -> None:
    with pytest.raises(OSError, match="assign"):
        ports.is_free("192.0.2.1", 8000)
