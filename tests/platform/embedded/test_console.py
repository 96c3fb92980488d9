"""What a person reads while the platform starts."""

from __future__ import annotations

import json
import shlex
from io import StringIO

from modelyard.embedded.announcement import announcement
from modelyard.embedded.console import CLEAR_LINE, Console

CREDENTIALS = {
    "base_url": "http://127.0.0.1:8000/v1",
    "api_key": "my-secret",
    "admin_url": "http://127.0.0.1:8000/admin/",
    "admin_user": "admin",
    "admin_password": "pass word",
}


class Terminal(StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_progress_is_written_over_itself() -> None:
    stream = Terminal()
    console = Console(stream)
    for text in ("loading 1 %", "loading 2 %", "loading 2 %"):
        console.progress(text)
    console.say("ready")
    assert stream.getvalue() == f"loading 1 %{CLEAR_LINE}loading 2 %{CLEAR_LINE}ready\n"


def test_in_a_log_progress_comes_as_lines_and_not_too_many() -> None:
    stream = StringIO()
    console = Console(stream)
    for percent in range(100):
        console.progress(f"loading {percent} %")
    assert stream.getvalue() == "loading 0 %\n"


def test_a_step_says_how_long_it_took() -> None:
    stream = StringIO()
    with Console(stream).step("Database"):
        pass
    assert stream.getvalue() == "Database: 0.0 s\n"


class ClosedTerminal(Terminal):
    """A stream whose reader is gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_closed_terminal_stops_nobody() -> None:
    console = Console(ClosedTerminal())
    with console.step("Database"):
        console.progress("half of it")
    assert console.lost


def test_the_block_has_every_fact_and_a_line_that_a_shell_reads_right() -> None:
    text = announcement(CREDENTIALS, "http://127.0.0.1:8000", ["chat"], failures=[])
    assert all(fact in text for fact in CREDENTIALS.values())
    words = shlex.split(text[text.index("curl") :].replace("\\\n", " "))
    assert words[:3] == ["curl", "-N", "http://127.0.0.1:8000/v1/chat/completions"]
    assert "Authorization: Bearer my-secret" in words
    assert json.loads(words[-1])["model"] == "chat"


def test_the_block_names_models_that_did_not_come_up_and_still_shows_the_rest() -> None:
    text = announcement(CREDENTIALS, "http://127.0.0.1:8000", [], failures=["chat: the file is broken"])
    assert "not every model came up" in text
    assert "! chat: the file is broken" in text
    assert "curl http://127.0.0.1:8000/v1/models" in text
