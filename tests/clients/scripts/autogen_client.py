"""AutoGen's client for the OpenAI API, as its documentation shows it for a server of one's own, and an agent on it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from autogen_agentchat.agents import AssistantAgent
from autogen_core.models import CreateResult, SystemMessage, UserMessage
from autogen_core.tools import FunctionTool
from autogen_ext.models.openai import OpenAIChatCompletionClient
from pydantic import BaseModel

ABLE = {"vision": False, "function_calling": True, "json_output": True, "family": "unknown", "structured_output": True}
SHORT = SystemMessage(content="You answer in one short sentence.")
QUESTION = UserMessage(content="What is the capital of France?", source="user")


class City(BaseModel):
    capital: bool
    continent: str


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"Sun in {city}"


def client(model: str) -> OpenAIChatCompletionClient:
    return OpenAIChatCompletionClient(model=model, model_info=ABLE, temperature=0, max_tokens=30, max_retries=0)


async def streamed(chat: OpenAIChatCompletionClient) -> Any:
    pieces = [piece async for piece in chat.create_stream([SHORT, QUESTION])]
    last = pieces[-1]
    assert isinstance(last, CreateResult)
    return {"pieces": len(pieces), "text": last.content, "usage": last.usage.completion_tokens}


async def called() -> Any:
    tool = FunctionTool(get_weather, description="The weather in a city", strict=True)
    asked = UserMessage(content="Weather in Paris?", source="user")
    answer = await client("smollm2-tools").create([asked], tools=[tool], tool_choice="required")
    return {"calls": [call.name for call in answer.content], "finish": answer.finish_reason}


async def main() -> None:
    chat = client("smollm2-135m-instruct")
    whole = await chat.create([SHORT, QUESTION])
    shaped = await chat.create([UserMessage(content="Tell me about Paris.", source="user")], json_output=City)
    agent = AssistantAgent("guide", model_client=chat, system_message="You answer in one short sentence.")
    talk = await agent.run(task="What is the capital of France?")
    found = {
        "whole": {"text": whole.content, "finish": whole.finish_reason, "usage": whole.usage.completion_tokens},
        "streamed": await streamed(chat),
        "shaped": json.loads(shaped.content),
        "called": await called(),
        "agent": talk.messages[-1].to_text(),
    }
    print(json.dumps(found))


asyncio.run(main())
