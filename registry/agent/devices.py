"""What this machine can offer: its GPUs by NVML, or else its memory as one CPU device."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

logger = logging.getLogger(__name__)

CPU_SHARE = 0.9  # of the machine's memory; the rest is for the system and for ourselves
MILLIWATT = 1e-3


@dataclass(frozen=True, slots=True)
class CardProcess:
    """A process that a driver lists on a card; its bytes are None where the driver does not tell."""

    pid: int
    bytes: int | None


@dataclass(frozen=True, slots=True)
class ObservedDevice:
    """A device as seen now; sizes in bytes, unknown figures None."""

    index: int
    kind: str
    uuid: str
    name: str
    memory_total_bytes: int
    memory_used_bytes: int | None = None
    utilization_percent: float | None = None
    temperature_c: float | None = None
    power_w: float | None = None
    simulated: bool = False
    processes: tuple[CardProcess, ...] = ()


def observe(*, gpus_expected: bool = False) -> list[ObservedDevice]:
    """The GPUs, or the CPU of a machine that has none. Nothing when there should be GPUs and the driver is silent."""
    return gpus() or ([] if gpus_expected else [_cpu()])


def _cpu() -> ObservedDevice:
    memory = psutil.virtual_memory()
    return ObservedDevice(
        index=0,
        kind="cpu",
        uuid="",
        name=_cpu_name(),
        memory_total_bytes=int(memory.total * CPU_SHARE),
        memory_used_bytes=memory.total - memory.available,
        utilization_percent=psutil.cpu_percent(interval=None),
    )


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "CPU")
    return f"{name}, {psutil.cpu_count() or 1} cores"[:120]


def gpus() -> list[ObservedDevice]:
    """What the driver answers for. A card that it lost is left out."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        count = pynvml.nvmlDeviceGetCount()
        return [gpu for index in range(count) if (gpu := _gpu(pynvml, index)) is not None]
    except pynvml.NVMLError as error:
        logger.warning("NVML stopped answering: %s", error)
        return []
    finally:
        pynvml.nvmlShutdown()


def _gpu(nvml: Any, index: int) -> ObservedDevice | None:
    try:
        return read_gpu(nvml, index)
    except nvml.NVMLError as error:
        logger.warning("GPU %s does not answer: %s", index, error)
        return None


def read_gpu(nvml: Any, index: int) -> ObservedDevice:
    """One card, by the functions of the module `pynvml`."""
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    return ObservedDevice(
        index=index,
        kind="cuda",
        uuid=nvml.nvmlDeviceGetUUID(handle),
        name=nvml.nvmlDeviceGetName(handle),
        memory_total_bytes=memory.total,
        memory_used_bytes=memory.used,
        utilization_percent=_reading(nvml, lambda: float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu)),
        temperature_c=_reading(nvml, lambda: float(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU))),
        power_w=_reading(nvml, lambda: float(nvml.nvmlDeviceGetPowerUsage(handle)) * MILLIWATT),
        processes=_processes(nvml, handle),
    )


def _processes(nvml: Any, handle: Any) -> tuple[CardProcess, ...]:
    """Those that compute and those that draw; some do both and are listed twice."""
    listed: dict[int, int | None] = {}
    for read in (nvml.nvmlDeviceGetComputeRunningProcesses, nvml.nvmlDeviceGetGraphicsRunningProcesses):
        try:
            found = read(handle)
        except nvml.NVMLError:
            continue
        for process in found:
            listed[process.pid] = _larger(listed.get(process.pid), process.usedGpuMemory)
    return tuple(CardProcess(pid, size) for pid, size in sorted(listed.items()))


def _larger(first: int | None, second: int | None) -> int | None:
    known = [size for size in (first, second) if size is not None]
    return max(known, default=None)


def _reading(nvml: Any, read: Callable[[], float]) -> float | None:
    """A figure that not every card gives."""
    try:
        return read()
    except nvml.NVMLError:
        return None
