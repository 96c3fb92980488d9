"""The registry as a Django app."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from registry.naming import translate_names


class RegistryConfig(AppConfig):
    """What should run, what does, and the loop that brings the two together."""

    name = "registry"
    verbose_name = _("Models and machines")

    def ready(self) -> None:
        translate_names(self)
