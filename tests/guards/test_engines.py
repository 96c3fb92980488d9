"""A new engine is a folder and a line: everything that lists engines takes them from that line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from inference.cli import build_parser
from inference.engines.base import Engine, ProxyEngine, TokenEngine
from inference.engines.registry import engine_class
from inference.engines.vllm.options import VllmOptions
from inference.protocol.engines import ENGINES, EngineEntry
from registry.models import Deployment

ROOT = Path(__file__).parents[2]
SHARED = {"external"}  # what engines share that are other servers


def test_every_folder_of_an_engine_has_its_line_and_every_line_its_folder() -> None:
    folders = {path.parent.name for path in (ROOT / "inference/engines").glob("*/__init__.py")}
    assert folders - SHARED == set(ENGINES)
    assert [name for name, entry in ENGINES.items() if not entry.target.startswith(f"inference.engines.{name}.")] == []


@pytest.mark.parametrize("name", ENGINES)
def test_every_line_leads_to_an_engine_of_a_known_kind(name: str) -> None:
    found = engine_class(name)
    assert issubclass(found, Engine)
    assert issubclass(found, TokenEngine) != issubclass(found, ProxyEngine)


def test_a_new_line_is_all_that_commands_and_forms_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, "warp", EngineEntry("Warp", "inference.engines.warp:Engine"))
    assert ("warp", "Warp") in Deployment._meta.get_field("engine").flatchoices
    assert build_parser().parse_args(["--model", "x", "--engine", "warp"]).engine == "warp"


def test_the_platform_knows_no_engine_by_its_name() -> None:
    named = re.compile(rf"[\"']({'|'.join(ENGINES)})[\"']")
    files = [path for folder in ("registry", "openai_api", "pages") for path in (ROOT / folder).rglob("*.py")]
    text = {str(path): path.read_text(encoding="utf-8") for path in files if "migrations" not in path.parts}
    assert {path: found for path, content in text.items() if (found := named.findall(content))} == {}


def test_the_page_about_engines_has_every_engine_and_every_option_of_vllm() -> None:
    page = (ROOT / "docs/engines.md").read_text(encoding="utf-8")
    words = [*ENGINES, *VllmOptions.model_fields]
    assert [word for word in words if f"`{word}`" not in page] == []
