"""The control plane's clock: it goes on turning while the database is away, and says so once."""

from __future__ import annotations

import logging
import threading

import pytest
from django.db import OperationalError

from registry import reconciler, turns, vital
from registry.reconciler import Turn


class Outcomes:
    """A reconciler that does what it is told to, and ends the clock after the last."""

    def __init__(self, *outcomes: Turn | Exception) -> None:
        self.left = list(outcomes)
        self.stopping = threading.Event()

    def reconcile_once(self) -> Turn:
        outcome = self.left.pop(0)
        if not self.left:
            self.stopping.set()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def run(monkeypatch: pytest.MonkeyPatch, *outcomes: Turn | Exception, tick_s: float = 0.001) -> list[float]:
    """How long the clock waited before each turn."""
    script, waits = Outcomes(*outcomes), []
    monkeypatch.setattr(reconciler, "reconcile_once", script.reconcile_once)
    monkeypatch.setattr(turns, "TICK_S", tick_s)
    monkeypatch.setattr(turns, "CALM_TICK_S", 2 * tick_s)
    really = script.stopping.wait
    monkeypatch.setattr(script.stopping, "wait", lambda timeout: waits.append(timeout / tick_s) or really(timeout))
    turns.tick(script.stopping)
    return waits[:-1]


def test_it_turns_every_second_and_half_as_often_while_all_is_calm(monkeypatch: pytest.MonkeyPatch) -> None:
    busy, calm = Turn(1, calm=False), Turn(0, calm=True)
    assert run(monkeypatch, busy, calm, calm, busy, busy) == [1, 1, 2, 2, 1]


def test_an_outage_is_said_once_and_its_end_begins_anew(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    away, fine = OperationalError("no route\nmore"), Turn(0, calm=True)
    with caplog.at_level(logging.WARNING, "registry.turns"):
        assert run(monkeypatch, away, away, fine, away, fine) == [1, 1, 1, 2, 1]
    assert caplog.messages == ["No turn (no route); the next ones try again."] * 2


def test_a_nudge_waits_for_the_turn_that_runs_instead_of_coming_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, go_on, taken = threading.Event(), threading.Event(), []

    def slow() -> Turn:
        taken.append(not inside.is_set() or go_on.is_set())
        inside.set()
        assert go_on.wait(5)
        return Turn(0, calm=True)

    monkeypatch.setattr(reconciler, "reconcile_once", slow)
    first, second = threading.Thread(target=turns.take), threading.Thread(target=turns.take)
    first.start()
    assert inside.wait(5)
    second.start()
    go_on.set()
    first.join(5)
    second.join(5)
    assert taken == [True, True]


def test_a_process_does_not_outlive_a_thread_that_it_is_nothing_without(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ended: list[int] = []
    monkeypatch.setattr(vital.os, "_exit", ended.append)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    vital.start(lambda: 1 / 0, name="clock").join(5)
    assert ended == [1]
    assert "clock died" in caplog.text
    assert "ZeroDivisionError" in caplog.text
