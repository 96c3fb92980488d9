"""An embedded Postgres of a bench's own, with our tables in it, gone afterwards."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
import psycopg

from modelyard.embedded.cluster import Cluster
from modelyard.embedded.postgres import EmbeddedPostgres
from modelyard.embedded.supervisor import Supervisor
from modelyard.installation import Installation


@contextmanager
def own_database() -> Iterator[Installation]:
    """Start it, point Django at it, and migrate. Once a process: Django's settings are read once."""
    folder = Path(tempfile.mkdtemp(prefix="modelyard-bench-"))
    folder.chmod(0o711)  # as root, Postgres runs under another account
    installation = Installation.at(folder / "var").create()
    server = EmbeddedPostgres(Cluster.of(installation), installation.load_secrets())
    supervisor = Supervisor(installation.log_dir)
    try:
        server.prepare()
        supervisor.start(server.child)
        server.wait_until_ready(supervisor)
        server.create_database()
        _django(installation)
        yield installation
    finally:
        supervisor.stop_all()
        shutil.rmtree(folder, ignore_errors=True)


def _django(installation: Installation) -> None:
    for name in [name for name in os.environ if name.startswith("MODELYARD_") or name == "DATABASE_URL"]:
        del os.environ[name]  # nothing of another installation
    os.environ["MODELYARD_DATA_DIR"] = str(installation.data_dir)
    os.environ["DJANGO_SETTINGS_MODULE"] = "modelyard.settings"
    django.setup()
    from modelyard.bootstrap import migrate

    migrate(lambda _: None)


def version(url: str) -> str:
    """Of the server."""
    with psycopg.connect(url) as connection:
        return str(connection.execute("SHOW server_version").fetchone()[0])  # type: ignore[index]
