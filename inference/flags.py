"""Flags for the options that people type most; every other option, and every engine's own, goes by --options."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inference.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag, the engine option that it sets, and what it takes: a type, or for a switch the value that it means."""

    name: str
    option: str
    takes: type[int] | type[float] | type[str] | bool
    help: str
    metavar: str = ""


FLAGS = (
    Flag("--revision", "revision", str, "branch, tag or commit of a model from a hub", "NAME"),
    Flag("--trust-remote-code", "trust_remote_code", True, "let Python code in the model's own folder run"),
    Flag("--dtype", "dtype", str, "auto, float32, float16 or bfloat16; default: what the weights are", "TYPE"),
    Flag("--load-8bit", "load_in_8bit", True, "shrink the linear layers to 8 bits (LLM.int8)"),
    Flag("--load-4bit", "load_in_4bit", True, "shrink the linear layers to 4 bits (nf4)"),
    Flag("--max-memory-per-gpu", "max_memory_per_gpu", str, "for weights and cache together, such as 20GiB", "SIZE"),
    Flag("--cpu-offload", "cpu_offload", True, "keep what the GPUs cannot hold in the machine's memory"),
    Flag("--threads", "threads", int, "threads that compute on the CPU; default: every core", "N"),
    Flag("--context-length", "context_length", int, "longest prompt and answer together, in tokens", "N"),
    Flag("--kv-cache-tokens", "kv_cache_tokens", int, "size of the key-value cache", "N"),
    Flag("--kv-cache-memory", "kv_cache_memory", float, "the same as a share of what the weights leave free", "SHARE"),
    Flag("--max-running", "max_running", int, "requests that are computed together", "N"),
    Flag("--max-queue", "max_queue", int, "requests that wait; more are refused with 429", "N"),
    Flag("--no-prefix-cache", "prefix_cache", False, "compute every prompt anew"),
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Give the parser a group of these flags."""
    group = parser.add_argument_group("options of the engine, as flags")
    for flag in FLAGS:
        if isinstance(flag.takes, bool):
            group.add_argument(flag.name, dest=flag.option, action="store_const", const=flag.takes, help=flag.help)
        else:
            group.add_argument(flag.name, dest=flag.option, type=flag.takes, metavar=flag.metavar, help=flag.help)


def merged(options: Mapping[str, Any], args: argparse.Namespace) -> dict[str, Any]:
    """The options with those of the flags. Raises `ConfigError` for one that is said twice and differently."""
    said = {flag.option: flag for flag in FLAGS if getattr(args, flag.option) is not None}
    for option, flag in said.items():
        value = getattr(args, option)
        if options.get(option, value) != value:
            raise ConfigError(f"{flag.name} says {value}, but --options says {options[option]} for '{option}'.")
    return {**options, **{option: getattr(args, option) for option in said}}
