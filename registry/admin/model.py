"""Models and their aliases: the names that clients may ask for."""

from __future__ import annotations

import re
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.views import ChangeList

from registry import desired, overview
from registry.admin import marks
from registry.admin.base import YardAdmin, YardInline, action, actor, display
from registry.admin.forms import AliasForm, AliasFormSet, ModelForm
from registry.admin.modelpart import use_part
from registry.models import Alias, Deployment, Model


class AliasInline(YardInline):
    """Further names, on the model's page."""

    model = Alias
    form = AliasForm
    formset = AliasFormSet
    fields = ("name",)
    verbose_name_plural = _("Aliases: other names that clients may use for this model")


class ModelList(ChangeList):  # type: ignore[misc]  # unfold has no types
    """A page of models, with what their deployments do."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        deployments = [deployment for model in self.result_list for deployment in model.deployments.all()]
        found = overview.statuses(deployments)
        for deployment in deployments:
            deployment.status = found[deployment.pk]


@admin.register(Model)
class ModelAdmin(YardAdmin):
    """A change that matters to running workers makes new revisions of the model's deployments."""

    form = ModelForm
    inlines = (AliasInline,)
    list_display = ("name", "path", "other_names", "running")
    search_fields = ("name", "path", "aliases__name")
    search_help_text = _("Name, path or alias")
    actions_detail = ("deploy_it",)
    first_step = _(
        "Tell Modelyard where the weights of a model are, a folder, a .gguf file or a name on a hub; then deploy it."
    )
    change_form_outer_after_template = "registry/parts_bottom.html"
    fieldsets = (
        (None, {"fields": ("name", "path", "description")}),
        (_("Details"), {"fields": ("chat_template", "trust_remote_code"), "classes": ("collapse",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        found: QuerySet[Model] = super().get_queryset(request)
        return found.prefetch_related("aliases", "deployments")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ModelList]:
        return ModelList

    def change_view(  # noqa: PLR0917 - Django's signature
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        below = use_part(request, int(object_id)) if object_id.isdecimal() and request.method == "GET" else None
        shown = (extra_context or {}) | {"below": below}
        response: HttpResponse = super().change_view(request, object_id, form_url, shown)
        return response

    @display(description=_("Aliases"))
    def other_names(self, model: Model) -> str:
        return ", ".join(alias.name for alias in model.aliases.all()) or marks.NOTHING

    @display(description=_("Deployments"))
    def running(self, model: Model) -> SafeString | str:
        lines = ((marks.link(deployment), _state(deployment)) for deployment in model.deployments.all())
        pairs = format_html_join("", '<span class="yard-pair">{} {}</span>', lines)
        return pairs or format_html('<a class="yard-link" href="{}">{}</a>', _deploy_url(model), gettext("Deploy it"))

    @action(description=_("Deploy…"), permissions=["registry.add_deployment"], icon="play_arrow")
    def deploy_it(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Nothing is ordered yet: the form opens with this model."""
        model = self.get_object(request, unquote(object_id))
        return redirect(_deploy_url(model) if model else "admin:registry_model_changelist")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: PLR0917 - Django's signature
        super().save_related(request, form, formsets, change)
        desired.model_changed(form.instance, actor=actor(request))


@admin.register(Alias)
class AliasAdmin(YardAdmin):
    """All further names in one list."""

    form = AliasForm
    list_display = ("name", "model_link")
    list_select_related = ("model",)
    first_step = _("Give a model a second name, such as gpt-4o-mini, and programs that ask for that one get it.")
    search_fields = ("name", "model__name")

    @display(description=_("Model"), ordering="model__name")
    def model_link(self, alias: Alias) -> SafeString | str:
        return marks.link(alias.model)

    def save_model(self, request: HttpRequest, obj: Alias, form: object, change: bool) -> None:  # noqa: PLR0917 - Django's signature
        super().save_model(request, obj, form, change)
        desired.model_changed(obj.model, actor=actor(request))


def _state(deployment: Deployment) -> SafeString:
    return marks.state(deployment.status)  # type: ignore[attr-defined]  # set by the list


def _deploy_url(model: Model) -> str:
    values: dict[str, str | int] = {"model": model.pk, "name": _fitting_name(model.name)}
    return f"{reverse('admin:registry_deployment_add')}?{urlencode(values)}"


def _fitting_name(name: str) -> str:
    """A deployment's name out of a model's, which may have capitals and slashes."""
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("._-")[:63].rstrip("._-")
