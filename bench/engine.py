"""`python -m bench engine`: the engine alone, through the gateway, and its peers, one after the other."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import uvloop

from bench import limits, servers
from bench.load.figures import Result, median
from bench.load.target import Target
from bench.machine import headline
from bench.model import folder
from bench.scenarios import OTHERS, STREAMS, scenario
from bench.tables import Tables

ROUNDS = 3
# Of one server: what each round gave, by scenario.
Rounds = dict[str, list[Result]]


async def visit(target: Target, names: Sequence[str], turn: int) -> dict[str, Result]:
    """Every scenario with one server; one that fails is said and left out."""
    found: dict[str, Result] = {}
    for name in names:
        try:
            found[name] = await scenario(name)(target, turn)
        except RuntimeError as error:
            print(f"  {name}: {error}", flush=True)
            continue
        print(f"  {name}: {', '.join(f'{key} {value:.2f}' for key, value in asdict(found[name]).items())}", flush=True)
    return found


def measure(contenders: Sequence[servers.Contender], names: Sequence[str], *, rounds: int) -> dict[str, Rounds]:
    """Round after round, so that what else the machine does meets all of them; only one server runs at a time."""
    found: dict[str, Rounds] = {contender.name: defaultdict(list) for contender in contenders}
    for turn in range(rounds):
        for contender in contenders:
            print(f"round {turn + 1}, {contender.name}", flush=True)
            with contender.start() as target, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                for name, result in runner.run(visit(target, names, turn)).items():
                    found[contender.name][name].append(result)
    return found


def contenders(options: argparse.Namespace, model: Path, stack: ExitStack) -> list[servers.Contender]:
    """Ours first."""

    def home() -> Path:
        return stack.enter_context(servers.folder())

    engine = json.loads(options.options)
    ours = {"engine": servers.alone, "gateway": servers.gateway}
    chosen = [make(model, engine, home()) for name, make in ours.items() if name in options.ours]
    peers = [servers.given(name, *where) for name, where in options.peer]
    if options.start_serve:
        peers.append(servers.transformers_serve(options.start_serve, model, home(), device=options.device))
    if options.start_vllm:
        peers.append(servers.vllm(options.start_vllm, model, home()))
    return chosen + peers


def summary(found: Mapping[str, Rounds]) -> dict[str, dict[str, Result]]:
    """The medians."""
    return {who: {name: median(results) for name, results in rounds.items()} for who, rounds in found.items()}


def main() -> None:
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))  # so that what was started is ended
    options = _parser().parse_args()
    model = folder(options.model)
    out = sys.stdout
    if options.json:
        sys.stdout = sys.stderr  # what is said on the way; the result alone goes where it can be read
    headline(f"Engine: {model.name}, greedy, {options.rounds} rounds, medians; the load client shares the machine")
    best = limits.measure(model)
    print(f"Reads {best.read / 1e9:.0f} GB/s, multiplies {best.flops / 1e9:,.0f} GFLOP/s (bfloat16)\n")
    with ExitStack() as stack:
        every = contenders(options, model, stack)
        names = [*map(str, options.streams), *options.also]
        found = measure(every, names, rounds=options.rounds)
    if options.json:
        out.write(json.dumps(_as_json(found, best), indent=1) + "\n")
    else:
        references = [one.name for one in every if one.reference]
        print("\n" + str(Tables(summary(found), references, best)))


def _as_json(found: Mapping[str, Rounds], best: limits.Limits) -> dict[str, Any]:
    rounds = {who: {name: [asdict(one) for one in each] for name, each in had.items()} for who, had in found.items()}
    medians = {who: {name: asdict(one) for name, one in had.items()} for who, had in summary(found).items()}
    return {"limits": asdict(best), "medians": medians, "rounds": rounds}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench engine", description=__doc__)
    parser.add_argument("--model", type=Path, help="folder with bf16 safetensors (default: the demo chat model)")
    parser.add_argument("--options", default="{}", metavar="JSON", help="options of our engine")
    parser.add_argument("--ours", nargs="*", choices=("engine", "gateway"), default=("engine", "gateway"))
    parser.add_argument(
        "--peer",
        type=_peer,
        action="append",
        default=[],
        metavar="NAME=URL[,MODEL]",
        help="a server that runs already, by its base URL (.../v1); its key in OPENAI_API_KEY; may be repeated",
    )
    parser.add_argument("--start-serve", type=Path, metavar="VENV", help="start `transformers serve` of it as a peer")
    parser.add_argument("--start-vllm", type=Path, metavar="VENV", help="start `vllm serve` of it as a peer")
    parser.add_argument("--device", default="cpu", help="of `transformers serve` (default: %(default)s)")
    parser.add_argument("--streams", type=int, nargs="*", default=STREAMS, help="at once (default: %(default)s)")
    parser.add_argument(
        "--also", nargs="*", choices=OTHERS, default=list(OTHERS), help="what else is measured (default: all)"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    return parser


def _peer(text: str) -> tuple[str, tuple[str, str]]:
    name, found, rest = text.partition("=")
    url, _, model = rest.partition(",")
    if not found or not url.startswith("http://"):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not NAME=URL[,MODEL], with a URL such as http://127.0.0.1:9102/v1"
        )
    return name, (url, model)


if __name__ == "__main__":
    main()
