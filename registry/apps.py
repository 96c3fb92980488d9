"""The registry as a Django app."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    """What should run, what does, and the loop that brings the two together."""

    name = "registry"
    verbose_name = "Models and machines"
