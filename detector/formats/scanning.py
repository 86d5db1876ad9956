"""Records and a scanner come in; each record with its result goes out, and cleaned copies of files are written."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

from detector.datatypes import Page, ScanResult, UsageError, Verdict
from detector.formats.reading import Fields, Read, Record, read_source, read_sources
from detector.formats.sources import STDIN, Kind, Skipped, Source, Unreadable, kind_of
from detector.formats.writing import STDOUT, Inputs, NewFile, cleaned_record


class Scanner(Protocol):
    """What scans pages: a Detector, or anything else that answers each page in order."""

    def scan_many(self, texts_or_pages: Iterable[str | Page], /) -> Iterator[ScanResult]: ...


@dataclass(frozen=True, slots=True)
class Scanned:
    """A record and what the scan says of it; ``dropped`` tells that its page was left out of the cleaned files."""

    record: Record
    result: ScanResult
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class Copy:
    """A source and the path that its cleaned copy gets."""

    source: Source
    target: str


def scan_records(scanner: Scanner, records: Iterable[Read]) -> Iterator[Scanned | Unreadable | Skipped]:
    """Yield each record with its result, in order, and what was unreadable or skipped at its place.

    All pages go through one call of ``scan_many``, so that a batch reaches over files; at most a batch is held.
    """
    waiting: deque[Read] = deque()

    def pages() -> Iterator[Page]:
        for record in records:
            waiting.append(record)
            if isinstance(record, Record):
                yield record.page

    for result in scanner.scan_many(pages()):
        while not isinstance(first := waiting.popleft(), Record):
            yield first
        yield Scanned(first, result)
    for left in waiting:
        if isinstance(left, Record):
            raise RuntimeError(f"the scanner gave no result for page {left.page.id!r}")
        yield left


def plan_copies(
    paths: Sequence[str], found: Iterable[Source | Unreadable | Skipped], output: str
) -> tuple[list[Copy], list[Unreadable | Skipped]]:
    """Return where the cleaned copy of each source goes, and what cannot be copied.

    A single file (or the standard input) goes to the file `output`, which may be ``-``; to a file of its own name in
    `output` if that is a folder or ends in a slash. Everything else goes into the folder `output` under its id. Raise
    UsageError, before anything is written, where a copy would replace or join an input, two copies would share a path,
    or the format would change.
    """
    single = len(paths) == 1 and not os.path.isdir(paths[0])
    into_folder = output != STDOUT and (not single or os.path.isdir(output) or output.endswith(("/", os.sep)))
    if output == STDOUT and not single:
        raise UsageError("only a single file can be cleaned to the standard output; give a folder with -o")
    copies, aside, taken = [], [], dict[str, str]()
    for source in found:
        if not isinstance(source, Source):
            aside.append(source)
            continue
        if source.path == STDIN and into_folder:
            raise UsageError("the standard input has no name inside a folder; give a file with -o")
        target = os.path.join(output, *source.id.split("/")) if into_folder else output
        if target in taken:
            raise UsageError(f"{taken[target]} and {source.path} would both be written to {target}")
        taken[target] = source.path
        copies.append(Copy(source, target))
    _refuse_changes(copies, paths, output, into_folder=into_folder)
    return copies, aside


def _refuse_changes(copies: Sequence[Copy], paths: Sequence[str], output: str, *, into_folder: bool) -> None:
    """Raise UsageError where a copy would change an input or be of another format."""
    if into_folder and os.path.lexists(output) and not os.path.isdir(output):
        raise UsageError(f"{output} is a file, but more than one page file goes there; give a folder")
    inputs = Inputs([*paths, *(copy.source.path for copy in copies)])
    inputs.refuse_overwriting(output)
    for copy in copies:
        inputs.refuse_overwriting(copy.target)
        if not into_folder and copy.target != STDOUT and kind_of(copy.target) not in (None, copy.source.kind):
            raise UsageError(f"{copy.source.path} is {copy.source.kind}, so its cleaned copy cannot be {copy.target}")


def clean_copies(
    scanner: Scanner, copies: Iterable[Copy], drop: Set[Verdict], fields: Fields
) -> Iterator[Scanned | Unreadable]:
    """Write the cleaned copies and yield what was done, in order.

    Pages of a verdict in `drop` are left out: of JSON lines the line, of text the file, and with it an older copy of
    the same name. Lines that are blank or unreadable are left out; a file that breaks off is not written at all.
    """
    for kind, group in groupby(copies, key=lambda copy: copy.source.kind):
        if kind is Kind.TEXT:
            yield from _clean_texts(scanner, list(group), drop)
        else:
            for copy in group:
                yield from _clean_lines(scanner, copy, drop, fields)


def _clean_texts(scanner: Scanner, copies: Sequence[Copy], drop: Set[Verdict]) -> Iterator[Scanned | Unreadable]:
    outcomes = scan_records(scanner, read_sources(copy.source for copy in copies))
    for copy, outcome in zip(copies, outcomes, strict=True):  # a text is one page, or one thing that is unreadable
        if isinstance(outcome, Scanned):
            record, result, target = outcome.record, outcome.result, copy.target
            if result.verdict in drop:
                outcome = Scanned(record, result, dropped=True)
                if target != STDOUT and os.path.isfile(target):
                    with suppress(FileNotFoundError):
                        os.unlink(target)
            else:
                with NewFile(target) as sink:
                    sink.write(cleaned_record(record, result.clean_text, ""))
        if not isinstance(outcome, Skipped):
            yield outcome


def _clean_lines(scanner: Scanner, copy: Copy, drop: Set[Verdict], fields: Fields) -> Iterator[Scanned | Unreadable]:
    with NewFile(copy.target) as sink:
        for outcome in scan_records(scanner, read_source(copy.source, fields)):
            if isinstance(outcome, Scanned):
                record, result = outcome.record, outcome.result
                if result.verdict in drop:
                    outcome = Scanned(record, result, dropped=True)
                else:
                    sink.write(cleaned_record(record, result.clean_text, fields.text))
            elif isinstance(outcome, Unreadable) and outcome.whole:
                sink.discard()
            if not isinstance(outcome, Skipped):
                yield outcome
