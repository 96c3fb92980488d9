"""What people's pages and the admin's first one cost with much behind them, all of it one person's.

10,000 conversations with 200,000 messages of 200 to 2,000 characters, an eighth of them Chinese; 100,000 battles of
twenty models; an hour of 360,000 requests; 50 nodes with 8 devices each. Milliseconds with Postgres' share, the
processor's time without it, queries, and the size of the answer. A search that runs out of time is gone on with as the
page does it. A look in a fresh process is the first one after the page of the chat.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import re
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING

from bench import pages
from bench.database import own_database
from bench.machine import headline

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client

LIMIT_MS = 100
FRESH = 5  # processes
WORDS = {
    "often": "python",
    "seldom": "xylograph",
    "nothing": "qqqqqq",
    "Chinese": "一丁",
    "rare": "龘鱻",
    "a letter": "z",
}
LEADERBOARD = "/arena/leaderboard/"
GOES_ON = re.compile(r'data-more="(\d+)" data-searching')


def addresses() -> dict[str, str]:
    """The pages that could grow with what is behind them."""
    from django.urls import reverse

    from pages.chat import store
    from pages.models import Conversation

    long = Conversation.objects.latest("changed_at")
    middle = list(long.messages.values_list("id", flat=True))[long.messages.count() // 2]
    shared = store.share(long.owner_id, long.id).share_token
    return {
        "a new chat": "/chat/",
        "list, second page": "/chat/conversations?after=40",
        "list, last page": "/chat/conversations?after=9960",
        "a long conversation": f"/chat/{long.id}/",
        "what was before in it": f"/chat/{long.id}/earlier/{middle}",
        "shared, to read": f"/chat/shared/{shared}/",
        "exported as JSON": f"/chat/{long.id}/export.json",
        "compare": "/compare/",
        "arena": "/arena/",
        "leaderboard, kept": LEADERBOARD,
        "admin: index": reverse("admin:index"),
        "admin: its live part": reverse("admin:registry_overview"),
        "admin: its traffic": reverse("admin:openai_api_usage_traffic"),
        "admin: battles": reverse("admin:pages_battle_changelist"),
        "admin: battles, votes": reverse("admin:pages_battle_changelist") + "?flagged=voted",
        "admin: usage": reverse("admin:openai_api_usage_changelist"),
        "admin: usage that failed": reverse("admin:openai_api_usage_changelist") + "?outcome=failed",
    }


def show(client: Client, name: str, url: str, *, before: Callable[[], object] = lambda: None) -> None:
    """A line of the table."""
    figures, middle = pages.measure(client, url, before=before)
    print(f"{name:26}{figures}{f'  over {LIMIT_MS} ms' if middle > LIMIT_MS else ''}")


def search(client: Client, name: str, words: str) -> None:
    """Asked again and again, as the page does it, until it is full or all is searched."""
    found, place, times = 0, "0", []
    while place:
        begun = time.perf_counter()
        answer = client.get("/chat/conversations", {"find": words, "after": place, "had": found}).content.decode()
        times.append(1000 * (time.perf_counter() - begun))
        found += answer.count("data-conversation=")
        place = next(iter(GOES_ON.findall(answer)), "")
    print(
        f"search: {name:18}{found:>4} found by {len(times):>2} answers, the first after {times[0]:.0f} ms, "
        f"the slowest {max(times):.0f} ms, all {sum(times):.0f} ms"
    )


def fresh() -> None:
    """The first look of five processes, each started as the web process is."""
    times = [
        float(
            subprocess.run([sys.executable, "-m", "bench.people", "--fresh"], stdout=subprocess.PIPE, check=True).stdout
        )
        for _ in range(FRESH)
    ]
    print(f"{'leaderboard, fresh process':26}{min(times):>9.0f}{median(times):>9.0f}{max(times):>9.0f}")


def first_look() -> None:
    """In a process of its own: prints the milliseconds."""
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.test import Client

    from modelyard.serving import know_pages

    know_pages()
    gc.collect()
    gc.freeze()
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get(username="root"))
    client.get("/chat/")
    begun = time.perf_counter()
    assert client.get(LEADERBOARD).status_code == 200
    print(1000 * (time.perf_counter() - begun))


async def first_byte(root: User) -> float:
    """Milliseconds until the votes' file begins."""
    from django.test import RequestFactory

    from pages.arena.leaderboard import export

    request = RequestFactory(SERVER_NAME="localhost").get("/arena/votes.jsonl")
    request.user = root
    begun = time.perf_counter()
    async for _ in export(request).streaming_content:  # type: ignore[attr-defined]  # the wrapped view's type is wider
        break
    return 1000 * (time.perf_counter() - begun)


def report() -> None:
    from django.contrib.auth.models import User
    from django.core.cache import cache
    from django.test import Client

    from bench import crowd, history

    root = User.objects.create_superuser("root")
    begun = time.monotonic()
    crowd.fill(crowd.Size(nodes=50, deployments=50, workers=400, events=20_000))
    history.fill(history.Size(), root.pk)
    headline(f"People's pages: {history.Size()}, made in {time.monotonic() - begun:.0f} s; the limit is {LIMIT_MS} ms")
    client = Client(SERVER_NAME="localhost")
    client.force_login(root)
    print(pages.HEADING)
    for name, url in addresses().items():
        show(client, name, url)
    for query in ("", "?period=90d", "?period=7d", "?language=zh", "?votes=all"):
        show(client, f"leaderboard{query}", LEADERBOARD + query, before=cache.clear)
    fresh()
    times = [asyncio.run(first_byte(root)) for _ in range(FRESH)]
    print(f"{'votes.jsonl, first byte':26}{min(times):>9.0f}{median(times):>9.0f}{max(times):>9.0f}\n")
    for name, words in WORDS.items():
        search(client, f"{name} ({words})", words)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench people", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fresh", action="store_true", help="one look in the installation there is; for the bench")
    if parser.parse_args().fresh:
        first_look()
        return
    with own_database():
        report()


if __name__ == "__main__":
    main()
