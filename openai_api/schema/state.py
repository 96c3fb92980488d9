"""What the inference API says of models and of itself."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from openai_api.schema.answers import Said
from registry.catalog import ServingState


class ModelCard(Said):
    """A name that requests may use."""

    id: str = Field(description="The name, of a model or of an alias.")
    object: Literal["model"] = Field(description="What this is.")
    created: int = Field(description="Unix seconds.")
    owned_by: str = Field(description="Always `modelyard`.")
    state: ServingState = Field(description="What it is doing.")
    status: str = Field(description="The same in a sentence.")
    capabilities: list[str] = Field(description="Of chat, completions and embeddings; empty while it is not known.")
    context_length: int | None = Field(description="In tokens; null while it is not known.")
    alias_of: str | None = Field(None, description="Of an alias: the model's own name.")


class ModelList(Said):
    """The answer of GET /v1/models."""

    object: Literal["list"] = Field(description="What this is.")
    data: list[ModelCard] = Field(description="Models first, each followed by its aliases.")


class Health(Said):
    """The process answers."""

    status: Literal["ok"] = Field(description="Always ok.")


class Ready(Said):
    """The process knows its routes."""

    status: Literal["ready"] = Field(description="Always ready; else there is a 503.")
