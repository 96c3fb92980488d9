"""One chat: lines in, answers out. On a terminal with a prompt and words around it, in a pipe with nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from openai_api.errors import BadTranscript, NoSuchCommand, TerminalError
from openai_api.terminal.conversation import Conversation
from openai_api.terminal.server import Server
from openai_api.terminal.waiting import stream_when_ready

GREETING = "{model} listens. /help lists the commands; Ctrl-C stops an answer, Ctrl-D leaves."
# A model could write what a terminal obeys. Only line ends and tabs pass.
CONTROL = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)]) | {ord("\n"): "\n", ord("\t"): "\t"}


class Screen(Protocol):
    """Where answers and remarks go."""

    interactive: bool

    def lines(self) -> Iterator[str]:
        """What the user types."""

    def write(self, text: str) -> None:
        """A piece of an answer."""

    def remark(self, text: str) -> None:
        """A line that is no answer."""

    def progress(self, text: str) -> None:
        """A line that the next one may replace; empty: it goes."""


@dataclass(slots=True)
class Session:
    """A conversation with a server; `sampling` goes into each request."""

    server: Server
    conversation: Conversation
    screen: Screen
    sampling: dict[str, Any] = field(default_factory=dict)
    own_files: set[Path] = field(default_factory=set)  # which may be written again
    unanswered: str = ""  # the last question, when nothing came back
    over: bool = False

    def run(self) -> None:
        """Until the input ends. In a pipe the first error ends it, too."""
        if self.screen.interactive:
            self.screen.remark(GREETING.format(model=self.conversation.model))
        for line in self.screen.lines():
            try:
                self._take(line.strip())
            except TerminalError as error:
                if not self.screen.interactive:
                    raise
                self.screen.remark(str(error))
            if self.over:
                return

    def _take(self, line: str) -> None:
        if not line:
            return
        if not line.startswith("/") or line.startswith("//"):
            self._ask(line.removeprefix("/") if line.startswith("//") else line)
            return
        name, _, rest = line.partition(" ")
        command = COMMANDS.get(name)
        if command is None:
            raise NoSuchCommand(f"There is no command {name}: /help lists those that there are; // sends a slash.")
        command.act(self, rest.strip())

    def _ask(self, question: str) -> None:
        """A question to which nothing came back, failed or stopped, is no part of the conversation."""
        self.conversation.say("user", question)
        self.unanswered = ""
        said: list[str] = []
        try:
            self._show_answer(said)
        except KeyboardInterrupt:
            if not self.screen.interactive:
                raise
            self.screen.write("\n")
            self.screen.remark("(stopped)")
        finally:
            self.screen.progress("")
            if said:
                self.conversation.say("assistant", "".join(said))
            else:
                self.unanswered = self.conversation.take_back()

    def _show_answer(self, said: list[str]) -> None:
        body = {"model": self.conversation.model, "messages": self.conversation.messages, **self.sampling}
        with closing(stream_when_ready(self.server, body, tell=self.screen.progress)) as pieces:
            for piece in pieces:
                if not said:
                    self.screen.progress("")
                said.append(piece)
                self.screen.write(piece.translate(CONTROL) if self.screen.interactive else piece)
        self.screen.write("\n")

    def retry(self, rest: str) -> None:
        question = self.unanswered or self.conversation.take_back()
        if not question:
            raise NoSuchCommand("There is no question yet that could be asked again.")
        self._ask(question)

    def reset(self, rest: str) -> None:
        self.conversation.turns.clear()
        self.unanswered = ""
        stays = "; the system prompt stays" if self.conversation.system else ""
        self.screen.remark(f"This is a new conversation{stays}.")

    def set_system(self, rest: str) -> None:
        self.conversation.system = rest
        self.screen.remark("The system prompt is set." if rest else "There is no system prompt now.")

    def save(self, rest: str) -> None:
        path = _path(rest, "/save")
        if path.exists() and path not in self.own_files:
            raise BadTranscript(f"{path} is there already: choose another name.")
        self.conversation.save(path)
        self.own_files.add(path)
        self.screen.remark(f"Saved as {path}.")

    def load(self, rest: str) -> None:
        path = _path(rest, "/load")
        self.conversation.load(path)
        self.own_files.add(path)
        self.screen.remark(f"{len(self.conversation.turns)} messages are back.")

    def help(self, rest: str) -> None:
        for name, command in COMMANDS.items():
            self.screen.remark(f"{f'{name} {command.takes}':14}{command.help}")

    def leave(self, rest: str) -> None:
        self.over = True


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """What a line that begins with a slash does."""

    act: Callable[[Session, str], None]
    help: str
    takes: str = ""


COMMANDS = {
    "/reset": SlashCommand(Session.reset, "begin a new conversation"),
    "/system": SlashCommand(Session.set_system, "say what the model should be; without TEXT: nothing", "TEXT"),
    "/retry": SlashCommand(Session.retry, "ask the last question again"),
    "/save": SlashCommand(
        Session.save, "keep the conversation, as Markdown when FILE ends in .md, else as JSON", "FILE"
    ),
    "/load": SlashCommand(Session.load, "go on with a conversation that was saved as JSON", "FILE"),
    "/help": SlashCommand(Session.help, "these lines"),
    "/exit": SlashCommand(Session.leave, "leave, as Ctrl-D does"),
}


def _path(written: str, command: str) -> Path:
    if not written:
        raise BadTranscript(f"{command} needs a file, such as {command} chat.json.")
    return Path(written).expanduser().absolute()
