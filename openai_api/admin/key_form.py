"""The forms of a key: whose it is, what it is for, and how long the old one still works."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextInputWidget,
)

from openai_api.keys import OVERLAP, check_models
from openai_api.lineage import excess, out_of_reach
from openai_api.models import ApiKey, Scope
from registry.errors import InvalidDesire

RIGHTS = ("scopes", "allowed_models", "expires_at")
HOUR = timedelta(hours=1)
MONTH_H = 31 * 24


class ModelNamesField(forms.CharField):
    """Names of models, or how they begin, as `smollm2, lab/*`."""

    def clean(self, value: Any) -> Any:
        try:
            return check_models(super().clean(value).replace(",", " ").split())
        except InvalidDesire as error:
            raise forms.ValidationError(str(error)) from error

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, Sequence) and not isinstance(value, str) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.clean(data) != (initial or []))
        except forms.ValidationError:
            return True


class KeyForm(forms.ModelForm):  # type: ignore[type-arg]
    """A key. That it has one owner is the row's own constraint, which the form checks too."""

    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        choices=Scope.choices,
        initial=[Scope.INFERENCE],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("What the key is for."),
    )
    allowed_models = ModelNamesField(
        label=_("Allowed models"),
        required=False,
        max_length=10_000,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "smollm2, lab/*"}),
        help_text=_("The models it may ask, by their own names; lab/* is every name that begins so. Empty: all."),
    )

    # Who fills it in; the admin makes a class of its own for each request.
    asker: ClassVar[Any] = None

    class Meta:
        model = ApiKey
        fields: ClassVar[tuple[str, ...]] = ("name", "user", "group", "scopes", "allowed_models", "expires_at")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        owner = {name: cleaned.get(name, getattr(self.instance, name)) for name in ("user", "group")}
        problem = out_of_reach(self.asker, **owner, scopes=cleaned["scopes"])
        if not problem and self.instance.parent is not None:
            problem = excess(ApiKey(**{name: cleaned[name] for name in RIGHTS}), self.instance.parent)
        if problem:
            raise forms.ValidationError(problem)
        return cleaned


class RotateForm(BaseDialogForm):  # type: ignore[misc]  # unfold has no types
    """How long both keys work."""

    hours = forms.IntegerField(
        label=_("Hours until the old key stops working"),
        initial=OVERLAP // HOUR,
        min_value=0,
        max_value=MONTH_H,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("0: at once."),
    )

    @property
    def overlap(self) -> timedelta:
        """What was asked for."""
        return int(self.cleaned_data["hours"]) * HOUR
