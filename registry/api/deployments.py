"""/api/v1/deployments: what should run, and orders to it."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from registry import desired, overview
from registry.api import deployment_fields as fields
from registry.api.access import actor
from registry.api.base import Nothing, YardViews, flag
from registry.api.deployment_fields import DeploymentShown, PlacementShown
from registry.api.errors import Conflict
from registry.api.filters import Filters
from registry.desired import Wish
from registry.fit import would_fit
from registry.models import Deployment, Model
from registry.wishes import check_wishes

DRY_RUN = OpenApiParameter("dry_run", bool, description="Only ask where it would go, and why not elsewhere.")
EITHER = PolymorphicProxySerializer(
    component_name="DeploymentOrPlacement",
    serializers=[DeploymentShown, PlacementShown],
    resource_type_field_name=None,
)


class DeploymentFilter(Filters):
    """By model, engine, and whether it may run."""

    name = filters.CharFilter(lookup_expr="startswith", help_text="How the name begins.")
    model = filters.CharFilter(field_name="model__name")
    engine = filters.CharFilter()
    paused = filters.BooleanFilter()


class DeploymentViews(YardViews[Deployment]):
    """Deployments."""

    queryset = Deployment.objects.select_related("model").prefetch_related("revisions")
    serializer_class = DeploymentShown
    filterset_class = DeploymentFilter
    ordering_fields = ("name", "replicas", "created_at")
    lookup_value_regex = r"[a-z0-9][a-z0-9._-]{0,62}"

    @extend_schema(summary="List deployments")
    def list(self, request: Request) -> Response:
        """What should run."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response(DeploymentShown(page, many=True).data)

    @extend_schema(summary="One deployment")
    def retrieve(self, request: Request, name: str) -> Response:
        """Its ETag goes into If-Match of an edit."""
        return Response(self.shown(self.get_object()))

    @extend_schema(
        summary="Deploy",
        request=fields.DeploymentNew,
        parameters=[DRY_RUN],
        responses={200: PlacementShown, 201: DeploymentShown},
    )
    @transaction.atomic
    def create(self, request: Request) -> Response:
        """Makes a deployment, and its model where `path` names one that is not registered, and lets it run."""
        said = self.body(fields.DeploymentNew)
        wish = _wish(said)
        if flag(request, "dry_run"):
            if Deployment.objects.filter(name=wish.name).exists():
                raise Conflict(f"There is a deployment {wish.name} already: try an edit of it, or another name.")
            return _placement(wish.draft())
        self._check_model(wish)
        made = desired.deploy(wish, actor=actor(request), only_new=True)
        return Response(self._again(made), status=201)

    @extend_schema(
        summary="Edit a deployment", request=fields.DeploymentEdit, parameters=[DRY_RUN], responses={200: EITHER}
    )
    @transaction.atomic
    def partial_update(self, request: Request, name: str) -> Response:
        """What is not named stays. A change makes a new revision, and workers are replaced where it takes that."""
        if flag(request, "dry_run"):
            draft = self.get_object()
            self._apply(draft)
            return _placement(draft)
        deployment = self.locked()
        changed = self._apply(deployment)
        if changed:
            desired.save(deployment, actor=actor(request), fields=changed)
        return Response(self._again(deployment))

    @extend_schema(summary="Delete a deployment", responses={204: None})
    @transaction.atomic
    def destroy(self, request: Request, name: str) -> Response:
        """Refused while it has workers: stop it first."""
        desired.delete(self.locked(), actor=actor(request))
        return Response(status=204)

    @extend_schema(summary="Stop", request=Nothing, responses=DeploymentShown)
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, name: str) -> Response:
        """All replicas finish what they do and end; the settings stay."""
        self.body(Nothing)
        deployment = self.get_object()
        desired.stop(deployment, actor=actor(request))
        return Response(self._again(deployment))

    @extend_schema(summary="Start", request=Nothing, responses=DeploymentShown)
    @action(detail=True, methods=["post"])
    def start(self, request: Request, name: str) -> Response:
        """Let it run. Replicas that were given up begin anew."""
        self.body(Nothing)
        deployment = self.get_object()
        desired.start(deployment, actor=actor(request))
        return Response(self._again(deployment))

    @extend_schema(summary="Restart", request=Nothing, responses=DeploymentShown)
    @action(detail=True, methods=["post"])
    def restart(self, request: Request, name: str) -> Response:
        """Replace every worker by a new one, one after the other."""
        self.body(Nothing)
        deployment = self.get_object()
        desired.restart(deployment, actor=actor(request))
        return Response(self._again(deployment))

    @extend_schema(summary="Scale", request=fields.Scale, responses=DeploymentShown)
    @action(detail=True, methods=["post"])
    def scale(self, request: Request, name: str) -> Response:
        """Change how many replicas run; scaling a stopped deployment lets it run again."""
        deployment = self.get_object()
        desired.scale(deployment, self.body(fields.Scale)["replicas"], actor=actor(request))
        return Response(self._again(deployment))

    @extend_schema(summary="What it does now", responses=fields.StatusShown)
    @action(detail=True, methods=["get"])
    def status(self, request: Request, name: str) -> Response:
        """In one line; its workers are in the list of workers."""
        found = overview.status(self.get_object())
        return Response({"phase": found.phase.name.lower(), "brief": found.brief, "percent": found.percent})

    @extend_schema(summary="Its revisions", responses=fields.RevisionShown(many=True), filters=False)
    @action(detail=True, methods=["get"])
    def revisions(self, request: Request, name: str) -> Response:
        """What it was told to be, the newest first, in parts as every list."""
        page: Any = self.paginate_queryset(self.get_object().revisions.order_by("-number"))  # type: ignore[arg-type]
        return self.get_paginated_response(fields.RevisionShown(page, many=True).data)

    def _apply(self, deployment: Deployment) -> tuple[str, ...]:
        said = self.body(fields.DeploymentEdit, partial=True)
        for field, value in said.items():
            setattr(deployment, field, value)
        return tuple(said)

    def _again(self, deployment: Deployment) -> dict[str, Any]:
        return self.shown(self.get_queryset().get(pk=deployment.pk))

    def _check_model(self, wish: Wish) -> None:
        """A deployment that also makes or changes a model takes the permission for that."""
        known = Model.objects.filter(name=wish.model or wish.name).first()
        verb = "add" if known is None else "change" if wish.path not in {None, known.path} else ""
        needed = f"registry.{verb}_model"
        if verb and not self.request.user.has_perm(needed):
            raise PermissionDenied(f"This also takes the permission {needed}, since it would {verb} the model.")


def _wish(said: dict[str, Any]) -> Wish:
    reset = frozenset(field for field in fields.TAKEN_BACK if field in said and said[field] is None)
    return Wish(**said, reset=reset)


def _placement(draft: Deployment) -> Response:
    _check(draft)
    return Response(would_fit(draft).as_json())


def _check(draft: Deployment) -> None:
    desired.check_options(draft.options)
    check_wishes(draft)
