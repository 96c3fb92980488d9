"""`vllm serve` as an engine."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

from inference.engines.base import Answer, EngineConfig, LoadProgress
from inference.engines.external.child import Ending
from inference.engines.external.engine import Card, Command, ExternalEngine, Place
from inference.engines.external.executable import find_executable
from inference.engines.external.meter import Numbers
from inference.engines.external.openapi import card_of
from inference.engines.external.probe import Probe
from inference.engines.external.reasons import explain
from inference.engines.vllm import command, metrics, words
from inference.engines.vllm.options import VllmOptions
from inference.engines.vllm.requests import adapted
from inference.failure import Failure
from inference.protocol.causes import Cause


class VllmEngine(ExternalEngine):
    """Serves a model folder with the vLLM of this node."""

    title = "vllm"

    def __init__(self, config: EngineConfig) -> None:
        super().__init__(config)
        self._options = VllmOptions.parse(config.options)
        self._cards = command.visible_cards(self._options, config.environ)
        self.on_cards = self._cards > 0

    def command(self, place: Place) -> Command:
        """The node's executable with the deployment's options. Raises `LoadError` when there is none."""
        options, config = self._options, self.config
        executable = find_executable("vllm", wished=options.executable, environ=config.environ)
        argv = command.arguments(options, place, name=config.name, cards=self._cards)
        if options.chat_template is not None:
            argv += ["--chat-template", str(_kept(options.chat_template, config.cache_dir))]
        environ = command.environment(options, config.environ, key=place.key, cache_dir=config.cache_dir)
        return command.command(executable, argv, environ)

    def forward(self, path: str, body: bytes, *, headers: Mapping[str, str]) -> AbstractAsyncContextManager[Answer]:
        """Relay to the server, in its own words. Raises `InvalidRequest`."""
        return super().forward(path, adapted(body), headers=headers)

    def progress(self, line: str) -> LoadProgress | None:
        """By the phrases of its log."""
        return words.progress(line)

    def explain(self, ending: Ending) -> Failure:
        """By its last words."""
        failure = explain(words.LANGUAGE, ending)
        if failure.cause is Cause.GPU_MEMORY and not self.on_cards:
            return replace(failure, cause=Cause.HOST_MEMORY)
        return failure

    def card(self, probe: Probe) -> Card | None:
        """The endpoints that it has are those of the model's kind; its list of models tells the context."""
        return card_of(probe)

    def numbers(self, probe: Probe) -> Numbers | None:
        """Of its metrics."""
        text = probe.get("/metrics")
        return None if text is None else metrics.numbers(text.decode(errors="replace"))


def _kept(template: str, cache_dir: Path) -> Path:
    """The template as a file: as an argument vLLM would read escapes in it."""
    content = template.encode()
    path = cache_dir / "chat-templates" / f"{hashlib.sha256(content).hexdigest()[:16]}.jinja"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
