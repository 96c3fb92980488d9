"""Kinds of failures: what a worker reports of itself, and what the platform finds out about it."""

from __future__ import annotations

import enum


class Cause(enum.StrEnum):
    """Why a launch failed, for programs; the reason and the hint beside it are for people."""

    GPU_MEMORY = "gpu_memory"
    HOST_MEMORY = "host_memory"
    FILES_MISSING = "files_missing"
    FILES_CORRUPT = "files_corrupt"
    DOWNLOAD = "download"  # the hub cannot be reached, or does not give the model
    ARCHITECTURE = "architecture"  # the library does not know the model, or cannot serve its kind
    REMOTE_CODE = "remote_code"  # the model brings code of its own, which is not trusted
    OPTIONS = "options"  # an engine option that is unknown or cannot be
    PORT_TAKEN = "port_taken"
    DRIVER_MISSING = "driver_missing"
    DISK_FULL = "disk_full"
    NOT_INSTALLED = "not_installed"  # the engine's packages
    KILLED = "killed"  # by a signal from outside
    CRASHED = "crashed"  # by a signal of its own making, or a bug
    HUNG = "hung"
    TIMEOUT = "timeout"  # start or load took too long
    NODE_LOST = "node_lost"
    SPAWN = "spawn"  # the process could not be started at all
    EXITED = "exited"  # it ended without saying why
