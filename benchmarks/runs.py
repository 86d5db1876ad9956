"""Made pages in every format go through `detector scan` and `clean` as runs; rates, memory and the spans are compared.

A run's rate is set against that of the parts it cannot do without: 1 / (1 / engine + 1 / bare), where the engine is
`scan_many` over texts in memory, and bare is reading the format and writing what the command writes, with the library
of that format alone. Rates are pages a second of processor time, so that other work on the machine counts little.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from made_pages import made_pages, write_json_lines, write_parquet, write_text, write_wet

from detector import Detector

FILES = 8
FORMATS = ("jsonl", "parquet", "wet")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=200_000)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        make(top, asked.pages)
        engine = engine_rate(min(asked.pages, 20_000))
        print(f"engine: {engine:,.0f} pages a second of processor time")
        digests = {}
        for format_ in FORMATS:
            for command in ("scan", "clean"):
                bare = bare_rate(top / format_, format_, command, top)
                out = top / f"{format_}-{command}"
                found, seconds, peak = run(command, top / format_, out, asked.jobs, asked.pages)
                share = found / (1 / (1 / engine + 1 / bare))
                print(
                    f"{format_:8} {command:6} run {found:>8,.0f}  bare {bare:>9,.0f}  share of the possible {share:.2f}"
                    f"  {seconds:6.1f} s with {asked.jobs} workers, {peak} MB in the largest process"
                )
            digests[format_] = digest_of(top / f"{format_}-scan")
        run("scan", top / "text", top / "text-scan", asked.jobs, asked.pages)
        digests["text"] = digest_of(top / "text-scan")
        print("same spans in every format:", len(set(digests.values())) == 1)


def make(top: Path, count: int) -> None:
    """Write the pages in every format: as a file of JSON lines, as files of the others, and as texts."""
    for name in (*FORMATS, "text"):
        (top / name).mkdir()
    pages = list(made_pages(count))
    write_json_lines(top / "jsonl" / "pages.jsonl", pages)
    for number in range(FILES):
        share = pages[number * count // FILES : (number + 1) * count // FILES]
        write_parquet(top / "parquet" / f"{number}.parquet", share)
        write_wet(top / "wet" / f"{number}.warc.wet.gz", share)
    write_text(top / "text", pages)


def processor_seconds() -> float:
    ours, theirs = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return ours.ru_utime + ours.ru_stime + theirs.ru_utime + theirs.ru_stime


def engine_rate(pages: int) -> float:
    """Return the pages that `scan_many` takes a second, of texts that are in memory."""
    detector, texts = Detector.load(), [page.text for page in made_pages(pages)]
    list(detector.scan_many(texts[:100]))
    began = processor_seconds()
    for _ in detector.scan_many(texts):
        pass
    return pages / (processor_seconds() - began)


def bare_rate(folder: Path, format_: str, command: str, top: Path) -> float:
    """Return the pages a second of reading the format and writing what the command writes."""
    began, count = processor_seconds(), 0
    for path in sorted(folder.iterdir()):
        count += BARE[format_](path, top / "bare", command)
    return count / (processor_seconds() - began)


def bare_json_lines(path: Path, out: Path, command: str) -> int:
    count = 0
    with path.open("rb") as lines, out.open("wb") as file:
        for line in lines:
            found = json.loads(line)
            file.write(line if command == "clean" else result_line(found["id"], found["text"]))
            count += 1
    return count


def bare_parquet(path: Path, out: Path, command: str) -> int:
    import pyarrow.parquet as parquet

    count, source = 0, parquet.ParquetFile(path)
    columns = None if command == "clean" else ["id", "text"]
    with out.open("wb") as file:
        writer = parquet.ParquetWriter(out, source.schema_arrow, compression="zstd") if columns is None else None
        for batch in source.iter_batches(2000, columns=columns):
            texts, names = batch.column("text").to_pylist(), batch.column("id").to_pylist()
            count += len(texts)
            if writer:
                writer.write_batch(batch)
            else:
                file.writelines(map(result_line, names, texts))
        if writer:
            writer.close()
    return count


def bare_wet(path: Path, out: Path, command: str) -> int:
    from fastwarc.warc import ArchiveIterator

    count = 0
    with gzip.open(path) as stream, out.open("wb") as file:
        records: Any = ArchiveIterator(stream, parse_http=False)
        for record in records:
            block = record.reader.read()
            text = block.decode()
            file.write(gzip.compress(block, 6) if command == "clean" else result_line(record.record_id, text))
            count += 1
    return count


def result_line(name: str, text: str) -> bytes:
    line = {"id": name, "source": "a", "chars": len(text), "verdict": "clean", "spans": [], "bundle": "default"}
    return json.dumps(line).encode() + b"\n"


BARE: dict[str, Callable[[Path, Path, str], int]] = {
    "jsonl": bare_json_lines,
    "parquet": bare_parquet,
    "wet": bare_wet,
}


def run(command: str, folder: Path, out: Path, jobs: int, pages: int) -> tuple[float, float, int]:
    """Return the rate of a run, its time, and the memory of its largest process in MB; starting up is counted."""
    began, clock = processor_seconds(), time.monotonic()
    peak = call(command, folder, out, jobs)
    return pages / (processor_seconds() - began), time.monotonic() - clock, peak


def call(command: str, folder: Path, out: Path, jobs: int) -> int:
    """Run the command and return the memory of its largest process in MB."""
    line = [sys.executable, "-m", "detector", command, str(folder), "-o", f"{out}/", "--jobs", str(jobs), "--quiet"]
    process = subprocess.Popen(line)
    peak = 0
    while process.poll() is None:
        peak = max([peak, *map(resident_mb, family_of(process.pid))])
        time.sleep(0.2)
    if process.returncode:
        raise SystemExit(f"{' '.join(line)} ended with {process.returncode}")
    return peak


def family_of(process_id: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process_id)], capture_output=True, check=False)
    return [process_id, *map(int, found.stdout.split())]


def resident_mb(process_id: int) -> int:
    try:
        pages = int(Path(f"/proc/{process_id}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20


def digest_of(folder: Path) -> str:
    """Return the digest of what a run found, by pages' own names."""
    found = []
    for shard in sorted(folder.glob("spans-*.jsonl")):
        for line in map(json.loads, shard.read_text(encoding="utf-8").splitlines()):
            name = line["id"].rpartition("/")[2].removeprefix("urn:made:").removesuffix(".txt")
            found.append((name, line["chars"], line["verdict"], [list(span.values()) for span in line["spans"]]))
    return hashlib.sha256(json.dumps(sorted(found)).encode()).hexdigest()


if __name__ == "__main__":
    main()
