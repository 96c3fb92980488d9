"""What the pages keep, in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.forms import ModelForm, ValidationError

from inference.protocol.chat import ChatCompletionRequest
from inference.protocol.errors import ApiError
from pages.models import Preset
from registry.admin.base import YardAdmin

NEEDED = {"model": "any", "messages": [{"role": "user", "content": "any"}]}


class PresetForm(ModelForm):  # type: ignore[type-arg]  # Django's own is not subscriptable
    """A preset whose parameters the API would take."""

    def clean_parameters(self) -> dict[str, Any]:
        given = self.cleaned_data["parameters"]
        if not isinstance(given, dict):
            raise ValidationError('Write an object, such as {"temperature": 0.2}.')
        try:
            ChatCompletionRequest.parse({**given, **NEEDED})
        except ApiError as error:
            raise ValidationError(error.message) from None
        return given


@admin.register(Preset)
class PresetAdmin(YardAdmin):
    """System prompts and parameters under a name."""

    form = PresetForm
    list_display = ("name", "owner", "model")
    list_filter = ("owner",)
    list_select_related = ("owner",)
    search_fields = ("name", "system")
    autocomplete_fields = ("owner",)
