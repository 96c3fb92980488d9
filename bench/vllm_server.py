"""`python -m bench.vllm_server`: vLLM's own API server before an engine core that runs elsewhere; run by vLLM's Python.

What `vllm serve` does in each of its API servers when it has several (`--api-server-count`): there, too, the engine
core is not the server's child, and the server is told the addresses of its sockets. Options of `vllm serve` are passed
on.
"""

from __future__ import annotations

import argparse
import importlib


def main() -> None:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser(prog="python -m bench.vllm_server", description="vLLM's API server alone.")
    parser.add_argument("--requests", required=True, help="address to bind for what the engine is asked")
    parser.add_argument("--outputs", required=True, help="address to bind for what the engine says")
    given, rest = parser.parse_known_args()
    launchers = "vllm.entrypoints.launchers"
    options = importlib.import_module(f"{launchers}.cli_args")
    theirs = options.make_arg_parser(importlib.import_module("vllm.utils.argparse_utils").FlexibleArgumentParser())
    serving = theirs.parse_args(rest)
    options.validate_parsed_serve_args(serving)
    address, socket = importlib.import_module(f"{launchers}.launcher").setup_server(serving, reuse_port=False)
    engine = {
        "input_address": given.requests,
        "output_address": given.outputs,
        "client_count": 1,
        "client_index": 0,
    }
    importlib.import_module("vllm.v1.utils").run_api_server_worker_proc(address, socket, serving, engine)


if __name__ == "__main__":
    main()
