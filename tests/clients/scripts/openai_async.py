"""The openai package's async client: several things at once, and a stream that is left early."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from openai import APIStatusError, AsyncOpenAI
from pydantic import BaseModel

CHAT, TOOLS, EMBED = "smollm2-135m-instruct", "smollm2-tools", "all-minilm-l6-v2"
QUESTION = [{"role": "user", "content": "What is the capital of France? Answer in one short sentence."}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"enum": ["Paris", "Rome"]}}, "required": ["city"]},
    },
}


class City(BaseModel):
    capital: bool
    continent: str


async def chat(client: AsyncOpenAI) -> Any:
    answer = await client.chat.completions.create(model=CHAT, messages=QUESTION, temperature=0, max_tokens=30)
    return answer.choices[0].message.content


async def stream(client: AsyncOpenAI) -> Any:
    asked = {"model": CHAT, "messages": QUESTION, "temperature": 0, "max_tokens": 30}
    chunks = await client.chat.completions.create(**asked, stream=True)
    return "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])


async def left_early(client: AsyncOpenAI) -> Any:
    story = [{"role": "user", "content": "Tell me a long story."}]
    async with await client.chat.completions.create(model=CHAT, messages=story, stream=True) as chunks:
        async for chunk in chunks:
            if chunk.choices[0].delta.content:
                return chunk.choices[0].delta.content
    return None


async def tools(client: AsyncOpenAI) -> Any:
    asked = {"model": TOOLS, "messages": [{"role": "user", "content": "Weather in Rome?"}], "tools": [WEATHER]}
    answer = await client.chat.completions.create(**asked, tool_choice="required", temperature=0)
    return answer.choices[0].message.tool_calls[0].model_dump()


async def parsed(client: AsyncOpenAI) -> Any:
    asked = [{"role": "user", "content": "Tell me about Paris."}]
    answer = await client.chat.completions.parse(model=CHAT, messages=asked, response_format=City, temperature=0)
    return answer.choices[0].message.parsed.model_dump()


async def completion(client: AsyncOpenAI) -> Any:
    answer = await client.completions.create(model=CHAT, prompt="The sky is", max_tokens=4, temperature=0)
    return answer.choices[0].text


async def embedding(client: AsyncOpenAI) -> Any:
    return len((await client.embeddings.create(model=EMBED, input="a cat")).data[0].embedding)


async def models(client: AsyncOpenAI) -> Any:
    return [model.id async for model in client.models.list()]


async def failure(client: AsyncOpenAI, **asked: Any) -> Any:
    try:
        await client.chat.completions.create(**{"model": CHAT, "messages": QUESTION, "max_tokens": 3, **asked})
    except APIStatusError as error:
        found = {"kind": type(error).__name__, "status": error.status_code, "code": error.code, "param": error.param}
        return found | {"message": error.body["message"]}
    return None


async def errors(client: AsyncOpenAI) -> Any:
    return {
        "unknown model": await failure(client, model="nobody"),
        "too hot": await failure(client, temperature=99),
        "no messages": await failure(client, messages=[]),
        "not a chat model": await failure(client, model=EMBED),
        "no tools": await failure(client, tools=[WEATHER]),
        "wrong key": await failure(client.with_options(api_key="my-wrong")),
    }


async def main() -> None:
    async with AsyncOpenAI(max_retries=0) as client:
        tried = (stream, tools, parsed, completion, embedding, models, errors)
        chats = asyncio.gather(*[chat(client) for _ in range(4)])
        found = await asyncio.gather(chats, left_early(client), *[try_it(client) for try_it in tried])
    print(json.dumps(dict(zip(["chats", "left early", *[one.__name__ for one in tried]], found, strict=True))))


asyncio.run(main())
