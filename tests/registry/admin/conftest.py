"""Browsers of people with different rights."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.registry import factories

Login = Callable[..., Client]


@pytest.fixture
def login() -> Login:
    """A browser in which staff with these permissions is logged in."""

    def made(*permissions: str, name: str = "ada") -> Client:
        client = Client()
        client.force_login(factories.user(name, *permissions))
        return client

    return made


@pytest.fixture
def root() -> Client:
    """A browser in which the superuser is logged in."""
    client = Client()
    client.force_login(factories.superuser())
    return client
