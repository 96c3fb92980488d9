"""The pages about commands say what is so: each command is there, and what they name exists."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path

import pytest
from django.core.management import load_command_class
from django.core.management.base import CommandParser

from inference.cli import build_parser
from inference.engines.echo.options import EchoOptions
from inference.engines.transformers.options import TransformersOptions
from inference.protocol.engines import ENGINES
from modelyard import env, overview
from registry.management.command import YardCommand

ROOT = Path(__file__).parents[2]
PAGES = (
    "docs/commands.md",
    "docs/from-fastchat.md",
    "docs/nodes.md",
    "docs/placement.md",
    "docs/api.md",
    "docs/models.md",
    "README.md",
)
CODE = re.compile(r"```[a-z]*\n(.*?)```|`([^`\n]+)`", re.DOTALL)
OPTION = re.compile(r"(?<![\w-])(--?[a-zA-Z][a-z-]*)")
ENGINE_OPTION = re.compile(r"--option ([a-z]\w*)=")
FLAGS = re.findall(
    r"\S+",
    """
    --model-path --model-names --revision --device --gpus --num-gpus --max-gpu-memory --dtype --load-8bit --load-4bit
    --cpu-offloading --limit-worker-concurrency --conv-template --controller-address --worker-address --host --port
    --dispatch-method --stream-interval --seed --no-register --trust-remote-code --embed-in-truncate --model-list-mode
    --api-keys --ssl FASTCHAT_WORKER_API_TIMEOUT FASTCHAT_WORKER_API_EMBEDDING_BATCH_SIZE CUDA_VISIBLE_DEVICES
    launch_all_serve shutdown_serve
""",
)


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@cache
def loaded(command: str) -> YardCommand:
    apps = {Path(package.__path__[0]): package.__name__ for package in overview.OURS}
    app = next(name for path, name in apps.items() if path in overview.our_commands()[command].parents)
    made = load_command_class(app, command)
    assert isinstance(made, YardCommand)
    return made


@cache
def parser(command: str) -> CommandParser:
    return loaded(command).create_parser("modelyard", command)


def command_lines(name: str) -> list[str]:
    """Everything in a page that is written as code and begins with our program, a line each."""
    code = "\n".join(block or span for block, span in CODE.findall(page(name)))
    return re.findall(r"(?:^|/)modelyard (.+)$", code.replace("\\|", "|"), flags=re.MULTILINE)


def named_commands(name: str) -> list[tuple[str, str]]:
    """Command and the rest of its line, without a comment."""
    lines = [line.split("  #")[0].split(" | ")[0] for line in command_lines(name)]
    split = [line.partition(" ") for line in lines]
    return [(command, rest) for command, _, rest in split if re.fullmatch(r"[a-z]+", command)]


def mapping() -> dict[str, str]:
    """What of FastChat is on the left of a row, and what is on its right."""
    rows = [line.strip("|").split(" | ") for line in page("docs/from-fastchat.md").splitlines() if line[:1] == "|"]
    return {
        named: row[1] for row in rows for named in re.findall(r"[\w-]{4,}", " ".join(re.findall(r"`(.*?)`", row[0])))
    }


def test_every_command_is_on_the_page_of_commands() -> None:
    assert set(overview.our_commands()) - {command for command, _ in named_commands("docs/commands.md")} == set()


@pytest.mark.parametrize("name", PAGES)
def test_every_command_and_option_that_a_page_names_exists(name: str) -> None:
    named = named_commands(name)
    assert named or name == "docs/api.md"
    for command, rest in named:
        known = set(parser(command)._option_string_actions)
        assert set(OPTION.findall(rest)) <= known, f"{name}: modelyard {command} {rest}"


@pytest.mark.parametrize("name", PAGES)
def test_every_engine_option_that_a_page_names_exists(name: str) -> None:
    of_the_worker = {"drain_timeout_s", "revision", "offline"}
    known = {*TransformersOptions.model_fields, *EchoOptions.model_fields, *of_the_worker}
    assert set(ENGINE_OPTION.findall(page(name))) <= known


@pytest.mark.parametrize("name", PAGES)
def test_every_variable_of_ours_that_a_page_names_exists(name: str) -> None:
    ours = set(re.findall(r"MODELYARD_[A-Z_]+[A-Z]", page(name)))
    of_a_worker = set(re.findall(r"MODELYARD_[A-Z_]+[A-Z]", build_parser().format_help()))
    of_external_engines = {f"MODELYARD_{name.upper()}_EXECUTABLE" for name in ENGINES}
    assert ours <= {*env.variables(), *of_a_worker, *of_external_engines}


@pytest.mark.parametrize("flag", FLAGS)
def test_every_flag_of_fastchat_has_an_answer(flag: str) -> None:
    answer = mapping()[flag]
    assert "`" in answer or answer.startswith(("none", "not yet", "not needed")), answer


@pytest.mark.parametrize("command", overview.our_commands())
def test_a_command_understands_its_own_examples(command: str) -> None:
    for example in loaded(command).examples:
        parser(command).parse_args(shlex.split(example))


def test_what_runs_without_the_platform_takes_what_the_page_says() -> None:
    pages = page("docs/from-fastchat.md") + page("docs/models.md")
    code = re.findall(r"python -m inference (-[^`\n]+)", pages)
    assert len(code) > 3
    for line in code:
        build_parser().parse_args(shlex.split(line))
