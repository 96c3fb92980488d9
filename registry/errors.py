"""What can go wrong in the registry.

RegistryError
├── InvalidDesire          an operator asked for something that cannot be: one sentence says what to do instead
│   ├── NotFound           no such model, deployment, worker or node
│   └── NameTaken          something else has the name already
├── UndeclaredTransition   a bug: code tried a state change that the table does not have
├── Superseded             another writer was first; whoever gets this stops what it was doing
├── LaunchFailed           the agent could not start a process, with the reason for the row
└── LogUnavailable         a log cannot be read now, with the sentence that says why
"""

from __future__ import annotations


class RegistryError(Exception):
    """The root of the registry's errors."""


class InvalidDesire(RegistryError):
    """What was asked for cannot be; the message says what to do instead."""


class NotFound(InvalidDesire):
    """Nothing has this name; the message lists what there is."""


class NameTaken(InvalidDesire):
    """Something has this name already; the message says what to do."""


class UndeclaredTransition(RegistryError):
    """A state change that `states.TRANSITIONS` does not declare."""


class Superseded(RegistryError):
    """The row changed under the writer."""


class LaunchFailed(RegistryError):
    """A worker process could not be started; the message is the row's reason."""


class LogUnavailable(RegistryError):
    """A worker's log cannot be read now; the message says why and what comes later."""
