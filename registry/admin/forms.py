"""Forms of what operators write. Their checks are the registry's own, so that a mistake shows beside its field."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from registry import desired
from registry.errors import InvalidDesire
from registry.measures import exact_bytes, parse_bytes
from registry.models import Alias, Deployment, Model


@contextmanager
def _as_form_error() -> Iterator[None]:
    """Turns a refusal into an error of the field that is being cleaned."""
    try:
        yield
    except InvalidDesire as error:
        raise forms.ValidationError(str(error)) from error


class DeploymentForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """What should run. Memory is written as people say it."""

    memory = forms.CharField(
        label="Memory per replica",
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "estimated"}),
        help_text="What each replica claims of its device, such as 4GiB. Empty: estimated from the weights.",
    )

    class Meta:
        model = Deployment
        fields = ("name", "model", "replicas", "engine", "options", "restart_budget", "paused")
        help_texts: ClassVar[dict[str, str]] = {
            "name": "What operators call it. Clients ask for the model, by its name or an alias.",
            "paused": "Keep it for later. Otherwise it starts as soon as it is saved.",
        }
        widgets: ClassVar[dict[str, forms.Widget]] = {"options": UnfoldAdminTextareaWidget(attrs={"rows": 4})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.memory_bytes and "memory" in self.fields:
            self.fields["memory"].initial = exact_bytes(self.instance.memory_bytes)

    def clean_options(self) -> dict[str, Any]:
        options = self.cleaned_data["options"]
        options = {} if options is None else options
        with _as_form_error():
            desired.check_options(options)
        return dict(options)

    def clean_memory(self) -> int | None:
        written = self.cleaned_data["memory"]
        if not written:
            return None
        with _as_form_error():
            size = parse_bytes(written)
        if size <= 0:
            raise forms.ValidationError("A replica needs some memory: write an amount, or leave this empty.")
        return size

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        self.instance.memory_bytes = self.cleaned_data.get("memory", self.instance.memory_bytes)
        return cleaned


class ModelForm(forms.ModelForm):  # type: ignore[type-arg]
    """A model, whose name no alias has yet."""

    class Meta:
        model = Model
        fields = ("name", "path", "description", "chat_template", "trust_remote_code")
        widgets: ClassVar[dict[str, forms.Widget]] = {"description": UnfoldAdminTextareaWidget(attrs={"rows": 3})}

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if alias := Alias.objects.select_related("model").filter(name=name).first():
            raise forms.ValidationError(f"{name} is already an alias of {alias.model}: choose another name.")
        return name


class AliasForm(forms.ModelForm):  # type: ignore[type-arg]
    """An alias, which no model has as its name."""

    class Meta:
        model = Alias
        fields = ("name", "model")

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if Model.objects.filter(name=name).exists():
            raise forms.ValidationError(f"{name} is already a model: choose another name.")
        return name


class AliasFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    """The aliases on a model's page: none may be the name that this very form gives the model."""

    def clean(self) -> None:
        super().clean()
        for form in self.forms:
            if form.cleaned_data.get("name") == self.instance.name and not form.cleaned_data.get("DELETE"):
                form.add_error("name", "This is the model's own name: an alias is another one.")
