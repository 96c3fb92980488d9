"""LangChain's ChatOpenAI and OpenAIEmbeddings under LangChain's own standard tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

HERE = Path(__file__).parent
PYTEST = HERE.parents[1] / "var" / "clients" / "python" / "bin" / "pytest"
# Of ChatModelIntegrationTests: what our smallest model is too small for, as the script says one by one.
TOO_SMALL = {
    "test_tool_calling",
    "test_tool_calling_async",
    "test_tool_calling_with_no_arguments",
    "test_agent_loop",
    "test_json_mode",
}


@pytest.mark.timeout(600)
def test_langchains_standard_tests_pass(run: Callable[..., str], tmp_path: Path) -> None:
    script, settings, report = (
        HERE / "scripts" / "langchain_standard.py",
        HERE / "scripts" / "pytest.ini",
        tmp_path / "r",
    )
    options: list[str | os.PathLike[str]] = ["-c", settings, "-p", "no:cacheprovider", f"--junitxml={report}"]
    run(PYTEST, *options, script, within=500)
    cases = ET.parse(report).getroot().iter("testcase")
    outcomes = {case.get("name", ""): [part.get("type") for part in case.findall("skipped")] for case in cases}
    passed = [name for name, skipped in outcomes.items() if not skipped]
    gave_up = {name.partition("[")[0] for name, skipped in outcomes.items() if "pytest.xfail" in skipped}
    assert gave_up <= TOO_SMALL
    assert len(passed) >= 40
    assert {"test_embed_documents", "test_aembed_query", "test_structured_output_async[pydantic]"} <= set(passed)
