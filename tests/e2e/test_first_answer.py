"""What a new user gets: real models answer the official client."""

from __future__ import annotations

import json
import stat
import subprocess

import openai
import pytest
from yard import Yard, clean_environment

pytestmark = [pytest.mark.processes, pytest.mark.timeout(240)]

CHAT, EMBED = "smollm2-135m-instruct", "all-minilm-l6-v2"
QUESTION = [{"role": "user", "content": "What is the capital of France? Answer in one short sentence."}]


def test_the_demo_models_are_listed(yard: Yard) -> None:
    assert {model.id for model in yard.client().models.list()} >= {CHAT, EMBED}
    assert yard.client().models.retrieve(CHAT).object == "model"


def test_a_chat_model_answers(yard: Yard) -> None:
    answer = yard.client().chat.completions.create(model=CHAT, messages=QUESTION, temperature=0, max_tokens=40)
    assert "Paris" in (answer.choices[0].message.content or "")
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_a_stream_has_the_same_text_and_its_usage(yard: Yard) -> None:
    ask = {"model": CHAT, "messages": QUESTION, "temperature": 0, "max_tokens": 40}
    whole = yard.client().chat.completions.create(**ask)
    chunks = list(yard.client().chat.completions.create(**ask, stream=True, stream_options={"include_usage": True}))
    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(pieces) == whole.choices[0].message.content
    assert len(pieces) > 5
    assert chunks[-1].usage == whole.usage


def test_the_same_seed_gives_the_same_text_and_another_one_does_not(yard: Yard) -> None:
    def ask(seed: int) -> str | None:
        story = [{"role": "user", "content": "Tell me a story about a lighthouse."}]
        answer = yard.client().chat.completions.create(
            model=CHAT, messages=story, temperature=1, seed=seed, max_tokens=12
        )
        return answer.choices[0].message.content

    assert ask(7) == ask(7)
    assert ask(7) != ask(8)


def test_completions_work(yard: Yard) -> None:
    answer = yard.client().completions.create(model=CHAT, prompt="The sky is", max_tokens=5, temperature=0)
    assert answer.choices[0].text
    assert answer.choices[0].finish_reason == "length"


def test_embeddings_of_similar_texts_are_similar(yard: Yard) -> None:
    texts = ["A cat sits on the mat.", "A kitten is on the rug.", "Interest rates rose again."]
    cat, kitten, rates = (item.embedding for item in yard.client().embeddings.create(model=EMBED, input=texts).data)

    def dot(one: list[float], other: list[float]) -> float:
        return sum(a * b for a, b in zip(one, other, strict=True))

    assert len(cat) == 384
    assert dot(cat, kitten) > 0.5 > dot(cat, rates)


@pytest.mark.parametrize(
    ("status", "ask"),
    [
        (404, {"model": "nothing"}),
        (400, {"model": EMBED}),
        (400, {"model": CHAT, "temperature": 9}),
    ],
)
def test_what_cannot_be_is_refused_in_the_clients_format(yard: Yard, status: int, ask: dict[str, object]) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        yard.client().chat.completions.create(messages=QUESTION, **ask)  # type: ignore[call-overload]
    assert refused.value.status_code == status
    assert isinstance(refused.value.body, dict)
    assert set(refused.value.body) >= {"message", "type", "param", "code"}


def test_a_wrong_key_is_refused(yard: Yard) -> None:
    with pytest.raises(openai.AuthenticationError):
        yard.client().with_options(api_key="my-wrong").models.list()


def test_the_credentials_are_for_their_owner_only(yard: Yard) -> None:
    assert stat.S_IMODE((yard.data_dir / "credentials.json").stat().st_mode) == 0o600
    assert set(yard.credentials) == {"base_url", "api_key", "admin_url", "admin_user", "admin_password"}


def test_the_curl_line_can_be_pasted(yard: Yard) -> None:
    line = yard.announcement[yard.announcement.index("curl ") :]
    done = subprocess.run(["bash", "-c", line], env=clean_environment(), capture_output=True, text=True, check=True)
    assert done.stdout.startswith("data: {")
    assert done.stdout.rstrip().endswith("data: [DONE]")


def test_no_secret_is_in_a_command_line_or_a_log(yard: Yard) -> None:
    secrets = json.loads((yard.data_dir / "secrets.json").read_text())
    hidden = [secrets["django_secret_key"], secrets["postgres_password"]]
    arguments = " ".join(argument for process in yard.processes() for argument in process.cmdline())
    logs = " ".join(file.read_text(errors="replace") for file in (yard.data_dir / "logs").rglob("*.log"))
    assert not [secret for secret in hidden if secret in arguments or secret in logs]
