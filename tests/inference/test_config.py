"""The config of a launch: from arguments and environment, refused with a sentence."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from inference.cli import _show_only, build_parser, main, read_config
from inference.config import WorkerConfig, is_loopback
from inference.engines.transformers.options import TransformersOptions
from inference.errors import ConfigError
from inference.flags import FLAGS
from inference.sources.hub import HubAccess

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


def test_a_model_from_a_hub_goes_by_its_last_part() -> None:
    assert read("--model", "org/tiny-1B@v2").name == "tiny-1B"
    assert read("--model", "org/packed/tiny-Q4.gguf").name == "tiny-Q4"


def test_flags_are_options_of_the_engine() -> None:
    config = read(*["--load-4bit", "--dtype", "bfloat16", "--max-memory-per-gpu", "20GiB", "--kv-cache-memory", "0.5"])
    assert config.options == {
        "load_in_4bit": True,
        "dtype": "bfloat16",
        "max_memory_per_gpu": "20GiB",
        "kv_cache_memory": 0.5,
    }
    config = read("--no-prefix-cache", "--options", '{"prefix_cache": false, "context_length": 7}')
    assert config.options == {"prefix_cache": False, "context_length": 7}


def test_every_flag_is_an_option_that_the_engine_or_the_worker_has() -> None:
    assert {flag.option for flag in FLAGS} <= {*TransformersOptions.model_fields, "revision"}


def test_where_models_from_a_hub_come_from_and_lie() -> None:
    config = read("--revision", "v1", HF_ENDPOINT="http://127.0.0.1:9", MODELYARD_CACHE_DIR="/data")
    assert (config.revision, config.hub_access) == ("v1", HubAccess(Path("/data/hub"), "http://127.0.0.1:9"))
    assert read(HF_HOME="/hf", HF_HUB_OFFLINE="1").hub_access == HubAccess(Path("/hf/hub"), None, offline=True)
    config = read("--options", '{"revision": "v2", "offline": true}')
    assert (config.revision, config.hub_access.offline, config.options) == ("v2", True, {})


def test_only_the_named_devices_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {})
    _show_only(read("--devices", "2, 0").devices)
    assert os.environ == {"CUDA_VISIBLE_DEVICES": "2,0", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}


def test_without_the_flag_the_environment_decides_what_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {"CUDA_VISIBLE_DEVICES": "GPU-1"})
    _show_only(read(CUDA_VISIBLE_DEVICES="GPU-1").devices)
    assert os.environ == {"CUDA_VISIBLE_DEVICES": "GPU-1"}


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
        (["--devices", "0"], {"CUDA_VISIBLE_DEVICES": "1"}, "CUDA_VISIBLE_DEVICES says '1', so --devices 0 is refused"),
        (["--dtype", "float16", "--options", '{"dtype": "auto"}'], {}, "--dtype says float16, but --options says auto"),
        (["--options", '{"revision": 3}'], {}, "'revision' must be the name of a branch"),
        (["--options", '{"offline": "yes"}'], {}, "'offline' must be true or false"),
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
        (["--model", "/m", "--devices", "all"], "'all' names no GPUs"),
        (["--model", "/m", "--devices", "0,0"], "names a GPU twice"),
        (["--model", "/m", "--threads", "many"], "--threads"),
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
