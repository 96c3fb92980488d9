"""Form fields for what the registry keeps as numbers and JSON, and people write in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django import forms
from django.utils.translation import gettext

from registry.errors import InvalidDesire
from registry.labels import parse_change
from registry.measures import exact_bytes, parse_bytes

Labels = dict[str, str | None]


@contextmanager
def as_form_error() -> Iterator[None]:
    """Turns a refusal into an error of the field that is being cleaned."""
    try:
        yield
    except InvalidDesire as error:
        raise forms.ValidationError(str(error)) from error


class MemoryField(forms.CharField):
    """Bytes, written like 4GiB; empty is None."""

    def clean(self, value: Any) -> int | None:
        written = super().clean(value)
        if not written:
            return None
        with as_form_error():
            size = parse_bytes(written)
        if size <= 0:
            raise forms.ValidationError(gettext("A replica needs some memory: write an amount, or leave this empty."))
        return size

    def prepare_value(self, value: Any) -> Any:
        return exact_bytes(value) if isinstance(value, int) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.clean(data) != initial)
        except forms.ValidationError:
            return True


class LabelChangesField(forms.CharField):
    """Labels to set and to delete, as `zone=a disk=fast old-`: key and value, None for one to delete."""

    def clean(self, value: Any) -> Any:
        return dict(_change(word) for word in super().clean(value).replace(",", " ").split())


class LabelsField(LabelChangesField):
    """All labels of something, as `zone=a disk=fast`."""

    def clean(self, value: Any) -> Any:
        labels = super().clean(value)
        for key, wanted in labels.items():
            if wanted is None:
                raise forms.ValidationError(
                    gettext("{label} is no label: write key=value.").format(label=repr(f"{key}-"))
                )
        return labels

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return " ".join(f"{key}={wanted}" for key, wanted in sorted(value.items()))
        return value

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.clean(data) != (initial or {}))
        except forms.ValidationError:
            return True


def _change(word: str) -> tuple[str, str | None]:
    try:
        return parse_change(word)
    except InvalidDesire as error:
        raise forms.ValidationError(
            gettext("{label} is no label: write key=value, or key- to delete one.").format(label=repr(word))
        ) from error
