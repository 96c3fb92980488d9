"""Revisions, read-only: what a deployment's options once were."""

from __future__ import annotations

from django.contrib import admin

from registry.admin.base import ReadOnlyAdmin, display
from registry.admin.filters import DeploymentFilter
from registry.measures import format_bytes
from registry.models import Revision


@admin.register(Revision)
class RevisionAdmin(ReadOnlyAdmin):
    """Immutable snapshots."""

    list_display = ("title", "deployment", "created_at", "created_by", "claim", "device")
    list_select_related = ("deployment",)
    list_filter = (DeploymentFilter,)
    search_fields = ("deployment__name", "created_by")
    search_help_text = "Deployment, or who made it"
    ordering = ("-id",)
    fieldsets = (
        (None, {"fields": (("deployment", "number"), ("created_at", "created_by"), ("claim", "device"), "snapshot")}),
    )

    @display(description="Revision", ordering="number")
    def title(self, revision: Revision) -> str:
        return str(revision)

    @display(description="Claim per replica", ordering="claim_bytes")
    def claim(self, revision: Revision) -> str:
        return format_bytes(revision.claim_bytes)
