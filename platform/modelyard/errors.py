"""What can go wrong in the composition root. Every message is one sentence that a person can act on.

ModelyardError
├── BadArguments            the command line asks for something that cannot be
├── InstallationError       the data directory cannot be used
│   ├── NoInstallation      nothing was ever started there
│   └── BrokenInstallation  its files cannot be read or written
├── AlreadyRunning          another supervisor holds this data directory
├── NotRunning              there is no supervisor that could be told anything
├── PortTaken               somebody else listens where the web process should
├── CertificateTrouble      a certificate cannot be made or kept
├── StartFailed             a part of the platform did not come up
├── StopFailed              a part of the platform did not go down
└── PostgresError           the embedded Postgres
    ├── NoPostgres          no usable binaries on this machine
    ├── ClusterInUse        another Postgres runs on the same cluster
    ├── WrongVersion        the cluster was made by another major version
    └── PostgresFailed      initdb or the server ended with an error
"""

from __future__ import annotations


class ModelyardError(Exception):
    """The root of the composition root's errors."""


class BadArguments(ModelyardError):
    """The command line asks for something that cannot be."""


class InstallationError(ModelyardError):
    """The data directory cannot be used."""


class NoInstallation(InstallationError):
    """Nothing was ever started in this data directory."""


class BrokenInstallation(InstallationError):
    """The data directory's files cannot be read or written."""


class AlreadyRunning(ModelyardError):
    """Another supervisor holds this data directory."""


class NotRunning(ModelyardError):
    """Nothing of this installation runs that could be told anything."""


class PortTaken(ModelyardError):
    """Somebody else listens on the port that was asked for."""


class CertificateTrouble(ModelyardError):
    """A certificate cannot be made, or not be kept."""


class StartFailed(ModelyardError):
    """A part of the platform did not come up."""


class StopFailed(ModelyardError):
    """A part of the platform did not go down."""


class PostgresError(ModelyardError):
    """The embedded Postgres cannot do its work."""


class NoPostgres(PostgresError):
    """No usable Postgres binaries were found on this machine."""


class ClusterInUse(PostgresError):
    """Another Postgres server runs on the same cluster."""


class WrongVersion(PostgresError):
    """The cluster was made by another major version of Postgres."""


class PostgresFailed(PostgresError):
    """`initdb` or the server ended with an error."""
