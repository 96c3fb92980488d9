"""The block that ends a start: where everything is, and a line to paste."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

KEPT_PASSWORD = "(as you set it)"  # noqa: S105 - a word about a password


def announcement(credentials: Mapping[str, str], url: str, models: Sequence[str], *, failures: Sequence[str]) -> str:
    """Lines for a terminal; `credentials` as in credentials.json, `failures` about models that did not come up."""
    facts = {
        "Chat page": f"{url}/",
        "Admin": credentials["admin_url"],
        "  user": credentials["admin_user"],
        "  password": credentials["admin_password"] or KEPT_PASSWORD,
        "API base URL": credentials["base_url"],
        "API key": credentials["api_key"],
    }
    lines = ["", "Modelyard is ready." if not failures else "Modelyard runs, but not every model came up.", ""]
    lines += [f"  {name:<14}{value}" for name, value in facts.items()]
    lines += ["", *(f"  ! {failure}" for failure in failures), *([""] if failures else [])]
    return "\n".join([*lines, "Try it:", "", _curl(credentials, models), ""])


def _curl(credentials: Mapping[str, str], models: Sequence[str]) -> str:
    key = f"  -H 'Authorization: Bearer {credentials['api_key']}'"
    if not models:
        return f"  curl {credentials['base_url']}/models \\\n  {key}"
    body = json.dumps({"model": models[0], "stream": True, "messages": [{"role": "user", "content": "Hello!"}]})
    lines = [
        f"  curl -N {credentials['base_url']}/chat/completions",
        key,
        "  -H 'Content-Type: application/json'",
        f"  -d '{body}'",
    ]
    return " \\\n  ".join(lines)
