"""Who may do what: a key's scope, and on top of it the Django permissions of its owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

if TYPE_CHECKING:
    from rest_framework.views import APIView  # which imports this module by its name in the settings

READ, MANAGE = "read", "manage"
LONGEST_ACTOR = 150


class Permitted(BasePermission):
    """Each view says by `permission_for` what an action takes; a session has every scope, `request.auth` names a key's.

    What a key is for comes first, so that a key for inference learns nothing of its owner's permissions.
    """

    message: str

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not request.user.is_authenticated:
            return False
        scope = READ if request.method in SAFE_METHODS else MANAGE
        granted: frozenset[str] | None = getattr(request.auth, "scopes", None)
        if granted is not None and not granted & {scope, MANAGE}:
            self.message = f"This API key does not have the scope '{scope}', which this takes."
            return False
        needed: str = view.permission_for(request)  # type: ignore[attr-defined]  # every view of ours has it
        if needed and not request.user.has_perm(needed):
            self.message = f"{request.user.get_username()} does not have the permission {needed}, which this takes."
            return False
        return True


def actor(request: Request) -> str:
    """Who does it, for the timeline; a key is named beside its owner."""
    key = getattr(request.auth, "name", "")
    name = request.user.get_username()
    return f"{name} (key {key})"[:LONGEST_ACTOR] if key else name
