"""Labels as people write them: `zone=a disk=fast old-`."""

from __future__ import annotations

from django import forms

Labels = dict[str, str | None]


class LabelField(forms.CharField):
    """Cleans to key and value; None is a label to delete."""

    def clean(self, value: str | None) -> Labels:  # type: ignore[override]  # a field may clean to anything
        return dict(_label(word) for word in super().clean(value).replace(",", " ").split())


def written(labels: dict[str, str]) -> str:
    """As `LabelField` reads it back."""
    return " ".join(f"{key}={value}" for key, value in sorted(labels.items()))


def _label(word: str) -> tuple[str, str | None]:
    key, equals, value = word.partition("=")
    if equals and key:
        return key, value
    if not equals and word.endswith("-") and len(word) > 1:
        return word[:-1], None
    raise forms.ValidationError(f"{word!r} is no label: write key=value, or key- to delete one.")
