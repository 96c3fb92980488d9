"""Every error at every endpoint, from one table: what is asked, and the status and code that come in OpenAI's shape."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from echo_worker import EchoWorker
from endpoints import ALL, ASKING, ENDPOINTS, GENERATING, LIMITED, NOTHING, OF_A_MODEL, Endpoint, patterns
from error_shape import assert_error_shape
from gateway_rig import ANNA, QUESTION, Rig, model, rig
from pytest_django.fixtures import Settings

from openai_api import gateway
from openai_api.board import Snapshot
from openai_api.keys import KeyFacts, hash_secret
from openai_api.limits.facts import LimitBook, LimitFacts
from openai_api.models import Scope
from registry.catalog import Catalog, ServingState, Status

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]
LARGEST = 2_000
GOOD, SPENT = "good", "spent"
KEYS = {
    GOOD: KeyFacts(1, "good", ANNA, scopes=frozenset(Scope)),
    SPENT: KeyFacts(2, "spent", ANNA, scopes=frozenset(Scope)),
    "revoked": KeyFacts(3, "gone", ANNA, revoked=True),
    "expired": KeyFacts(4, "old", ANNA, expires_at=timezone.now() - timedelta(days=1)),
    "narrow": KeyFacts(5, "narrow", ANNA, allowed_models=("lab/*",)),
    **{f"all but {scope}": KeyFacts(6, "wrong", ANNA, scopes=frozenset(Scope) - {scope}) for scope in Scope},
}
NONE_LEFT = LimitBook.of([LimitFacts(1, ("key", 2), "the key 'spent'", requests_per_minute=0)])


@dataclass(frozen=True)
class Refusal:
    """What is answered, where this can go wrong, and what is asked: `key` may name the endpoint's scope.

    `said` is a part of the sentence, `headers` are those that come with the answer.
    """

    status: int
    code: str
    endpoints: Sequence[Endpoint]
    said: str
    model: str = "echo"
    key: str = GOOD
    sent: Mapping[str, Any] = field(default_factory=dict)
    headers: tuple[str, ...] = ()


JSON = {"Content-Type": "application/json"}
REFUSALS: Mapping[str, Refusal] = {
    "no JSON": Refusal(400, "invalid_json", ASKING, "not valid JSON", sent={"data": b"{", "headers": JSON}),
    "no object": Refusal(400, "invalid_json", ASKING, "must be a JSON object", sent={"json": ["a list"]}),
    "wrong type": Refusal(400, "invalid_type", ASKING, "'"),
    "nothing in it": Refusal(400, "missing_required_parameter", ASKING, "required", sent={"json": {}}),
    "no key": Refusal(401, "invalid_api_key", LIMITED, "No API key", key="", headers=("WWW-Authenticate",)),
    "unknown key": Refusal(401, "invalid_api_key", LIMITED, "not known here", key="?", headers=("WWW-Authenticate",)),
    "revoked key": Refusal(401, "invalid_api_key", LIMITED, "revoked", key="revoked", headers=("WWW-Authenticate",)),
    "expired key": Refusal(401, "invalid_api_key", LIMITED, "expired", key="expired", headers=("WWW-Authenticate",)),
    "wrong scope": Refusal(403, "permission_denied", LIMITED, "needs the scope", key="all but {needs}"),
    "model not allowed": Refusal(404, "model_not_found", OF_A_MODEL, "has: lab/a.", key="narrow"),
    "unknown model": Refusal(404, "model_not_found", OF_A_MODEL, "has: echo, lab/a, later.", model="nobody"),
    "wrong method": Refusal(
        405, "method_not_allowed", ALL, "is not allowed", sent={"method": "PUT"}, headers=("Allow",)
    ),
    "too large": Refusal(
        413, "request_too_large", ALL, "larger than", sent={"data": b" " * (LARGEST + 1), "headers": JSON}
    ),
    "packed": Refusal(415, "unsupported_media_type", ALL, "gzip", sent={"headers": {"Content-Encoding": "gzip"}}),
    "no JSON by its headers": Refusal(
        415,
        "unsupported_media_type",
        ASKING,
        "text/plain",
        sent={"data": "{}", "headers": {"Content-Type": "text/plain"}},
    ),
    "limit reached": Refusal(
        429,
        "rate_limit_exceeded",
        ASKING,
        "the key 'spent'",
        key=SPENT,
        headers=("Retry-After", "X-RateLimit-Limit-Requests"),
    ),
    "all replicas full": Refusal(429, "queue_full", GENERATING, "are busy", headers=("Retry-After",)),
    "not ready": Refusal(503, "model_not_ready", ASKING, "later", model="later", headers=("Retry-After",)),
}


@asynccontextmanager
async def crowded(worker: EchoWorker) -> AsyncIterator[Rig]:
    """A gateway whose only seat is taken, and another model that loads."""
    models = (
        model("echo", replace(worker.replica, capacity=1)),
        model("lab/a"),
        model("later", status=Status(ServingState.LOADING, 40, "loading weights")),
    )
    endless = {"model": "echo", "messages": QUESTION, "stream": True, "ignore_eos": True}
    async with rig() as here:
        keys = {hash_secret(f"my-{name}"): key for name, key in KEYS.items()}
        here.gateway.update(Snapshot(Catalog(models), keys, limits=NONE_LEFT))
        # Counting needs no database here, as while it is away.
        vars(here.gateway.limits)["_away"] = True
        headers = {"Authorization": f"Bearer my-{GOOD}"}
        async with here.http.post("/v1/chat/completions", json=endless, headers=headers) as holding:
            assert await holding.content.readany()
            assert holding.status == 200
            yield here


async def refused(here: Rig, endpoint: Endpoint, expected: Refusal) -> None:
    sent = dict(expected.sent)
    key = expected.key.format(needs=endpoint.needs)
    headers = {"Authorization": f"Bearer my-{key}" if key else ""} | sent.pop("headers", {})
    wrong = endpoint.wrong if expected.code == "invalid_type" else {}
    asked = endpoint.asking(expected.model, **wrong)
    if "data" in sent:
        asked.pop("json", None)
    async with here.http.request(**(asked | sent), headers=headers) as response:
        message = await assert_error_shape(response, expected.status, expected.code)
        assert expected.said in message, message
        assert [name for name in expected.headers if name not in response.headers] == []
        if wrong:
            assert (await response.json())["error"]["param"] == next(iter(wrong))


def test_every_route_has_a_row() -> None:
    assert patterns() == {*ENDPOINTS, NOTHING}


def test_the_documentation_has_every_status_with_its_code() -> None:
    rows = [line for line in (ROOT / "docs" / "api.md").read_text().splitlines() if line.startswith("|")]
    for expected in REFUSALS.values():
        assert any(f"| {expected.status} |" in row and f"`{expected.code}`" in row for row in rows), expected.code


async def test_every_endpoint_words_every_error_alike(worker: EchoWorker, settings: Settings) -> None:
    settings.MODELYARD_MAX_BODY_BYTES, settings.MODELYARD_MAX_WAITING = LARGEST, 0
    async with crowded(worker) as here:
        for what, expected in REFUSALS.items():
            for endpoint in expected.endpoints:
                try:
                    await refused(here, endpoint, expected)
                except AssertionError as error:
                    raise AssertionError(f"{what} at {endpoint.path}: {error}") from error


async def test_before_the_routes_are_known_every_endpoint_says_that_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "FIRST_READ_S", 0.0)
    async with rig() as here:
        here.gateway.board.loaded.clear()
        for endpoint in (*LIMITED, ENDPOINTS["^ready$"]):
            async with here.http.request(**endpoint.asking("echo")) as response:
                message = await assert_error_shape(response, 503, "service_unavailable")
            assert "is starting" in message
            assert response.headers["Retry-After"]
