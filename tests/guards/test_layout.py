"""What must not be where: a file in the wrong folder would shadow the standard library or an app."""

from __future__ import annotations

import re
from pathlib import Path

import modelyard
from modelyard import env

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "modelyard": ROOT / "platform" / "modelyard",
    **{name: ROOT / name for name in ("registry", "inference", "openai_api", "pages")},
}
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc"}
GENERATED = {"__pycache__"}


def test_platform_holds_modelyard_and_nothing_else() -> None:
    # With an __init__.py it would shadow the standard library's `platform`; a celery.py in it would shadow Celery.
    assert {path.name for path in (ROOT / "platform").iterdir()} - GENERATED == {"modelyard"}


def test_no_test_folder_is_a_package() -> None:
    # tests/registry/__init__.py would shadow the app `registry`.
    assert [str(path) for path in (ROOT / "tests").rglob("__init__.py")] == []


def test_no_module_is_named_after_nothing() -> None:
    modules = {path for package in PACKAGES.values() for path in package.rglob("*.py")}
    assert [str(path) for path in modules if {path.stem, path.parent.name} & BANNED_NAMES] == []


def test_every_package_draws_its_errors_as_a_tree() -> None:
    for name, package in PACKAGES.items():
        first_lines = (package / "errors.py").read_text(encoding="utf-8").split('"""')[1]
        assert "├──" in first_lines, name
        assert "└──" in first_lines, name


def test_the_tree_in_errors_names_every_error() -> None:
    for package in PACKAGES.values():
        text = (package / "errors.py").read_text(encoding="utf-8")
        drawn = text.split('"""')[1]
        classes = re.findall(r"^class (\w+)\(", text, flags=re.MULTILINE)
        assert [name for name in classes if not re.search(rf"\b{name}\b", drawn)] == [], package.name


def test_the_changelog_begins_with_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[?v?(\d+\.\d+\.\d+)", changelog, flags=re.MULTILINE)
    assert versions[:1] == [modelyard.__version__]


def test_every_environment_variable_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in env.variables() if f"`{name}`" not in readme] == []
