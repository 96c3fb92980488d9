"""The data directory: where one installation keeps its secrets, its database, its logs and its converted models."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from modelyard import files, ports
from modelyard.errors import BrokenInstallation, NoInstallation

DEFAULT_DATA_DIR = "var"


@dataclass(frozen=True, slots=True)
class Secrets:
    """What `secrets.json` holds: generated once, mode 0600."""

    django_secret_key: str
    postgres_password: str
    postgres_port: int

    @classmethod
    def generate(cls) -> Secrets:
        return cls(secrets.token_urlsafe(50), secrets.token_urlsafe(24), ports.kept_port())


@dataclass(frozen=True, slots=True)
class Installation:
    """One data directory. Knows its layout; knows nothing of Django."""

    data_dir: Path

    @classmethod
    def at(cls, path: str | Path) -> Installation:
        return cls(Path(path).expanduser().absolute())

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Installation:
        return cls.at(environ.get("MODELYARD_DATA_DIR") or DEFAULT_DATA_DIR)

    @property
    def secrets_file(self) -> Path:
        return self.data_dir / "secrets.json"

    @property
    def credentials_file(self) -> Path:
        return self.data_dir / "credentials.json"

    @property
    def log_dir(self) -> Path:
        return self.data_dir / "logs"

    @property
    def worker_log_dir(self) -> Path:
        return self.log_dir / "workers"

    @property
    def models_dir(self) -> Path:
        """The cache of converted models."""
        return self.data_dir / "models"

    @property
    def static_dir(self) -> Path:
        """The cache of files for pages that are made from others."""
        return self.data_dir / "static"

    @property
    def run_dir(self) -> Path:
        """What is true only while something runs: the supervisor's state, locks, process identities."""
        return self.data_dir / "run"

    @property
    def postgres_dir(self) -> Path:
        """The cluster, or a link to it where the server's account cannot reach the data directory."""
        return self.data_dir / "postgres"

    @property
    def exists(self) -> bool:
        return self.secrets_file.exists()

    def create(self) -> Installation:
        """Makes what is missing and keeps what is there."""
        with _explained(self.data_dir):
            # As root the database server runs under another account, which must be able to pass through.
            self.data_dir.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
            for folder in (self.log_dir, self.worker_log_dir, self.models_dir, self.run_dir):
                folder.mkdir(mode=0o700, exist_ok=True)
            if not self.exists:
                files.create_json(self.secrets_file, asdict(Secrets.generate()))
        return self

    def load_secrets(self) -> Secrets:
        """Raises `NoInstallation`, or `BrokenInstallation` when the file cannot be used."""
        content = self._read(self.secrets_file)
        try:
            return Secrets(**{field.name: content[field.name] for field in fields(Secrets)})
        except KeyError as error:
            raise BrokenInstallation(f"{self.secrets_file} lacks {error}: restore it from a backup.") from None

    def keep_postgres_port(self, port: int) -> None:
        files.write_json(self.secrets_file, asdict(replace(self.load_secrets(), postgres_port=port)))

    @property
    def database_url(self) -> str:
        """The embedded Postgres."""
        kept = self.load_secrets()
        return (
            f"postgresql://modelyard:{quote(kept.postgres_password, safe='')}@127.0.0.1:{kept.postgres_port}/modelyard"
        )

    def load_credentials(self) -> dict[str, Any]:
        return self._read(self.credentials_file) if self.credentials_file.exists() else {}

    def write_credentials(self, credentials: Mapping[str, Any]) -> None:
        with _explained(self.data_dir):
            files.write_json(self.credentials_file, credentials)

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            raise NoInstallation(
                f"No installation at {self.data_dir}: start one with `modelyard up --data-dir {self.data_dir}`."
            ) from None
        except PermissionError:
            raise BrokenInstallation(
                f"{path} belongs to another user: run this as the user who ran `modelyard up`."
            ) from None
        except (OSError, ValueError) as error:
            raise BrokenInstallation(f"{path} cannot be read ({error}): restore it from a backup.") from None
        if not isinstance(content, dict):
            raise BrokenInstallation(f"{path} does not hold a JSON object: restore it from a backup.")
        return content


@contextmanager
def _explained(data_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BrokenInstallation(
            f"{data_dir} cannot hold an installation ({reason}): choose another folder with --data-dir."
        ) from error
