"""Whether what a deployment asks of the fleet can be at all: the sentences that an operator reads at the edge."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext

from inference.protocol.engines import engine_entry
from registry.errors import InvalidDesire
from registry.models import Deployment, Device, Node
from registry.placement import Group, parse_devices

PLACING = ("engine", "gpus", "devices", "node_labels", "max_memory_per_gpu_bytes", "exclusive")
SHOWN = 20


def check_wishes(deployment: Deployment) -> None:
    """Raises `InvalidDesire`. The fleet is looked at only when the wish is new: devices that are gone stop no order."""
    _check_amounts(deployment)
    groups = parse_devices(deployment.devices)
    _check_labels(deployment.node_labels)
    _check_together(deployment, groups)
    if _is_new(deployment):
        _check_named(groups)
        _check_number(deployment)


def _check_amounts(deployment: Deployment) -> None:
    if deployment.memory_bytes is not None and deployment.memory_bytes <= 0:
        raise InvalidDesire(
            gettext("A replica needs some memory: write an amount such as 4GiB, or leave it to the estimate.")
        )
    limit = deployment.max_memory_per_gpu_bytes
    if limit is not None and limit <= 0:
        raise InvalidDesire(
            gettext("The limit for one GPU must be more than nothing: write it like 40GiB, or leave it out.")
        )
    if deployment.gpus is not None and deployment.gpus < 1:
        raise InvalidDesire(
            gettext("A replica cannot run on fewer GPUs than 1: leave the number out for as few as it needs.")
        )


def _check_labels(labels: object) -> None:
    if not isinstance(labels, dict):
        raise InvalidDesire(gettext('Node labels must be a JSON object, such as {"zone": "a"}.'))
    wrong = next((key for key, value in labels.items() if not key or isinstance(value, dict | list | None)), None)
    if wrong is not None:
        raise InvalidDesire(
            gettext("The node label {label} needs a name and a value that is text, such as zone=a.").format(
                label=repr(wrong)
            )
        )


def _check_together(deployment: Deployment, groups: tuple[Group, ...]) -> None:
    gpus, limit = deployment.gpus, deployment.max_memory_per_gpu_bytes
    if _on_cpu(deployment.options) and (gpus is not None or limit is not None):
        raise InvalidDesire(gettext("The option device is cpu, so no GPUs can be asked for: change one of the two."))
    share = engine_entry(deployment.engine).share_option
    if share and _says(deployment.options, share) and not deployment.exclusive and not _on_cpu(deployment.options):
        words = gettext(
            "The option {share} is a share of whole cards: take whole devices (exclusive), or leave it out, and the "
            "engine takes what the replica claims."
        )
        raise InvalidDesire(words.format(share=share))
    smallest = min(groups, key=len, default=())
    if groups and gpus is not None and len(smallest) < gpus:
        named = f"{smallest[0][0]}:{','.join(str(index) for _, index in smallest)}"
        words = gettext("{gpus} GPUs are asked for, but {named} names only {count}.")
        raise InvalidDesire(words.format(gpus=gpus, named=named, count=len(smallest)))
    if limit is not None and deployment.memory_bytes and gpus is not None and limit * gpus < deployment.memory_bytes:
        raise InvalidDesire(
            gettext("The limit for one GPU times the number of GPUs is less than the memory asked for.")
        )


def _on_cpu(options: object) -> bool:
    return isinstance(options, dict) and options.get("device") == "cpu"


def _says(options: object, name: str) -> bool:
    return isinstance(options, dict) and options.get(name) is not None


def _is_new(deployment: Deployment) -> bool:
    newest = deployment.revisions.order_by("-number").first() if deployment.pk else None
    known: Mapping[str, Any] = newest.snapshot if newest is not None else {}
    return any(known.get(name) != getattr(deployment, name) for name in PLACING)


def _check_named(groups: tuple[Group, ...]) -> None:
    if not groups:
        return
    names = {node for group in groups for node, _ in group}
    indices: defaultdict[str, set[int]] = defaultdict(set)
    for node, index in Device.objects.filter(node__name__in=names).values_list("node__name", "index"):
        indices[node].add(index)
    for node, index in (name for group in groups for name in group):
        if index not in indices[node]:
            raise InvalidDesire(_unknown(node, index, has=indices[node]))


def _unknown(node: str, index: int, *, has: set[int]) -> str:
    if has:
        words = gettext("The node {node} has no device {index}; it has {known}.")
        return words.format(node=node, index=index, known=", ".join(map(str, sorted(has))))
    if Node.objects.filter(name=node).exists():
        return gettext("The node {node} has no devices yet: is its agent running?").format(node=node)
    known = ", ".join(Node.objects.values_list("name", flat=True)[:SHOWN]) or gettext("none yet")
    return gettext("There is no node {node}. Nodes: {known}.").format(node=repr(node), known=known)


def _check_number(deployment: Deployment) -> None:
    """More GPUs than any node has would wait for ever; before any node has joined nobody can tell."""
    if deployment.gpus is None or not Node.objects.exists():
        return
    gpus = Device.objects.filter(kind=Device.Kind.CUDA)
    if engine_entry(deployment.engine).loads_weights:
        gpus = gpus.filter(simulated=False)
    counts: defaultdict[str, int] = defaultdict(int)
    for node in gpus.values_list("node__name", flat=True):
        counts[node] += 1
    most = max(counts, key=lambda node: counts[node], default="")
    if deployment.gpus > counts[most]:
        words = gettext("No node has {gpus} GPUs: none has any that this engine may use.")
        if most:
            words = gettext("No node has {gpus} GPUs: the most is {count}, on {node}.")
        raise InvalidDesire(words.format(gpus=deployment.gpus, count=counts[most], node=most))
