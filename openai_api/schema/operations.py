"""The operations of the inference API. Another endpoint is a line here beside its route; a test walks the routes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from inference.protocol.capabilities import PATHS
from inference.protocol.chat import ChatCompletionRequest
from inference.protocol.completions import CompletionRequest
from inference.protocol.embeddings import EmbeddingRequest
from inference.protocol.requests import ApiRequest
from inference.protocol.tokens import DetokenizeRequest, TokenizeRequest
from openai_api.models import Scope
from openai_api.schema import answers, state

Example = Mapping[str, Any]
DESCRIPTION = "/v1/openapi.json"
HELLO = [{"role": "user", "content": "Name three colours."}]
# Whoever asks may do each of these wrong: a body that is too slow, too large or packed; too many headers.
EVERYWHERE = (408, 413, 415, 431, 500)
WITH_KEY = (401, 403, 503)
OF_A_MODEL = (400, 404, 429)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. Without a `scope` it wants no key; `text` is the type of an answer that is no JSON."""

    id: str
    method: str
    path: str
    summary: str
    about: str
    tag: str
    scope: Scope | None = Scope.INFERENCE
    request: type[ApiRequest] | None = None
    answer: type[BaseModel] | None = None
    event: type[BaseModel] | None = None
    text: str | None = None
    model_in_path: bool = False
    also: tuple[int, ...] = ()
    examples: Mapping[str, Example] = field(default_factory=dict)

    @property
    def statuses(self) -> tuple[int, ...]:
        """Of its errors."""
        asked = OF_A_MODEL if self.request is not None else ()
        return tuple(sorted({*EVERYWHERE, *(WITH_KEY if self.scope is not None else ()), *asked, *self.also}))


OPERATIONS = (
    Operation(
        "createChatCompletion",
        "post",
        PATHS["chat"],
        "Answer a chat",
        "Whole, or with `stream` as server-sent events.",
        "Chat",
        request=ChatCompletionRequest,
        answer=answers.ChatCompletion,
        event=answers.ChatCompletionChunk,
        examples={
            "Whole": {"messages": HELLO, "max_tokens": 64, "temperature": 0.7, "seed": 1},
            "Stream": {"messages": HELLO, "max_tokens": 64, "stream": True, "stream_options": {"include_usage": True}},
            "JSON": {"messages": HELLO, "max_tokens": 64, "response_format": {"type": "json_object"}},
        },
    ),
    Operation(
        "createCompletion",
        "post",
        PATHS["completions"],
        "Continue a text",
        "Each prompt gets `n` choices. Whole, or with `stream` as server-sent events.",
        "Completions",
        request=CompletionRequest,
        answer=answers.TextCompletion,
        event=answers.TextCompletionChunk,
        examples={
            "Whole": {"prompt": "Three colours are", "max_tokens": 32, "temperature": 0.7, "seed": 1},
            "Stream": {"prompt": "Three colours are", "max_tokens": 32, "stream": True},
            "Score a text": {"prompt": "Three colours are red", "max_tokens": 1, "prompt_logprobs": 1},
        },
    ),
    Operation(
        "createEmbedding",
        "post",
        PATHS["embeddings"],
        "Embed texts",
        "A vector for each text.",
        "Embeddings",
        request=EmbeddingRequest,
        answer=answers.EmbeddingList,
        examples={"Texts": {"input": ["red", "green"]}},
    ),
    Operation(
        "createEngineEmbedding",
        "post",
        "/v1/engines/{model}/embeddings",
        "Embed texts, by OpenAI's oldest address",
        "As `/v1/embeddings`, with the model in the path.",
        "Embeddings",
        request=EmbeddingRequest,
        answer=answers.EmbeddingList,
        model_in_path=True,
        examples={"Texts": {"input": ["red", "green"]}},
    ),
    Operation(
        "tokenize",
        "post",
        PATHS["tokenize"],
        "Split a text into tokens",
        "vLLM's: a text, or a chat as the model's template writes it. For any model.",
        "Tokens",
        request=TokenizeRequest,
        answer=answers.TokenList,
        examples={"Text": {"prompt": "red, green", "return_token_strs": True}, "Chat": {"messages": HELLO}},
    ),
    Operation(
        "detokenize",
        "post",
        PATHS["detokenize"],
        "Put tokens together to a text",
        "vLLM's. For any model.",
        "Tokens",
        request=DetokenizeRequest,
        answer=answers.TokenText,
        examples={"Tokens": {"tokens": [1, 2, 3]}},
    ),
    Operation(
        "listModels",
        "get",
        "/v1/models",
        "List models",
        "Every name that a request may use, aliases too, with what each model is doing.",
        "Models",
        answer=state.ModelList,
    ),
    Operation(
        "retrieveModel",
        "get",
        "/v1/models/{model}",
        "One model",
        "By its name or an alias; names may have slashes.",
        "Models",
        answer=state.ModelCard,
        model_in_path=True,
        also=(404,),
    ),
    Operation(
        "health", "get", "/health", "Does it answer?", "For load balancers.", "Server", scope=None, answer=state.Health
    ),
    Operation(
        "ready",
        "get",
        "/ready",
        "May it get traffic?",
        "For load balancers: 503 until the process knows its routes.",
        "Server",
        scope=None,
        answer=state.Ready,
        also=(503,),
    ),
    Operation(
        "metrics",
        "get",
        "/metrics",
        "Figures for Prometheus",
        "Of the process that answers. Wants a key with the scope `read`.",
        "Server",
        scope=Scope.READ,
        text="text/plain",
    ),
    Operation(
        "describe",
        "get",
        DESCRIPTION,
        "This description",
        "By OpenAPI 3.1.",
        "Server",
        scope=None,
        text="application/json",
    ),
)
