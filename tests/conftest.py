"""The installation that the tests run on: a temporary one, whose Postgres starts when the first test asks for it."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django
import pytest
from django.db import connections
from django.utils import translation
from pytest_django import DjangoDbBlocker
from yard import Yard, running

from modelyard import databases
from modelyard.embedded.cluster import Cluster
from modelyard.embedded.postgres import EmbeddedPostgres
from modelyard.embedded.supervisor import Supervisor
from modelyard.installation import Installation
from registry import worker_login

FROM_OUTSIDE = ("DATABASE_URL", "CELERY_BROKER_URL", "PGBIN")


def _temporary_installation() -> Installation:
    folder = Path(tempfile.mkdtemp(prefix="modelyard-tests-"))
    folder.chmod(0o711)  # as root, Postgres runs under another account
    return Installation.at(folder / "var").create()


# A shell starts what runs behind with Ctrl-C ignored, and what it starts inherits that: tests press Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Before pytest-django looks for settings: nothing of the developer's own installation may reach a test.
for _name in [name for name in os.environ if name.startswith("MODELYARD_") or name in FROM_OUTSIDE]:
    del os.environ[_name]
INSTALLATION = _temporary_installation()
os.environ["MODELYARD_DATA_DIR"] = str(INSTALLATION.data_dir)
os.environ["DJANGO_SETTINGS_MODULE"] = "modelyard.settings"
django.setup()  # test modules import models


def pytest_unconfigure() -> None:
    shutil.rmtree(INSTALLATION.data_dir.parent, ignore_errors=True)


@pytest.fixture(autouse=True)
def own_language() -> Iterator[None]:
    """Each test begins in English: the language of a page stays with its thread, which is every test's here."""
    yield
    translation.deactivate()


@pytest.fixture(scope="session")
def installation() -> Installation:
    return INSTALLATION


@pytest.fixture(scope="session")
def postgres_server(installation: Installation) -> Iterator[EmbeddedPostgres]:
    """A real server, made by the code that `modelyard up` uses."""
    server = EmbeddedPostgres(Cluster.of(installation), installation.load_secrets())
    server.prepare()
    supervisor = Supervisor(installation.log_dir)
    supervisor.start(server.child)
    try:
        server.wait_until_ready(supervisor)
        yield server
    finally:
        supervisor.stop_all()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(postgres_server: EmbeddedPostgres) -> None:
    """pytest-django asks for this before it makes its database: the moment to have a server."""
    settings = connections["default"].settings_dict
    assert settings["PORT"] == str(postgres_server.secrets.postgres_port)
    # A test is one transaction, and may compute in it for as long as a slow machine takes.
    settings["OPTIONS"]["options"] = f"{databases.DEADLINES} -c idle_in_transaction_session_timeout=0"
    # The same name, so that the broker, heartbeats and processes that a test starts find it by the usual URL.
    settings["TEST"]["NAME"] = settings["NAME"]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Workers that tests start beat with their own login, as `up` makes it after the tables."""
    with django_db_blocker.unblock():
        worker_login.ensure()


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """The whole server is thrown away, and the broker's open connections would forbid to drop the database alone."""
    return True


@pytest.fixture(scope="session")
def yard() -> Iterator[Yard]:
    """A whole platform with the demo models, for the tests that do not break it."""
    with running() as started:
        yield started
