"""Which model a request means, and which of its replicas serve such requests."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from inference.protocol.capabilities import serves, wrong_endpoint
from openai_api.errors import NotReady, UnknownModel
from registry.catalog import Catalog, CatalogModel, Replica, ServingState

# Seconds after which asking again makes sense, by what the model is doing.
RETRY_AFTER_S = {ServingState.FAILED: 30, ServingState.STOPPED: 30, ServingState.WAITING: 10}
SOON_S = 2
# Seconds for which a request that had a replica, or waits for one, stays when there is none any more, by what the model
# is doing. A replica that crashed has its next launch on the way within as much as RELAUNCH_S.
RELAUNCH_S = 5.0
PATIENCE_S = {
    ServingState.STARTING: math.inf,
    ServingState.LOADING: math.inf,
    ServingState.STOPPING: 0.0,
    ServingState.STOPPED: 0.0,
}


def by_public_name(catalog: Catalog) -> dict[str, CatalogModel]:
    """Models by their own names and by their aliases."""
    names = {alias: model for model in catalog.models for alias in model.aliases}
    return names | {model.name: model for model in catalog.models}


def resolve(models: Mapping[str, CatalogModel], asked: str, *, capability: str) -> CatalogModel:
    """The model that can answer now. Raises the error that says why there is none."""
    model = models.get(asked)
    if model is None:
        raise UnknownModel(asked, models)
    if model.capabilities and not serves(model.capabilities, capability):
        raise wrong_endpoint(asked, capability, capabilities=model.capabilities)
    if not model.replicas:
        raise not_ready(model)
    return model


def not_ready(model: CatalogModel) -> NotReady:
    """What a client is told while no replica of the model can take its request."""
    state = model.status.state
    ready = state == ServingState.READY
    story = "has no replica that answers just now" if ready else model.status.story
    return NotReady(f"The model '{model.name}' {story}.", retry_after_s=RETRY_AFTER_S.get(state, SOON_S))


def patience_s(state: ServingState) -> float:
    """How long it makes sense to wait for a replica while there is none: for ever while one is on its way."""
    return PATIENCE_S.get(state, RELAUNCH_S)


def able(replicas: Iterable[Replica], capability: str) -> tuple[Replica, ...]:
    """The replicas that serve this. One that has not said what it serves is taken at its word when it answers."""
    return tuple(one for one in replicas if not one.capabilities or serves(one.capabilities, capability))
