"""The bar for code, measured: sizes of files and functions, parameters, broad excepts, signals."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ("platform/modelyard", "registry", "inference", "openai_api", "pages")
BROAD = {"Exception", "BaseException"}
DJANGO_CALLS = {"save_model", "save_related", "change_view"}  # so these have the parameters that Django gives

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def trees() -> dict[Path, ast.Module]:
    """Every source file of ours; migrations are generated."""
    files = (path for source in SOURCES for path in (ROOT / source).rglob("*.py") if "migrations" not in path.parts)
    return {path.relative_to(ROOT): ast.parse(path.read_text(encoding="utf-8")) for path in files}


def functions() -> Iterator[tuple[str, Function]]:
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, Function):
                yield f"{path}:{node.lineno} {node.name}", node


def lines(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def parameters(function: Function) -> list[str]:
    arguments = function.args
    return [name.arg for name in (*arguments.posonlyargs, *arguments.args) if name.arg not in {"self", "cls"}]


def test_no_file_is_longer_than_300_lines() -> None:
    ours = (path.relative_to(ROOT) for end in ("js", "css") for path in (ROOT / "static").rglob(f"*.{end}"))
    sizes = {path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in (*trees(), *ours)}
    assert {path: size for path, size in sizes.items() if size > 300} == {}


def test_functions_are_small() -> None:
    sizes = sorted(lines(function) for _, function in functions())
    assert statistics.median(sizes) <= 8
    assert sizes[int(len(sizes) * 0.9)] <= 20
    assert [name for name, function in functions() if lines(function) > 50] == []


def test_parameters_are_few_and_named_from_the_third_on() -> None:
    positional = {name: len(parameters(function)) for name, function in functions()}
    many = [name for name, count in positional.items() if count > 3 and name.split()[-1] not in DJANGO_CALLS]
    assert many == []
    every = {name: positional[name] + len(function.args.kwonlyargs) for name, function in functions()}
    assert {name: count for name, count in every.items() if count > 5} == {}


def test_broad_excepts_are_three_at_most_and_say_why() -> None:
    found = []
    for path, tree in trees().items():
        text = (ROOT / path).read_text(encoding="utf-8").splitlines()
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler) and is_broad(node.type):
                assert "  # " in text[node.lineno - 1], f"{path}:{node.lineno} gives no reason"
                found.append(f"{path}:{node.lineno}")
    assert len(found) <= 3, found


def is_broad(caught: ast.expr | None) -> bool:
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(name is None or (isinstance(name, ast.Name) and name.id in BROAD) for name in names)


def test_every_module_says_what_it_is_for() -> None:
    silent = [path for path, tree in trees().items() if tree.body and not ast.get_docstring(tree)]
    assert silent == []


def test_every_module_reads_annotations_the_same_way() -> None:
    def postponed(tree: ast.Module) -> bool:
        return any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)

    annotated = {path for path, tree in trees().items() if any(isinstance(node, Function) for node in ast.walk(tree))}
    assert [path for path in annotated if not postponed(trees()[path])] == []


def test_nothing_of_ours_hangs_on_django_signals() -> None:
    for path in trees():
        text = (ROOT / path).read_text(encoding="utf-8")
        assert "django.dispatch" not in text, path
        assert "models.signals" not in text, path
