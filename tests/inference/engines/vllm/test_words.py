"""What vLLM's log means. The lines are its own, of 0.32."""

from __future__ import annotations

import pytest

from inference.engines.external.child import Ending
from inference.engines.external.reasons import explain
from inference.engines.vllm.words import LANGUAGE, progress
from inference.protocol.causes import Cause

ERROR = "(EngineCore pid=25646) ERROR 11-21 09:59:53 [core.py:1510] "
LENGTH = (
    "  Value error, User-specified max_model_len (99999) is greater than the derived max_model_len "
    "(max_position_embeddings=8192.0 or model_max_length=None in model's config.json). To allow overriding this"
)
CACHE = "ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization`."
ROOM = (
    "RuntimeError: Worker failed with error 'Available memory on node 0 (13.52/17.46 GiB) on kv cache allocation is "
    "less than requested memory for kv (900.0 GiB). Decrease --kv-cache-memory-bytes, or', please check the stack"
)
MODULE = "ModuleNotFoundError: No module named 'torchvision'"
INSPECTED = (
    "  Value error, Model architectures ['LlavaForConditionalGeneration'] failed to be inspected. Please check the "
    "logs for more details. [type=value_error, input_value=ArgsKwargs((), {'model': ...nderer_num_workers': 1})"
)
VAGUE = "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}"


@pytest.mark.parametrize(
    ("line", "percent", "detail"),
    [
        (
            "(APIServer pid=1) INFO 11-21 09:52:15 [api_utils.py:286] non-default args: {}",
            5,
            "reading the configuration",
        ),
        (
            "(Worker pid=2) INFO 11-21 09:52:34 [cpu_model_runner.py:68] Starting to load model /m...",
            20,
            "loading weights",
        ),
        ("Loading safetensors checkpoint shards:  50% Completed | 1/2 [00:00<00:00,  1.19it/s]", 30, "loading weights"),
        ("(Worker pid=2) INFO 11-21 [cpu_model_runner.py:87] Warming up model for the compilation...", 45, "compiling"),
    ],
)
def test_phrases_tell_how_far_loading_is(line: str, percent: int, detail: str) -> None:
    now = progress(line)
    assert now is not None
    assert (now.percent, now.detail) == (percent, detail)


def test_other_lines_tell_nothing() -> None:
    assert progress("(Worker pid=2) WARNING 11-21 09:52:34 [vllm.py:725] Model Runner V2 requires Triton") is None


@pytest.mark.parametrize(
    ("lines", "cause", "words"),
    [
        (["vllm: error: unrecognized arguments: --no-such-thing"], Cause.OPTIONS, "unrecognized arguments: --no-such"),
        (
            ["vllm serve: error: argument --dtype: invalid choice: 'x'"],
            Cause.OPTIONS,
            "argument --dtype: invalid choice",
        ),
        ([LENGTH], Cause.OPTIONS, "max_model_len (99999) is greater than the derived"),
        ([ERROR + CACHE, CACHE, VAGUE], Cause.GPU_MEMORY, "No available memory for the cache blocks"),
        ([ERROR + ROOM, VAGUE], Cause.HOST_MEMORY, "less than requested memory for kv (900.0 GiB)."),
        (["OSError: [Errno 98] Address already in use"], Cause.PORT_TAKEN, "Address already in use"),
        (["  Value error, Cannot find the config file for awq [type=value_error, input"], Cause.OPTIONS, "for awq."),
        (["torch.OutOfMemoryError: CUDA out of memory. Tried"], Cause.GPU_MEMORY, "CUDA out of memory"),
        (["RuntimeError: Failed to infer device type"], Cause.DRIVER_MISSING, "Failed to infer device type"),
        ([ERROR + MODULE, INSPECTED], Cause.NOT_INSTALLED, "No module named 'torchvision'."),
        ([INSPECTED], Cause.ARCHITECTURE, "['LlavaForConditionalGeneration'] failed to be inspected"),
        ([ERROR + "KeyError: 'x'", VAGUE], Cause.CRASHED, "KeyError: 'x'."),
        ([VAGUE, "bye"], Cause.CRASHED, "Engine core initialization failed"),
        ([], Cause.CRASHED, "ended with exit code 1."),
    ],
)
def test_last_words_tell_why_it_ended(lines: list[str], cause: Cause, words: str) -> None:
    failure = explain(LANGUAGE, Ending(1, tuple(lines)))
    assert failure.cause is cause
    assert failure.reason.startswith("vLLM ended with exit code 1")
    assert words in failure.reason
    assert failure.hint or not lines


def test_a_signal_from_outside_is_the_reason_whatever_the_log_says() -> None:
    failure = explain(LANGUAGE, Ending(-9, (CACHE,)))
    assert (failure.reason, failure.cause) == ("vLLM was killed by signal 9 (SIGKILL).", Cause.KILLED)
    assert explain(LANGUAGE, Ending(-11, ("bye",))).reason == "vLLM was killed by signal 11 (SIGSEGV): bye."
