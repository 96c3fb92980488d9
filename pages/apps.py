"""The pages as a Django app."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from registry.naming import translate_names


class PagesConfig(AppConfig):
    """Conversations, presets, battles and votes."""

    name = "pages"
    verbose_name = _("Chat and arena")

    def ready(self) -> None:
        translate_names(self)
