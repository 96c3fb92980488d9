"""Images in messages: which URLs an engine may be given.

An engine that reads images (vLLM) fetches what a URL names by itself, from inside the network. So nothing is fetched
unless the operator named its host, and the URL is held to the letter: what two parsers could read differently is
refused. Which address a name has is for the engine's own look-up, so that only names whose owner is trusted belong on
the list.
"""

from __future__ import annotations

import re

Hosts = frozenset[str]

VARIABLE = "MODELYARD_IMAGE_HOSTS"
_ENTRY = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[1-9]\d{0,4})?")
_DATA = re.compile(r"data:image/[a-z0-9][a-z0-9.+-]{0,63};base64,[A-Za-z0-9+/]", re.IGNORECASE)
# Printable ASCII without the backslash, which browsers read as a slash; no query or fragment without a path.
_URL = re.compile(r"https?://([^/?#\\]+)(?:/[\x21-\x5b\x5d-\x7e]*)?", re.IGNORECASE)


def image_hosts(names: str) -> Hosts:
    """The list, separated by commas. Raises `ValueError` for what is no host, or host and port."""
    hosts = [name.strip().lower() for name in names.split(",") if name.strip()]
    for host in hosts:
        if not _ENTRY.fullmatch(host):
            raise ValueError("say host names separated by commas, such as images.example.org, with a port if need be")
    return frozenset(hosts)


def refusal(url: str, hosts: Hosts) -> str:
    """Why an image may not come from there, to follow the field's name; empty when it may."""
    if url[:5].lower() == "data:":
        return "" if _DATA.match(url) else "must be an image in base64, such as data:image/png;base64,iVBOR…"
    if not hosts:
        return "must be a data URL: send the image itself, since this server fetches none"
    found = _URL.fullmatch(url)
    if found is None:
        return "must be a plain http or https URL, or a data URL"
    if found[1].lower() not in hosts:
        return "names a host that images may not come from here: send the image itself as a data URL"
    return ""
