"""Identity files: what runs on this machine, readable without a database, in `<data-dir>/run/workers/`."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from registry.agent.identity import ProcessIdentity

logger = logging.getLogger(__name__)

FOLDER = "workers"


def write(run_dir: Path, launch_id: str, identity: ProcessIdentity) -> None:
    """Remember a process. A full disk costs the file, not the worker: its row has the same facts."""
    folder = run_dir / FOLDER
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = folder / f"{launch_id}.partial"
        partial.write_text(json.dumps(asdict(identity)), encoding="utf-8")
        partial.rename(folder / f"{launch_id}.json")
    except OSError as error:
        logger.warning("The identity of %s could not be written: %s", launch_id, error)


def forget(run_dir: Path, launch_id: str) -> None:
    with suppress(OSError):  # it is gone, or its folder is; who reads it finds that the process does not live
        (run_dir / FOLDER / f"{launch_id}.json").unlink()


def known(run_dir: Path) -> Iterator[tuple[str, ProcessIdentity]]:
    """Launch ids and the processes that were started for them; these may be gone."""
    for file in sorted((run_dir / FOLDER).glob("*.json")):
        try:
            yield file.stem, ProcessIdentity(**json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            logger.warning("%s cannot be read and is passed over: %s", file, error)
