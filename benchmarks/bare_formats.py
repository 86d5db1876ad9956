"""A file of made pages and a command come in; it is read, and what the command writes is written, without a detector.

This is the work that nobody who reads the format can avoid: the format's own library, a result line for each page in
place of a scan's, the same bytes again in place of a clean's. Nothing is checked, hashed, flushed or kept for a stop.
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from detector.formats.packing import packed, unpacked

#: The path to read, the path to write, the command, and how many pages at most; returns how many there were.
Bare = Callable[[Path, Path, str, int], int]


def result_line(name: str, text: str) -> bytes:
    """Return the line that a scan writes of a clean page."""
    line = {"id": name, "source": "a", "chars": len(text), "verdict": "clean", "spans": [], "bundle": "default"}
    return json.dumps(line, ensure_ascii=False).encode() + b"\n"


def bare_files(folder: Path, out: Path, command: str, limit: int) -> int:
    """Read the files of a folder of pages."""
    count = 0
    out.mkdir(exist_ok=True)
    with (out / "spans.jsonl").open("wb") as lines:
        for path in islice(_files(folder), limit):
            data = path.read_bytes()
            text = data.decode()
            if command == "clean":
                (out / path.name).write_bytes(data)
            else:
                lines.write(result_line(path.name, text))
            count += 1
    return count


def _files(folder: Path) -> Iterator[Path]:
    for inner in sorted(folder.iterdir()):
        yield from sorted(inner.iterdir())


def bare_json_lines(path: Path, out: Path, command: str, limit: int) -> int:
    """Read JSON lines and write them, packed or not."""
    count = 0
    with path.open("rb") as given, out.open("wb") as taken:
        lines, file = unpacked(given, path.name), packed(taken, path.name if command == "clean" else "")
        for line in islice(lines, limit):
            found = json.loads(line)
            file.write(line if command == "clean" else result_line(found["id"], found["text"]))
            count += 1
        if file is not taken:
            file.close()
    return count


def bare_parquet(path: Path, out: Path, command: str, limit: int) -> int:
    """Read the columns that a scan needs, or write all of them again."""
    import pyarrow.parquet as parquet

    count, source = 0, parquet.ParquetFile(path)
    writer = parquet.ParquetWriter(out, source.schema_arrow, compression="zstd") if command == "clean" else None
    with open(f"{out}.jsonl", "wb") as file:
        for batch in source.iter_batches(2000, columns=None if writer else ["id", "url", "text"]):
            texts, names, _ = (batch.column(each).to_pylist() for each in ("text", "id", "url"))
            count += len(texts)
            if writer:
                writer.write_batch(batch)
            else:
                file.writelines(map(result_line, names, texts))
            if count >= limit:
                break
    if writer:
        writer.close()
    return count


def bare_warc(path: Path, out: Path, command: str, limit: int) -> int:
    """Read the records of a WARC or WET file; a clean packs each by itself, as readers expect."""
    from fastwarc.warc import ArchiveIterator

    count, written = 0, io.BytesIO()
    with path.open("rb") as stream, out.open("wb") as file:
        records: Any = ArchiveIterator(stream, parse_http=False)
        for record in islice(records, limit):
            if command == "clean":
                written.seek(0)
                written.truncate()
                record.write(written)
                file.write(gzip.compress(written.getvalue(), 6))
            else:
                file.write(result_line(record.headers["WARC-Record-ID"], record.reader.read().decode()))
            count += 1
    return count
