"""The pages of the admin about who may ask, how much, and what was asked."""

from openai_api.admin import keys, limits, usage

__all__ = ["keys", "limits", "usage"]
