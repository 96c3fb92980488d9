"""The admin's page of usage: for those who may look, and never slower for a longer table."""

from __future__ import annotations

import csv
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from usage_rows import keep, usage_row

from openai_api.admin.usage_filters import period
from openai_api.models import Usage
from openai_api.usage import export
from tests.registry import factories

LIST = "/admin/openai_api/usage/"
DAY = timedelta(days=1)


@pytest.fixture
def auditor(db: None) -> Client:
    """Staff who may look at usage and at nothing else."""
    client = Client()
    client.force_login(factories.user("ada", "view_usage"))
    return client


def text(client: Client, path: str = "") -> str:
    answer = client.get(LIST + path)
    assert answer.status_code == 200
    return str(answer.content.decode())


def exported(client: Client, query: str = "") -> list[dict[str, str]]:
    async def read(answer: HttpResponse) -> bytes:
        return b"".join([part async for part in answer.streaming_content])  # type: ignore[attr-defined]

    answer: Any = client.get(f"{LIST}export/{query}")
    assert answer["Content-Type"] == "text/csv"
    return list(csv.DictReader(async_to_sync(read)(answer).decode().splitlines()))


@pytest.mark.database
def test_a_row_says_who_used_what_and_how_fast(auditor: Client) -> None:
    keep(usage_row(), usage_row(status=503, finish="error", error="queue_timeout", exact=False, ttft_ms=None))
    page = text(auditor)
    for words in ("smollm2", "anna", "nightly", "10 (4 cached) → 20", "100 ms", "20.0", "1.10 s", "503 queue_timeout"):
        assert words in page
    one = text(auditor, f"{Usage.objects.latest('began_at').pk}/change/")
    assert "A keyed hash" in one
    assert 'name="_save"' not in one


@pytest.mark.database
@pytest.mark.parametrize("path", ["", "totals/day/", "export/", f"{uuid.uuid4()}/change/"])
def test_who_may_not_look_sees_nothing(path: str, db: None) -> None:
    client = Client()
    assert client.get(LIST + path).status_code == 302
    client.force_login(factories.user("bert", "view_apikey"))
    assert client.get(LIST + path).status_code == 403


@pytest.mark.database
def test_nobody_adds_changes_or_deletes_rows(auditor: Client) -> None:
    keep(usage_row())
    row = Usage.objects.get()
    auditor.force_login(factories.superuser())
    for path in ("add/", f"{row.pk}/delete/"):
        assert auditor.post(LIST + path, {"post": "yes"}).status_code == 403
    auditor.post(f"{LIST}{row.pk}/change/", {"model": "other"})
    assert Usage.objects.get().model == "smollm2"


@pytest.mark.database
def test_filters_narrow_the_list_its_sums_and_its_file_alike(auditor: Client) -> None:
    keep(usage_row(at=datetime(2026, 3, 1, tzinfo=UTC)), usage_row(at=datetime(2026, 3, 31, 23, 59, tzinfo=UTC)))
    keep(usage_row(at=datetime(2026, 4, 1, tzinfo=UTC), model="bge", username="bert", user_id=8, status=499))
    one = Usage.objects.filter(model="bge").values_list("request_id", flat=True)[0]
    for query, rows in (
        *(("", 3), ("?day=2026-03", 2), ("?day=2026-04-01", 1), ("?day=soon", 0), ("?model=bge", 1)),
        *(("?user=anna", 2), ("?user=nobody", 0), ("?key=nightly", 3), ("?outcome=aborted", 1)),
        *(("?outcome=failed", 0), ("?outcome=answered&model=bge", 0), (f"?request_id={one}", 1)),
    ):
        assert text(auditor, query).count("/change/") == rows, query
        assert len(exported(auditor, query)) == rows, query
    sums = text(auditor, "totals/model/?day=2026-03")
    assert (sums.count("<tr>"), "smollm2" in sums, "bge" in sums, ">40<" in sums) == (3, True, False, True)


@pytest.mark.database
def test_sums_are_of_the_last_days_and_an_empty_table_says_what_to_do(auditor: Client) -> None:
    assert "No requests yet" in text(auditor, "totals/day/")
    assert "No requests with these filters" in text(auditor, "totals/day/?model=m")
    keep(usage_row(), usage_row(ago=31 * DAY))
    for by in ("day", "model", "key", "user", "group"):
        assert ">1<" in text(auditor, f"totals/{by}/")
    assert auditor.get(f"{LIST}totals/nothing/").status_code == 404


@pytest.mark.database
def test_a_file_has_every_row_once_and_no_formulas(auditor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "AT_ONCE", 2)
    same = datetime(2026, 3, 1, tzinfo=UTC)
    keep(*(usage_row(at=same) for _ in range(5)), usage_row(ago=DAY, key_name="=1+1"))
    rows = exported(auditor)
    assert {row["id"] for row in rows} == {str(pk) for pk in Usage.objects.values_list("pk", flat=True)}
    assert (len(rows), rows[0]["key_name"], rows[1]["prompt_tokens"]) == (6, "'=1+1", "10")


@pytest.mark.database
def test_the_list_never_counts_the_table(auditor: Client) -> None:
    keep(*(usage_row(ago=timedelta(minutes=number)) for number in range(120)))
    with CaptureQueriesContext(connection) as captured:
        assert "p=2" in text(auditor)
        assert text(auditor, "?p=3").count("/change/") == 20
    about_usage = [query["sql"] for query in captured if "openai_api_usage" in query["sql"]]
    assert len(about_usage) == 2
    assert all("LIMIT 50" in sql and "COUNT" not in sql for sql in about_usage)


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("2026-11-21", (datetime(2026, 11, 21, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC))),
        ("2026-12", (datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))),
        ("9999-12-31", None),
        ("2026-13", None),
        ("21.11.2026", None),
        ("0000", None),
    ],
)
def test_a_day_and_a_month_are_written_as_such(written: str, found: tuple[datetime, datetime] | None) -> None:
    assert period(written) == found
