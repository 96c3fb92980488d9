"""Who is let in where: every kind of caller at every endpoint."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientResponse
from django.utils import timezone
from echo_worker import EchoWorker
from error_shape import assert_error_shape
from gateway_rig import ANNA, QUESTION, SECRET, Rig, eventually, model, rig, snapshot
from pytest_django.fixtures import Settings

from openai_api.caller import Person
from openai_api.endpoints.base import ApiConsumer, UnknownEndpoint
from openai_api.endpoints.health import HealthConsumer, ReadyConsumer
from openai_api.keys import KeyFacts, hash_secret
from openai_api.models import Scope
from openai_api.routes import HTTP

pytestmark = pytest.mark.processes

LAB = 4
FOR_EVERYBODY = {UnknownEndpoint, HealthConsumer, ReadyConsumer}
LONG_AGO = timezone.now() - timedelta(days=1)
KEYS = {
    "owner": KeyFacts(1, "hers", ANNA, scopes=frozenset(Scope)),
    "member": KeyFacts(2, "the group's", group_id=LAB, group_name="lab", scopes=frozenset(Scope)),
    "revoked": KeyFacts(3, "gone", ANNA, revoked=True),
    "expired": KeyFacts(4, "old", ANNA, expires_at=LONG_AGO),
    "narrow": KeyFacts(5, "narrow", ANNA, allowed_models=("lab/*",)),
    **{f"all but {scope}": KeyFacts(6, "wrong", ANNA, scopes=frozenset(Scope) - {scope}) for scope in Scope},
}
# What is said to whom: status, and a part of the sentence.
REFUSED = {
    "stranger": (401, "is not known here"),
    "revoked": (401, "was revoked"),
    "expired": (401, "has expired"),
    "nobody": (401, "No API key was given"),
}


def endpoints() -> dict[str, type[ApiConsumer]]:
    """A path of every route that wants a key, for a model called `echo`."""
    routes = {route.pattern.regex.pattern: route.callback.consumer_class for route in HTTP}
    return {_path(regex): consumer for regex, consumer in routes.items() if consumer not in FOR_EVERYBODY}


def _path(regex: str) -> str:
    path = re.sub(r"\(\?P<\w+>[^)]*\)", "echo", regex.removeprefix("^").removesuffix("$").removesuffix("/?"))
    assert re.fullmatch(r"[\w/.-]+", path), f"say here how to ask for {regex}"
    return f"/{path}"


def secret(who: str) -> str:
    return f"my-secret-of-{who.replace(' ', '-')}"


def known(here: Rig, *models: Any) -> None:
    read = snapshot(*models, keys={hash_secret(secret(who)): key for who, key in KEYS.items()})
    here.gateway.update(type(read)(read.catalog, read.keys, {ANNA: Person(ANNA, "anna", (LAB,))}))


async def ask(here: Rig, path: str, who: str, body: dict[str, Any] | None = None) -> ClientResponse:
    headers = {"Authorization": f"Bearer {secret(who)}" if who != "nobody" else ""}
    response = await here.http.request(endpoints()[path].methods[0], path, headers=headers, json=body or {})
    await response.read()
    return response


def test_every_route_wants_a_key_or_is_meant_for_everybody() -> None:
    assert len(endpoints()) >= 8
    assert {path for path, consumer in endpoints().items() if not issubclass(consumer, ApiConsumer)} == set()


async def test_every_endpoint_lets_in_whom_it_is_for() -> None:
    async with rig() as here:
        known(here, model("echo"))
        for path, consumer in endpoints().items():
            for who in ("owner", "member"):
                assert (await ask(here, path, who)).status not in {401, 403}, (path, who)
            for who, (status, words) in REFUSED.items():
                message = await assert_error_shape(await ask(here, path, who), status, "invalid_api_key")
                assert words in message, (path, who)
            wrong = await ask(here, path, f"all but {consumer.scope_needed}")
            message = await assert_error_shape(wrong, 403, "permission_denied")
            assert f"needs the scope '{consumer.scope_needed}'" in message, path


async def test_anonymous_mode_lets_in_everybody_but_keys_that_are_over(settings: Settings) -> None:
    settings.MODELYARD_ANONYMOUS = True
    async with rig() as here:
        known(here, model("echo"))
        for path, consumer in endpoints().items():
            for who in ("owner", "member"):
                assert (await ask(here, path, who)).status not in {401, 403}, (path, who)
            for who in ("stranger", "nobody"):
                refused = (await ask(here, path, who)).status in {401, 403}
                assert refused == (consumer.scope_needed != Scope.INFERENCE), (path, who)
            for who in ("revoked", "expired"):
                assert (await ask(here, path, who)).status == 401, (path, who)
        assert list(here.gateway.used_keys()) == [1, 2]


async def test_an_anonymous_caller_asks_models_and_nothing_else(worker: EchoWorker, settings: Settings) -> None:
    settings.MODELYARD_ANONYMOUS = True
    async with rig() as here:
        known(here, model("echo", worker.replica))
        answer = await ask(here, "/v1/chat/completions", "stranger", {"model": "echo", "messages": QUESTION})
        caller = here.gateway.authenticate("Bearer EMPTY", client="10.0.0.9")
        other = here.gateway.authenticate("", client="10.0.0.10")
    assert answer.status == 200
    assert (caller.key, caller.person, caller.scopes) == (None, None, {Scope.INFERENCE})
    assert caller.share != other.share
    assert "10.0.0.9" not in caller.share


async def test_a_key_for_some_models_knows_no_others() -> None:
    async with rig() as here:
        known(here, model("echo", aliases=("also",)), model("lab/a", aliases=("b",)))
        listed = await (await ask(here, "/v1/models", "narrow")).json()
        assert [card["id"] for card in listed["data"]] == ["lab/a", "b"]
        for name in ("echo", "also"):
            refused = await ask(here, "/v1/chat/completions", "narrow", {"model": name, "messages": QUESTION})
            assert "has: b, lab/a." in await assert_error_shape(refused, 404, "model_not_found")
        await assert_error_shape(await ask(here, "/v1/models/echo", "narrow"), 404, "model_not_found")
        allowed = await ask(here, "/v1/completions", "narrow", {"model": "b", "prompt": "one"})
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
