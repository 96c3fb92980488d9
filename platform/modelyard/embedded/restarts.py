"""When a process that died is started again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """Back-off in seconds: doubled with each failure in a row, forgotten after a good run."""

    first_s: float = 1.0
    ceiling_s: float = 30.0
    good_run_s: float = 60.0

    def failures_in_a_row(self, before: int, *, ran_s: float) -> int:
        return 1 if ran_s >= self.good_run_s else before + 1

    def delay_s(self, failures: int) -> float:
        doublings = min(failures - 1, 30)  # beyond that a float only grows
        return min(self.first_s * 2.0**doublings, self.ceiling_s)
