"""The pages: who may see them, and what they may load."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture
def member() -> User:
    return User.objects.create_user("anna", password="a-good-password")


@pytest.fixture
def staff() -> User:
    return User.objects.create_superuser("root")


def test_a_stranger_is_sent_to_the_login(client: Client) -> None:
    assert client.get("/")["Location"] == "/chat/"
    answer = client.get("/chat/")
    assert (answer.status_code, answer["Location"]) == (302, "/login/?next=/chat/")


def test_a_member_chats_and_is_not_shown_the_admin(client: Client, member: User) -> None:
    client.force_login(member)
    page = client.get("/chat/").content.decode()
    assert "Ask an administrator" in page
    assert "/admin/" not in page


def test_staff_finds_the_way_to_the_admin(client: Client, staff: User) -> None:
    client.force_login(staff)
    page = client.get("/chat/").content.decode()
    assert 'href="/admin/"' in page
    assert 'href="/admin/registry/deployment/add/"' in page


def test_login_leads_to_the_chat_and_logout_back(client: Client, member: User) -> None:
    answer = client.post("/login/", {"username": "anna", "password": "a-good-password"})
    assert answer["Location"] == "/chat/"
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == "/login/"
    assert client.get("/chat/").status_code == 302


def test_a_wrong_password_is_said_in_words(client: Client, member: User) -> None:
    page = client.post("/login/", {"username": "anna", "password": "wrong"})
    assert page.status_code == 200
    assert 'role="alert"' in page.content.decode()


def test_login_sends_nobody_to_foreign_pages(client: Client, member: User) -> None:
    form = {"username": "anna", "password": "a-good-password", "next": "https://evil.example/"}
    assert client.post("/login/", form)["Location"] == "/chat/"


def test_a_logged_in_user_is_not_asked_again(client: Client, member: User) -> None:
    client.force_login(member)
    assert client.get("/login/")["Location"] == "/chat/"


@pytest.mark.parametrize("path", ["/chat/", "/login/"])
def test_pages_run_nothing_that_is_written_into_them(client: Client, member: User, path: str) -> None:
    if path == "/chat/":
        client.force_login(member)
    page = client.get(path)
    policy = page["Content-Security-Policy"]
    assert "default-src 'self';" in policy
    assert "unsafe" not in policy
    assert "ws://testserver" in policy
    text = page.content.decode()
    assert not re.search(r"\sstyle=|\son\w+=|<style|javascript:", text)
    assert not re.search(r"<script(?![^>]*\s(?:src=|type=\"application/json\"))", text)
    assert not re.search(r"""(?:src|href|action)=["'](?:https?:)?//""", text)
