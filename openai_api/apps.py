"""The gateway as a Django app."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from registry.naming import translate_names


class OpenaiApiConfig(AppConfig):
    """API keys, limits, usage, routing and relaying."""

    name = "openai_api"
    verbose_name = _("API")

    def ready(self) -> None:
        translate_names(self)
