"""From what was written to deployments: all of them in one transaction, or none."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from inference.protocol.engines import engine_entry
from registry import desired, modelpaths
from registry.agent.identity import boot_id
from registry.agent.registration import default_name
from registry.clock import database_now
from registry.desired import Wish
from registry.errors import InvalidDesire
from registry.estimate import claim_for
from registry.fleet import load_devices, load_files
from registry.management.launching.cards import Dealer, Need
from registry.management.launching.written import Cards, Item, read_items
from registry.models import Claim, Deployment, Node, Worker
from registry.placement import Claims, Fleet, parse_devices, request_of
from registry.states import ACTIVE
from registry.states import Order as RunOrder
from registry.wishes import check_wishes


@dataclass(frozen=True, slots=True)
class Order:
    """What all models of one command have in common."""

    engine: str | None = None
    options: Mapping[str, Any] | None = None
    memory_bytes: int | None = None
    replicas: int = 1
    trust_remote_code: bool = False


def launch(written: Sequence[str], order: Order, *, node: str, actor: str) -> list[Deployment]:
    """The deployments, in the written order. Raises `InvalidDesire`, and then nothing has changed."""
    if order.replicas < 1:
        raise InvalidDesire("--replicas needs a number above 0.")
    nodes = list(Node.objects.order_by("name"))
    home = desired.find_node(node).name if node else _this_machine(nodes)
    items = read_items(written, exists=lambda path: Path(path).expanduser().exists())
    with transaction.atomic():
        wishes = [_wish(item, order, home=home, actor=actor) for item in items]
        _check_paths(wishes, nodes)
        cards = _deal(wishes, only_on=node)
        return [desired.deploy(cards.get(wish.name, wish), actor=actor) for wish in wishes]


def _this_machine(nodes: Sequence[Node]) -> str:
    """The node whose GPUs a number means when none is named; empty when that is not clear."""
    own = settings.MODELYARD_NODE_NAME or default_name()
    here = [node.name for node in nodes if node.name == own] or [
        node.name for node in nodes if node.boot_id == boot_id() or len(nodes) == 1
    ]
    return here[0] if len(here) == 1 else ""


def _wish(item: Item, order: Order, *, home: str, actor: str) -> Wish:
    """Its model exists afterwards. `devices` are those that were named; None when there were none."""
    known = Deployment.objects.select_related("model").filter(name=item.name).first()
    if known is not None and known.model.name != item.model_name:
        raise InvalidDesire(
            f"{item.name} is already the deployment of {known.model}: use `modelyard deploy NAME --path`."
        )
    desired.register(
        item.model_name,
        item.path,
        actor=actor,
        aliases=item.aliases,
        trust_remote_code=order.trust_remote_code,
    )
    groups = [_named(cards, home) for cards in item.cards if cards for _ in range(order.replicas)]
    return Wish(
        name=item.name,
        model=item.model_name,
        path=item.path,
        engine=order.engine,
        options=order.options,
        memory_bytes=order.memory_bytes,
        replicas=order.replicas * len(item.cards),
        devices=" ".join(groups) or None,
    )


def _named(cards: Cards, home: str) -> str:
    node = cards.node or home
    if not node:
        known = ", ".join(Node.objects.values_list("name", flat=True)[:20]) or "none yet"
        raise InvalidDesire(f"Say with --node whose GPUs the numbers mean. Nodes: {known}.")
    return f"{node}:{','.join(map(str, cards.indices))}"


def _check_paths(wishes: Sequence[Wish], nodes: Sequence[Node]) -> None:
    """A path that is not here may be elsewhere, unless there is no elsewhere."""
    if not nodes or any(node.boot_id != boot_id() for node in nodes):
        return
    for wish in wishes:
        path = str(wish.path)
        needs = engine_entry(wish.draft().engine).loads_weights and not modelpaths.is_hub_name(path)
        if needs and not Path(path).exists():
            raise InvalidDesire(
                f"There is nothing at {path}: write the folder or .gguf file of the weights, or the name of a model "
                "on a hub, such as owner/name."
            )


def _deal(wishes: Sequence[Wish], *, only_on: str) -> dict[str, Wish]:
    """The wishes with their cards, by name; but not those of what runs already and is not told to run elsewhere."""
    devices = [device for device in load_devices(database_now()) if only_on in {"", device.node}]
    gpus = {(device.node, device.index) for device in devices if device.kind == "cuda"}
    moving = {wish.name: _placed(wish, gpus) for wish in wishes if wish.devices or not _runs(wish)}
    drafts = [wish.draft() for wish in moving.values()]
    fleet = Fleet(devices, load_files())
    for draft in drafts:
        check_wishes(draft)
        for claims in _held(draft):
            fleet.give_back(claims)
    cards = Dealer(fleet, devices, names_cpus=bool(only_on)).deal([_need(draft) for draft in drafts])
    return {name: replace(wish, devices=cards[name]) for name, wish in moving.items()}


def _placed(wish: Wish, gpus: Collection[tuple[str, int]]) -> Wish:
    """Without what an earlier launch said of its place. Several named GPUs are all used."""
    groups = parse_devices(wish.devices or "")
    sizes = {len(group) for group in groups}
    spread = len(sizes) == 1 and sizes != {1} and all(device in gpus for group in groups for device in group)
    return replace(wish, devices=wish.devices or "", gpus=max(sizes) if spread else None, reset=frozenset({"gpus"}))


def _runs(wish: Wish) -> bool:
    """Whether as many replicas as are wished are running or on their way."""
    active = Worker.objects.filter(deployment__name=wish.name, state__in=ACTIVE, order=RunOrder.RUN)
    return active.values("replica").distinct().count() == wish.replicas


def _need(draft: Deployment) -> Need:
    snapshot = draft.snapshot()
    request = request_of(snapshot, claim_for(snapshot).total)
    return Need(draft.name, replace(request, groups=()), draft.replicas, request.groups)


def _held(draft: Deployment) -> Iterator[Claims]:
    """What the workers hold that this launch replaces."""
    held = Claim.objects.filter(worker__deployment=draft).values_list("device_id", "bytes") if draft.pk else []
    yield from (((device_id, size),) for device_id, size in held)
