"""The form of a deployment. Its checks are the registry's own, so that a mistake shows beside its field."""

from __future__ import annotations

from contextlib import suppress
from copy import copy
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from registry import desired
from registry.admin.fields import LabelsField, MemoryField, as_form_error
from registry.errors import InvalidDesire
from registry.models import Deployment
from registry.models.deployment import TIMEOUT_FIELDS
from registry.placement import parse_devices
from registry.wishes import check_wishes

OPTIONS = _("Options of the engine, as JSON. Empty or {}: the engine's own.")
TIMEOUTS: dict[str, Any] = {
    "start_timeout_s": _("Seconds until its first sign of life."),
    "load_timeout_s": _("Seconds that loading the weights may take."),
    "drain_timeout_s": _("Seconds to finish requests before they are ended."),
    "hang_timeout_s": _("Seconds without a step while requests wait."),
}
# What is edited in words, and the column behind it.
COLUMNS = {"memory": "memory_bytes", "max_memory": "max_memory_per_gpu_bytes"}
# What a wish may be impossible for, and how it is left out.
BLAMED: dict[str, Any] = {"devices": "", "gpus": None, "max_memory": None, "node_labels": {}}


class DeploymentForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """What should run, where, and how long things may take."""

    memory = MemoryField(
        label=_("Memory per replica"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": _("estimated")}),
        help_text=_("What each replica claims, such as 4GiB. Empty: estimated from the weights and the context."),
    )
    max_memory = MemoryField(
        label=_("At most per GPU"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": _("no limit")}),
        help_text=_("Such as 20GiB; a replica takes more GPUs then."),
    )
    node_labels = LabelsField(
        label=_("Labels of the node"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "zone=a disk=fast"}),
        help_text=_("Only nodes that have all of these. Empty: any node."),
    )

    class Meta:
        model = Deployment
        fields = (
            *("name", "model", "replicas", "engine", "options", "paused", "restart_budget"),
            *("gpus", "devices", "node_labels", "exclusive", "strategy"),
            *TIMEOUT_FIELDS,
        )
        labels: ClassVar[dict[str, Any]] = {
            "gpus": _("GPUs per replica"),
            "devices": _("Named devices"),
            "exclusive": _("Whole devices only"),
            "strategy": _("Which device"),
            "start_timeout_s": _("Start"),
            "load_timeout_s": pgettext_lazy("time-out", "Load"),
            "drain_timeout_s": _("Drain"),
            "hang_timeout_s": _("Hang"),
        }
        help_texts: ClassVar[dict[str, Any]] = TIMEOUTS | {
            "name": _("What operators call it. Clients ask for the model, by its name or an alias."),
            "model": _("What runs. It has to be among the models first."),
            "replicas": _("How many workers answer side by side, each with memory of its own. Change it at any time."),
            "engine": _("What loads the model and answers for it."),
            "strategy": _("Of several devices with room: the emptiest gives speed, the fullest keeps others free."),
            "paused": _("Keep it for later. Otherwise it starts as soon as it is saved."),
            "options": OPTIONS,
            "gpus": _("All on one node. Empty: as few as it fits on."),
            "devices": _("Such as node-a:2,3, in this order. Several groups by spaces, one for each replica."),
            "exclusive": _("Share them with nobody, whatever is free."),
        }
        widgets: ClassVar[dict[str, forms.Widget]] = {
            "options": UnfoldAdminTextareaWidget(attrs={"rows": 4}),
            "devices": UnfoldAdminTextInputWidget(attrs={"placeholder": _("any")}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.update({name: getattr(self.instance, column) for name, column in COLUMNS.items()})

    def clean_options(self) -> dict[str, Any]:
        options = self.cleaned_data["options"]
        options = {} if options is None else options
        with as_form_error():
            desired.check_options(options)
        return dict(options)

    def clean_devices(self) -> str:
        written: str = " ".join(self.cleaned_data["devices"].split())
        with as_form_error():
            parse_devices(written)
        return written

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        for name, column in COLUMNS.items():
            setattr(self.instance, column, self.cleaned_data.get(name, getattr(self.instance, column)))
        return cleaned

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # Django's own hook: the instance has its values now
        if self.errors:
            return
        try:
            check_wishes(self.instance)
        except InvalidDesire as error:
            self.add_error(self._blamed(), str(error))

    def _blamed(self) -> str | None:
        """The field without which the same wish would pass."""
        for name, empty in BLAMED.items():
            without = copy(self.instance)
            setattr(without, COLUMNS.get(name, name), empty)
            with suppress(InvalidDesire):
                check_wishes(without)
                return name
        return None

    def changed_columns(self) -> tuple[str, ...]:
        """What is stored of an edit, so that whatever somebody else changed meanwhile stays."""
        return tuple(COLUMNS.get(name, name) for name in self.changed_data)
