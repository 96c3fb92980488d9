"""What operators ask of deployments."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext

from inference.protocol.engines import ENGINES, engine_entry
from registry.desired.announce import announce
from registry.desired.wish import Wish
from registry.errors import InvalidDesire, NameTaken, NotFound
from registry.estimate import claim_for
from registry.lifecycle import record
from registry.models import Deployment, Model, Revision
from registry.models.deployment import deployment_name, launch_key
from registry.states import ACTIVE
from registry.wishes import check_wishes

DEVICES = ("auto", "cpu", "cuda")


def find(name: str) -> Deployment:
    """The deployment of this name. Raises `NotFound`, which says what there is."""
    deployment = Deployment.objects.select_related("model").filter(name=name).first()
    if deployment is None:
        known = ", ".join(Deployment.objects.values_list("name", flat=True)[:20]) or "none yet"
        raise NotFound(f"There is no deployment {name!r}. Deployments: {known}.")
    return deployment


def deploy(wish: Wish, *, actor: str, only_new: bool = False) -> Deployment:
    """Create or change a deployment, and its model when it names a path, and let it run; all of it or nothing.

    With `only_new` it raises `NameTaken` where there is one: of several who create it at once, one does.
    """
    _check_words(wish)
    with transaction.atomic():
        _take_turns(wish.name)
        # Locked before it is read: the fields that this wish leaves alone must be the newest when all are stored.
        known = Deployment.objects.select_for_update(of=("self",)).select_related("model")
        deployment = known.filter(name=wish.name).first()
        if deployment is not None and only_new:
            raise NameTaken(f"There is a deployment {wish.name} already: edit it, or choose another name.")
        if deployment is None:
            deployment = Deployment(name=wish.name, model=_model(wish))
        elif wish.path is not None or wish.model is not None:
            deployment.model = _model(wish)
        wish.apply(deployment)
        deployment.paused = False
        save(deployment, actor=actor, reason="deploy")
        renew(deployment, actor=actor, only_failed=True)
        if wish.path is not None:
            model_changed(deployment.model, actor=actor)
    return deployment


def save(
    deployment: Deployment, *, actor: str, reason: str = "edit", fields: tuple[str, ...] | None = None
) -> Revision:
    """Validate and store a deployment; a change of its options makes a new revision. Raises `InvalidDesire`.

    With `fields` only these are stored, so that what somebody else changed meanwhile stays. An edit also lets replicas
    that were given up begin anew.
    """
    _validate(deployment)
    deployment.changed_by = actor
    with transaction.atomic():
        # Edits of one deployment take turns: each makes the revision after the one before.
        Deployment.objects.select_for_update().filter(pk=deployment.pk).first()
        deployment.save(update_fields=(*fields, "changed_by") if fields and deployment.pk else None)
        if fields:
            deployment.refresh_from_db()
        revision, new = _revision(deployment, actor)
        if new:
            renew(deployment, actor=actor, only_failed=True)
        line = f"{reason}: {_summary(deployment, revision)}"
        record(actor=actor, subject=deployment.name, reason=line, deployment=deployment)
        announce()
    return revision


def scale(deployment: Deployment, replicas: int, *, actor: str) -> None:
    """Change how many replicas run; scaling a paused deployment lets it run again."""
    deployment.replicas, deployment.paused = replicas, False
    save(deployment, actor=actor, reason="scale", fields=("replicas", "paused"))


def stop(deployment: Deployment, *, actor: str) -> None:
    """Let all replicas finish what they do and end. The deployment keeps its settings."""
    deployment.paused = True
    save(deployment, actor=actor, reason="stop", fields=("paused",))


def start(deployment: Deployment, *, actor: str) -> None:
    """Let it run. Replicas that were given up begin anew."""
    deployment.paused = False
    save(deployment, actor=actor, reason="deploy", fields=("paused",))
    renew(deployment, actor=actor, only_failed=True)


def restart(deployment: Deployment, *, actor: str) -> None:
    """Replace every worker by a new one."""
    deployment.paused = False
    save(deployment, actor=actor, reason="restart", fields=("paused",))
    renew(deployment, actor=actor)


def delete(deployment: Deployment, *, actor: str) -> None:
    """Forget a deployment that runs nothing. Raises `InvalidDesire` while it does."""
    alive = Q(state__in=ACTIVE) | Q(launching_at__isnull=False, exited_at__isnull=True)
    if deployment.workers.filter(alive).exists():
        words = gettext("{deployment} still has workers: stop it first, and delete it when they are gone.")
        raise InvalidDesire(words.format(deployment=deployment.name))
    with transaction.atomic():
        record(actor=actor, subject=deployment.name, reason="delete")
        deployment.delete()
        announce()


def renew(deployment: Deployment, *, actor: str, only_failed: bool = False) -> None:
    """Forgive failures and replace older workers; with `only_failed` not while a worker is active."""
    if only_failed and deployment.workers.filter(state__in=ACTIVE).exists():
        return
    with transaction.atomic():
        Deployment.objects.filter(pk=deployment.pk).update(renewed_at=Now(), changed_by=actor)
        announce()


def model_changed(model: Model, *, actor: str) -> None:
    """A model or its aliases changed: deployments whose workers would be launched differently get a new revision."""
    with transaction.atomic():
        for deployment in model.deployments.select_related("model"):
            newest = _newest_revision(deployment)
            if newest is None or newest.snapshot != deployment.snapshot():
                save(deployment, actor=actor, reason=f"model {model.name} changed")
        announce()


def _take_turns(name: str) -> None:
    """Whoever deploys under the same name waits for the end of this transaction, also when there is no row to lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('modelyard deployment'), hashtext(%s))", [name])


def _check_words(wish: Wish) -> None:
    """What can be said of a wish before any row is looked at."""
    try:
        deployment_name(wish.name)
    except ValidationError as error:
        raise InvalidDesire(f"{wish.name!r} cannot be a deployment's name. {' '.join(error.messages)}") from error
    if wish.engine is not None and wish.engine not in ENGINES:
        raise InvalidDesire(f"There is no engine {wish.engine!r}. Engines: {', '.join(ENGINES)}.")


def check_options(options: object) -> None:
    """Raises `InvalidDesire` for engine options that no engine could be started with."""
    if not isinstance(options, dict):
        raise InvalidDesire(gettext('options must be a JSON object, such as {"dtype": "bfloat16"}.'))
    if options.get("device", "auto") not in DEVICES:
        raise InvalidDesire(gettext("options: device must be one of {known}.").format(known=", ".join(DEVICES)))


def _model(wish: Wish) -> Model:
    name = wish.model or wish.name
    model = Model.objects.filter(name=name).first()
    if model is None:
        if wish.path is None and engine_entry(wish.engine).loads_weights:
            raise InvalidDesire(f"There is no model {name!r}: say --path with the folder or .gguf file of its weights.")
        model = Model(name=name, description=wish.description)
    if wish.path is not None:
        model.path = wish.path
    try:
        model.full_clean()
        with transaction.atomic():
            model.save()
    except (ValidationError, IntegrityError) as error:
        raise InvalidDesire(_sentence(error)) from error
    return model


def _validate(deployment: Deployment) -> None:
    try:
        deployment.full_clean()
    except ValidationError as error:
        raise InvalidDesire(_sentence(error)) from error
    check_options(deployment.options)
    check_wishes(deployment)


def _revision(deployment: Deployment, actor: str) -> tuple[Revision, bool]:
    """The newest revision, and whether this edit made it."""
    snapshot = deployment.snapshot()
    newest = _newest_revision(deployment)
    estimate = claim_for(snapshot)
    if newest is not None and newest.snapshot == snapshot:
        # What an operator can edit stays; launches to come claim what the earlier ones were measured to need.
        newest.claim_bytes, newest.estimate = estimate.total, estimate.as_json()
        newest.save(update_fields=["claim_bytes", "estimate"])
        return newest, False
    made = Revision.objects.create(
        deployment=deployment,
        number=1 if newest is None else newest.number + 1,
        snapshot=snapshot,
        launch_key=launch_key(snapshot),
        device=deployment.options.get("device", "auto"),
        claim_bytes=estimate.total,
        estimate=estimate.as_json(),
        created_by=actor,
    )
    return made, True


def _newest_revision(deployment: Deployment) -> Revision | None:
    return deployment.revisions.order_by("-number").first()


def _summary(deployment: Deployment, revision: Revision) -> str:
    runs = "nothing (stopped)" if deployment.paused else f"{deployment.replicas} × {deployment.model.name}"
    return f"{runs} on {deployment.engine}, revision {revision.number}"


def _sentence(error: ValidationError | IntegrityError) -> str:
    if isinstance(error, IntegrityError):
        return str(error).split("\n", 1)[0]
    if hasattr(error, "error_dict"):
        return " ".join(f"{name}: {' '.join(messages)}" for name, messages in error.message_dict.items())
    return " ".join(error.messages)
