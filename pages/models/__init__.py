"""What the pages keep."""

from pages.models.arena import Battle, Contestant, Pairing, Tally, Vote
from pages.models.conversation import Conversation, Kind
from pages.models.message import Message, Role, State
from pages.models.preset import Preset

__all__ = [
    "Battle",
    "Contestant",
    "Conversation",
    "Kind",
    "Message",
    "Pairing",
    "Preset",
    "Role",
    "State",
    "Tally",
    "Vote",
]
