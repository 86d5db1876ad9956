"""Made pages come in, as JSON lines and as a folder of texts; how many times as fast two workers are goes out.

usage: make workers, or PYTHONPATH=benchmarks python benchmarks/workers.py [--pages 60000] [--rounds 3] [--least 1.7]

One worker and more take turns, and the time on the clock is compared, starting up included: it needs as many idle cores
as there are workers, and says how busy they were.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from made_pages import made_pages, write_json_lines, write_pages


def seconds_of(command: str, folder: Path, out: Path, jobs: int) -> float:
    """Return how long a run takes."""
    line = [sys.executable, "-m", "detector", command, str(folder), "-o", f"{out}/", "--jobs", str(jobs), "--quiet"]
    began = time.perf_counter()
    subprocess.run(line, check=True)
    return time.perf_counter() - began


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds, print the ratios and return the exit code: 1 where a scan is not `--least` times as fast."""
    parser = argparse.ArgumentParser(description="Measure how many times as fast more workers are.")
    parser.add_argument("--pages", type=int, default=60_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--least", type=float, help="exit with 1 where a scan is not so many times as fast")
    asked = parser.parse_args(arguments)
    slow = False
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        (top / "jsonl").mkdir()
        write_json_lines(top / "jsonl" / "pages.jsonl", made_pages(asked.pages))
        write_pages(top / "txt", made_pages(asked.pages), [".txt"])
        for folder, command in (("jsonl", "scan"), ("jsonl", "clean"), ("txt", "scan"), ("txt", "clean")):
            ratios = []
            for number in range(asked.rounds):
                taken = [
                    seconds_of(command, top / folder, top / f"{folder}-{command}-{number}-{jobs}", jobs)
                    for jobs in (1, asked.jobs)
                ]
                ratios.append(taken[0] / taken[1])
            ratio = statistics.median(ratios)
            told = ", ".join(f"{each:.2f}" for each in ratios)
            print(
                f"{folder:6}{command:6}{asked.jobs} workers are {ratio:.2f} times as fast as one ({told})", flush=True
            )
            slow = slow or (asked.least is not None and command == "scan" and ratio < asked.least)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
