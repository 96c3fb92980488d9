"""Which version of the protocol between platform and workers this code speaks."""

from __future__ import annotations

# Raised when a beat, an order or an endpoint changes so that the other side has to know.
PROTOCOL_VERSION = 1
