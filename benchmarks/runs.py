"""Made pages in every format go through `detector scan` and `clean` as runs; rates, memory and spans are compared.

usage: make runs, or PYTHONPATH=benchmarks python benchmarks/runs.py [--pages 200000] [--jobs 2] [--only jsonl,parquet]

A run's rate is set against that of the parts it cannot do without: 1 / (1 / engine + 1 / bare), where the engine is
`scan_many` over pages in memory and bare is what `bare_formats` does. Rates are pages a second of processor time of all
processes, starting up included, so that other work on the machine counts little; engine and bare run in as many
processes side by side as the run has workers, before it and after it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import mean
from typing import Any

import bare_formats
import made_pages as making
from bare_formats import Bare

from detector import Detector, Page
from detector.formats import Record, find_sources, read_sources

#: Of formats that one worker reads as a whole there are so many files.
FILES = 8
#: Pages that the engine and the bare reading are measured on each time, in each process.
SAMPLE = 6000
MARKS = ("<!-- runs -->\n", "<!-- /runs -->")


@dataclass(frozen=True, slots=True)
class Format:
    """How pages are written for the measurement and read barely, and what share of the possible is the least.

    Without a `suffix` of its own a format is one file a page. HTML is held against the engine alone.
    """

    write: Callable[..., None]
    bare: Bare
    suffix: str = ""
    files: int = FILES
    least: float | None = None
    html: bool = False


FORMATS = {
    "txt": Format(making.write_pages, bare_formats.bare_files),
    "jsonl": Format(making.write_json_lines, bare_formats.bare_json_lines, ".jsonl", 1, 0.8),
    "jsonl.gz": Format(making.write_json_lines, bare_formats.bare_json_lines, ".jsonl.gz"),
    "jsonl.zst": Format(making.write_json_lines, bare_formats.bare_json_lines, ".jsonl.zst"),
    "parquet": Format(making.write_parquet, bare_formats.bare_parquet, ".parquet", least=0.8),
    "wet": Format(making.write_wet, bare_formats.bare_warc, ".warc.wet.gz", least=0.8),
    "warc": Format(making.write_warc, bare_formats.bare_warc, ".warc.gz"),
    "html": Format(making.write_pages, bare_formats.bare_files, html=True),
    "warc-html": Format(making.write_warc, bare_formats.bare_warc, ".warc.gz", least=0.7, html=True),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run took, and the rates beside it."""

    rate: float
    engine: float
    bare: float
    seconds: float
    early_mb: int
    most_mb: int

    @property
    def of_possible(self) -> float:
        """Return the share of the rate of engine and bare one after the other."""
        return self.rate * (1 / self.engine + 1 / self.bare)

    @property
    def of_engine(self) -> float:
        """Return the share of the engine's own rate."""
        return self.rate / self.engine

    def row(self, name: str, command: str) -> str:
        """Return the row of the table."""
        return (
            f"| {name} | {command} | {self.engine:,.0f} | {self.bare:,.0f} | {self.rate:,.0f} |"
            f" {self.of_possible:.2f} | {self.of_engine:.2f} | {self.seconds:.0f} | {self.early_mb} | {self.most_mb} |"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table and return the exit code: 1 where a share or a span is not as it should be."""
    parser = argparse.ArgumentParser(description="Measure runs over made pages in every format.")
    parser.add_argument("--pages", type=int, default=200_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default=",".join(FORMATS), help="formats, by their names in the table")
    parser.add_argument("--write", type=Path, metavar="DOCUMENT", help="put the table between the document's marks")
    asked = parser.parse_args(arguments)
    pages = list(making.made_pages(asked.pages))
    rows, failed, digests = [], [], dict[bool, set[str]]()
    for name in asked.only.split(","):
        with tempfile.TemporaryDirectory() as top:
            folder, count = Path(top), len(pages)
            given = prepared(FORMATS[name], pages, folder / "given")
            for command in ("scan", "clean"):
                measured = measure(command, FORMATS[name], folder / "given", folder / command, asked.jobs, count)
                rows.append(measured.row(name, command))
                print(rows[-1], flush=True)
                failed += too_slow(name, command, measured)
            digest = checked(folder, given)
        digests.setdefault(FORMATS[name].html, set()).add(digest)
    failed += ["spans or cleaned texts differ from format to format"] * any(len(each) > 1 for each in digests.values())
    print("\n".join(failed) or "spans and cleaned texts are the same in every format, and those of scan_many")
    if asked.write:
        write_table(asked.write, rows, f"{asked.pages:,} pages, {asked.jobs} workers")
    return int(bool(failed))


def too_slow(name: str, command: str, measured: Measured) -> list[str]:
    """Return what is wrong where the share is too small."""
    wanted = FORMATS[name]
    share = measured.of_engine if wanted.html and command == "scan" else measured.of_possible
    if wanted.least is None or share >= wanted.least:
        return []
    return [f"{name} {command}: a share of {share:.2f}, at least {wanted.least} is wanted"]


def prepared(format_: Format, pages: Sequence[Page], folder: Path) -> Sequence[Page]:
    """Write the pages in the format and return them as they are there."""
    folder.mkdir()
    given = [making.as_html(page) for page in pages] if format_.html else pages
    write_all(format_, folder, given)
    return given


def checked(folder: Path, given: Sequence[Page]) -> str:
    """Return the digest of what was found and written; exit where it is not what `scan_many` finds."""
    spans, texts = spans_by_page(folder / "scan"), texts_by_page(folder / "clean")
    for result in Detector.load().scan_many(given[:SAMPLE]):
        expected = [[span.start, span.end, span.label.value] for span in result.spans]
        if spans[result.id] != expected or texts[result.id] != digest_of(result.clean_text):
            raise SystemExit(f"{result.id} is not as scan_many finds it")
    if not len(spans) == len(texts) == len(given):
        raise SystemExit("pages are missing in the output")
    return digest_of(json.dumps([sorted(spans.items()), sorted(texts.items())]))


def write_all(format_: Format, folder: Path, pages: Sequence[Page]) -> None:
    """Write the pages as one file each, or as the format's files."""
    if not format_.suffix:
        format_.write(folder, pages, [".html"] if format_.html else [".txt", ".md"])
        return
    for number in range(format_.files):
        share = pages[number * len(pages) // format_.files : (number + 1) * len(pages) // format_.files]
        format_.write(folder / f"{number}{format_.suffix}", share)


def measure(command: str, format_: Format, folder: Path, out: Path, jobs: int, pages: int) -> Measured:
    """Run the command over a folder, between two measurements of the engine and of the bare reading."""
    source = min(folder.iterdir()) if format_.suffix else folder
    engines, bares = [], []

    def take_turn() -> None:
        engines.append(side_by_side(jobs, engine_rate, format_.html))
        bares.append(side_by_side(jobs, bare_rate, format_.bare, source, out.parent, command))

    take_turn()
    before, clock = processor_seconds(), time.monotonic()
    memory = call(command, folder, out, jobs)
    taken, seconds = processor_seconds() - before, time.monotonic() - clock
    take_turn()
    early = max(memory[: max(1, len(memory) // 3)])
    return Measured(pages / taken, mean(engines), mean(bares), seconds, early, max(memory))


def processor_seconds() -> float:
    """Return the processor time of all processes that were started and have ended."""
    theirs = resource.getrusage(resource.RUSAGE_CHILDREN)
    return theirs.ru_utime + theirs.ru_stime


def side_by_side(jobs: int, rate: Callable[..., float], *values: Any) -> float:
    """Return the mean of what so many processes measure at the same time."""
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        return mean(each.result() for each in [pool.submit(rate, *values, number) for number in range(jobs)])


def engine_rate(html: bool, _number: int) -> float:
    """Return the pages that `scan_many` takes a second, of pages that are in memory."""
    pages = list(making.made_pages(SAMPLE // 4 if html else SAMPLE))
    given = [making.as_html(page) for page in pages] if html else pages
    detector = Detector.load()
    list(detector.scan_many(given[:100]))
    began = time.process_time()
    count = sum(1 for _ in detector.scan_many(given))
    return count / (time.process_time() - began)


def bare_rate(bare: Bare, source: Path, top: Path, command: str, number: int) -> float:
    """Return the pages a second of reading the format and writing what the command writes."""
    bare(source, top / f"bare-{number}", command, 1)  # imports are no reading
    began = time.process_time()
    count = bare(source, top / f"bare-{number}", command, SAMPLE)
    return count / (time.process_time() - began)


def call(command: str, folder: Path, out: Path, jobs: int) -> list[int]:
    """Run the command; return the memory in MB of its largest process, taken again and again."""
    line = [sys.executable, "-m", "detector", command, str(folder), "-o", f"{out}/", "--jobs", str(jobs), "--quiet"]
    process = subprocess.Popen(line)
    memory = [0]
    while process.poll() is None:
        memory.append(max(map(resident_mb, family_of(process.pid))))
        time.sleep(0.2)
    if process.returncode:
        raise SystemExit(f"{' '.join(line)} ended with {process.returncode}")
    return memory


def family_of(process_id: int) -> list[int]:
    """Return a process and those that it started."""
    try:
        started = Path(f"/proc/{process_id}/task/{process_id}/children").read_text()
    except OSError:  # it has just ended
        started = ""
    return [process_id, *map(int, started.split())]


def resident_mb(process_id: int) -> int:
    """Return the memory that a process holds, 0 where it has ended."""
    try:
        pages = int(Path(f"/proc/{process_id}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20


def spans_by_page(folder: Path) -> dict[str, list[list[Any]]]:
    """Return what a run found, by pages' own names."""
    return {
        name_of(line["id"]): [[span["start"], span["end"], span["label"]] for span in line["spans"]]
        for shard in sorted(folder.glob("spans-*.jsonl"))
        for line in map(json.loads, shard.read_text(encoding="utf-8").splitlines())
    }


def texts_by_page(folder: Path) -> dict[str, str]:
    """Return the digests of the cleaned pages, by their own names."""
    records = (found for found in read_sources(find_sources([folder])) if isinstance(found, Record))
    return {name_of(found.page.id): digest_of(found.page.text) for found in records}


def name_of(page_id: str) -> str:
    """Return a made page's own name, whatever format it came from.

    >>> name_of("urn:made:page-7"), name_of("0000/page-7.html")
    ('page-7', 'page-7')
    """
    [name] = re.findall(r"page-\d+", page_id)
    return str(name)


def digest_of(text: str) -> str:
    """Return a text's digest."""
    return hashlib.sha256(text.encode()).hexdigest()


def write_table(path: Path, rows: Iterable[str], what: str) -> None:
    """Put the rows between the marks of a document; those of other formats stay if they were measured likewise."""
    head = (
        f"{what}. Rates are pages a second of processor time; memory is that of the largest process.\n\n"
        "| format | command | engine | bare | run | of the possible | of the engine | seconds |"
        " MB, first third | MB, most |\n|---|---|---|---|---|---|---|---|---|---|\n"
    )
    before, _, rest = path.read_text(encoding="utf-8").partition(MARKS[0])
    was, _, behind = rest.partition(MARKS[1])
    table = {_key(row): row for row in was.splitlines() if was.startswith(head) and _key(row)}
    table |= {_key(row): row for row in rows}
    lines = "".join(table[key] + "\n" for name in FORMATS for key in ((name, "scan"), (name, "clean")) if key in table)
    path.write_text(before + MARKS[0] + head + lines + MARKS[1] + behind, encoding="utf-8")


def _key(row: str) -> tuple[str, ...]:
    cells = tuple(cell.strip() for cell in row.split("|")[1:3])
    return cells if cells[:1] and cells[0] in FORMATS else ()


if __name__ == "__main__":
    sys.exit(main())
