"""Certificates for a team without a PKI of its own: one CA, and one certificate a machine, signed by it.

RFC 5280; P-256 keys. Strict verifiers (Python's from 3.13 on) want the key identifiers and usages that are set here.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from modelyard.errors import CertificateTrouble

CA_DAYS = 3650
# Clocks of machines differ; a certificate is good from a little before it was made.
SLACK = timedelta(minutes=5)
CA_USAGE = ("key_cert_sign", "crl_sign")
NODE_USAGE = ("digital_signature",)
USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA: its certificate and the key that signs."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def at(cls, folder: Path) -> Authority:
        """The one in this folder, made when there is none. Raises `CertificateTrouble`."""
        cert, key = folder / "ca.pem", folder / "ca-key.pem"
        if not cert.exists() and not key.exists():
            return cls._made(cert, key)
        try:
            signing = load_pem_private_key(key.read_bytes(), password=None)
            certificate = x509.load_pem_x509_certificate(cert.read_bytes())
        except (OSError, ValueError, TypeError) as error:
            raise CertificateTrouble(f"{cert} and {key} are no CA that can be used: {error}") from error
        if not isinstance(signing, ec.EllipticCurvePrivateKey):
            raise CertificateTrouble(f"{key} is not a key that this command made: sign with the tool that made it.")
        return cls(certificate, signing)

    @classmethod
    def _made(cls, cert: Path, key: Path) -> Authority:
        signing = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Modelyard workers")])
        builder = _begun(name, signing, days=CA_DAYS).issuer_name(name)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_usage(CA_USAGE), critical=True)
        made = cls(_signed(builder, signing.public_key(), by=signing), signing)
        _write(key, _pem(signing))
        _write(cert, made.certificate.public_bytes(Encoding.PEM))
        return made

    def issue(self, name: str, addresses: Iterable[str], *, days: int) -> tuple[bytes, bytes]:
        """Certificate and key in PEM, for a machine that is reached by these addresses, as server and as client."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = _begun(subject, key, days=days).issuer_name(self.certificate.subject)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(x509.SubjectAlternativeName(list(map(_spoken, addresses))), critical=False)
        builder = builder.add_extension(_usage(NODE_USAGE), critical=True)
        both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        builder = builder.add_extension(both, critical=False)
        signed = _signed(builder, self.key.public_key(), by=self.key)
        return signed.public_bytes(Encoding.PEM), _pem(key)


def issue(folder: Path, name: str, addresses: Iterable[str], *, days: int) -> tuple[Path, Path]:
    """Write a machine's certificate and key beside the CA; what had the name before is replaced."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        certificate, key = Authority.at(folder).issue(name, addresses, days=days)
        paths = folder / f"{name}.pem", folder / f"{name}-key.pem"
        _write(paths[1], key)
        _write(paths[0], certificate)
    except OSError as error:
        raise CertificateTrouble(f"Nothing can be written to {folder}: {error.strerror}.") from error
    return paths


def _begun(subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, days: int) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - SLACK).not_valid_after(now + timedelta(days=days))
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)


def _signed(
    builder: x509.CertificateBuilder, issuer: ec.EllipticCurvePublicKey, *, by: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    identified = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), critical=False)
    return identified.sign(by, hashes.SHA256())


def _usage(wanted: tuple[str, ...]) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in wanted for usage in USAGES})


def _spoken(address: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(address))
    except ValueError:
        return x509.DNSName(address)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, content: bytes) -> None:
    # mkstemp gives mode 0600 from the first moment on
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(name).replace(path)
