"""lm-evaluation-harness on two tiny tasks of our own: one scores texts by log probabilities, one reads answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from yard import Yard

HERE = Path(__file__).parent
LM_EVAL = HERE.parents[1] / "var" / "clients" / "python" / "bin" / "lm_eval"
TASKS = HERE / "scripts" / "lm_eval_tasks"
SCORE, ANSWER = "yard_capitals", "yard_answers"

Score = Callable[..., dict[str, Any]]


@pytest.fixture
def scores(run: Callable[..., str], served: Yard, tmp_path: Path) -> Score:
    """The results of some tasks, read from the file that the program leaves."""
    tokenizer = next((served.data_dir / "models").glob("gguf/*/tokenizer.json")).parent
    data = tmp_path / "tasks"
    data.mkdir()
    for file in TASKS.iterdir():  # its data set loader wants to know where the file is, wherever it is started
        (data / file.name).write_text(file.read_text().replace("capitals.jsonl", str(TASKS / "capitals.jsonl")))

    def scoring(kind: str, endpoint: str, *, tasks: str, options: tuple[str, ...] = ()) -> dict[str, Any]:
        model = (
            f"model=smollm2-135m-instruct,base_url={served.credentials['base_url']}/{endpoint},tokenizer={tokenizer}"
        )
        how = ("--model", kind, "--model_args", f"{model},tokenizer_backend=huggingface,num_concurrent=2,max_retries=1")
        run(LM_EVAL, "run", *how, "--tasks", tasks, "--include_path", data, "--output_path", tmp_path / "out", *options)
        [report] = (tmp_path / "out").rglob("results_*.json")
        results: dict[str, Any] = json.loads(report.read_text())["results"]
        return results

    return scoring


def test_local_completions_scores_texts_and_reads_answers(scores: Score) -> None:
    found = scores("local-completions", "completions", tasks=f"{SCORE},{ANSWER}")
    assert found[SCORE]["acc,none"] >= 5 / 6
    assert found[ANSWER]["exact_match,name"] >= 3 / 6


def test_local_chat_completions_reads_answers(scores: Score) -> None:
    options = ("--apply_chat_template",)
    found = scores("local-chat-completions", "chat/completions", tasks=ANSWER, options=options)
    assert found[ANSWER]["exact_match,name"] >= 3 / 6
