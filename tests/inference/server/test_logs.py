"""A worker's own log over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from inference.protocol.logs import LARGEST
from inference.server import logs

Serve = Callable[..., Awaitable[Any]]


@pytest.fixture
def stdout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], int]:
    """A file in the place of this process's standard output; returns what writes it anew."""
    file = tmp_path / "own.log"
    file.write_text("first\nsecond\nthird\n")
    monkeypatch.setattr(logs, "STDOUT", file)
    return file.write_text


async def ask(served: Any, query: str) -> tuple[int, Any]:
    async with served.client.get(f"/logs{query}") as answer:
        return answer.status, await answer.json()


@pytest.mark.parametrize(
    ("query", "piece"),
    [
        ("", {"start": 0, "end": 19, "size": 19, "text": "first\nsecond\nthird\n"}),
        ("?start=6&limit=7", {"start": 6, "end": 13, "size": 19, "text": "second\n"}),
        ("?start=-6", {"start": 13, "end": 19, "size": 19, "text": "third\n"}),
        ("?start=19", {"start": 19, "end": 19, "size": 19, "text": ""}),
    ],
)
async def test_a_piece_of_the_log_says_where_it_is(serve: Serve, stdout: Any, query: str, *, piece: Any) -> None:
    assert await ask(await serve(), query) == (200, piece)


async def test_an_answer_is_a_megabyte_at_most(serve: Serve, stdout: Any) -> None:
    stdout("x" * (LARGEST + 10))
    status, piece = await ask(await serve(), f"?start=0&limit={10**12}")
    assert (status, len(piece["text"]), piece["end"]) == (200, LARGEST, LARGEST)


@pytest.mark.parametrize("query", ["?start=x", "?limit=1.5", "?limit=0", "?limit=-9", "?start=" + "9" * 30, "?start="])
async def test_a_bad_number_is_refused_with_its_name(serve: Serve, stdout: Any, query: str) -> None:
    status, body = await ask(await serve(), query)
    assert (status, body["error"]["param"]) == (400, query[1:6])


async def test_without_a_file_behind_standard_output_there_is_no_log(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "STDOUT", tmp_path)
    status, body = await ask(await serve(), "")
    assert (status, body["error"]["code"]) == (404, "no_log_file")


async def test_the_log_takes_the_token_of_the_launch(serve: Serve, stdout: Any) -> None:
    served = await serve(token="secret")
    assert (await ask(served, ""))[0] == 200
    async with served.client.get("/logs", headers={"Authorization": "Bearer other"}) as answer:
        assert (answer.status, "second" in await answer.text()) == (401, False)
