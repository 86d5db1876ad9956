"""Fresh processes come in, in turn; what starting costs above a Python that does nothing goes out, in milliseconds."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from detector.model import WEIGHTS, find_bundle, load_bundle

_FIRST_SPAN = "from detector import Detector; import sys; assert Detector.load().scan(open(sys.argv[1]).read()).spans"


def starting_times(page: str, *, rounds: int = 11) -> dict[str, dict[str, float]]:
    """Return the median milliseconds of each kind of start; all but "bare" are above it, in the same round.

    By the clock, and of processor time, which a busy machine changes less.
    """
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "page.txt"
        path.write_text(page, encoding="utf-8")
        python = [sys.executable, "-c"]
        commands = {
            "bare": [*python, "pass"],
            "import numpy": [*python, "import numpy"],
            "detector --version": [sys.executable, "-m", "detector", "--version"],
            "first span, library": [*python, _FIRST_SPAN, str(path)],
            "first span, command": [sys.executable, "-m", "detector", "scan", str(path)],
        }
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for number in range(rounds + 1):  # the first fills the caches of bytecode and files
            for name, command in commands.items():
                took = _run(command)
                if number:
                    seconds[name].append(took)
    return {
        name: {
            kind: 1e3
            * statistics.median(_above([each[at] for each in took], [each[at] for each in seconds["bare"]], name))
            for at, kind in enumerate(("clock", "processor"))
        }
        for name, took in seconds.items()
    }


def _above(took: list[float], bare: list[float], name: str) -> list[float]:
    return took if name == "bare" else [ours - theirs for ours, theirs in zip(took, bare, strict=True)]


def _run(command: list[str]) -> tuple[float, float]:
    """Return the seconds of a command, by the clock and of processor time."""
    # As where the package is installed: bytecode is cached. One thread of BLAS, as the command asks for itself.
    settings = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    settings.pop("PYTHONDONTWRITEBYTECODE", None)
    start, used = time.perf_counter(), _processor_seconds()
    subprocess.run(command, check=True, capture_output=True, env=settings)
    return time.perf_counter() - start, _processor_seconds() - used


def _processor_seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def loading_times(*, rounds: int = 9) -> dict[str, float]:
    """Return the median milliseconds of loading the bundle, and of `np.load` of the same file."""
    path = find_bundle() / WEIGHTS
    ours, floor = [], []
    for _ in range(rounds):
        start = time.perf_counter()
        load_bundle()
        ours.append(time.perf_counter() - start)
        start = time.perf_counter()
        with np.load(path, allow_pickle=False) as arrays:
            for name in arrays.files:
                arrays[name]
        floor.append(time.perf_counter() - start)
    return {"load_bundle": 1e3 * statistics.median(ours), "np.load": 1e3 * statistics.median(floor)}
