"""What the admin's pages cost with a large fleet: milliseconds, queries, and the size of the answer.

The processor's time is this process's, without Postgres's: it is what remains true on a busy machine.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.database import own_database

if TYPE_CHECKING:
    from django.test import Client

REPEATS = 7
LIMIT_MS = 200
NOUNS = ("node", "device", "deployment", "worker", "event", "revision")
TIMEOUTS = {"start_timeout_s": 60, "load_timeout_s": 60, "drain_timeout_s": 60, "hang_timeout_s": 60}
TITLES = "best ms", "median", "worst", "CPU ms", "queries", "kB"
HEADING = f"{'page':26}" + "".join(f"{title:>9}" for title in TITLES)
QUESTION = {"name": "another", "replicas": 4, "engine": "echo", "strategy": "spread", "restart_budget": 5} | TIMEOUTS


def addresses() -> dict[str, str]:
    """The pages that grow with the fleet, and one row's page of each noun."""
    from django.apps import apps
    from django.urls import reverse

    found = {"index": reverse("admin:index"), "index, its live part": reverse("admin:registry_overview")}
    for noun in NOUNS:
        lists = reverse(f"admin:registry_{noun}_changelist")
        row = apps.get_model("registry", noun).objects.order_by("-pk").first()
        found |= {f"{noun}s": lists, f"one {noun}": reverse(f"admin:registry_{noun}_change", args=[row.pk])}
    workers, events = found["workers"], found["events"]
    return found | {
        "workers, last page": f"{workers}?p=20",
        "workers, searched": f"{workers}?q=chat-0007",
        "workers of a node": f"{workers}?node=node-0007",
        "workers of a deployment": f"{workers}?deployment=chat-0007",
        "events, last page": f"{events}?p=900",
        "events, searched": f"{events}?q=as+planned",
        "failures": f"{events}?to=FAILED",
        "events of a deployment": f"{events}?deployment=chat-0007",
        "events of a node": f"{events}?subject=node+node-0007",
    }


def measure(
    client: Client, url: str, *, entered: dict[str, Any] | None = None, before: Callable[[], object] = lambda: None
) -> tuple[str, float]:
    """A line of figures, and the median of the milliseconds. With `entered` the page is posted; `before` each look."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def look() -> Any:
        before()
        return client.post(url, entered) if entered is not None else client.get(url)

    with CaptureQueriesContext(connection) as captured:
        answer = look()
        queries = len(captured)
    assert answer.status_code == 200, url
    times, busy = [], []
    for _ in range(REPEATS):
        begun, worked = time.perf_counter(), time.process_time()
        look()
        times.append(1000 * (time.perf_counter() - begun))
        busy.append(1000 * (time.process_time() - worked))
    figures = (min(times), median(times), max(times), median(busy), queries, len(answer.content) // 1000)
    return "".join(f"{figure:>9.0f}" for figure in figures), median(times)


def report() -> None:
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from django.urls import reverse

    from bench import crowd
    from registry.models import Model

    size = crowd.Size()
    crowd.fill(size)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as autovacuum does for rows that came one after the other
    print(f"{size}: {REPEATS} looks at each, the limit is {LIMIT_MS} ms")
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.create_superuser("root"))
    print(HEADING)
    fit = reverse("admin:registry_deployment_fit_new")
    question = QUESTION | {"memory": "60GiB", "model": Model.objects.values_list("pk", flat=True)[0]}
    pages = [(name, url, None) for name, url in addresses().items()]
    pages += [("would it fit?", fit, question), ("would it fit? no", fit, question | {"memory": "900GiB"})]
    for name, url, entered in pages:
        figures, middle = measure(client, url, entered=entered)
        print(f"{name:26}{figures}{f'  over {LIMIT_MS} ms' if middle > LIMIT_MS else ''}")


def main() -> None:
    argparse.ArgumentParser(prog="python -m bench pages", description=__doc__).parse_args()
    with own_database():
        report()


if __name__ == "__main__":
    main()
