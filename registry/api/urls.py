"""The registry's part of /api/v1."""

from __future__ import annotations

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from registry.api.deployments import DeploymentViews
from registry.api.events import EventViews
from registry.api.models import ModelViews
from registry.api.nodes import DeviceViews, NodeViews
from registry.api.workers import WorkerViews

router = SimpleRouter(trailing_slash=False)
router.register("models", ModelViews, basename="api-model")
router.register("deployments", DeploymentViews, basename="api-deployment")
router.register("workers", WorkerViews, basename="api-worker")
router.register("nodes", NodeViews, basename="api-node")
router.register("devices", DeviceViews, basename="api-device")
router.register("events", EventViews, basename="api-event")

urlpatterns = [path("", include(router.urls))]
