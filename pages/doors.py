"""Logging in and out."""

from __future__ import annotations

from django.contrib.auth import views as auth

from openai_api.policy import own_sources_only

login = own_sources_only(auth.LoginView.as_view(template_name="login.html", redirect_authenticated_user=True))
logout = auth.LogoutView.as_view()
