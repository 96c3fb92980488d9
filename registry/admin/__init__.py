"""The admin: one file a noun, and `dashboard` for the first page. Importing this registers all of them."""

from __future__ import annotations

from registry.admin import accounts, deployment, device, event, model, node, revision, worker

__all__ = ["accounts", "deployment", "device", "event", "model", "node", "revision", "worker"]
