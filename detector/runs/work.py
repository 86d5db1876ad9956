"""A task comes in; its output is written, whole files flushed and renamed, and what was found and written goes out."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from detector.datatypes import BAD_VERDICTS, Verdict
from detector.formats import (
    Batch,
    Copy,
    Kind,
    NewFile,
    Range,
    Read,
    Record,
    Scanned,
    Skipped,
    Source,
    Unreadable,
    clean_copies,
    read_source,
    reason_of,
    scan_records,
)
from detector.formats.scanning import Scanner
from detector.outputs import OUTPUTS, Output
from detector.runs.journal import Figures, InputDone, PartDone, Problem
from detector.runs.plan import Settings, Task

#: Files that are not yet whole, and pieces that are not yet joined, lie in a folder of this name in the output folder.
SCRATCH = ".detector-run"
_COPY_BYTES = 1 << 20
#: Of nearly every file nothing is left, and to find that out a small buffer is enough.
_REST_BYTES = 1 << 14
NO_SITE = "-"
#: The host of an address; the standard library's parser takes as long as a tenth of the scan.
_HOST = re.compile(r"[A-Za-z][\w+.\-]*://(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]*)")


def scratch_of(folder: str) -> str:
    """Return the folder for what is not yet whole."""
    return os.path.join(folder, SCRATCH)


def piece_of(part: int) -> str:
    """Return the name, in the run's folder, of the piece that a stretch gives."""
    return f"{SCRATCH}/piece-{part:08}"


def shard_of(part: int, format_: str) -> str:
    """Return the name of a scan's shard."""
    return f"spans-{part:08}.{'sarif' if format_ == 'sarif' else 'jsonl'}"


@dataclass(frozen=True, slots=True)
class Worker:
    """Does tasks: it holds the scanner, what was asked for, and the folder to write to."""

    scanner: Scanner
    settings: Settings
    folder: str

    def do(self, task: Task) -> PartDone:
        """Do a task and return what it gave; raise UsageError where the output cannot be written."""
        return _join(self, task) if task.pieces else _Doing(self, task).done()


class _Doing:
    """One task being done: counts what is met and remembers what is written."""

    def __init__(self, worker: Worker, task: Task) -> None:
        self._worker, self._task = worker, task
        self._settings = worker.settings
        self._numbers = {each.source: each.number for each in task.inputs}
        # Counted for every page, so in plain lists: pages, characters, spans, bad pages; and how many, characters.
        self._figures: defaultdict[int, list[int]] = defaultdict(lambda: [0] * 4)
        self._tallies: defaultdict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0] * 2)
        self._read: dict[int, tuple[int, str | None]] = {}
        self._errors: dict[int, str] = {}
        self._problems: list[Problem] = []
        self._dropped: list[tuple[int, str, str]] = []
        self._batch = Batch(scratch_of(worker.folder))

    def done(self) -> PartDone:
        if self._settings.command == "clean":
            self._clean()
        elif self._settings.mirrors:
            for each in self._task.inputs:
                self._scan([each.source], self._target_of(each.source))
        else:
            self._scan([each.source for each in self._task.inputs], shard_of(self._task.part, self._settings.format))
        tallies = ((*key, number, chars) for key, (number, chars) in sorted(self._tallies.items()))
        return PartDone(
            self._task.part,
            tuple(self._input_done(each.number) for each in self._task.inputs),
            _settled(self._batch, self._worker.folder),
            tuple(self._problems),
            tuple(self._dropped),
            tuple(tallies),
        )

    def _input_done(self, number: int) -> InputDone:
        size, digest = self._read.get(number, (None, None))
        figures = Figures(*self._figures[number])
        stretch = self._task.lines is not None
        return InputDone(number, figures, None if stretch else size, digest, self._errors.get(number), stretch)

    def _target_of(self, source: Source) -> str:
        return piece_of(self._task.part) if self._task.lines is not None else self._settings.target_of(source)

    def _scan(self, sources: Iterable[Source], target: str) -> None:
        output = OUTPUTS[self._settings.format](self._settings.bundle)
        first_stretch = self._task.lines is None or self._task.lines.start == 0
        with self._open(os.path.join(self._worker.folder, *target.split("/"))) as file:
            file.write(output.head() if first_stretch or not self._settings.mirrors else "")
            read = (item for source in sources for item in self._watch(source, keep=False))
            for outcome in scan_records(self._worker.scanner, read):
                if isinstance(outcome, Scanned):
                    self._count(outcome)
                    file.write(output.page(outcome.record, outcome.result))
                elif isinstance(outcome, Unreadable):
                    file.write(_stand_in(output, outcome))
            file.write(output.tail())

    def _clean(self) -> None:
        copies = (
            Copy(each.source, os.path.join(self._worker.folder, *self._target_of(each.source).split("/")))
            for each in self._task.inputs
        )
        drop = frozenset(map(Verdict, self._settings.drop))
        read = partial(self._watch, keep=True)
        for outcome in clean_copies(
            self._worker.scanner, copies, drop, self._settings.fields, read=read, open_file=self._open
        ):
            if isinstance(outcome, Scanned):
                self._count(outcome)

    def _open(self, path: str, *, as_is: bool = False) -> NewFile:
        return NewFile(path, as_is=as_is, batch=self._batch)

    def _watch(self, source: Source, *, keep: bool) -> Iterator[Read]:
        """Read a source, count what is unreadable or skipped in it, and note size and digest of what was read."""
        number = self._numbers[source]
        expected = self._task.inputs[0]
        as_planned = (expected.size, expected.mtime_ns) if self._task.lines is not None else None
        watched = _Watched(source, self._task.lines, as_planned)
        for item in watched.read(partial(read_source, source, self._settings.fields, keep=keep)):
            if isinstance(item, Unreadable):
                self._problems.append(Problem(number, item.source, item.reason))
                if item.whole:
                    self._errors[number] = item.reason
            elif isinstance(item, Skipped):
                self._tally(NO_SITE, "skipped", "", 0)
            yield item
        self._read[number] = (watched.size, watched.digest)

    def _count(self, scanned: Scanned) -> None:
        record, result = scanned.record, scanned.result
        number = self._numbers[record.source]
        spans = result.spans
        figures = self._figures[number]
        figures[0] += 1
        figures[1] += result.chars
        figures[2] += len(spans)
        figures[3] += result.verdict in BAD_VERDICTS or bool(spans and result.cut_spans)
        if scanned.dropped:
            self._dropped.append((number, result.id, result.verdict.value))
        site = site_of(record)
        self._tally(site, "verdict", result.verdict.value, result.chars)
        for span in spans:
            self._tally(site, "label", span.label.value, int(span.end) - int(span.start))

    def _tally(self, site: str, what: str, name: str, chars: int) -> None:
        counted = self._tallies[site, what, name]
        counted[0] += 1
        counted[1] += chars


def site_of(record: Record) -> str:
    """Return the site of a page: its address's host, else the folder it lies in, else `NO_SITE`."""
    found = _HOST.match(record.page.url) if record.page.url else None
    if found and found[1]:
        return _plain(found[1].lower())
    folder, slash, _ = record.source.id.partition("/")
    return _plain(folder) if slash else NO_SITE


def _plain(name: str) -> str:
    """Return a name as a journal can keep it, whatever stands in it."""
    return name if name.isascii() else name.encode(errors="backslashreplace").decode()


def _stand_in(output: Output, unreadable: Unreadable) -> str:
    """Return what stands for a page that cannot be read, so that lines stay beside those of the input."""
    return "" if unreadable.whole else output.unread(unreadable.source)


class _Watched:
    """A file that is read while its bytes are counted and hashed, and looked after: it may change meanwhile."""

    def __init__(self, source: Source, lines: Range | None, as_planned: tuple[int, int] | None) -> None:
        self._source, self._lines, self._as_planned = source, lines, as_planned
        self.size: int = 0
        self.digest: str | None = None

    def read(self, reader: Callable[..., Iterator[Read]]) -> Iterator[Read]:
        """Yield what `reader` yields of the file."""
        path = self._source.path
        try:
            with ExitStack() as stack:
                raw = stack.enter_context(_Hashed(path, keep=self._lines is None))
                before = _state(raw)
                if self._as_planned not in (None, before):
                    yield Unreadable(path, "changed during the run")
                    return
                if self._source.kind is Kind.PARQUET:
                    yield from reader()
                else:
                    stream: Any = io.BufferedReader(raw, max(1, min(before[0], _COPY_BYTES)))
                    yield from reader(raw=stream, lines=self._lines)
                if self._lines is None:  # who counts the lines of all stretches hashes the whole
                    raw.rest()
                    self.size, self.digest = before[0], raw.sha256.hexdigest()
                if _state(raw) != before:
                    yield Unreadable(path, "changed while it was read")
        except OSError as error:
            yield Unreadable(path, reason_of(error))


class _Hashed(io.FileIO):
    """A file that hashes what is read of it, from its start on, if that is to be kept."""

    def __init__(self, path: str, *, keep: bool) -> None:
        super().__init__(path, "rb")
        self.sha256 = hashlib.sha256()
        self._keep = keep

    def readinto(self, buffer: Any) -> int:
        read = super().readinto(buffer) or 0
        if self._keep:
            self.sha256.update(memoryview(buffer)[:read])
        return read

    def readall(self) -> bytes:
        data = super().readall()
        if self._keep:
            self.sha256.update(data)
        return data

    def rest(self) -> None:
        """Read what nobody has read: of a broken file the digest still is that of all of it."""
        while self.readinto(bytearray(_REST_BYTES)):
            pass


def _state(file: io.FileIO) -> tuple[int, int]:
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns


def _join(worker: Worker, task: Task) -> PartDone:
    """Write the pieces of an input one behind the other under its name."""
    [each] = task.inputs
    batch = Batch(scratch_of(worker.folder))
    target = os.path.join(worker.folder, *worker.settings.target_of(each.source).split("/"))
    with NewFile(target, as_is=True, batch=batch) as file:
        for piece in task.pieces:
            with open(os.path.join(worker.folder, *piece.split("/")), "rb") as stream:
                shutil.copyfileobj(stream, file.sink, _COPY_BYTES)
    return PartDone(task.part, (replace(InputDone(each.number), is_stretch=True),), _settled(batch, worker.folder))


def _settled(batch: Batch, folder: str) -> tuple[tuple[str, int, str], ...]:
    """Name what was written; return it as the journal keeps it, by paths inside the folder."""
    top = os.path.join(folder, "")
    return tuple((new.path.removeprefix(top).replace(os.sep, "/"), new.size, new.digest) for new in batch.settle())
