"""Every route of the inference API, as the matrices of rights and errors ask for it; one without a row fails there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from openai_api.models import Scope
from openai_api.routes import HTTP

QUESTION = [{"role": "user", "content": "one two three"}]


@dataclass(frozen=True)
class Endpoint:
    """How to ask: `{model}` stands in the path where the body does not name the model.

    `needs` is the scope that a key must have; None: nobody needs a key. `wrong` is a field of a wrong type.
    """

    path: str
    needs: Scope | None = Scope.INFERENCE
    body: Mapping[str, Any] | None = None
    wrong: Mapping[str, Any] = field(default_factory=dict)

    @property
    def method(self) -> str:
        return "GET" if self.body is None else "POST"

    @property
    def names_model(self) -> bool:
        """Whether a request is about one model."""
        return self.body is not None or "{model}" in self.path

    def asking(self, model: str, /, **changes: Any) -> dict[str, Any]:
        """Arguments for aiohttp's `request`."""
        asked: dict[str, Any] = {"method": self.method, "url": self.path.replace("{model}", model)}
        if self.body is not None:
            asked["json"] = dict(self.body) | ({} if "{model}" in self.path else {"model": model}) | changes
        return asked


# By the route's pattern.
ENDPOINTS: Mapping[str, Endpoint] = {
    "^v1/chat/completions/?$": Endpoint(
        "/v1/chat/completions", body={"messages": QUESTION, "max_tokens": 1}, wrong={"temperature": "hot"}
    ),
    "^v1/completions/?$": Endpoint(
        "/v1/completions", body={"prompt": "one two", "max_tokens": 1}, wrong={"max_tokens": []}
    ),
    "^v1/embeddings/?$": Endpoint("/v1/embeddings", body={"input": "one two"}, wrong={"dimensions": "many"}),
    "^tokenize/?$": Endpoint("/tokenize", body={"prompt": "one two"}, wrong={"prompt": 1}),
    "^detokenize/?$": Endpoint("/detokenize", body={"tokens": [1, 2]}, wrong={"model": 5}),
    r"^v1/engines/(?P<name>.+)/embeddings/?$": Endpoint(
        "/v1/engines/{model}/embeddings", body={"input": "one two"}, wrong={"dimensions": "many"}
    ),
    "^v1/models/?$": Endpoint("/v1/models"),
    "^v1/models/(?P<name>.+)$": Endpoint("/v1/models/{model}"),
    "^metrics$": Endpoint("/metrics", Scope.READ),
    r"^v1/openapi\.json$": Endpoint("/v1/openapi.json", None),
    "^health$": Endpoint("/health", None),
    "^ready$": Endpoint("/ready", None),
}
# Everything else under /v1, which is a 404 for everybody.
NOTHING = "^v1(/|$)"

LIMITED = tuple(each for each in ENDPOINTS.values() if each.needs is not None)
ASKING = tuple(each for each in ENDPOINTS.values() if each.body is not None)
# These take a seat at a replica; the others are done in a moment and wait for nobody.
GENERATING = tuple(each for each in ASKING if "max_tokens" in (each.body or {}))
OF_A_MODEL = tuple(each for each in ENDPOINTS.values() if each.names_model)
ALL = tuple(ENDPOINTS.values())


def patterns() -> set[str]:
    """The routes that there are."""
    return {route.pattern.regex.pattern for route in HTTP}
