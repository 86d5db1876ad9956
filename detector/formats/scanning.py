"""Records and a scanner come in; each record with its result goes out, and cleaned copies of files are written."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Protocol

from detector.datatypes import InputError, Page, ScanResult, UsageError, Verdict
from detector.formats.reading import read_source
from detector.formats.records import Fields, Passed, Read, Record
from detector.formats.rewriting import cleaned_bytes, packs_itself, rewriter_for
from detector.formats.sources import STDIN, Kind, Skipped, Source, Unreadable, kind_of, reason_of
from detector.formats.writing import STDOUT, Inputs, NewFile

#: A batch is scanned when it weighs so much: a character of a page weighs 1, as in the detector's own batches.
_BATCH_WEIGHT = 1 << 19
#: What a page weighs beside its text, so that a batch of empty ones ends.
_PAGE_WEIGHT = 64
_PASSED_BYTES_PER_CHAR = 16
#: Kinds of files that are one page each.
ONE_PAGE = frozenset({Kind.TEXT, Kind.HTML})


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


def scan_records(scanner: Scanner, records: Iterable[Read]) -> Iterator[Scanned | Passed | Unreadable | Skipped]:
    """Yield each record with its result, in order, and what was unreadable, skipped or only passes at its place.

    Pages are scanned in batches that reach over files; at most a batch is held, and no more than about so many bytes
    of what passes.
    """
    waiting: list[Read] = []
    weight = 0
    for record in records:
        waiting.append(record)
        if isinstance(record, Record):
            weight += len(record.page.text) + _PAGE_WEIGHT
        elif isinstance(record, Passed):
            weight += _BATCH_WEIGHT if record.held_bytes < 0 else record.held_bytes // _PASSED_BYTES_PER_CHAR
        else:
            weight += 1
        if weight >= _BATCH_WEIGHT:
            yield from _scan_batch(scanner, waiting)
            waiting, weight = [], 0
    yield from _scan_batch(scanner, waiting)


def _scan_batch(scanner: Scanner, batch: Sequence[Read]) -> Iterator[Scanned | Passed | Unreadable | Skipped]:
    pages = [record.page for record in batch if isinstance(record, Record)]
    results = iter(scanner.scan_many(pages)) if pages else iter(())
    for record in batch:
        if not isinstance(record, Record):
            yield record
            continue
        result = next(results, None)
        if result is None:
            raise RuntimeError(f"the scanner gave no result for page {record.page.id!r}")
        yield Scanned(record, result)


def is_run(paths: Sequence[str], output: str) -> bool:
    """Tell whether what comes of the paths goes into the folder `output`, under names of its own.

    Raise UsageError where it is more than one file and `output` is no folder.
    """
    single = len(paths) == 1 and not os.path.isdir(paths[0])
    if output == STDOUT and not single:
        raise UsageError("only a single file can be cleaned to the standard output; give a folder with -o")
    if not single and os.path.lexists(output) and not os.path.isdir(output):
        raise UsageError(f"{output} is a file, but more than one page file goes there; give a folder")
    return output != STDOUT and (not single or os.path.isdir(output) or output.endswith(("/", os.sep)))


def plan_copies(
    paths: Sequence[str], found: Iterable[Source | Unreadable | Skipped], output: str
) -> tuple[list[Copy], list[Unreadable | Skipped]]:
    """Return where the cleaned copy of each source goes, and what cannot be copied.

    A single file (or the standard input) goes to the file `output`, which may be ``-``; to a file of its own name in
    `output` if that is a folder or ends in a slash. Everything else goes into the folder `output` under its id. Raise
    UsageError, before anything is written, where a copy would replace or join an input, two copies would share a path,
    or the format would change.
    """
    into_folder = is_run(paths, output)
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
    inputs = Inputs([*paths, *(copy.source.path for copy in copies)])
    inputs.refuse_overwriting(output)
    for copy in copies:
        inputs.refuse_overwriting(copy.target)
        if not into_folder and copy.target != STDOUT and kind_of(copy.target) not in (None, copy.source.kind):
            raise UsageError(f"{copy.source.path} is {copy.source.kind}, so its cleaned copy cannot be {copy.target}")


def clean_copies(
    scanner: Scanner,
    copies: Iterable[Copy],
    drop: Set[Verdict],
    fields: Fields,
    *,
    read: Callable[[Source], Iterator[Read]] | None = None,
    open_file: Callable[..., NewFile] = NewFile,
) -> Iterator[Scanned | Unreadable | Skipped]:
    """Write the cleaned copies and yield what was done, in order.

    Pages of a verdict in `drop` are left out: of JSON lines the line, of text and HTML the file, and with it an older
    copy of the same name. Lines that are blank or unreadable are left out; a file that breaks off is not written.
    `read` reads a source and `open_file` opens a new file, where the caller watches over them.
    """
    reader = read or partial(read_source, fields=fields, keep=True)
    for is_page, group in groupby(copies, key=lambda copy: copy.source.kind in ONE_PAGE):
        if is_page:
            yield from _clean_pages(scanner, group, drop, reader, open_file)
        else:
            for copy in group:
                yield from _clean_file(scanner, copy, drop, fields, reader, open_file)


def _clean_pages(
    scanner: Scanner,
    copies: Iterable[Copy],
    drop: Set[Verdict],
    read: Callable[[Source], Iterator[Read]],
    open_file: Callable[..., NewFile],
) -> Iterator[Scanned | Unreadable | Skipped]:
    """Clean files that are one page each; a batch reaches over them."""
    asked: deque[Copy] = deque()

    def records() -> Iterator[Read]:
        for copy in copies:
            asked.append(copy)
            yield from read(copy.source)  # a file is one page, or one thing that is unreadable

    for outcome in scan_records(scanner, records()):
        target = asked.popleft().target
        if isinstance(outcome, Passed):
            raise TypeError(f"{target} is one page and holds nothing else")
        if isinstance(outcome, Scanned) and outcome.result.verdict in drop:
            outcome = Scanned(outcome.record, outcome.result, dropped=True)
            if target != STDOUT and os.path.isfile(target):
                with suppress(FileNotFoundError):
                    os.unlink(target)
        elif isinstance(outcome, Scanned):
            with open_file(target) as sink:
                sink.write(cleaned_bytes(outcome.record, outcome.result))
        yield outcome


def _clean_file(
    scanner: Scanner,
    copy: Copy,
    drop: Set[Verdict],
    fields: Fields,
    read: Callable[[Source], Iterator[Read]],
    open_file: Callable[..., NewFile],
) -> Iterator[Scanned | Unreadable | Skipped]:
    """Clean a file of many pages."""
    with open_file(copy.target, as_is=packs_itself(copy.source)) as file:
        try:
            rewriter = rewriter_for(copy.source, file.sink, fields, copy.target)
        except (InputError, OSError) as error:
            file.discard()
            yield Unreadable(copy.source.path, reason_of(error))
            return
        for outcome in scan_records(scanner, read(copy.source)):
            if isinstance(outcome, Passed):
                rewriter.passed(outcome)
                continue
            if isinstance(outcome, Scanned):
                if outcome.result.verdict in drop:
                    outcome = Scanned(outcome.record, outcome.result, dropped=True)
                else:
                    rewriter.page(outcome.record, outcome.result)
            elif isinstance(outcome, Unreadable) and outcome.whole:
                file.discard()
            yield outcome
        rewriter.close()
