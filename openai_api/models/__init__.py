"""Who may ask, how much, and what was asked."""

from openai_api.models.counting import LimitCounter, Reservation
from openai_api.models.key import ApiKey, Scope
from openai_api.models.limit import Limit
from openai_api.models.usage import Usage, UsageMinute

__all__ = ["ApiKey", "Limit", "LimitCounter", "Reservation", "Scope", "Usage", "UsageMinute"]
