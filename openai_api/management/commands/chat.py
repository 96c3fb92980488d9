"""`modelyard chat`: talk to a model in a terminal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from openai_api.errors import TerminalError
from openai_api.terminal.conversation import Conversation
from openai_api.terminal.screen import Pipe, Terminal
from openai_api.terminal.server import Server
from openai_api.terminal.session import Screen, Session
from registry.management.command import YardCommand

SAMPLING = {"temperature": float, "top_p": float, "max_tokens": int, "seed": int}


class Command(YardCommand):
    """Over the API, as any client: of this installation, or of any other server by its URL and a key."""

    help = "Talk to a model in the terminal, or from a script by a pipe: one turn a line."
    examples = (
        "smollm2-135m-instruct",
        "smollm2-135m-instruct --system 'You are brief.' --temperature 0.2",
        "big --base-url https://models.example.org/v1 --api-key-file ~/.modelyard-key",
    )
    expected_errors: ClassVar[tuple[type[Exception], ...]] = (*YardCommand.expected_errors, TerminalError)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "model", nargs="?", default="", metavar="MODEL", help="A model's name or one of its aliases."
        )
        parser.add_argument("--system", default="", metavar="TEXT", help="What the model should be.")
        for name, kind in SAMPLING.items():
            option = f"--{name.replace('_', '-')}"
            parser.add_argument(option, type=kind, metavar="N", help=f"The request's {name} (default: the model's).")
        parser.add_argument(
            "--base-url", default="", metavar="URL", help="Another server's API, such as https://models.example.org/v1."
        )
        parser.add_argument(
            "--api-key-file",
            default="",
            metavar="FILE",
            help="The file that holds the key (default: MODELYARD_API_KEY, else this installation's own).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        for stream in (sys.stdin, sys.stdout):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")  # half a character from a pipe must not end a chat
        server = _server(options["base_url"], options["api_key_file"])
        conversation = Conversation(options["model"] or _only_model(server), options["system"])
        sampling = {name: options[name] for name in SAMPLING if options[name] is not None}
        Session(server, conversation, self._screen(), sampling).run()

    def _screen(self) -> Screen:
        if sys.stdin.isatty() and self.stdout.isatty():
            return Terminal(self.stdout)
        return Pipe(self.stdout, self.stderr)


def _server(url: str, key_file: str) -> Server:
    """Our own key goes to our own server only. Raises `CommandError` when there is none to use."""
    known = settings.INSTALLATION.load_credentials()
    key = _read_key(key_file) if key_file else settings.MODELYARD_API_KEY
    if not (key.isascii() and key.isprintable()) or (key_file and not key):
        raise CommandError(
            f"{key_file or 'MODELYARD_API_KEY'} holds no key: it is one line of letters, digits, - and _."
        )
    if not url and not known:
        raise CommandError("This installation has no key yet: start it with `modelyard up`, or say --base-url.")
    server = Server.at(url or known["base_url"], key)
    if not key and known and server.base_url == Server.at(known["base_url"], "").base_url:
        return Server.at(server.base_url, known["api_key"])
    if not key:
        raise CommandError(f"No key for {server.base_url}: say --api-key-file FILE, or set MODELYARD_API_KEY.")
    return server


def _read_key(path: str) -> str:
    try:
        key = Path(path).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"The key in {path} cannot be read ({error}).") from error
    return key


def _only_model(server: Server) -> str:
    """The one model that can chat; aliases are other names of it."""
    cards = [card for card in server.models() if "chat" in card.get("capabilities", ["chat"])]
    names = [str(card["id"]) for card in cards]
    if len(names) == 1:
        return names[0]
    raise CommandError(f"Say which model: {', '.join(names) or 'there is none yet'}.")
