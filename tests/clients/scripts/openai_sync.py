"""The openai package, as its README shows it; the address and the key come from OPENAI_BASE_URL and OPENAI_API_KEY."""

from __future__ import annotations

import json
from typing import Any

from openai import APIStatusError, OpenAI
from pydantic import BaseModel

CHAT, TOOLS, EMBED = "smollm2-135m-instruct", "smollm2-tools", "all-minilm-l6-v2"
QUESTION = [{"role": "user", "content": "What is the capital of France? Answer in one short sentence."}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"enum": ["Paris", "Rome"]}}, "required": ["city"]},
    },
}
client = OpenAI(max_retries=0)


class City(BaseModel):
    capital: bool
    continent: str


def chat() -> Any:
    return client.chat.completions.create(model=CHAT, messages=QUESTION, temperature=0, max_tokens=30).model_dump()


def stream() -> Any:
    asked = {"model": CHAT, "messages": QUESTION, "temperature": 0, "max_tokens": 30}
    chunks = list(client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    return {"text": text, "role": chunks[0].choices[0].delta.role, "usage": chunks[-1].usage.model_dump()}


def stream_helper() -> Any:
    """The package's own reader of streams, which puts events together again and is strict about their order."""
    with client.chat.completions.stream(model=CHAT, messages=QUESTION, temperature=0, max_tokens=30) as events:
        kinds = {event.type for event in events}
        return {"kinds": sorted(kinds), "text": events.get_final_completion().choices[0].message.content}


def tools() -> Any:
    asked = {"model": TOOLS, "messages": [{"role": "user", "content": "Weather in Paris?"}], "tools": [WEATHER]}
    choice = client.chat.completions.create(**asked, tool_choice="required", temperature=0).choices[0]
    return choice.model_dump()


def tools_streamed() -> Any:
    asked = {"model": TOOLS, "messages": [{"role": "user", "content": "Weather in Paris?"}], "tools": [WEATHER]}
    forced = {"type": "function", "function": {"name": "get_weather"}}
    with client.chat.completions.stream(**asked, tool_choice=forced, temperature=0) as events:
        return events.get_final_completion().choices[0].model_dump()


def parsed() -> Any:
    asked = [{"role": "user", "content": "Tell me about Paris."}]
    answer = client.chat.completions.parse(model=CHAT, messages=asked, response_format=City, temperature=0)
    return answer.choices[0].message.parsed.model_dump()


def logprobs() -> Any:
    asked = {"model": CHAT, "messages": QUESTION, "temperature": 0, "max_tokens": 3, "logprobs": True}
    answer = client.chat.completions.create(**asked, top_logprobs=2)
    return [entry.model_dump() for entry in answer.choices[0].logprobs.content]


def completion() -> Any:
    prompts = ["The sky is", "Snow is"]
    return client.completions.create(model=CHAT, prompt=prompts, max_tokens=4, temperature=0, logprobs=1).model_dump()


def completion_streamed() -> Any:
    chunks = client.completions.create(model=CHAT, prompt="The sky is", max_tokens=4, temperature=0, stream=True)
    return "".join(chunk.choices[0].text for chunk in chunks)


def embeddings() -> Any:
    numbers = client.embeddings.create(model=EMBED, input=["a cat", "a dog"], encoding_format="float")
    packed = client.embeddings.create(model=EMBED, input=["a cat", "a dog"])
    assert all(
        abs(one - other) < 1e-6
        for a, b in zip(numbers.data, packed.data, strict=True)
        for one, other in zip(a.embedding, b.embedding, strict=True)
    )
    return {"sizes": [len(entry.embedding) for entry in packed.data], "tokens": packed.usage.total_tokens}


def models() -> Any:
    return {"all": [model.id for model in client.models.list()], "one": client.models.retrieve(CHAT).id}


def failure(asked: dict[str, Any], using: OpenAI = client) -> Any:
    try:
        using.chat.completions.create(**{"model": CHAT, "messages": QUESTION, "max_tokens": 3, **asked})
    except APIStatusError as error:
        found = {"kind": type(error).__name__, "status": error.status_code, "code": error.code, "param": error.param}
        return found | {"message": error.body["message"], "id": error.request_id}
    return None


def errors() -> Any:
    return {
        "unknown model": failure({"model": "nobody"}),
        "too hot": failure({"temperature": 99}),
        "no messages": failure({"messages": []}),
        "not a chat model": failure({"model": EMBED}),
        "no tools": failure({"tools": [WEATHER]}),
        "wrong key": failure({}, using=client.with_options(api_key="my-wrong")),
    }


def request_id() -> Any:
    raw = client.chat.completions.with_raw_response.create(model=CHAT, messages=QUESTION, max_tokens=1)
    return {"of the headers": raw.headers.get("x-request-id"), "of the answer": raw.parse()._request_id}


TRIED = (chat, stream, stream_helper, tools, tools_streamed, parsed, logprobs, completion, completion_streamed)
print(json.dumps({try_it.__name__: try_it() for try_it in (*TRIED, embeddings, models, errors, request_id)}))
