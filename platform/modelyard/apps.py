"""The platform as a Django app: it has the commands, and it binds tasks to the Celery application."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class ModelyardConfig(AppConfig):
    """The composition root."""

    name = "modelyard"
    verbose_name = "Modelyard"

    def ready(self) -> None:
        # Shared tasks bind to the Celery application that is imported first.
        import_module("modelyard.celery")
