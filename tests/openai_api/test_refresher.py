"""What changes in the database reaches the gateway, and a database that is away disturbs nobody."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator

import openai
import pytest
from asgiref.sync import sync_to_async
from breaking_off import break_off
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from echo_worker import EchoWorker
from error_shape import assert_envelope
from gateway_rig import QUESTION, client, eventually, serving

from openai_api import keys, lifespan, refresher
from openai_api.models import ApiKey
from registry.lifecycle import notify
from registry.models import Worker
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.processes, pytest.mark.django_db(transaction=True)]


@pytest.fixture
async def url(transactional_db: None) -> AsyncIterator[str]:
    """A gateway that reads the database."""
    async with serving(refreshed=True) as address:
        yield address
    await sync_to_async(hang_up)()


def hang_up() -> None:
    connection.close()  # looked up here: the queries of a test run in a thread of their own


def routable(name: str) -> bool:
    model = lifespan.current().board.models.get(name)
    return model is not None and bool(model.replicas)


@sync_to_async
def make_key() -> tuple[ApiKey, str]:
    return keys.create_key("tests", User.objects.create_user("anna"))


@sync_to_async
def deploy(worker: EchoWorker) -> Worker:
    row = factories.worker(
        factories.deployment("echo"),
        launch_id=worker.launch_id,
        address=worker.address,
        capabilities=["chat"],
        node=factories.node(),
    )
    notify("worker")
    return row


async def test_a_new_key_and_a_new_model_work_at_once(url: str, worker: EchoWorker) -> None:
    _, secret = await make_key()
    await deploy(worker)
    await eventually(lambda: routable("echo"), within=0.9)
    async with client(url, secret) as official:
        answer = await official.chat.completions.create(model="echo", messages=QUESTION)
    assert answer.choices[0].message.content == "one two three"


async def test_a_revoked_key_is_refused_within_a_second(url: str) -> None:
    key, secret = await make_key()
    async with client(url, secret) as official:
        await eventually(lambda: lifespan.current().board.key(secret))
        await official.models.list()
        await sync_to_async(keys.revoke)([key])
        revoked_at = time.monotonic()
        refusal = await refused(official)
    assert time.monotonic() - revoked_at < 1
    assert_envelope(refusal.response.json(), "invalid_api_key")


async def refused(official: openai.AsyncOpenAI) -> openai.AuthenticationError:
    while True:
        try:
            await official.models.list()
        except openai.AuthenticationError as error:
            return error


async def test_a_key_that_is_revoked_in_the_table_is_refused_as_soon(url: str) -> None:
    key, secret = await make_key()
    await eventually(lambda: lifespan.current().board.key(secret))
    await ApiKey.objects.filter(pk=key.pk).aupdate(revoked_at=Now())  # not by `revoke`, which tells
    await eventually(lambda: lifespan.current().board.key(secret).revoked, within=1)


async def test_a_person_who_may_no_longer_log_in_is_gone_at_once(url: str) -> None:
    key, _ = await make_key()
    await eventually(lambda: lifespan.current().board.person(key.user_id))
    await User.objects.filter(pk=key.user_id).aupdate(is_active=False)
    await eventually(lambda: lifespan.current().board.person(key.user_id) is None, within=1)


async def test_while_nobody_can_be_told_the_rows_are_read_every_second(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, secret = await make_key()
    await eventually(lambda: lifespan.current().board.key(secret))
    monkeypatch.setattr(refresher, "_connect", nobody)
    await sync_to_async(end_listeners)()
    await ApiKey.objects.filter(pk=key.pk).aupdate(revoked_at=Now())
    async with client(url, secret) as official, asyncio.timeout(2.5):
        assert_envelope((await refused(official)).response.json(), "invalid_api_key")
    assert refresher.INTERVAL_S < 1  # on a machine that does nothing else it is so long


async def nobody() -> None:
    raise OSError


def end_listeners() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'modelyard-web-listen'"
        )
        assert cursor.rowcount


async def test_what_nobody_tells_is_seen_by_the_poll(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refresher, "CALM_S", 0.1)
    await sync_to_async(factories.deployment)("quiet")
    await eventually(lambda: "quiet" in lifespan.current().board.models, within=2.5)


async def test_the_use_of_a_key_is_written_down(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refresher, "CALM_S", 0.1)
    key, secret = await make_key()
    await eventually(lambda: lifespan.current().board.key(secret))
    async with client(url, secret) as official:
        await official.models.list()
    async with asyncio.timeout(5):
        while (await ApiKey.objects.aget(pk=key.pk)).last_used_at is None:  # noqa: ASYNC110 - it looks at the database
            await asyncio.sleep(0.05)


async def test_live_routes_go_on_while_the_database_is_away(
    url: str, worker: EchoWorker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _, secret = await make_key()
    await deploy(worker)
    await eventually(lambda: routable("echo"))
    monkeypatch.setattr(refresher, "INTERVAL_S", 0.1)
    with caplog.at_level(logging.WARNING, "openai_api.refresher"):
        await sync_to_async(break_off)(connectable=False)
        await eventually(lambda: "is away" in caplog.text)
        async with client(url, secret) as official:
            answer = await official.chat.completions.create(model="echo", messages=QUESTION)
        await sync_to_async(break_off)(connectable=True)
        await eventually(lambda: "is back" in caplog.text)
    assert answer.choices[0].message.content == "one two three"
    assert caplog.text.count("is away") == 1
