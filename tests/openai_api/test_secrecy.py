"""A secret is nowhere but with whom it belongs: not in Postgres' own log, and not in those of the web processes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from api_client import of_secret
from django.db import connection
from limits_rig import Lab, Web

from modelyard.installation import Installation
from openai_api.keys import create_key, hash_secret, read_keys, rotate, works
from tests.registry import factories

pytestmark = [pytest.mark.database]


@pytest.mark.django_db
def test_a_server_that_logs_every_statement_sees_hashes_only(installation: Installation) -> None:
    owner = factories.user("anna")
    with connection.cursor() as cursor:
        cursor.execute("SET log_statement = 'all'; SET log_min_duration_statement = 0")
    try:
        key, secret = create_key("nightly", owner, scopes=["manage"])
        assert works(secret)
        assert hash_secret(secret) in read_keys()
        assert of_secret(secret).get("/api/v1/keys").status_code == 200
        _, successor = rotate(key)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET log_statement; RESET log_min_duration_statement")
    logged = "".join(log.read_text(errors="replace") for log in installation.log_dir.glob("*.log"))
    assert hash_secret(secret) in logged
    assert secret not in logged
    assert successor not in logged


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
async def test_the_logs_of_web_processes_have_no_key(lab: Lab, webs: tuple[Path, Sequence[Web]]) -> None:
    secret = lab.http.headers["Authorization"].removeprefix("Bearer ")
    url = lab.urls[0]
    for path in ("/v1/models", "/v1/nothing", "/api/v1/keys"):
        async with lab.http.get(url + path) as response:
            await response.read()
    assert (await lab.asked(url, model=secret))[0] == 404
    assert (await lab.asked(url, messages=3))[0] == 400
    logged = "".join(log.read_text() for log in webs[0].glob("*.log"))
    assert "GET /v1/models" in logged
    assert secret not in logged
