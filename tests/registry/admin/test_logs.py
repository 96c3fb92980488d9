"""The live log of a launch."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from registry.admin import logs
from registry.models import Worker
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture
def log(tmp_path: Path, settings: Any) -> Path:
    """The log of `worker`."""
    settings.MODELYARD_LOG_DIR = tmp_path
    (tmp_path / "workers").mkdir()
    return tmp_path / "workers" / "00000000-0000-4000-8000-000000000001.log"


@pytest.fixture
def worker(log: Path) -> Worker:
    device = factories.device(factories.node())
    return factories.worker(factories.deployment(), device, launch_id=log.stem, launching_at=Now())


def page_of(worker: Worker) -> str:
    return reverse("admin:registry_worker_log", args=[worker.pk])


def question(page: str) -> str:
    found = re.search(r'hx-get="([^"]+)"', page)
    assert found is not None
    return unescape(found[1])


def text(page: str) -> str:
    return unescape("".join(re.findall(r"<span data-lines=[^>]*>([^<]*)</span>", page)))


def test_the_page_asks_for_what_is_new_and_only_for_that(root: Client, worker: Worker, log: Path) -> None:
    log.write_text("first\n")
    first = root.get(question(root.get(page_of(worker)).content.decode())).content.decode()
    assert text(first) == "first\n"
    assert root.get(question(first)).status_code == 204
    log.write_text("first\n<b>second</b>\n")
    answer = root.get(question(first))
    assert text(answer.content.decode()) == "<b>second</b>\n"
    assert "<b>" not in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_log_that_grows_faster_than_anybody_reads_is_cut(root: Client, worker: Worker, log: Path) -> None:
    log.write_text("first\n")
    first = root.get(question(root.get(page_of(worker)).content.decode())).content.decode()
    with log.open("a") as file:
        file.writelines(f"line {number}\n" for number in range(100_000))
    answer = root.get(question(first)).content.decode()
    assert len(answer) < logs.MOST_BYTES
    assert text(answer).endswith("line 99999\n")
    assert "… 1 MiB before …" in answer


def test_colours_and_lines_that_are_written_over_look_as_on_a_terminal(root: Client, worker: Worker, log: Path) -> None:
    log.write_bytes(b"\x1b[31mred\x1b[0m\r\n 10 %\r 20 %\r 30 %\nend")
    answer = root.get(question(root.get(page_of(worker)).content.decode())).content.decode()
    assert text(answer) == "red\n 30 %\nend"


def test_the_end_of_a_launch_is_said_and_leads_to_the_next_one(root: Client, worker: Worker, log: Path) -> None:
    log.write_text("out of memory\n")
    first = root.get(question(root.get(page_of(worker)).content.decode())).content.decode()
    Worker.objects.filter(pk=worker.pk).update(state="FAILED", reason="no memory", exited_at=Now())
    ended = root.get(question(first)).content.decode()
    assert "ended: failed (no memory)." in ended
    begun = factories.worker(worker.deployment, state="PENDING")
    assert page_of(begun) in root.get(question(ended)).content.decode()


def test_a_log_that_cannot_be_read_is_explained_in_its_place(root: Client, worker: Worker) -> None:
    answer = root.get(question(root.get(page_of(worker)).content.decode())).content.decode()
    assert "has not said yet where it can be reached" in answer


def test_a_page_has_the_present_launch_the_previous_one_and_its_own(root: Client, worker: Worker) -> None:
    Worker.objects.filter(pk=worker.pk).update(state="STOPPED")
    previous, current = factories.failed_worker(worker.deployment), factories.worker(worker.deployment, state="PENDING")
    tabs = re.findall(r'<a href="([^"]+log/)"( aria-current="page")?', root.get(page_of(worker)).content.decode())
    assert tabs == [(page_of(current), ""), (page_of(previous), ""), (page_of(worker), ' aria-current="page"')]


def test_a_workers_own_page_has_its_log_and_what_makes_it_live(root: Client, worker: Worker) -> None:
    page = root.get(reverse("admin:registry_worker_change", args=[worker.pk])).content.decode()
    assert reverse("admin:registry_worker_log_new", args=[worker.pk]) in question(page[page.index("data-log-lines") :])
    for file in ("registry/log.js", "registry/log.css"):
        assert f"/static/{file}" in page
        assert finders.find(file)


def test_logs_are_for_those_who_may_look_at_workers(login: Any, worker: Worker, log: Path) -> None:
    log.write_text("a prompt\n")
    allowed, others, nobody = login("view_worker"), login("view_deployment", name="bob"), Client()
    new = reverse("admin:registry_worker_log_new", args=[worker.pk])
    assert "a prompt" in allowed.get(new).content.decode()
    assert allowed.get(page_of(worker)).status_code == 200
    assert [others.get(url).status_code for url in (page_of(worker), new)] == [403, 403]
    assert [nobody.get(url).status_code for url in (page_of(worker), new)] == [302, 403]


@pytest.mark.parametrize("start", ["", "x", "1e9", "9" * 40, "-5", "7"])
def test_whatever_start_a_browser_sends_it_gets_an_answer(root: Client, worker: Worker, log: Path, start: str) -> None:
    log.write_text("first\n")
    assert root.get(reverse("admin:registry_worker_log_new", args=[worker.pk]), {"start": start}).status_code == 200


def test_a_launch_that_is_not_there_is_not_found(root: Client, log: Path) -> None:
    assert root.get(reverse("admin:registry_worker_log", args=[404])).status_code == 404
    assert root.get(reverse("admin:registry_worker_log_new", args=[404])).headers["HX-Refresh"] == "true"
