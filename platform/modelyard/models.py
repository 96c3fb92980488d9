"""What the installation remembers about itself."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.contrib.postgres.fields import ArrayField
from django.db import models


class StandardGroup(models.Model):
    """A group that we made, and what we ever gave it: what people took away from it is not given again.

    It is known by its row, so it may be renamed.
    """

    group = models.OneToOneField(Group, on_delete=models.CASCADE, related_name="standard")
    kind = models.CharField(max_length=20, unique=True)
    given = ArrayField(models.CharField(max_length=200), default=list)

    class Meta:
        default_permissions = ()  # nobody edits it

    def __str__(self) -> str:
        return self.kind
