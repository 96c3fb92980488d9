"""Revisions, read-only: what a deployment's options once were."""

from __future__ import annotations

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from registry import revisions
from registry.admin import marks
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
    first_step = _("Each change of a deployment's options is kept as a revision: deploy a model to make the first.")
    search_help_text = _("Deployment, or who made it")
    ordering = ("-id",)
    fieldsets = (
        (
            None,
            {"fields": (("of", "number"), ("created_at", "created_by"), "changed", ("claim", "device"), "snapshot")},
        ),
    )

    @display(description=_("Revision"), ordering="number")
    def title(self, revision: Revision) -> str:
        return str(revision)

    @display(description=_("Deployment"))
    def of(self, revision: Revision) -> SafeString | str:
        return marks.link(revision.deployment)

    @display(description=_("What changed"))
    def changed(self, revision: Revision) -> SafeString | str:
        before = Revision.objects.filter(deployment=revision.deployment, number=revision.number - 1).first()
        if before is None:
            return revisions.summary(None, revision.snapshot)
        url = reverse("admin:registry_deployment_diff", args=[revision.deployment_id])
        words = revisions.summary(before.snapshot, revision.snapshot)
        query = urlencode({"from": before.number, "to": revision.number})
        return format_html('{} <a class="yard-link" href="{}?{}">{}</a>', words, url, query, gettext("Compare"))

    @display(description=_("Claim per replica"), ordering="claim_bytes")
    def claim(self, revision: Revision) -> str:
        return format_bytes(revision.claim_bytes)
