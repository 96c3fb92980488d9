"""What a machine offers: GPUs as NVML tells of them, else its memory."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import psutil
import pynvml
import pytest

from registry.agent import devices
from registry.agent.devices import CardProcess
from registry.agent.spawn import visible_devices
from registry.models import Device

GIB = 2**30


class FakeNvml:
    """Two cards behind the functions that we call; the second has no power sensor."""

    NVMLError = pynvml.NVMLError
    NVML_TEMPERATURE_GPU = pynvml.NVML_TEMPERATURE_GPU

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802 - NVML's names
        return index

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Any:  # noqa: N802
        return SimpleNamespace(total=80 * GIB, used=handle * GIB)

    def nvmlDeviceGetUUID(self, handle: int) -> str:  # noqa: N802
        return f"GPU-{handle}"

    def nvmlDeviceGetName(self, handle: int) -> str:  # noqa: N802
        return "NVIDIA H100"

    def nvmlDeviceGetComputeRunningProcesses(self, handle: int) -> Any:  # noqa: N802
        return [SimpleNamespace(pid=7, usedGpuMemory=4 * GIB), SimpleNamespace(pid=8, usedGpuMemory=None)]

    def nvmlDeviceGetGraphicsRunningProcesses(self, handle: int) -> Any:  # noqa: N802
        if handle == 1:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        return [SimpleNamespace(pid=7, usedGpuMemory=5 * GIB)]

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> Any:  # noqa: N802
        return SimpleNamespace(gpu=37)

    def nvmlDeviceGetTemperature(self, handle: int, sensor: int) -> int:  # noqa: N802
        return 55

    def nvmlDeviceGetPowerUsage(self, handle: int) -> int:  # noqa: N802
        if handle == 1:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        return 120_500


def test_a_machine_without_gpus_offers_its_memory() -> None:
    [cpu] = devices.observe()
    assert cpu.kind == "cpu"
    assert 0 < cpu.memory_total_bytes < psutil.virtual_memory().total


@pytest.mark.parametrize(("index", "power_w"), [(0, 120.5), (1, None)])
def test_a_gpu_is_told_with_what_its_sensors_give(index: int, power_w: float | None) -> None:
    gpu = devices.read_gpu(FakeNvml(), index)
    assert (gpu.kind, gpu.uuid, gpu.memory_total_bytes, gpu.memory_used_bytes) == (
        "cuda",
        f"GPU-{index}",
        80 * GIB,
        index * GIB,
    )
    assert (gpu.utilization_percent, gpu.temperature_c, gpu.power_w) == (37, 55, power_w)


@pytest.mark.parametrize(("index", "held"), [(0, 5 * GIB), (1, 4 * GIB)])
def test_the_processes_on_a_card_are_listed_once_each(index: int, held: int) -> None:
    gpu = devices.read_gpu(FakeNvml(), index)
    assert gpu.processes == (CardProcess(7, held), CardProcess(8, None))


def test_a_machine_whose_gpus_fell_silent_offers_nothing_else_instead() -> None:
    assert devices.observe(gpus_expected=True) == []


def test_a_worker_sees_its_claimed_gpus_by_uuid_and_no_others() -> None:
    cards = [Device(kind="cuda", uuid="GPU-2"), Device(kind="cuda", uuid="GPU-0")]
    assert visible_devices(cards) == "GPU-2,GPU-0"
    assert visible_devices([Device(kind="cpu"), Device(kind="cuda", uuid="SIM-a-0", simulated=True)]) == ""
