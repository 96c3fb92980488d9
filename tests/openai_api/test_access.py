"""Who is let in where: every kind of caller at every endpoint."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientResponse
from django.utils import timezone
from echo_worker import EchoWorker
from endpoints import ENDPOINTS, LIMITED, NOTHING, Endpoint
from error_shape import assert_error_shape
from gateway_rig import ANNA, QUESTION, SECRET, Rig, eventually, model, rig, snapshot
from pytest_django.fixtures import Settings

from openai_api.caller import Person
from openai_api.endpoints.base import ApiConsumer
from openai_api.keys import KeyFacts, hash_secret
from openai_api.models import Scope
from openai_api.routes import HTTP

pytestmark = pytest.mark.processes

LAB = 4
LONG_AGO = timezone.now() - timedelta(days=1)
KEYS = {
    "owner": KeyFacts(1, "hers", ANNA, scopes=frozenset(Scope)),
    "member": KeyFacts(2, "the group's", group_id=LAB, group_name="lab", scopes=frozenset(Scope)),
    "revoked": KeyFacts(3, "gone", ANNA, revoked=True),
    "expired": KeyFacts(4, "old", ANNA, expires_at=LONG_AGO),
    "narrow": KeyFacts(5, "narrow", ANNA, allowed_models=("lab/*",)),
    **{f"all but {scope}": KeyFacts(6, "wrong", ANNA, scopes=frozenset(Scope) - {scope}) for scope in Scope},
}
CHAT, MODELS, CARD = (ENDPOINTS[f"^v1/{path}$"] for path in ("chat/completions/?", "models/?", "models/(?P<name>.+)"))
# What is said to whom: status, and a part of the sentence.
REFUSED = {
    "stranger": (401, "is not known here"),
    "revoked": (401, "was revoked"),
    "expired": (401, "has expired"),
    "nobody": (401, "No API key was given"),
}


def secret(who: str) -> str:
    return f"my-secret-of-{who.replace(' ', '-')}"


def known(here: Rig, *models: Any) -> None:
    read = snapshot(*models, keys={hash_secret(secret(who)): key for who, key in KEYS.items()})
    here.gateway.update(type(read)(read.catalog, read.keys, {ANNA: Person(ANNA, "anna", (LAB,))}))


async def ask(here: Rig, endpoint: Endpoint, who: str, **changes: Any) -> ClientResponse:
    headers = {"Authorization": f"Bearer {secret(who)}" if who != "nobody" else ""}
    model = changes.pop("model", "echo")
    response = await here.http.request(**endpoint.asking(model, **changes), headers=headers)
    await response.read()
    return response


def test_every_route_wants_a_key_or_is_meant_for_everybody() -> None:
    consumers = {route.pattern.regex.pattern: route.callback.consumer_class for route in HTTP}
    assert set(consumers) == {*ENDPOINTS, NOTHING}
    for pattern, endpoint in ENDPOINTS.items():
        needs = consumers[pattern].scope_needed if issubclass(consumers[pattern], ApiConsumer) else None
        assert needs == endpoint.needs, pattern


async def test_every_endpoint_lets_in_whom_it_is_for() -> None:
    async with rig() as here:
        known(here, model("echo"))
        for endpoint in LIMITED:
            for who in ("owner", "member"):
                assert (await ask(here, endpoint, who)).status not in {401, 403}, (endpoint, who)
            for who, (status, words) in REFUSED.items():
                message = await assert_error_shape(await ask(here, endpoint, who), status, "invalid_api_key")
                assert words in message, (endpoint, who)
            wrong = await ask(here, endpoint, f"all but {endpoint.needs}")
            message = await assert_error_shape(wrong, 403, "permission_denied")
            assert f"needs the scope '{endpoint.needs}'" in message, endpoint


async def test_what_is_for_everybody_asks_nobody_who_they_are() -> None:
    async with rig() as here:
        known(here, model("echo"))
        for endpoint in (each for each in ENDPOINTS.values() if each.needs is None):
            for who in ("nobody", "stranger", "revoked", "all but read"):
                assert (await ask(here, endpoint, who)).status == 200, (endpoint, who)


async def test_anonymous_mode_lets_in_everybody_but_keys_that_are_over(settings: Settings) -> None:
    settings.MODELYARD_ANONYMOUS = True
    async with rig() as here:
        known(here, model("echo"))
        for endpoint in LIMITED:
            for who in ("owner", "member"):
                assert (await ask(here, endpoint, who)).status not in {401, 403}, (endpoint, who)
            for who in ("stranger", "nobody"):
                refused = (await ask(here, endpoint, who)).status in {401, 403}
                assert refused == (endpoint.needs != Scope.INFERENCE), (endpoint, who)
            for who in ("revoked", "expired"):
                assert (await ask(here, endpoint, who)).status == 401, (endpoint, who)
        assert list(here.gateway.used_keys()) == [1, 2]


async def test_an_anonymous_caller_asks_models_and_nothing_else(worker: EchoWorker, settings: Settings) -> None:
    settings.MODELYARD_ANONYMOUS = True
    async with rig() as here:
        known(here, model("echo", worker.replica))
        answer = await ask(here, CHAT, "stranger")
        caller = here.gateway.authenticate("Bearer EMPTY", client="10.0.0.9")
        other = here.gateway.authenticate("", client="10.0.0.10")
    assert answer.status == 200
    assert (caller.key, caller.person, caller.scopes) == (None, None, {Scope.INFERENCE})
    assert caller.share != other.share
    assert "10.0.0.9" not in caller.share


async def test_a_key_for_some_models_knows_no_others() -> None:
    async with rig() as here:
        known(here, model("echo", aliases=("also",)), model("lab/a", aliases=("b",)))
        listed = await (await ask(here, MODELS, "narrow")).json()
        assert [card["id"] for card in listed["data"]] == ["lab/a", "b"]
        for name in ("echo", "also"):
            refused = await ask(here, CHAT, "narrow", model=name)
            assert "has: b, lab/a." in await assert_error_shape(refused, 404, "model_not_found")
        await assert_error_shape(await ask(here, CARD, "narrow"), 404, "model_not_found")
        allowed = await ask(here, CHAT, "narrow", model="b")
        await assert_error_shape(allowed, 503, "model_not_ready")


async def test_no_key_is_in_the_log(worker: EchoWorker, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    bad = "my-mistyped-secret"
    async with rig(model("echo", worker.replica)) as here:
        for key in (SECRET, bad, f"{SECRET}\t{bad}"):
            for scheme in ("Bearer ", "Basic ", ""):
                headers = {"Authorization": f"{scheme}{key}"}
                body = {"model": "echo", "messages": QUESTION}
                async with here.http.post("/v1/chat/completions", headers=headers, json=body) as response:
                    await response.read()
        await eventually(lambda: here.in_flight() == 0)
    assert caplog.records
    assert SECRET not in caplog.text
    assert bad not in caplog.text
    assert hash_secret(SECRET) not in caplog.text
