"""People with accounts and open sessions, written straight to the rows."""

from __future__ import annotations

from typing import Any


def people(count: int) -> list[str]:
    """The keys of their sessions. They have no passwords: to hash 200 would take as long as the bench."""
    from django.contrib.auth.models import User

    users = User.objects.bulk_create(User(username=f"person-{number:04}", password="!") for number in range(count))
    return [session(user) for user in users]


def administrator() -> str:
    """The key of a session of one who may see everything."""
    from django.contrib.auth.models import User

    return session(User.objects.create_superuser("root"))


def session(user: Any) -> str:
    """The key of a new session, as logging in opens one."""
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value
