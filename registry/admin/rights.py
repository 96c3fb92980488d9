"""Permissions as a table of boxes: a line for each noun, a column for each verb."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.contrib.auth.models import Permission
from django.forms.widgets import CheckboxSelectMultiple
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.widgets import CHECKBOX_CLASSES

VERBS = {"view": _("view"), "add": _("add"), "change": _("change"), "delete": _("delete")}


class RightsTable(CheckboxSelectMultiple):
    """For a field of permissions. Two lists to move things between are hard to use by keyboard and by ear."""

    template_name = "registry/rights.html"

    def _render(self, template_name: str, context: dict[str, Any], renderer: Any = None) -> SafeString:
        # Forms have an engine of their own, which knows templates of apps only.
        return render_to_string(template_name, context)

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        apps: dict[str, dict[str, dict[str, Any]]] = defaultdict(lambda: defaultdict(dict))
        for _group, (option,), _index in context["widget"]["optgroups"]:
            permission: Permission = option["value"].instance
            app, noun = permission.content_type.app_labeled_name.split(" | ")
            apps[app][noun][permission.codename.partition("_")[0]] = option
        context["widget"] |= {"verbs": VERBS.values(), "apps": _table(apps), "box": " ".join(CHECKBOX_CLASSES)}
        return context


def _table(apps: dict[str, dict[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Lines with a cell for each verb, None where there is no such permission; what has other verbs comes after."""
    return [
        {
            "app": app,
            "lines": [
                {
                    "noun": noun,
                    "cells": [(words, options.get(verb)) for verb, words in VERBS.items()],
                    "others": [(verb, option) for verb, option in options.items() if verb not in VERBS],
                }
                for noun, options in nouns.items()
            ],
        }
        for app, nouns in apps.items()
    ]
