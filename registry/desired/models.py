"""What operators ask of models."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext

from registry.desired.announce import announce
from registry.desired.deployments import model_changed
from registry.errors import InvalidDesire, NameTaken
from registry.lifecycle import record
from registry.models import Alias, Model


def register(
    name: str, path: str, *, actor: str, aliases: Iterable[str] = (), trust_remote_code: bool = False
) -> Model:
    """A model, with these aliases besides those that it has. Raises `InvalidDesire` when a name is taken."""
    with transaction.atomic():
        model = Model.objects.filter(name=name).first() or Model(name=name)
        if model.path not in {"", path}:
            raise InvalidDesire(f"{name} is the model in {model.path}: deploy {path} by another name.")
        model.path = path
        model.trust_remote_code = model.trust_remote_code or trust_remote_code
        _store(model)
        for alias in aliases:
            if not model.aliases.filter(name=alias).exists():
                _check_free(alias)
                _store(Alias(name=alias, model=model))
        model_changed(model, actor=actor)
    return model


def save_model(model: Model, *, aliases: Collection[str] | None, actor: str) -> None:
    """Store a model; with `aliases` it has these from now on. Raises `InvalidDesire` when a name is taken."""
    reason = "edit" if model.pk else "create"
    with transaction.atomic():
        if Alias.objects.filter(name=model.name).exists():
            raise NameTaken(f"{model.name} is already an alias of another model: choose another name.")
        _store(model)
        if aliases is not None:
            model.aliases.exclude(name__in=aliases).delete()
            for alias in sorted(set(aliases) - set(model.aliases.values_list("name", flat=True))):
                _check_free(alias)
                _store(Alias(name=alias, model=model))
        record(actor=actor, subject=f"model {model.name}", reason=reason)
        model_changed(model, actor=actor)


def delete_model(model: Model, *, actor: str) -> None:
    """Forget a model that no deployment names; its files stay. Raises `InvalidDesire`."""
    with transaction.atomic():
        record(actor=actor, subject=f"model {model.name}", reason="delete")
        try:
            model.delete()
        except ProtectedError as error:
            raise InvalidDesire(
                gettext("{model} has deployments: delete them first.").format(model=model.name)
            ) from error
        announce()


def _check_free(alias: str) -> None:
    if taken := Alias.objects.select_related("model").filter(name=alias).first():
        raise NameTaken(f"{alias} is already an alias of {taken.model}: choose another, or take it away there.")
    if Model.objects.filter(name=alias).exists():
        raise NameTaken(f"{alias} is already the name of a model: choose another alias.")


def _store(row: Model | Alias) -> None:
    try:
        row.full_clean()
        with transaction.atomic():
            row.save()
    except ValidationError as error:
        if any(each.code == "unique" for each in error.error_dict.get("name", ())):
            raise _taken(row) from error
        raise InvalidDesire(f"{row.name!r} cannot be a name. {' '.join(error.messages)}") from error
    except IntegrityError as error:
        # Only the name can be in the way; somebody took it since it was looked at.
        raise _taken(row) from error


def _taken(row: Model | Alias) -> NameTaken:
    if isinstance(row, Model) and Alias.objects.filter(name=row.name).exists():
        return NameTaken(f"{row.name} is already an alias: choose another name.")
    kind = "a model" if isinstance(row, Model) else "an alias"
    return NameTaken(f"There is {kind} {row.name} already: edit it, or choose another name.")
