"""The gateway as a Django app."""

from django.apps import AppConfig


class OpenaiApiConfig(AppConfig):
    """API keys, limits, usage, routing and relaying."""

    name = "openai_api"
    verbose_name = "API"
