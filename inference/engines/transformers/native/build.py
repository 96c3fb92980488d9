"""Compiling the kernels for this machine's CPU, once; later starts find them in the cache folder."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

_SOURCES = Path(__file__).with_name("kernels")
_FLAGS = ("-O3", "-march=native", "-std=gnu11", "-fno-strict-aliasing", "-fopenmp", "-shared", "-fPIC")
# Seconds; it takes one or two.
_PATIENCE_S = 120.0
# What decides whether code for one CPU runs on another.
_CPU_LINES = ("model name", "flags", "Features", "CPU part")

logger = logging.getLogger(__name__)


def compiled(cache_dir: Path, *, bfloat16: bool) -> Path | None:
    """The shared library for a type of weights; None, with a line in the log, when it cannot be made here."""
    compiler = find_compiler()
    if compiler is None:
        logger.warning("There is no C compiler (gcc or clang) on this machine, so the model runs slower without it.")
        return None
    flags = (*_FLAGS, *(["-DBFLOAT16"] if bfloat16 else []))
    path = cache_dir / "kernels" / f"decoder-{_key(compiler, flags)}.so"
    return path if path.exists() or _compile(compiler, flags, path) else None


def find_compiler() -> str | None:
    """The C compiler: what CC names, else gcc, clang or cc."""
    for name in (os.environ.get("CC", ""), "gcc", "clang", "cc"):
        if name and (path := shutil.which(name)):
            return path
    return None


def _key(compiler: str, flags: tuple[str, ...]) -> str:
    parts = [*flags, _version(compiler), _cpu()]
    parts += [path.read_text() for path in sorted(_SOURCES.iterdir())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]


def _version(compiler: str) -> str:
    return subprocess.run([compiler, "--version"], capture_output=True, text=True, check=False).stdout


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
    except OSError:
        return ""
    return "\n".join(line for line in lines if line.startswith(_CPU_LINES))


def _compile(compiler: str, flags: tuple[str, ...], path: Path) -> bool:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Under another name until it is whole: several workers may start at once.
    handle, draft = tempfile.mkstemp(suffix=".so", dir=path.parent)
    os.close(handle)
    command = [compiler, *flags, str(_SOURCES / "decoder.c"), "-o", draft, "-lm"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_PATIENCE_S)
        if done.returncode == 0:
            Path(draft).chmod(0o755)
            Path(draft).replace(path)
            return True
        logger.warning("The kernels cannot be compiled here, so the model runs slower:\n%s", done.stderr.strip())
    except (OSError, subprocess.TimeoutExpired) as error:
        logger.warning("The kernels cannot be compiled here, so the model runs slower: %s", error)
    Path(draft).unlink(missing_ok=True)
    return False
