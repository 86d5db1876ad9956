"""Numbers of pages come in; what `detector scan` takes for JSON lines of them, in time and memory, goes out."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

from made_pages import made_pages, write_json_lines

from detector import Detector, Page

#: How often the memory of a process is read, in seconds.
_TICK = 0.05


def share_of_the_possible(pages: int, *, rounds: int = 3) -> dict[str, float]:
    """Return the rate of JSON lines in to JSON lines out beside those of its parts, in pages a second.

    The parts: the engine alone (`scan_many` over texts in memory), and ``json.loads`` of every line with ``json.dumps``
    of a result. What is possible is 1 / (1 / engine + 1 / json); all three take turns. The whole is one process that
    does what `detector scan FILE -o FILE` does.
    """
    from detector.formats import NewFile, Record, Scanned, find_sources, read_sources, scan_records
    from detector.outputs import JsonLines

    detector = Detector.load()
    with tempfile.TemporaryDirectory() as scratch:
        path, out = Path(scratch) / "pages.jsonl", str(Path(scratch) / "spans.jsonl")
        write_json_lines(path, made_pages(pages))
        texts = [page.text for page in made_pages(pages)]

        def engine() -> None:
            for _ in detector.scan_many(texts):
                pass

        def bare_json() -> None:
            with path.open("rb") as lines, open(out, "wb") as sink:
                for line in lines:
                    sink.write(_result_line(json.loads(line)))

        def whole() -> None:
            writer = JsonLines(detector.bundle_name)
            with NewFile(out) as sink:
                sink.write(writer.head())
                for scanned in scan_records(detector, read_sources(find_sources([str(path)]))):
                    assert isinstance(scanned, Scanned)
                    assert isinstance(scanned.record, Record)
                    sink.write(writer.page(scanned.record, scanned.result))
                sink.write(writer.tail())

        parts: dict[str, Callable[[], None]] = {"engine": engine, "json": bare_json, "whole": whole}
        seconds: dict[str, list[float]] = {name: [] for name in parts}
        for _ in range(rounds):
            for name, run in parts.items():
                start = time.perf_counter()
                run()
                seconds[name].append(time.perf_counter() - start)
    rounds_of = zip(*seconds.values(), strict=True)
    share = statistics.median((engine_s + json_s) / whole_s for engine_s, json_s, whole_s in rounds_of)
    return {**{name: pages / statistics.median(each) for name, each in seconds.items()}, "share": share}


def _result_line(fields: dict[str, str]) -> bytes:
    name, chars = fields["id"], len(fields["text"])
    line = {"id": name, "source": "a", "chars": chars, "verdict": "clean", "spans": [], "bundle": "default"}
    return json.dumps(line).encode() + b"\n"


def memory_curve(pages: int) -> dict[str, float]:
    """Return the memory of `detector scan` over so many pages, in MB, the peak of each tenth of it, and its rate."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "pages.jsonl"
        write_json_lines(path, made_pages(pages))
        line = [sys.executable, "-m", "detector", "scan", str(path), "-o", f"{scratch}/spans.jsonl", "--quiet"]
        start = time.perf_counter()
        process = subprocess.Popen(line)
        seen: list[float] = []
        while process.poll() is None:
            seen.append(resident_mb(process.pid))
            time.sleep(_TICK)
        took = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"{' '.join(line)} ended with {process.returncode}")
    tenths = [max(seen[len(seen) * n // 10 : len(seen) * (n + 1) // 10] or [0.0]) for n in range(10)]
    return {"pages_s": pages / took, "peak_mb": max(seen), **{f"tenth {n + 1}": mb for n, mb in enumerate(tenths)}}


def workers_rate(pages: int, jobs: Iterable[int] = (1, 2)) -> dict[str, float]:
    """Return the pages a second of a run over JSON lines by so many workers; starting is counted."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "pages.jsonl"
        write_json_lines(path, made_pages(pages))
        found = {}
        for number in jobs:
            line = [sys.executable, "-m", "detector", "scan", str(path), "-o", f"{scratch}/run{number}/"]
            start = time.perf_counter()
            subprocess.run([*line, "--jobs", str(number), "--quiet"], check=True)
            found[f"{number}"] = pages / (time.perf_counter() - start)
    return found


def length_curve(detector: Detector, sizes: Iterable[int], *, spam_share: float = 0.03) -> dict[str, float]:
    """Return the nanoseconds a byte of one page in one line, by its bytes of UTF-8."""
    texts = [page.text for page in islice(made_pages(2_000, seed=5, spam_share=spam_share), 400)]
    line = " ".join(texts).replace("\n", " ").encode()
    found = {}
    for size in sizes:
        text = (line * (size // len(line) + 1))[:size].decode(errors="ignore")
        repeats = max(1, min(200, 2_000_000 // size))
        start = time.perf_counter()
        for _ in range(repeats):
            next(detector.scan_many([Page(text)]))
        found[f"{size}"] = 1e9 * (time.perf_counter() - start) / repeats / size
    return found


def resident_mb(process_id: int) -> float:
    """Return the memory of a process in MB, 0 where it has ended."""
    try:
        pages = int(Path(f"/proc/{process_id}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
