"""Under which account Postgres runs: it refuses to be root."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

PREFERRED = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged account that root starts a program as."""

    uid: int
    gid: int

    @classmethod
    def for_postgres(cls, cluster: Path) -> Account | None:
        """None: we are not root and stay who we are. The owner of a cluster that is there goes first."""
        if os.geteuid() != 0:
            return None
        if cluster.is_dir() and (owner := cluster.stat()).st_uid != 0:
            return cls(owner.st_uid, owner.st_gid)
        return cls._first_known()

    @classmethod
    def _first_known(cls) -> Account:
        for name in PREFERRED:
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(entry.pw_uid, entry.pw_gid)
        return cls(65_534, 65_534)  # the kernel's own "nobody", for images without a passwd entry

    def can_enter(self, folder: Path) -> bool:
        """Whether it may pass through `folder` and all above it."""
        return all(self._can_pass(step.stat()) for step in (folder, *folder.parents))

    def _can_pass(self, status: os.stat_result) -> bool:
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.gid:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)
