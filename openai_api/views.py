"""The pages that people see first: login and chat."""

from __future__ import annotations

from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from openai_api.policy import own_sources_only


@require_safe
@login_required
@own_sources_only
def chat(request: HttpRequest) -> HttpResponse:
    """The chat page; everything that moves on it comes by its websocket."""
    return render(request, "chat.html")


login = own_sources_only(auth.LoginView.as_view(template_name="login.html", redirect_authenticated_user=True))
logout = auth.LogoutView.as_view()
