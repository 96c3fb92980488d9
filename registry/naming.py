"""Names of models and of their fields, for people who read another language."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


def translate_names(config: AppConfig) -> None:
    """Django makes these names out of those in the code; from here on each is looked up in the catalog when shown.

    As arguments of the fields they would be in the migrations, too, where they have no place.
    """
    for model in config.get_models():
        meta = model._meta
        meta.verbose_name = _(str(meta.verbose_name))
        meta.verbose_name_plural = _(str(meta.verbose_name_plural))
        for field in meta.local_fields:
            field.verbose_name = _(str(field.verbose_name))
