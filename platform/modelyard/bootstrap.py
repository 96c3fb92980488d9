"""What must be in the database before anything is served: tables, groups, an administrator, an API key, demo models."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from modelyard import groups
from modelyard.demo import deploy_demo
from modelyard.installation import Installation
from openai_api import keys
from registry import worker_login

Say = Callable[[str], None]

ADMIN_USER = "admin"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What `credentials.json` holds. The password is empty when it was set elsewhere and is not ours to know."""

    base_url: str
    api_key: str
    admin_url: str
    admin_user: str
    admin_password: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """A database that is ready to serve, and the names of the demo deployments that should come up.

    `complaint`: what is not as it should be, and what to do about it; empty when all is well.
    """

    credentials: Credentials
    demo: list[str]
    complaint: str = ""


def prepare(installation: Installation, *, url: str, demo: bool, say: Say) -> Prepared:
    """Bring the database up to date and make sure that somebody can use it. Safe to repeat."""
    migrate(say)
    groups.ensure()
    complaint = _worker_login()
    credentials = _credentials(installation, url)
    installation.write_credentials(asdict(credentials))
    return Prepared(credentials, deploy_demo(installation, say) if demo else [], complaint)


def migrate(say: Say) -> None:
    """Apply what is missing; looking is cheaper than calling `migrate` at every start."""
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        say(f"migrating the database ({len(waiting)} steps)")
        call_command("migrate", verbosity=0, interactive=False)


def _worker_login() -> str:
    """Make the workers' login where we may; the sentence to say where it does not work."""
    try:
        worker_login.ensure()
    except DatabaseError:
        return worker_login.complaint()  # an administrator may have made it
    return ""


def _credentials(installation: Installation, url: str) -> Credentials:
    known = installation.load_credentials()
    password = _admin_password(str(known.get("admin_password", "")))
    return Credentials(
        base_url=f"{url}/v1",
        api_key=_api_key(str(known.get("api_key", ""))),
        admin_url=f"{url}/admin/",
        admin_user=ADMIN_USER,
        admin_password=password,
    )


def _admin_password(known: str) -> str:
    users = get_user_model().objects
    admin = users.filter(username=ADMIN_USER).first()
    if admin is None:
        password = known or secrets.token_urlsafe(12)
        users.create_superuser(ADMIN_USER, password=password)
        return password
    return known if known and admin.check_password(known) else ""


def _api_key(known: str) -> str:
    if known and keys.works(known):
        return known
    admin = get_user_model().objects.get(username=ADMIN_USER)
    _, secret = keys.create_key("first key", admin)
    return secret
