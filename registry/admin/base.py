"""What our admin pages share: refusals become messages, and unfold's decorators get types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar, cast

from django.contrib import messages
from django.contrib.admin.utils import flatten_fieldsets
from django.db import IntegrityError, transaction
from django.db.models import Field, Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.text import capfirst
from django.utils.translation import gettext
from unfold import decorators
from unfold.admin import ModelAdmin, TabularInline

from registry.errors import InvalidDesire

Function = TypeVar("Function", bound=Callable[..., Any])


def display(**options: Any) -> Callable[[Function], Function]:
    """Unfold's `display`: a column or a read-only field."""
    return cast("Callable[[Function], Function]", decorators.display(**options))


def action(**options: Any) -> Callable[[Function], Function]:
    """Unfold's `action`: something to do with a row, with the permissions it takes."""
    decorate = decorators.action(**options)
    if "dialog" not in options:
        return cast("Callable[[Function], Function]", decorate)
    return cast("Callable[[Function], Function]", lambda function: _on_its_page(decorate(function)))


def _on_its_page(asked: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A question belongs into a row's page: who opens its button in a tab of its own gets that page."""

    @wraps(asked)
    def answer(self: ModelAdmin, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = asked(self, request, *args, **kwargs)
        alone = request.method == "GET" and not request.headers.get("HX-Request")
        return redirect("../change/") if alone and response.status_code == HTTPStatus.OK else response

    return answer


def actor(request: HttpRequest) -> str:
    """Who does it, for the timeline."""
    return request.user.get_username()


def refusal(error: InvalidDesire | IntegrityError) -> str:
    """One sentence for the page."""
    if isinstance(error, InvalidDesire):
        return str(error)
    diagnosis = getattr(error.__cause__, "diag", None)
    message = getattr(diagnosis, "message_primary", None) or gettext("the rows changed meanwhile")
    if getattr(diagnosis, "constraint_name", "") == "one_public_name":
        return gettext("{message}: choose another name.").format(message=message)
    words = gettext("The database refused ({message}): look at the present state and try again.")
    return words.format(message=message)


class YardAdmin(ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """An admin whose saves, deletions and actions may be refused with a sentence; nothing is kept of a refused one."""

    list_per_page = 50
    list_filter_submit = False
    list_filter_sheet = False
    list_fullwidth = True
    actions_selection_counter = True
    first_step: Any = ""  # what an empty list says to do

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._explained(super().changeform_view, request, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._explained(super().delete_view, request, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._explained(super().changelist_view, request, *args, **kwargs)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        # A mistake in a folded part would not be seen.
        shown = context["adminform"]
        if shown.form.errors:
            shown.fieldsets = [(name, options | {"classes": ()}) for name, options in shown.fieldsets]
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response

    def _explained(
        self, view: Callable[..., HttpResponse], request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        try:
            with transaction.atomic():
                return view(request, *args, **kwargs)
        except (InvalidDesire, IntegrityError) as error:
            messages.error(request, refusal(error))
            return redirect(request.get_full_path())


class ReadOnlyAdmin(YardAdmin):
    """Rows that machines write: looked at, never edited here."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def change_view(  # noqa: PLR0917 - Django's signature
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # Django's own history knows of edits in the admin only, and here are none.
        context = (extra_context or {}) | {"show_history": False}
        response: HttpResponse = super().change_view(request, object_id, form_url, context)
        return response

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Sequence[str]:
        return flatten_fieldsets(self.get_fieldsets(request, obj))


class YardInline(TabularInline):  # type: ignore[misc]  # unfold has no types
    """Rows that belong to the page's object."""

    extra = 0
    tab = False
    show_change_link = False

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        # The head of the column is no label of the fields below it.
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            field.widget.attrs["aria-label"] = capfirst(str(field.label))
        return field
