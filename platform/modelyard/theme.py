"""How the admin looks and what its sidebar holds."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


def _link(title: str | Promise, icon: str, noun: str) -> dict[str, Any]:
    """An entry of the sidebar, for those who may look at rows of `app.model`."""
    app, model = noun.split(".")

    def may_view(request: HttpRequest) -> bool:
        return any(request.user.has_perm(f"{app}.{verb}_{model}") for verb in ("view", "change"))

    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{model}_changelist"),
        "permission": may_view,
    }


def _favicon(request: HttpRequest) -> str:
    return static("favicon.svg")


def _stylesheet(request: HttpRequest) -> str:
    return static("registry/admin.css")


def _names(request: HttpRequest) -> str:
    return static("registry/names.js")


NAVIGATION = [
    {"items": [{"title": _("Overview"), "icon": "monitoring", "link": reverse_lazy("admin:index")}]},
    {
        "title": _("Serve"),
        "items": [
            _link(_("Deployments"), "rocket_launch", "registry.deployment"),
            _link(_("Models"), "neurology", "registry.model"),
            _link(_("Aliases"), "alternate_email", "registry.alias"),
            _link(_("Workers"), "manufacturing", "registry.worker"),
        ],
    },
    {
        "title": _("Machines"),
        "items": [
            _link(_("Nodes"), "dns", "registry.node"),
            _link(_("Devices"), "memory", "registry.device"),
        ],
    },
    {
        "title": _("Access"),
        "items": [
            _link(_("Users"), "person", "auth.user"),
            _link(_("Groups"), "group", "auth.group"),
            _link(_("API keys"), "key", "openai_api.apikey"),
            _link(_("Limits"), "speed", "openai_api.limit"),
        ],
    },
    {
        "title": _("Pages"),
        "items": [
            _link(_("Presets"), "tune", "pages.preset"),
            _link(_("Battles"), "swords", "pages.battle"),
            _link(_("Contestants"), "casino", "pages.contestant"),
            _link(_("Pairings"), "compare_arrows", "pages.pairing"),
        ],
    },
    {
        "title": _("History"),
        "items": [
            _link(_("Usage"), "receipt_long", "openai_api.usage"),
            _link(_("Events"), "history", "registry.event"),
            _link(_("Revisions"), "difference", "registry.revision"),
        ],
    },
]

# A calm blue instead of the theme's purple; the greys are the theme's own.
PRIMARY = {
    "50": "oklch(97% .014 254.604)",
    "100": "oklch(93.2% .032 255.585)",
    "200": "oklch(88.2% .059 254.128)",
    "300": "oklch(80.9% .105 251.813)",
    "400": "oklch(70.7% .165 254.624)",
    "500": "oklch(62.3% .214 259.815)",
    "600": "oklch(54.6% .245 262.881)",
    "700": "oklch(48.8% .243 264.376)",
    "800": "oklch(42.4% .199 265.638)",
    "900": "oklch(37.9% .146 265.522)",
    "950": "oklch(28.2% .091 267.935)",
}

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Modelyard",
    "SITE_HEADER": "Modelyard",
    "SITE_SYMBOL": "deployed_code",
    "SITE_URL": reverse_lazy("admin:index"),
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "DASHBOARD_CALLBACK": "modelyard.dashboard.dashboard",
    "SITE_DROPDOWN": [{"icon": "forum", "title": _("Chat"), "link": reverse_lazy("chat")}],
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _favicon}],
    "STYLES": [_stylesheet],
    "SCRIPTS": [_names],
    "COLORS": {"primary": PRIMARY},
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": NAVIGATION},
}
