"""Models and the names they answer to."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

public_name = RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}$",
    _("Use letters, digits and . _ : / - (at most 100, the first a letter or digit)."),
)


class Model(models.Model):
    """Weights, and how to talk to them."""

    name = models.CharField(
        max_length=100, unique=True, validators=[public_name], help_text=_("What clients put into `model`.")
    )
    path = models.CharField(
        max_length=1000, blank=True, help_text=_("A folder with the weights or a .gguf file, as the node sees it.")
    )
    description = models.TextField(blank=True)
    chat_template = models.TextField(blank=True, help_text=_("Replaces the tokenizer's own template (Jinja)."))
    trust_remote_code = models.BooleanField(
        default=False,
        help_text=_("Run Python code that lies beside the weights. Only for weights whose source you trust."),
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Alias(models.Model):
    """Another public name for a model. No alias may equal a model's name: a trigger in the database sees to it."""

    name = models.CharField(max_length=100, unique=True, validators=[public_name])
    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="aliases")

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "aliases"

    def __str__(self) -> str:
        return self.name
