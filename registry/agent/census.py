"""Every process of this machine at one moment: what the ended workers of a whole node left behind, in one walk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from registry.agent import processes
from registry.agent.identity import LAUNCH_VARIABLE, ProcessIdentity
from registry.agent.processes import ProcessStat, boot_id

MARK = f"{LAUNCH_VARIABLE}="


@dataclass(frozen=True, slots=True)
class Census:
    """Living processes by pid, and the pids that inherited a launch id."""

    stats: Mapping[int, ProcessStat]
    heirs: Mapping[str, Sequence[int]]

    @classmethod
    def take(cls) -> Census:
        stats = processes.living()
        heirs: defaultdict[str, list[int]] = defaultdict(list)
        for pid in stats:
            for line in processes.environment(pid):
                if line.startswith(MARK):
                    heirs[line.removeprefix(MARK)].append(pid)
        return cls(stats, heirs)

    def of_launch(self, launch_id: str) -> set[ProcessIdentity]:
        """Every process that inherited this launch id, also those that left the worker's session."""
        return {self._identity(pid) for pid in self.heirs.get(launch_id, ())}

    def of_session(self, leader: ProcessIdentity) -> set[ProcessIdentity]:
        """What lives in the session that this process leads or led, without the process itself."""
        if leader.boot_id != boot_id():
            return set()
        members = processes.session(self.stats, leader.pid, started=leader.started)
        return {self._identity(member.pid) for member in members}

    def _identity(self, pid: int) -> ProcessIdentity:
        return ProcessIdentity(boot_id(), pid, self.stats[pid].started)
