"""Users and groups, in the theme of the other pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import ManyToManyField
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from registry.admin.rights import RightsTable

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc,type-arg]  # unfold has no types
    """Who may log in. Only superusers make superusers, and only they touch one: its password opens everything."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_fullwidth = True
    filter_horizontal = ()
    help_texts: Mapping[str, Any] = {
        "first_name": _("Shown beside the user name; may be empty."),
        "last_name": _("Shown beside the user name; may be empty."),
        "email": _("How to reach this person; Modelyard sends no mail."),
        "last_login": _("Written when the person logs in; leave it as it is."),
        "date_joined": _("When the account was made."),
        "groups": _(
            "viewer looks, operator also deploys and cordons, admin also manages users, keys and limits. All of "
            "them need the staff status."
        ),
    }

    def get_form(self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change=change, **({"help_texts": self.help_texts} | kwargs))

    def formfield_for_manytomany(self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        widget = RightsTable() if db_field.name == "user_permissions" else UnfoldAdminCheckboxSelectMultipleWidget()
        return super().formfield_for_manytomany(db_field, request, **({"widget": widget} | kwargs))

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return bool(super().has_change_permission(request, obj)) and _in_reach(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return bool(super().has_delete_permission(request, obj)) and _in_reach(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        fixed = tuple(super().get_readonly_fields(request, obj))
        return fixed if request.user.is_superuser else (*fixed, "is_superuser")


def _in_reach(request: HttpRequest, user: User | None) -> bool:
    return user is None or not user.is_superuser or request.user.is_superuser


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """Who may do what."""

    first_step = _(
        "modelyard up makes the groups viewer, operator and admin when it starts; add others for your projects."
    )

    filter_horizontal = ()

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest | None = None, **kwargs: Any
    ) -> Any:
        return super().formfield_for_manytomany(db_field, request, **({"widget": RightsTable()} | kwargs))

    def get_form(self, request: HttpRequest, obj: Group | None = None, change: bool = False, **kwargs: Any) -> Any:
        texts = {
            "name": _("What people choose it by. Keys and limits can belong to a group, too."),
            "permissions": _("What everybody in it may do in the admin, besides what their other groups allow."),
        }
        return super().get_form(request, obj, change, **({"help_texts": texts} | kwargs))
