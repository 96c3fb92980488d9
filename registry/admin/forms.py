"""Forms of models and aliases. Their checks are the registry's own, so that a mistake shows beside its field."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from registry.models import Alias, Model


class ModelForm(forms.ModelForm):  # type: ignore[type-arg]
    """A model, whose name no alias has yet."""

    class Meta:
        model = Model
        fields = ("name", "path", "description", "chat_template", "trust_remote_code")
        widgets: ClassVar[dict[str, forms.Widget]] = {"description": UnfoldAdminTextareaWidget(attrs={"rows": 3})}
        help_texts: ClassVar[dict[str, Any]] = {
            "description": _("For people: what it is good at, its licence, whom to ask about it."),
            "path": _(
                "A folder with the weights or a .gguf file, as the node sees it; or a model's name on a hub, such "
                "as Qwen/Qwen2.5-0.5B-Instruct, which the node downloads."
            ),
        }

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if alias := Alias.objects.select_related("model").filter(name=name).first():
            raise forms.ValidationError(
                gettext("{name} is already an alias of {model}: choose another name.").format(
                    name=name, model=alias.model
                )
            )
        return name


class AliasForm(forms.ModelForm):  # type: ignore[type-arg]
    """An alias, which no model has as its name."""

    class Meta:
        model = Alias
        fields = ("name", "model")
        help_texts: ClassVar[dict[str, Any]] = {
            "name": _("Another name that clients may put into `model`."),
            "model": _("The model that answers to it."),
        }

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if Model.objects.filter(name=name).exists():
            raise forms.ValidationError(gettext("{name} is already a model: choose another name.").format(name=name))
        return name


class AliasFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    """The aliases on a model's page: none may be the name that this very form gives the model."""

    def clean(self) -> None:
        super().clean()
        for form in self.forms:
            if form.cleaned_data.get("name") == self.instance.name and not form.cleaned_data.get("DELETE"):
                form.add_error("name", gettext("This is the model's own name: an alias is another one."))
