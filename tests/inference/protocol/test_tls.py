"""Both sides of TLS, shaking hands in memory."""

from __future__ import annotations

import re
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from certified import expired_files, tls_files

from inference.protocol.tls import TlsFiles, TlsUnusable, rehearse


def test_nothing_set_is_no_tls() -> None:
    assert TlsFiles().server() is None
    assert TlsFiles().client() is None
    rehearse(TlsFiles(), "127.0.0.1")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "gpu-2.example.org"])
def test_a_machine_may_be_an_address_or_a_name(tmp_path: Path, address: str) -> None:
    files = tls_files(tmp_path, address)
    rehearse(files, address)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_a_certificate_for_another_address_is_found_before_it_is_used(tmp_path: Path) -> None:
    files = tls_files(tmp_path, "10.0.0.5")
    with pytest.raises(TlsUnusable, match=r"is not good for 10\.0\.0\.6 .*: IP address mismatch"):
        rehearse(files, "10.0.0.6")


def test_a_certificate_of_another_ca_is_found(tmp_path: Path) -> None:
    mine, other = tls_files(tmp_path / "a"), tls_files(tmp_path / "b")
    with pytest.raises(TlsUnusable, match=r"is not good for 127\.0\.0\.1 by .*: .*certificate"):
        rehearse(replace(mine, ca=other.ca), "127.0.0.1")


def test_a_certificate_whose_time_is_over_is_found(tmp_path: Path) -> None:
    with pytest.raises(TlsUnusable, match="certificate has expired"):
        rehearse(expired_files(tmp_path), "127.0.0.1")


def test_a_second_certificate_keeps_the_ca(tmp_path: Path) -> None:
    before = tls_files(tmp_path, "10.0.0.5").ca
    assert before is not None
    ca = before.read_bytes()
    tls_files(tmp_path, "10.0.0.6")
    assert before.read_bytes() == ca


def test_files_that_are_not_what_they_should_be_are_named(tmp_path: Path) -> None:
    files, other = tls_files(tmp_path / "a"), tls_files(tmp_path / "b")
    with pytest.raises(TlsUnusable, match=re.escape(f"{other.key}") + r" are not .* \(key values mismatch\)\."):
        replace(files, key=other.key).server()
    with pytest.raises(TlsUnusable, match=r"gone\.pem is not a CA's certificate in PEM \(No such file"):
        replace(files, ca=tmp_path / "gone.pem").client()
