"""What a worker that stands alone tells the person who started it."""

from __future__ import annotations

from inference.engines.base import Capability
from inference.protocol.capabilities import ENDPOINTS
from inference.service import Service

_BODIES = {
    Capability.CHAT: '{"model": "%s", "messages": [{"role": "user", "content": "Hello!"}]}',
    Capability.COMPLETIONS: '{"model": "%s", "prompt": "Once upon a time"}',
    Capability.EMBEDDINGS: '{"model": "%s", "input": "Hello!"}',
}


def listening(service: Service) -> str:
    """As soon as the port is open."""
    return f"Loading {service.config.name} at {service.address} (GET /health shows the progress)."


def ready(service: Service) -> str:
    """When requests are answered: where, and a line to paste."""
    able = service.engine.capabilities
    names = ", ".join(capability for capability in Capability if capability in able)
    lines = [f"Serving {service.config.name} at {service.address}/v1 ({names}). Ctrl-C stops it. Try:"]
    lines += [_curl(service, capability) for capability in Capability if capability in able][:1]
    return "\n".join(lines)


def _curl(service: Service, capability: Capability) -> str:
    token = "" if service.config.token is None else '-H "Authorization: Bearer $MODELYARD_WORKER_TOKEN" '
    body = _BODIES[capability] % service.config.name
    tls = service.config.tls
    shown = "" if tls.ca is None else f"--cacert {tls.ca} --cert {tls.cert} --key {tls.key} "
    url = service.address + ENDPOINTS[capability]
    return f"  curl {url} {shown}{token}-H 'Content-Type: application/json' -d '{body}'"
