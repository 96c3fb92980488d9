"""The embedded Postgres with the real programs: made, restarted, killed, and refused."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from modelyard.embedded import cluster as clusters
from modelyard.embedded.accounts import Account
from modelyard.embedded.binaries import find
from modelyard.embedded.cluster import Cluster, server_on
from modelyard.embedded.postgres import EmbeddedPostgres
from modelyard.embedded.restarts import RestartPolicy
from modelyard.embedded.supervisor import Supervisor
from modelyard.errors import ClusterInUse, NoPostgres, WrongVersion
from modelyard.installation import Installation

pytestmark = pytest.mark.processes

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts Postgres under another account")


@pytest.fixture
def place(tmp_path: Path) -> Installation:
    """An installation where Postgres's account can reach it."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    return Installation.at(tmp_path / "data").create()


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    (tmp_path / "supervised").mkdir()
    supervisor = Supervisor(tmp_path / "supervised", policy=RestartPolicy(first_s=0.1, ceiling_s=0.5))
    yield supervisor
    supervisor.stop_all()


def run(installation: Installation, supervisor: Supervisor) -> EmbeddedPostgres:
    server = EmbeddedPostgres(Cluster.of(installation), installation.load_secrets())
    server.prepare()
    supervisor.start(server.child)
    server.wait_until_ready(supervisor)
    server.create_database()
    return server


def execute(installation: Installation, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(installation.database_url, autocommit=True, connect_timeout=3) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_a_fresh_server_speaks_tcp_with_a_password_only(place: Installation, supervisor: Supervisor) -> None:
    run(place, supervisor)
    settings = "listen_addresses", "unix_socket_directories", "fsync", "password_encryption", "server_encoding"
    shown = [execute(place, f"SHOW {name}")[0][0] for name in settings]
    assert shown == ["127.0.0.1", "", "on", "scram-sha-256", "UTF8"]
    wrong = place.database_url.replace(place.load_secrets().postgres_password, "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong, connect_timeout=3)


def test_a_restart_keeps_the_data(place: Installation, supervisor: Supervisor) -> None:
    run(place, supervisor)
    execute(place, "CREATE TABLE kept AS SELECT 1 AS value")
    supervisor.stop("postgres")
    run(place, supervisor)
    assert execute(place, "SELECT value FROM kept") == [(1,)]


def test_a_killed_server_comes_back_with_all_that_was_committed(place: Installation, supervisor: Supervisor) -> None:
    server = run(place, supervisor)
    execute(place, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS value")
    identity = supervisor.status("postgres").identity
    assert identity is not None
    os.kill(identity.pid, signal.SIGKILL)
    while supervisor.status("postgres").identity == identity:
        supervisor.tick()
    server.wait_until_ready(supervisor)
    assert execute(place, "SELECT count(*) FROM kept") == [(1000,)]


def test_a_second_starter_is_refused_and_the_first_runs_on(
    place: Installation, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = run(place, supervisor)
    monkeypatch.setattr(clusters, "PREVIOUS_SERVER_S", 0.2)
    with pytest.raises(ClusterInUse, match=r"Another Postgres \(pid \d+\) runs on .*: stop it first"):
        server.prepare()
    assert execute(place, "SELECT 1") == [(1,)]


def test_a_pid_file_of_an_earlier_boot_keeps_nobody_out(place: Installation, supervisor: Supervisor) -> None:
    server = run(place, supervisor)
    supervisor.stop("postgres")
    pid_file = server.cluster.directory / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{server.cluster.directory}\n")  # a pid that somebody else has now
    if server.cluster.account:
        os.chown(pid_file, server.cluster.account.uid, server.cluster.account.gid)
    run(place, supervisor)
    assert execute(place, "SELECT 1") == [(1,)]


def test_a_cluster_of_another_major_version_is_named_and_left_alone(place: Installation) -> None:
    server = EmbeddedPostgres(Cluster.of(place), place.load_secrets())
    server.prepare()
    (server.cluster.directory / "PG_VERSION").write_text("13\n")
    with pytest.raises(WrongVersion, match="made by Postgres 13, and this is Postgres 18: set PGBIN"):
        server.prepare()


@as_root
@pytest.mark.usefixtures("place")
def test_under_a_private_folder_the_cluster_moves_to_where_its_account_can_go(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared"
    monkeypatch.setattr("modelyard.embedded.binaries.SHARED_DIR", shared)
    (tmp_path / "private").mkdir(mode=0o700)
    private = Installation.at(tmp_path / "private" / "data").create()
    server = run(private, supervisor)
    assert server.cluster.directory.is_relative_to(shared)
    assert private.postgres_dir.resolve() == server.cluster.directory
    assert execute(private, "SELECT 1") == [(1,)]
    assert (tmp_path / "private").stat().st_mode & 0o077 == 0
    assert Cluster.of(private) == server.cluster


@as_root
def test_a_wheel_in_a_private_home_is_copied_out_with_its_libraries(
    place: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    wheel = find(None).package
    assert wheel is not None
    for folder in (wheel, wheel.with_name(f"{wheel.name}.libs")):
        shutil.copytree(folder, private / folder.name, symlinks=True)
    monkeypatch.setattr("modelyard.embedded.binaries.SHARED_DIR", tmp_path / "shared")
    monkeypatch.syspath_prepend(str(private))
    account = Account.for_postgres(tmp_path / "none")
    found = find(account)
    assert found.bin_dir.is_relative_to(tmp_path / "shared")
    assert found.usable_by(account)
    assert find(account) == found


def test_a_wrong_pgbin_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(NoPostgres, match="point it at a Postgres bin folder"):
        find(None, pgbin=str(tmp_path))


SUPERVISING = """
import sys, time
from modelyard.embedded.cluster import Cluster
from modelyard.embedded.postgres import EmbeddedPostgres
from modelyard.embedded.supervisor import Supervisor
from modelyard.installation import Installation
installation = Installation.at(sys.argv[1])
server = EmbeddedPostgres(Cluster.of(installation), installation.load_secrets())
server.prepare()
supervisor = Supervisor(installation.log_dir)
supervisor.start(server.child)
server.wait_until_ready(supervisor)
server.create_database()
print("ready", flush=True)
time.sleep(60)
"""


def poll(condition: Callable[[], object], *, timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_killing_the_supervisor_leaves_no_postgres_and_the_next_start_works(
    place: Installation, supervisor: Supervisor
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISING, str(place.data_dir)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    execute(place, "CREATE TABLE kept AS SELECT 1 AS value")
    directory = place.postgres_dir.resolve()
    server = server_on(directory)
    assert server is not None
    processes = [psutil.Process(server.pid), *psutil.Process(server.pid).children()]
    process.kill()
    process.communicate()
    run(place, supervisor)  # at once, while the old one is still shutting down
    assert execute(place, "SELECT value FROM kept") == [(1,)]
    poll(lambda: not any(entry.is_running() for entry in processes))
