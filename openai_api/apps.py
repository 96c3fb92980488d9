"""The gateway and the chat pages as a Django app."""

from django.apps import AppConfig


class OpenaiApiConfig(AppConfig):
    """API keys, routing, relaying, and the pages that people chat on."""

    name = "openai_api"
    verbose_name = "API and chat"
