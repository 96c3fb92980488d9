"""TLS between the platform and its workers: the one place that makes contexts for both sides.

A machine has one certificate, for both ways: its workers show it to whoever connects, and whoever asks workers from
this machine shows it to them. It is valid for the address in the workers' URLs, which is the node's.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

# Flights of a handshake between two ends that are both here.
_FLIGHTS = 8


class TlsUnusable(Exception):
    """The files cannot be used, or do not fit each other; the text says which and why."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files of one machine: whom it trusts, the certificate chain that it shows, and that one's key."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    def server(self) -> ssl.SSLContext | None:
        """For a worker. Without a certificate: none. With a CA, only who shows one of its certificates is let in."""
        if self.cert is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if self.ca is not None:
            context.verify_mode = ssl.CERT_REQUIRED
        return self._loaded(context)

    def client(self) -> ssl.SSLContext | None:
        """For who asks workers: it trusts the CA alone. None: nothing is set, so what the machine trusts is good."""
        if self.ca is None and self.cert is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self.ca is None:
            context.load_default_certs()
        return self._loaded(context)

    def _loaded(self, context: ssl.SSLContext) -> ssl.SSLContext:
        context.minimum_version = ssl.TLSVersion.TLSv1_3  # both ends are ours
        if self.ca is not None:
            try:
                context.load_verify_locations(self.ca)
            except OSError as error:
                raise TlsUnusable(f"{self.ca} is not a CA's certificate in PEM ({reason(error)}).") from error
        if self.cert is not None and self.key is not None:
            try:
                # A key with a password would ask for it on the terminal.
                context.load_cert_chain(self.cert, self.key, password=lambda: b"")
            except OSError as error:
                raise TlsUnusable(
                    f"{self.cert} and {self.key} are not a certificate and its key in PEM, without password "
                    f"({reason(error)})."
                ) from error
        return context


def rehearse(files: TlsFiles, host: str) -> None:
    """Shake hands with ourselves, in memory, as the gateway will by this address.

    What it would refuse is found before anybody is served: an end of validity, another CA, another name. Raises
    `TlsUnusable`. Without a CA of our own nobody knows here whom the gateway trusts.
    """
    server, client = files.server(), files.client()
    if server is None or client is None or files.ca is None:
        return
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (client.wrap_bio(down, up, server_hostname=host), server.wrap_bio(up, down, server_side=True))
    try:
        for _ in range(_FLIGHTS):
            met = [_shaken(end) for end in ends]
            if all(met):
                return
    except ssl.SSLError as error:
        raise TlsUnusable(f"{files.cert} is not good for {host} by {files.ca}: {reason(error)}.") from error


def reason(error: OSError) -> str:
    """Why TLS did not come about, as OpenSSL words it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message.rstrip(".")
    if isinstance(error, ssl.SSLError):
        return (error.reason or str(error)).lower().replace("_", " ")
    return error.strerror or str(error)


def _shaken(end: ssl.SSLObject) -> bool:
    try:
        end.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True
