"""The admin as an operator uses it, without a browser: log in, and press buttons by sending their forms."""

from __future__ import annotations

import re
from typing import Self

import httpx2 as httpx
from yard import Yard

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
LIST = "/admin/registry/deployment/"


class AdminSession:
    """Logged in as the administrator of a yard; to be used in a `with`."""

    def __init__(self, yard: Yard) -> None:
        self._http = httpx.Client(base_url=yard.url, follow_redirects=True, timeout=30)
        known = yard.credentials
        page = self.submit("/admin/login/", {"username": known["admin_user"], "password": known["admin_password"]})
        assert "logout" in page.text

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def submit(self, path: str, fields: dict[str, str]) -> httpx.Response:
        """Send the form of a page with these fields."""
        form = self._http.get(path).raise_for_status()
        token = TOKEN.search(form.text)
        assert token is not None
        answer = self._http.post(
            path, data=fields | {"csrfmiddlewaretoken": token[1]}, headers={"Referer": str(form.url)}
        )
        return answer.raise_for_status()

    def order(self, verb: str, deployment: str) -> None:
        """Tick a deployment in the list, choose Deploy, Stop or Restart, and confirm."""
        page = self._http.get(LIST).raise_for_status().text
        link = re.search(rf"{LIST}(\d+)/change/[^>]*>\s*{re.escape(deployment)}\s*<", page)
        assert link is not None, f"{deployment} is not in the list"
        self.submit(LIST, {"action": f"{verb}_selected", "_selected_action": link[1], "_form_submitted": "1"})
