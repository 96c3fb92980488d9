"""The pages for people."""

from django.urls import path

from openai_api import views

urlpatterns = [
    path("", views.chat, name="chat"),
    path("login/", views.login, name="login"),
    path("logout/", views.logout, name="logout"),
]
