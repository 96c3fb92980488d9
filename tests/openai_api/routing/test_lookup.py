"""Which model is meant, and what a client is told when none can."""

from __future__ import annotations

from uuid import uuid4

import pytest
from gateway_rig import model

from inference.protocol.errors import BadRequest
from openai_api.errors import NotReady, UnknownModel
from openai_api.routing.lookup import able, by_public_name, resolve
from registry.catalog import Catalog, Replica, ServingState, Status


def replica(*capabilities: str) -> Replica:
    return Replica(uuid4(), "http://127.0.0.1:1", capabilities or ("chat",))


def test_only_replicas_that_serve_the_endpoint_are_able() -> None:
    chats, embeds = replica("chat"), replica("embeddings")
    assert able([chats, embeds], "embeddings") == (embeds,)


def test_an_alias_leads_to_its_model() -> None:
    chat = model("chat", replica(), aliases=("gpt-3.5-turbo",))
    assert resolve(by_public_name(Catalog((chat,))), "gpt-3.5-turbo", capability="chat") is chat


def test_an_unknown_model_is_answered_with_what_there_is() -> None:
    with pytest.raises(UnknownModel, match=r"'gpt-9' does not exist. This server has: also, chat\."):
        resolve(by_public_name(Catalog((model("chat", aliases=("also",)),))), "gpt-9", capability="chat")


def test_an_empty_server_says_so() -> None:
    with pytest.raises(UnknownModel, match="No model is registered"):
        resolve({}, "gpt-9", capability="chat")


def test_a_long_list_of_models_is_cut() -> None:
    names = [f"model-{number:03}" for number in range(30)]
    assert str(UnknownModel("x", names)).count("model-0") == 20


def test_the_wrong_endpoint_names_the_right_one() -> None:
    models = {"embed": model("embed", replica("embeddings"))}
    with pytest.raises(BadRequest, match=r"Use /v1/embeddings\.") as caught:
        resolve(models, "embed", capability="chat")
    assert caught.value.param == "model"


@pytest.mark.parametrize(
    ("status", "sentence", "retry_after"),
    [
        (Status(ServingState.LOADING, 40, "loading weights"), "is loading 40 %: loading weights.", "2"),
        (Status(ServingState.STARTING), "is starting.", "2"),
        (Status(ServingState.WAITING, reason="waiting for a place: no node"), "is waiting for a place: no node.", "10"),
        (Status(ServingState.FAILED, reason="The folder is gone."), "failed: The folder is gone.", "30"),
        (Status(ServingState.STOPPED), "is stopped.", "30"),
    ],
)
def test_a_model_that_is_not_ready_says_what_it_does(status: Status, sentence: str, retry_after: str) -> None:
    with pytest.raises(NotReady) as caught:
        resolve({"chat": model("chat", status=status)}, "chat", capability="chat")
    assert caught.value.message == f"The model 'chat' {sentence}"
    assert caught.value.headers == {"Retry-After": retry_after}
