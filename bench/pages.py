"""`python -m bench pages`: what the admin's pages cost with a large fleet, in milliseconds and queries."""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

REPEATS = 7
LIMIT_MS = 200
NOUNS = ("node", "device", "deployment", "worker", "event", "revision")


@contextmanager
def installation() -> Iterator[None]:
    """An empty database of its own, with Django set up on it; gone afterwards."""
    import django

    from modelyard.embedded.cluster import Cluster
    from modelyard.embedded.postgres import EmbeddedPostgres
    from modelyard.embedded.supervisor import Supervisor
    from modelyard.installation import Installation

    folder = Path(tempfile.mkdtemp(prefix="modelyard-bench-"))
    folder.chmod(0o711)  # as root, Postgres runs under another account
    made = Installation.at(folder / "var").create()
    os.environ |= {"MODELYARD_DATA_DIR": str(made.data_dir), "DJANGO_SETTINGS_MODULE": "modelyard.settings"}
    os.environ.pop("DATABASE_URL", None)
    server = EmbeddedPostgres(Cluster.of(made), made.load_secrets())
    server.prepare()
    supervisor = Supervisor(made.log_dir)
    supervisor.start(server.child)
    try:
        server.wait_until_ready(supervisor)
        server.create_database()
        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        yield
    finally:
        supervisor.stop_all()
        shutil.rmtree(folder, ignore_errors=True)


def addresses() -> dict[str, str]:
    """The pages that grow with the fleet, and one row's page of each noun."""
    from django.apps import apps
    from django.urls import reverse

    found = {"index": reverse("admin:index"), "index, its live part": reverse("admin:registry_overview")}
    for noun in NOUNS:
        lists = reverse(f"admin:registry_{noun}_changelist")
        row = apps.get_model("registry", noun).objects.order_by("-pk").first()
        found |= {f"{noun}s": lists, f"one {noun}": reverse(f"admin:registry_{noun}_change", args=[row.pk])}
        if noun in {"worker", "event"}:
            found |= {f"{noun}s, last page": f"{lists}?p=20", f"{noun}s, searched": f"{lists}?q=chat-7"}
    workers, events = reverse("admin:registry_worker_changelist"), reverse("admin:registry_event_changelist")
    return found | {
        "workers of a node": f"{workers}?node=node-0007",
        "workers of a deployment": f"{workers}?deployment=chat-0007",
        "failures": f"{events}?to=FAILED",
        "events of a deployment": f"{events}?deployment=chat-0007",
        "events of a node": f"{events}?subject=node+node-0007",
    }


def measure(client: object, url: str) -> tuple[float, float, int]:
    """Median and worst milliseconds of a page, and its queries."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    get = client.get  # type: ignore[attr-defined]  # Django's test client
    with CaptureQueriesContext(connection) as captured:
        assert get(url).status_code == 200, url
    queries = len(captured.captured_queries)
    times = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        get(url)
        times.append(1000 * (time.perf_counter() - begun))
    return median(times), max(times), queries


def report() -> None:
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client

    from bench import crowd

    size = crowd.Size()
    begun = time.perf_counter()
    crowd.fill(size)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    print(f"{size}, made in {time.perf_counter() - begun:.1f} s")
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.create_superuser("root"))
    print(f"{'page':28}{'median ms':>10}{'worst':>8}{'queries':>9}")
    for name, url in addresses().items():
        middle, worst, queries = measure(client, url)
        late = f"  over {LIMIT_MS} ms" if middle > LIMIT_MS else ""
        print(f"{name:28}{middle:>10.0f}{worst:>8.0f}{queries:>9}{late}")


def main(arguments: list[str] | None = None) -> None:
    argparse.ArgumentParser(prog="python -m bench pages", description=__doc__).parse_args(arguments)
    with installation():
        report()


if __name__ == "__main__":
    main()
