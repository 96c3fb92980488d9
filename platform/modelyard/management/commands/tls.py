"""`modelyard tls`: certificates for TLS between the platform and its workers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from modelyard import certificates
from modelyard.errors import ModelyardError
from registry.management.command import YardCommand

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
ADDRESS = re.compile(r"[A-Za-z0-9.:-]{1,253}")


class Command(YardCommand):
    """Needs no installation: it may run anywhere, best where the CA's key stays."""

    help = "Make a certificate for a machine, and at the first time a CA for all of them."
    expected_errors = (*YardCommand.expected_errors, ModelyardError)
    examples = ("web 10.0.0.1", "gpu-2 10.0.0.5 gpu-2.example.org")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="What the machine is called: the files are NAME.pem and NAME-key.pem.")
        parser.add_argument("addresses", nargs="+", metavar="address", help="An address that its agent is reached by.")
        parser.add_argument("--dir", type=Path, default=Path("tls"), help="Where the CA is (default: tls).")
        parser.add_argument("--days", type=int, default=825, help="How long it is valid (default: 825).")

    def handle(self, *args: Any, **options: Any) -> None:
        name, addresses, folder = options["name"], options["addresses"], options["dir"].absolute()
        if not NAME.fullmatch(name) or name == "ca":
            raise CommandError(f"{name!r} cannot be a file's name: use letters, digits, dots and dashes, and not 'ca'.")
        if wrong := [address for address in addresses if not ADDRESS.fullmatch(address)]:
            raise CommandError(f"{wrong[0]!r} is not an address: say an IP address or a host name, without a port.")
        if not 0 < options["days"] <= certificates.CA_DAYS:
            raise CommandError(f"--days is a number from 1 to {certificates.CA_DAYS}.")
        certificate, key = certificates.issue(folder, name, addresses, days=options["days"])
        self.stdout.write(
            f"MODELYARD_WORKER_TLS_CA={folder / 'ca.pem'}\n"
            f"MODELYARD_WORKER_TLS_CERT={certificate}\n"
            f"MODELYARD_WORKER_TLS_KEY={key}"
        )
        self.stderr.write(
            f"Take these three files to {name}, and set these variables there for `modelyard up` or `modelyard agent`. "
            f"{folder / 'ca-key.pem'} signs for every machine: keep it where no model runs."
        )
