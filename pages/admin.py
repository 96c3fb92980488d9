"""What the pages keep, in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm, ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pages.errors import Refused
from pages.models import Battle, Contestant, Pairing, Preset
from registry.admin.base import ReadOnlyAdmin, YardAdmin
from registry.admin.history import EnglishHistory
from registry.models import Model

MOST_NAMED = 20


class PresetForm(ModelForm):  # type: ignore[type-arg]  # Django's own is not subscriptable
    """A preset whose parameters the API would take."""

    def clean_parameters(self) -> dict[str, Any]:
        # Here, since it takes a tenth of the time of each command to make the forms of requests.
        from pages.chat import presets

        try:
            return presets.checked(self.cleaned_data["parameters"])
        except Refused as error:
            raise ValidationError(str(error)) from None


@admin.register(Preset)
class PresetAdmin(YardAdmin):
    """System prompts and parameters under a name."""

    form = PresetForm
    list_display = ("name", "owner", "model")
    list_filter = ("owner",)
    list_select_related = ("owner",)
    search_fields = ("name", "system")
    autocomplete_fields = ("owner",)
    first_step = _(
        "A preset is a system prompt with parameters to choose in the chat: add one for everybody or for a person."
    )


class PairingForm(ModelForm):  # type: ignore[type-arg]  # Django's own is not subscriptable
    """Two different models, whose order does not matter."""

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        first, second = given.get("first"), given.get("second")
        if first and first == second:
            raise ValidationError(gettext("A model does not meet itself: name two."))
        if Pairing.objects.filter(first=second, second=first).exists():
            raise ValidationError(gettext("This pair has a weight already, the other way round: change that one."))
        return given


class Named:
    """Names of models are kept as text, so that votes outlive them; whoever types one is offered what there is."""

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, **kwargs)  # type: ignore[misc]  # mixed into an admin
        for name in {"model", "first", "second"} & set(form.base_fields):
            known = ", ".join(Model.objects.values_list("name", flat=True)[:MOST_NAMED])
            example = gettext("A model's name, such as: {known}.").format(known=known)
            form.base_fields[name].help_text = example if known else gettext("A model's name.")
        return form


@admin.register(Contestant)
class ContestantAdmin(Named, YardAdmin):
    """How often models are drawn for battles."""

    list_display = ("model", "weight")
    first_step = _("All ready models fight equally often. Add one to see it more often, less often or never.")
    search_fields = ("model",)


@admin.register(Pairing)
class PairingAdmin(Named, EnglishHistory, YardAdmin):
    """How often two models meet."""

    form = PairingForm
    list_display = ("first", "second", "weight")
    first_step = _("All pairs meet equally often. Add one to see it more often, less often or never.")
    search_fields = ("first", "second")


class Flagged(admin.SimpleListFilter):
    """What people complained of."""

    title = _("flagged")
    parameter_name = "flagged"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", gettext("Flagged")), ("aside", gettext("Vote set aside")), ("voted", gettext("Voted"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Battle]) -> QuerySet[Battle]:
        column = {"yes": "flagged", "aside": "set_aside", "voted": "vote"}.get(self.value() or "")
        return queryset.exclude(**{column: ""}) if column else queryset


@admin.register(Battle)
class BattleAdmin(ReadOnlyAdmin):
    """Votes, and what people complained of. Who may look here sees names before the vote."""

    list_display = ("started_at", "model_a", "model_b", "vote", "blind", "language", "owner", "set_aside", "flagged")
    first_step = _("People make battles: whoever asks in the arena or compares models leaves one here.")
    list_filter = (Flagged, "blind", "vote")
    list_select_related = ("owner",)
    search_fields = ("=model_a", "=model_b", "=owner__username")
    show_full_result_count = False
    fields = (
        *("owner", "model_a", "model_b", "blind", "language", "rounds"),
        *("vote", "voted_at", "set_aside", "flagged", "started_at"),
    )
