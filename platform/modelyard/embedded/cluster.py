"""The Postgres cluster on disk: where it lies, how it is made, and who runs on it."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from modelyard.embedded import binaries as programs
from modelyard.embedded.accounts import Account
from modelyard.embedded.binaries import Binaries
from modelyard.errors import ClusterInUse, PostgresError, PostgresFailed, WrongVersion
from modelyard.installation import Installation
from registry.agent.identity import ProcessIdentity

OWNER = "modelyard"  # the database role
PREVIOUS_SERVER_S = 8.0  # for the server of a killed supervisor to shut down
# For a small machine. Appended to postgresql.conf once, so that an operator may change it there.
# Each worker keeps one connection, of 2 MB once it beats (500 of them: 1.05 GB). Those that are reserved are for the
# platform's own login, so that no number of workers can lock it out.
TUNING = """
# Modelyard: a small server on one machine
max_connections = 300
superuser_reserved_connections = 100
shared_buffers = 128MB
effective_cache_size = 1GB
max_wal_size = 512MB
jit = off
log_checkpoints = off
log_line_prefix = '%m [%p] %a '
log_timezone = 'UTC'
timezone = 'UTC'
password_encryption = scram-sha-256
"""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster and who serves it. `directory` is the real place, behind any link."""

    directory: Path
    account: Account | None
    binaries: Binaries

    @classmethod
    def of(cls, installation: Installation, *, pgbin: str = "") -> Cluster:
        account = Account.for_postgres(installation.postgres_dir)
        found = programs.find(account, pgbin=pgbin)
        try:
            return cls(_located(installation, account), account, found)
        except OSError as error:
            raise PostgresError(f"The database cannot be kept at {installation.data_dir}: {error}.") from error

    def prepare(self, *, password: str) -> None:
        """Made when missing, checked when there. Raises `WrongVersion` and `ClusterInUse`."""
        if (self.directory / "PG_VERSION").exists():
            self._check_version()
            self._wait_until_unused()
            self.remove_stale_pid_file()
        else:
            self._initialise(password)

    def _check_version(self) -> None:
        made_by = int((self.directory / "PG_VERSION").read_text(encoding="ascii").strip())
        ours = self.binaries.major_version()
        if made_by != ours:
            raise WrongVersion(
                f"{self.directory} was made by Postgres {made_by}, and this is Postgres {ours}: set PGBIN to the bin "
                f"folder of a Postgres {made_by}, or dump with it and load into a new data directory."
            )

    def _wait_until_unused(self) -> None:
        # A server whose supervisor was killed is just shutting down; one that stays belongs to somebody else.
        deadline = time.monotonic() + PREVIOUS_SERVER_S
        while server := server_on(self.directory):
            if time.monotonic() > deadline:
                raise ClusterInUse(
                    f"Another Postgres (pid {server.pid}) runs on {self.directory}: stop it first, "
                    f"with `modelyard down` or `kill {server.pid}`."
                )
            time.sleep(0.05)

    def remove_stale_pid_file(self) -> None:
        # After a reboot the pid in it may be anybody's, and Postgres would refuse to start for ever. Where the pid is
        # nobody's the file stays: by it the next server sees whether processes of the old one still linger.
        pid = _recorded_pid(self.directory)
        if pid is not None and ProcessIdentity.of(pid) and server_on(self.directory) is None:
            (self.directory / "postmaster.pid").unlink(missing_ok=True)

    def _initialise(self, password: str) -> None:
        """Made beside its place and moved there whole: an `initdb` that was interrupted leaves no half cluster."""
        partial = Path(tempfile.mkdtemp(prefix=".initdb-", dir=self.directory.parent))
        try:
            self._hand_over(partial)
            self._run_initdb(partial, password)
            with (partial / "postgresql.conf").open("a", encoding="utf-8") as settings:
                settings.write(TUNING)
            partial.rename(self.directory)
        except OSError as error:
            raise PostgresFailed(f"The database could not be made at {self.directory}: {error}.") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _run_initdb(self, folder: Path, password: str) -> None:
        handle, password_file = tempfile.mkstemp(prefix=".password-", dir=folder.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(password)
            self._hand_over(Path(password_file))
            result = programs.as_account(self._initdb_command(folder, password_file), self.account)
        finally:
            Path(password_file).unlink()
        if result.returncode != 0:
            raise PostgresFailed(f"initdb failed: {_last_line(result.stderr)}")

    def _initdb_command(self, folder: Path, password_file: str) -> list[str]:
        collation = (
            ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if self.binaries.major_version() >= 17 else []
        )
        return [
            self.binaries.program("initdb"),
            f"--pgdata={folder}",
            f"--username={OWNER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--data-checksums",
            *collation,
        ]

    def _hand_over(self, path: Path) -> None:
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)


def server_on(directory: Path) -> ProcessIdentity | None:
    """The living postmaster of a cluster. The pid file alone proves nothing: that process must serve the folder."""
    pid = _recorded_pid(directory)
    return ProcessIdentity.of(pid) if pid is not None and _serves(pid, directory) else None


def _recorded_pid(directory: Path) -> int | None:
    try:
        return int((directory / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _serves(pid: int, directory: Path) -> bool:
    """By its command line, which everybody may read; in a container root may not even read another's working folder."""
    try:
        program, *arguments = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace").split("\0")
    except OSError:
        return False
    if Path(program).name not in {"postgres", "postmaster"}:
        return False
    named = [arguments[index + 1] for index, argument in enumerate(arguments[:-1]) if argument == "-D"]
    return not named or Path(named[0]).resolve() == directory.resolve()  # when in doubt, it does


def _located(installation: Installation, account: Account | None) -> Path:
    place = installation.postgres_dir
    if place.exists() or account is None or account.can_enter(installation.data_dir):
        return place.resolve()
    if place.is_symlink():
        return place.readlink()
    # Under a private folder, such as root's home, the server's account reaches nothing.
    target = programs.SHARED_DIR / hashlib.sha256(str(installation.data_dir).encode()).hexdigest()[:12] / "postgres"
    target.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    if target.exists():  # left by a data directory that was deleted, and its password with it
        target.rename(target.with_name(f"postgres-of-a-deleted-installation-{int(time.time())}"))
    place.symlink_to(target)
    return target


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no reason given")
