"""What `modelyard launch` is given."""

from __future__ import annotations

import pytest

from registry.errors import InvalidDesire
from registry.management.launching.written import Cards, Item, read_items


def read(*written: str, existing: tuple[str, ...] = ()) -> list[Item]:
    return read_items(written, exists=lambda path: path in existing)


@pytest.mark.parametrize(
    ("written", "aliases", "cards"),
    [
        ("/m/qwen", (), None),
        ("/m/qwen@gpt-4", ("gpt-4",), None),
        ("/m/qwen@gpt-4,gpt-4o,gpt-4", ("gpt-4", "gpt-4o"), None),
        ("/m/qwen@0", (), Cards("", (0,))),
        ("/m/qwen@2,0", (), Cards("", (2, 0))),
        ("/m/qwen@node-a:2,3", (), Cards("node-a", (2, 3))),
        ("/m/qwen@gpt-4@node-a:1", ("gpt-4",), Cards("node-a", (1,))),
        ("/m/qwen@@1", (), Cards("", (1,))),
        ("/m/qwen@7@", ("7",), None),
        ("/m/qwen@mistral:7b", ("mistral:7b",), None),
        ("/m/qwen@llama3:8@", ("llama3:8",), None),
    ],
)
def test_aliases_and_gpus_are_told_apart(written: str, aliases: tuple[str, ...], cards: Cards | None) -> None:
    assert read(written) == [Item("/m/qwen", aliases, (cards,))]


def test_an_at_may_be_part_of_a_path_that_exists() -> None:
    [item] = read("/m/qwen@v2@gpt-4@0", existing=("/m/qwen@v2",))
    assert item == Item("/m/qwen@v2", ("gpt-4",), (Cards("", (0,)),))
    assert item.name == "qwen-v2"


def test_a_path_that_is_written_twice_is_one_model_with_two_replicas() -> None:
    [item] = read("/m/qwen@gpt-4@2", "/m/qwen@gpt-4o@3")
    assert item == Item("/m/qwen", ("gpt-4", "gpt-4o"), (Cards("", (2,)), Cards("", (3,))))


@pytest.mark.parametrize(
    ("path", "model", "deployment"),
    [
        ("/m/Qwen-7B-Chat", "Qwen-7B-Chat", "qwen-7b-chat"),
        ("/m/SmolLM2.Q4_1.gguf", "SmolLM2.Q4_1", "smollm2.q4_1"),
        ("/m/my model (new)", "my-model-new", "my-model-new"),
        ("/m/" + "x" * 80, "x" * 63, "x" * 63),
    ],
)
def test_names_come_from_the_paths_last_part(path: str, model: str, deployment: str) -> None:
    [item] = read(path)
    assert (item.model_name, item.name) == (model, deployment)


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        (["@gpt-4"], "names no model: write PATH"),
        (["/m/qwen@a@0@b"], "has too many parts: write PATH"),
        (["/m/qwen@gpt-4@gpu0"], "'gpu0' names no GPUs; write their numbers"),
        (["/m/qwen@localhost@21002"], "neither host nor port is written here"),
        (["/m/???"], "has no last part that could be a name"),
        (["/m/qwen", "/n/Qwen"], "/m/qwen and /n/Qwen would both be called qwen"),
    ],
)
def test_what_cannot_be_is_one_sentence(written: list[str], sentence: str) -> None:
    with pytest.raises(InvalidDesire) as refusal:
        read(*written)
    assert sentence in str(refusal.value)
