"""Why a process ended, from what is left of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inference.protocol.causes import Cause
from registry.exits import ProcessEnd, end_of, explain_exit
from registry.hints import Facts
from tests.registry import factories

CRASH = ProcessEnd(code=1)
TRACEBACK = "Traceback (most recent call last):\n  File ...\n"


@pytest.mark.parametrize(
    ("end", "cause", "sentence"),
    [
        (ProcessEnd(code=-11), Cause.CRASHED, "killed by signal 11 (SIGSEGV)"),
        (ProcessEnd(code=-99), Cause.CRASHED, "killed by signal 99 (an unknown signal)"),
        (ProcessEnd(code=70), Cause.CRASHED, "the process ended with exit code 70"),
        (ProcessEnd(code=0), Cause.EXITED, "the process ended by itself although it should run"),
        (ProcessEnd(code=1, note="bye"), Cause.EXITED, "the process ended with exit code 1: bye"),
        (ProcessEnd(code=None), Cause.EXITED, "the process is gone and its exit code is not known"),
        (
            ProcessEnd(code=None, witnessed=False, note="the machine was restarted"),
            Cause.NODE_LOST,
            "the process ended while no agent was watching: the machine was restarted",
        ),
        (
            ProcessEnd(code=-9),
            Cause.KILLED,
            "killed by signal 9 (SIGKILL): by somebody on the machine, or by the kernel because memory ran out",
        ),
        (
            ProcessEnd(code=-9, evidence="host_memory", note="the kernel's out-of-memory killer ended it"),
            Cause.HOST_MEMORY,
            "killed by signal 9 (SIGKILL): the kernel's out-of-memory killer ended it",
        ),
        (
            ProcessEnd(code=1, log=f"{TRACEBACK}KeyError: 1", note="KeyError: 1"),
            Cause.CRASHED,
            "exit code 1: KeyError: 1",
        ),
    ],
)
def test_an_end_has_a_kind_and_a_sentence(end: ProcessEnd, cause: Cause, sentence: str) -> None:
    explained = explain_exit(end)
    assert explained.cause == cause
    assert explained.reason.endswith(sentence)
    assert explained.hint


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.", Cause.GPU_MEMORY),
        ("torch.cuda.OutOfMemoryError: Tried to allocate 20.00 MiB", Cause.GPU_MEMORY),
        ("RuntimeError: CUDA error: out of memory", Cause.GPU_MEMORY),
        ("RuntimeError: Found no NVIDIA driver on your system.", Cause.DRIVER_MISSING),
        ("torch.AcceleratorError: CUDA error: device-side assert triggered", Cause.CRASHED),
        ("ModuleNotFoundError: No module named 'bitsandbytes'", Cause.NOT_INSTALLED),
        ("ImportError: libnccl.so.2: cannot open shared object file", Cause.NOT_INSTALLED),
        ("OSError: [Errno 98] Address already in use", Cause.PORT_TAKEN),
        ("OSError: [Errno 28] No space left on device", Cause.DISK_FULL),
        ("MemoryError", Cause.HOST_MEMORY),
        ("RuntimeError: DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.", Cause.HOST_MEMORY),
        ("Killed", Cause.HOST_MEMORY),
        ("ValueError: … set the option `trust_remote_code=True` to run it", Cause.REMOTE_CODE),
        ("safetensors_rust.SafetensorError: Error while deserializing header", Cause.FILES_CORRUPT),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/m'", Cause.FILES_MISSING),
    ],
)
def test_the_end_of_a_log_says_what_the_worker_could_not_report(line: str, cause: Cause) -> None:
    explained = explain_exit(replace(CRASH, log=f"{TRACEBACK}{line}\nresource_tracker: leaked"))
    assert (explained.cause, explained.reason) == (cause, f"the process ended with exit code 1: {line}")


def test_a_worker_s_own_last_words_come_before_what_else_is_in_its_log() -> None:
    words = "The memory of the GPU ran out. Lower the option 'context_length'."
    log = f"MemoryError\n12:00 INFO inference.worker: Cause: gpu_memory\npython -m inference: {words}"
    explained = explain_exit(replace(CRASH, log=log))
    assert (explained.cause, explained.reason) == ("gpu_memory", f"the process ended with exit code 1: {words}")


def test_arguments_that_cannot_be_are_an_option_s_fault() -> None:
    end = ProcessEnd(code=2, log="python -m inference: argument --port: 'x' is not a port.")
    assert explain_exit(end).cause == Cause.OPTIONS


def test_an_error_that_was_overcome_long_ago_explains_nothing() -> None:
    assert explain_exit(replace(CRASH, log="MemoryError\n" + "INFO serving\n" * 50)).cause == Cause.EXITED


def test_the_log_of_a_process_that_was_killed_does_not_say_why() -> None:
    last = "12:00 ERROR a request failed: CUDA out of memory"
    explained = explain_exit(ProcessEnd(code=-9, log=last, note=last))
    assert explained.cause == Cause.KILLED
    assert "memory ran out" in explained.reason
    assert "request failed" not in explained.reason


def test_what_the_agent_knows_of_a_kill_is_told() -> None:
    explained = explain_exit(ProcessEnd(code=-9, note="killed by the agent, since its launch was over"))
    assert explained.reason == "killed by signal 9 (SIGKILL): killed by the agent, since its launch was over"


def test_an_end_that_was_ordered_is_no_failure() -> None:
    explained = explain_exit(ProcessEnd(code=0, ordered=True))
    assert (explained.cause, explained.reason, explained.hint) == ("", "the process ended", "")


def test_the_hint_has_the_launch_s_numbers() -> None:
    facts = Facts(device="a:0", claimed=20 * 2**30, total=24 * 2**30, weights=16 * 2**30, cache=8 * 2**30, context=8192)
    assert explain_exit(replace(CRASH, evidence="gpu_memory", facts=facts)).hint == (
        "Lower context_length from 8192 to 5632, or load the model in 8 bit (the weights take 16 GiB), "
        "or give it more memory or another card (it claimed 20 GiB of a:0's 24 GiB)."
    )


@pytest.mark.database
@pytest.mark.django_db
def test_a_row_has_all_that_the_explanation_needs() -> None:
    made = factories.deployment(memory_bytes=2**30, options={"context_length": 512})
    worker = factories.worker(made, factories.device(factories.node()), exit_code=1, log_tail="MemoryError")
    end = end_of(worker)
    assert (end.code, end.log, end.ordered, end.facts.context) == (1, "MemoryError", False, 512)
    assert (end.facts.device, end.facts.claimed, end.facts.total) == ("node-a:0", 4 * 2**30, 80 * 2**30)
    assert "Stop another model on node-a" in explain_exit(end).hint


def test_a_line_that_tells_of_work_is_not_the_reason() -> None:
    note = "2026-11-21 22:51:02,118 INFO inference.lifecycle: READY after 0.0 s as LOADING"
    explained = explain_exit(ProcessEnd(code=70, note=note, log=note))
    assert (explained.cause, explained.reason) == (Cause.CRASHED, "the process ended with exit code 70")
