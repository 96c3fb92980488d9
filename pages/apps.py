"""The pages as a Django app."""

from django.apps import AppConfig


class PagesConfig(AppConfig):
    """Conversations, presets, battles and votes."""

    name = "pages"
    verbose_name = "Chat and arena"
