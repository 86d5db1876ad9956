"""Paths that a user gave come in; the files to read, in sorted order, and what was skipped or unreadable go out."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from detector.formats import markup

STDIN = "-"


class Kind(StrEnum):
    """How a file holds its pages: one as a whole, or one in each line, row or record."""

    TEXT = "text"
    HTML = "HTML"
    JSON_LINES = "JSON lines"
    PARQUET = "Parquet"
    WARC = "WARC"


#: JSON lines are often named ``.json`` (C4, Dolma); a file of one big JSON value is told apart when it is read.
KINDS = {
    ".txt": Kind.TEXT,
    ".md": Kind.TEXT,
    ".markdown": Kind.TEXT,
    **dict.fromkeys(markup.SUFFIXES, Kind.HTML),
    ".jsonl": Kind.JSON_LINES,
    ".ndjson": Kind.JSON_LINES,
    ".json": Kind.JSON_LINES,
    ".parquet": Kind.PARQUET,
    ".warc": Kind.WARC,
    ".wet": Kind.WARC,
}
GZIP, ZSTD = ".gz", ".zst"
#: Parquet packs its own columns, and its footer is found by seeking: it is never packed as a whole.
NEVER_PACKED = frozenset({Kind.PARQUET})
KNOWN = f"{', '.join(KINDS)} (each but Parquet also with {GZIP} and {ZSTD})"


@dataclass(frozen=True, slots=True)
class Source:
    """A file to read: its path, its id (the path relative to the given one, with ``/``) and how it holds pages."""

    path: str
    id: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An input that could not be read, and why; ``whole`` is False for one line of a file."""

    source: str
    reason: str
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something in a folder that is no file of a known suffix."""

    path: str


def kind_of(path: str) -> Kind | None:
    """Return how a file of this name holds its pages, None where the suffix is not known.

    >>> kind_of("pages/a.JSONL.gz"), kind_of("a.pdf"), kind_of("a.parquet.gz")
    (<Kind.JSON_LINES: 'JSON lines'>, None, None)
    """
    stem, suffix = os.path.splitext(path.lower())
    if suffix not in (GZIP, ZSTD):
        return KINDS.get(suffix)
    kind = KINDS.get(os.path.splitext(stem)[1])
    return None if kind in NEVER_PACKED else kind


def packing_of(path: str) -> str:
    """Return the suffix that says how the file is packed, "" where it is not.

    >>> packing_of("a.jsonl.GZ"), packing_of("a.jsonl")
    ('.gz', '')
    """
    suffix = os.path.splitext(path.lower())[1]
    return suffix if suffix in (GZIP, ZSTD) else ""


def without_packing(path: str) -> str:
    """Return the path without the suffix of its packing."""
    return path[: len(path) - len(packing_of(path))]


def find_sources(paths: Iterable[str | os.PathLike[str]]) -> Iterator[Source | Unreadable | Skipped]:
    """Yield what the paths hold, in their order; folders are walked in the order of their sorted names.

    ``-`` is the standard input, one text. Inside a folder a link to a file is followed and a link to a folder is
    skipped, so that no walk goes in circles; what is no regular file is skipped.
    """
    for path in paths:
        given = os.fspath(path)
        if given == STDIN:
            yield Source(STDIN, STDIN, Kind.TEXT)
        elif os.path.isdir(given):
            yield from _walk(given)
        else:
            yield _named(given)


def _named(path: str) -> Source | Unreadable:
    """Return the source for a file that the user named."""
    if not os.path.lexists(path):
        return Unreadable(path, "no such file or folder")
    kind = kind_of(path)
    if kind is None:
        return Unreadable(path, f"this kind of file cannot be read; the known suffixes are {KNOWN}")
    return Source(path, os.path.basename(path), kind)


def _walk(top: str) -> Iterator[Source | Unreadable | Skipped]:
    waiting: list[tuple[str, str, os.DirEntry[str] | None]] = [(top, "", None)]  # a stack: no depth is too deep
    while waiting:
        path, below, entry = waiting.pop()
        if entry is None or entry.is_dir(follow_symlinks=False):
            try:
                with os.scandir(path) as listed:
                    entries = sorted(listed, key=lambda each: each.name, reverse=True)
            except OSError as error:
                yield Unreadable(path, reason_of(error))
                continue
            inside = f"{below}/" if below else ""
            waiting += [(each.path, inside + each.name, each) for each in entries]
        elif (kind := kind_of(entry.name)) is None or not _may_be_file(entry):
            yield Skipped(path)
        else:
            yield Source(path, below, kind)


def _may_be_file(entry: os.DirEntry[str]) -> bool:
    """Tell whether it is a regular file; a dangling link counts, so that reading it says what is wrong."""
    try:
        return stat.S_ISREG(entry.stat().st_mode) if entry.is_symlink() else entry.is_file()
    except OSError:
        return True


def reason_of(error: Exception) -> str:
    """Return what the system says is wrong, without the path and the number."""
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (said or type(error).__name__)[:1].lower() + (said or type(error).__name__)[1:]
