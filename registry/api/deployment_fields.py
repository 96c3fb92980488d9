"""A deployment as it is read and written."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from registry.api.base import Strict
from registry.models import Deployment, Model, Revision
from registry.models.deployment import COLD_FIELDS, HOT_FIELDS

SPEC = (*COLD_FIELDS, *HOT_FIELDS)
TAKEN_BACK = ("gpus", "memory_bytes", "max_memory_per_gpu_bytes")  # null: as few as fit, the estimate, no limit


class DeploymentShown(serializers.ModelSerializer[Deployment]):
    """What should run. What does is under `/status`, so that this changes, and with it its ETag, by edits only."""

    model = serializers.SlugRelatedField[Any](slug_field="name", read_only=True)
    revision = serializers.SerializerMethodField(help_text="The number of the newest revision.")

    class Meta:
        model = Deployment
        fields = ("name", "model", "paused", *SPEC, "revision", "changed_by", "created_at")
        read_only_fields = fields

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_revision(self, deployment: Deployment) -> int | None:
        return max((revision.number for revision in deployment.revisions.all()), default=None)


class DeploymentEdit(Strict, serializers.ModelSerializer[Deployment]):
    """What can be said of a deployment; `options` and `node_labels` replace all that it has."""

    model = serializers.SlugRelatedField[Any](slug_field="name", queryset=Model.objects.all(), required=False)
    options = serializers.DictField(required=False, help_text="Engine options.")
    node_labels = serializers.DictField(child=serializers.CharField(), required=False)

    class Meta:
        model = Deployment
        fields: tuple[str, ...] = ("model", *SPEC)


class DeploymentNew(DeploymentEdit):
    """A deployment to make. `path` names the weights of a new model, or other ones for a known model."""

    model = serializers.CharField(max_length=100, required=False, help_text="The deployment's name when left out.")  # type: ignore[assignment]  # may be new
    path = serializers.CharField(max_length=1000, required=False)

    class Meta(DeploymentEdit.Meta):
        fields = ("name", "model", "path", *SPEC)
        extra_kwargs: dict[str, Any] = {"name": {"validators": []}}


class RevisionShown(serializers.ModelSerializer[Revision]):
    """What a deployment was told to be; workers of revisions with one `launch_key` need not replace each other."""

    snapshot = serializers.DictField(help_text="Every setting that an operator can edit.")

    class Meta:
        model = Revision
        fields = ("number", "snapshot", "launch_key", "device", "claim_bytes", "created_at", "created_by")
        read_only_fields = fields


class SeatShown(serializers.Serializer[Any]):
    """Where one replica would go."""

    replica = serializers.IntegerField()
    fits = serializers.BooleanField()
    stays = serializers.BooleanField(help_text="It runs there already, and nothing about it would change.")
    place = serializers.CharField()
    claims = serializers.ListField(child=serializers.DictField())
    sentence = serializers.CharField(help_text="Why it has no place.")
    advice = serializers.CharField(help_text="What would fit instead.")


class RefusalShown(serializers.Serializer[Any]):
    """A device, and why the first replica without a place is not there."""

    device = serializers.CharField()
    reason = serializers.CharField()


class PlacementShown(serializers.Serializer[Any]):
    """Where the replicas would go now, decided as the control plane decides; nothing is stored."""

    deployment = serializers.CharField()
    fits = serializers.BooleanField()
    words = serializers.CharField()
    claim_bytes = serializers.IntegerField(help_text="What each replica would hold.")
    estimate = serializers.DictField()
    replicas = SeatShown(many=True)
    refusals = RefusalShown(many=True)
    refused_devices = serializers.IntegerField()


class StatusShown(serializers.Serializer[Any]):
    """What a deployment does right now."""

    phase = serializers.CharField(help_text="ready, progress, waiting, failed or stopped.")
    brief = serializers.CharField()
    percent = serializers.IntegerField(allow_null=True)


class Scale(Strict):
    """How many replicas."""

    replicas = serializers.IntegerField(min_value=0, max_value=256)
