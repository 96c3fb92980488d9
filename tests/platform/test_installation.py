"""The data directory: made once, private, and clear about what is wrong with it."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from modelyard.errors import BrokenInstallation, NoInstallation
from modelyard.installation import Installation


@pytest.fixture
def fresh(tmp_path: Path) -> Installation:
    return Installation.at(tmp_path / "data").create()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_and_what_tells_of_them_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        fresh = Installation.at(tmp_path / "data").create()
        fresh.write_credentials({"api_key": "my-key"})
    finally:
        os.umask(before)
    assert {mode(fresh.secrets_file), mode(fresh.credentials_file)} == {0o600}
    assert {mode(fresh.log_dir), mode(fresh.run_dir), mode(fresh.models_dir)} == {0o700}
    assert not mode(fresh.data_dir) & 0o066


def test_creating_it_again_keeps_its_secrets(fresh: Installation) -> None:
    before = fresh.load_secrets()
    assert fresh.create().load_secrets() == before
    assert len(before.django_secret_key) >= 50


def test_two_installations_share_nothing(tmp_path: Path) -> None:
    one, other = (Installation.at(tmp_path / name).create().load_secrets() for name in ("one", "other"))
    assert one.django_secret_key != other.django_secret_key
    assert one.postgres_password != other.postgres_password


def test_a_kept_port_replaces_the_port_and_nothing_else(fresh: Installation) -> None:
    before = fresh.load_secrets()
    fresh.keep_postgres_port(21_234)
    assert fresh.load_secrets().postgres_port == 21_234
    assert fresh.load_secrets().postgres_password == before.postgres_password
    assert f":{21_234}/modelyard" in fresh.database_url
    assert [path.name for path in fresh.data_dir.glob(".*")] == []  # no temporary file stays


def test_a_folder_without_installation_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(NoInstallation, match=r"start one with `modelyard up --data-dir .*/nothing`"):
        Installation.at(tmp_path / "nothing").load_secrets()


@pytest.mark.parametrize(
    ("content", "complaint"), [("{", "cannot be read"), ("[]", "JSON object"), ('{"postgres_port": 1}', "lacks")]
)
def test_damaged_secrets_are_named_and_never_replaced(fresh: Installation, content: str, complaint: str) -> None:
    fresh.secrets_file.write_text(content)
    with pytest.raises(BrokenInstallation, match=complaint):
        fresh.create().load_secrets()
    assert fresh.secrets_file.read_text() == content


def test_a_place_that_cannot_hold_it_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BrokenInstallation, match="choose another folder with --data-dir"):
        Installation.at(tmp_path / "file" / "data").create()


def test_credentials_come_back_as_written(fresh: Installation) -> None:
    assert fresh.load_credentials() == {}
    fresh.write_credentials({"api_key": "my-key"})
    assert fresh.load_credentials() == json.loads(fresh.credentials_file.read_text()) == {"api_key": "my-key"}
