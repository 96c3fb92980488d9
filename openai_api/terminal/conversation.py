"""What was said so far: messages in the OpenAI format, kept in files as JSON or, to be read, as Markdown."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openai_api.errors import BadTranscript

Message = dict[str, str]
ROLES = ("system", "user", "assistant")


@dataclass(slots=True)
class Conversation:
    """A system prompt and the turns, a user's message each, followed by its answer once there is one."""

    model: str
    system: str = ""
    turns: list[Message] = field(default_factory=list)

    @property
    def messages(self) -> list[Message]:
        """What the model is sent."""
        before = [{"role": "system", "content": self.system}] if self.system else []
        return [*before, *self.turns]

    def say(self, role: str, content: str) -> None:
        self.turns.append({"role": role, "content": content})

    def take_back(self) -> str:
        """The last question, which is no longer part of the conversation, nor is its answer. Empty: there is none."""
        while self.turns:
            turn = self.turns.pop()
            if turn["role"] == "user":
                return turn["content"]
        return ""

    def save(self, path: Path) -> None:
        """Markdown when the name ends in .md, JSON otherwise. Raises `BadTranscript`."""
        text = self._as_markdown() if path.suffix == ".md" else self._as_json()
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise BadTranscript(f"{path} cannot be written ({_reason(error)}).") from error

    def load(self, path: Path) -> None:
        """Go on where a saved JSON file ended; the model stays. Raises `BadTranscript`."""
        if path.suffix == ".md":
            raise BadTranscript(f"{path} is to be read by people: /load takes what was saved as .json.")
        try:
            messages = _checked(json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise BadTranscript(f"{path} cannot be read ({_reason(error)}).") from error
        except ValueError as error:
            raise BadTranscript(f"{path} is no saved conversation.") from error
        self.system = "\n\n".join(message["content"] for message in messages if message["role"] == "system")
        self.turns = [message for message in messages if message["role"] != "system"]

    def _as_json(self) -> str:
        return json.dumps({"model": self.model, "messages": self.messages}, ensure_ascii=False, indent=2) + "\n"

    def _as_markdown(self) -> str:
        parts = [f"## {message['role'].capitalize()}\n\n{message['content']}" for message in self.messages]
        return "\n\n".join([f"# A chat with {self.model}", *parts]) + "\n"


def _checked(content: Any) -> list[Message]:
    """The messages of a file: ours, or a bare list of messages. Raises `ValueError`."""
    messages = content.get("messages") if isinstance(content, dict) else content
    if not isinstance(messages, list):
        raise ValueError("no messages")
    return [_message(message) for message in messages]


def _message(message: Any) -> Message:
    if not isinstance(message, dict) or message.get("role") not in ROLES or not isinstance(message.get("content"), str):
        raise ValueError("no message")
    return {"role": message["role"], "content": message["content"]}


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
