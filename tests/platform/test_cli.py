"""The command line: which installation it means, and one sentence for whatever cannot be done."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from modelyard import __version__, overview
from modelyard.cli import split_data_dir
from modelyard.embedded.preparation import port_number
from modelyard.errors import BadArguments
from modelyard.installation import Installation

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("arguments", "rest", "data_dir"),
    [
        (["up"], ["up"], None),
        (["up", "--data-dir", "x", "--no-demo"], ["up", "--no-demo"], "x"),
        (["--data-dir=x", "ps"], ["ps"], "x"),
        (["shell", "--", "--data-dir", "x"], ["shell", "--", "--data-dir", "x"], None),
    ],
)
def test_the_data_dir_is_taken_out_wherever_it_stands(
    arguments: list[str], rest: list[str], data_dir: str | None
) -> None:
    assert split_data_dir(arguments) == (rest, data_dir)


@pytest.mark.parametrize("arguments", [["up", "--data-dir"], ["--data-dir="], ["--data-dir", "--port", "1"]])
def test_a_data_dir_without_folder_is_refused(arguments: list[str]) -> None:
    with pytest.raises(BadArguments, match="--data-dir needs a folder"):
        split_data_dir(arguments)


def test_a_port_is_a_number_up_to_65535() -> None:
    assert (port_number("0"), port_number("65535")) == (0, 65_535)
    for wrong in ("-1", "65536", "http", "1e3", ""):
        with pytest.raises(Exception, match="say a number from 0 to 65535"):
            port_number(wrong)


def test_the_overview_lists_every_command_of_ours_with_its_help() -> None:
    lines = [line.split(maxsplit=1) for line in overview.text().splitlines() if line.startswith("  ")]
    assert {name for name, *_ in lines} == set(overview.our_commands())
    assert all(len(line) == 2 for line in lines), "a command has no help"
    assert [name for name, _ in lines][:3] == ["up", "down", "status"]


def modelyard(
    *arguments: str, program: tuple[str, ...] = ("-m", "modelyard"), **variables: str
) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the real program, outside of any installation."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MODELYARD_")}
    done = subprocess.run(
        [sys.executable, *program, *arguments],
        env=environment | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.processes
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["status"], "No installation at {place}/var: start one with `modelyard up --data-dir {place}/var`."),
        (["migrate"], "No installation at {place}/var: start one with `modelyard up --data-dir {place}/var`."),
        (["statsu"], "There is no command 'statsu': did you mean `modelyard status`?"),
        (["frobnicate"], "There is no command 'frobnicate': see `modelyard --help`."),
        (["up", "--port", "http"], "Argument --port: 'http' is not a port: say a number from 0 to 65535: see"),
        (["up", "--data-dir", "/dev/null/x"], "/dev/null/x cannot hold an installation (not a directory): choose"),
    ],
)
def test_bad_input_is_answered_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = modelyard(*arguments)
    assert (code, out) == (1, "")
    assert err.startswith(sentence.format(place=tmp_path))
    assert err.count("\n") == 1


@pytest.mark.processes
def test_help_works_before_there_is_an_installation_and_makes_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert modelyard() == modelyard("help") == modelyard("--help") == (0, overview.text(), "")
    code, out, err = modelyard("up", "--help")
    assert (code, err) == (0, "")
    assert "--no-demo" in out
    assert "--in-background" not in out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.processes
def test_manage_py_is_the_same_program() -> None:
    assert modelyard("--version", program=(str(ROOT / "manage.py"),)) == (0, f"modelyard {__version__}\n", "")


@pytest.mark.processes
def test_a_taken_port_stops_the_start_before_anything_runs(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        code, _, err = modelyard("up", "--data-dir", str(tmp_path / "data"), "--port", port)
    assert code == 1
    assert err == f"Port {port} on 127.0.0.1 is taken by another program: stop it, or choose another with --port.\n"
    assert not (tmp_path / "data" / "postgres").exists()


@pytest.mark.processes
def test_an_unreachable_database_url_is_a_sentence(tmp_path: Path) -> None:
    url = "postgresql://someone@127.0.0.1:1/none"
    code, _, err = modelyard("up", "--data-dir", str(tmp_path / "data"), "--port", "0", DATABASE_URL=url)
    assert code == 1
    assert "Connection refused" in err
    assert err.endswith("check DATABASE_URL.\n")


@pytest.mark.processes
def test_status_and_down_work_when_nothing_runs(tmp_path: Path) -> None:
    Installation.at(tmp_path / "data").create()
    code, out, err = modelyard("status", "--data-dir", str(tmp_path / "data"))
    assert (code, err) == (0, "")
    assert out.startswith("Modelyard does not run.")
    code, out, err = modelyard("down", "--data-dir", str(tmp_path / "data"))
    assert (code, out, err) == (0, f"Nothing runs for {tmp_path / 'data'}.\n", "")


@pytest.mark.processes
def test_ctrl_c_leaves_no_traceback(tmp_path: Path) -> None:
    Installation.at(tmp_path / "data").create()
    command = [sys.executable, "-m", "modelyard", "agent", "--data-dir", str(tmp_path / "data")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "The database does not answer yet" in process.stderr.readline()  # it waits for one now
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in err
