"""The libraries without a network and without noise: progress bars become our progress.

Only a download may use the network, which `online` allows; whatever else a library would like to fetch fails.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from inference.errors import LoadError
from inference.protocol.causes import Cause

ReportFraction = Callable[[float], None]


def import_transformers() -> Any:
    """The library, told never to go to a hub. Its logger speaks of errors only: we give the reasons ourselves."""
    # Read once, when huggingface_hub is imported; callers pass local_files_only too, in case that was before us.
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        import torch  # noqa: F401 - so that its absence is named here
        import transformers
    except ImportError as error:
        reason = f"The transformers engine lacks a library: {error}."
        raise LoadError(reason, Cause.NOT_INSTALLED, hint="Install torch and transformers.") from error
    transformers.utils.logging.set_verbosity_error()
    return transformers


@contextmanager
def online() -> Iterator[None]:
    """Let the hub's library use the network inside, and nowhere else."""
    from huggingface_hub import constants
    from huggingface_hub.utils import disable_progress_bars

    # It would write every address into the log, with the signatures that hubs put into them.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    constants.HF_HUB_OFFLINE = False
    try:
        with disable_progress_bars():
            yield
    finally:
        constants.HF_HUB_OFFLINE = True


class ReportingBar:
    """What transformers needs of a tqdm bar over a list, reporting a fraction instead of drawing."""

    def __init__(self, items: Iterable[Any], report: ReportFraction) -> None:
        self._items = list(items)
        self._report = report

    def __iter__(self) -> Iterator[Any]:
        for index, item in enumerate(self._items):
            self._report(index / len(self._items))
            yield item
        self._report(1.0)


@contextmanager
def reported_bars(report: ReportFraction) -> Iterator[None]:
    """Let the library's bars that go over a list (its weights) report how far they are; none is drawn."""
    from transformers.utils import logging

    def hook(factory: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return ReportingBar(args[0], report) if args else factory(**{**kwargs, "disable": True})

    previous = logging.set_tqdm_hook(hook)
    try:
        yield
    finally:
        logging.set_tqdm_hook(previous)
