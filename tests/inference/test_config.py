"""The config of a launch: from arguments and environment, refused with a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from inference.cli import build_parser, main, read_config
from inference.config import WorkerConfig, is_loopback
from inference.errors import ConfigError

LAUNCH = "0f8fad5b-d9cb-469f-a165-70867728950e"


def read(*argv: str, **environ: str) -> WorkerConfig:
    return read_config(build_parser().parse_args(["--model", "/models/tiny", *argv]), environ)


def test_the_name_is_the_last_part_of_the_path_unless_given() -> None:
    assert read().name == "tiny"
    assert read("--name", "org/other").name == "org/other"


def test_secrets_come_by_the_environment_and_stay_out_of_the_repr() -> None:
    url = "postgresql://u:hidden@127.0.0.1/db"
    config = read("--launch-id", LAUNCH, MODELYARD_WORKER_TOKEN="secret", MODELYARD_HEARTBEAT_URL=url)
    assert (config.token, config.heartbeat_url, str(config.launch_id)) == ("secret", url, LAUNCH)
    assert "secret" not in repr(config)
    assert "hidden" not in repr(config)


def test_the_options_of_the_worker_do_not_reach_the_engine() -> None:
    config = read("--options", '{"drain_timeout_s": 5, "token_delay_ms": 1}')
    assert config.drain_timeout_s == 5
    assert config.for_engine().options == {"token_delay_ms": 1}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_needs_no_token(host: str) -> None:
    assert is_loopback(host)
    assert read("--host", host).token is None


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.1", "::", "example.org"])
def test_any_other_host_needs_one(host: str) -> None:
    with pytest.raises(ConfigError, match="Set MODELYARD_WORKER_TOKEN"):
        read("--host", host)
    assert read("--host", host, MODELYARD_WORKER_TOKEN="t").host == host


@pytest.mark.parametrize(
    ("argv", "environ", "sentence"),
    [
        ([], {"MODELYARD_HEARTBEAT_URL": "postgresql://x/y"}, "--launch-id is needed"),
        (
            ["--launch-id", LAUNCH],
            {"MODELYARD_HEARTBEAT_URL": "postgresql://x/y"},
            "MODELYARD_WORKER_TOKEN, which proves",
        ),
        (
            ["--launch-id", LAUNCH],
            {"MODELYARD_HEARTBEAT_URL": "secret nonsense", "MODELYARD_WORKER_TOKEN": "t"},
            "is not a postgres URL",
        ),
        ([], {"MODELYARD_BEAT_INTERVAL_S": "soon"}, "MODELYARD_BEAT_INTERVAL_S must be a number above 0, not 'soon'"),
        ([], {"MODELYARD_MAX_BODY_BYTES": "-1"}, "MODELYARD_MAX_BODY_BYTES must be a number above 0"),
        (["--options", '{"drain_timeout_s": true}'], {}, "'drain_timeout_s' must be a number above 0, not True"),
        (["--name", ""], {}, "needs a name"),
    ],
)
def test_what_cannot_work_is_refused_with_a_sentence(argv: list[str], environ: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence) as caught:
        read(*argv, **environ)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "--model"),
        (["--model", "/m", "--engine", "warp"], "invalid choice: 'warp'"),
        (["--model", "/m", "--port", "web"], "'web' is not a port"),
        (["--model", "/m", "--port", "70000"], "'70000' is not a port"),
        (["--model", "/m", "--launch-id", "7"], "--launch-id"),
        (["--model", "/m", "--options", "{"], "not valid JSON"),
        (["--model", "/m", "--options", "[]"], "must be a JSON object"),
        (["--model", "/m", "--host", "0.0.0.0"], "MODELYARD_WORKER_TOKEN"),
        (["--model", "/m", "--mod", "x"], "unrecognized arguments: --mod"),
    ],
)
def test_bad_arguments_are_one_line_and_exit_code_2(
    argv: list[str], words: str, *, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MODELYARD_WORKER_TOKEN", raising=False)
    with pytest.raises(SystemExit) as caught:
        main(argv)
    error: Any = capsys.readouterr().err
    assert caught.value.code == 2
    assert words in error
    assert error.count("\n") == 1
