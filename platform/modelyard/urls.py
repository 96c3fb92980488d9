"""Every page and every HTTP endpoint of Django; the API's streaming endpoints are routed in `asgi`."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("registry.api.urls")),
    path("", include("openai_api.api.urls")),
    path("", include("pages.urls")),
]
