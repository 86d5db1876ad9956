"""The values that readers hand on: how to read, a page with what is needed to write it again, and what only passes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

from detector.datatypes import InputError, Page
from detector.formats.sources import Skipped, Source, Unreadable
from detector.html_text import Decoded


@dataclass(frozen=True, slots=True)
class Fields:
    """The names of the fields that hold a page's text, id and address in JSON lines and Parquet.

    ``encoding`` is what the user says of bytes that are not UTF-8; None lets them be guessed.
    """

    text: str = "text"
    id: str = "id"
    url: str = "url"
    encoding: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A page and where it stood: its source, and its line, row or record there (from 1; 0 where the file is one page).

    ``raw`` is the line of JSON lines as it was, its end included; ``bom`` tells that a byte order mark stood before it,
    ``data`` are its bytes with that mark. ``decoded`` has the bytes of a page that is a file or a body of
    its own, ``handle`` what the format's writer needs.
    """

    source: Source
    page: Page
    line: int = 0
    raw: str = ""
    bom: bool = False
    encoding: str = "utf-8"
    data: bytes = b""
    handle: Any = None
    decoded: Decoded | None = None


@dataclass(frozen=True, slots=True)
class Passed:
    """What holds no page but belongs into a cleaned file: ``copy`` writes it.

    ``held_bytes`` of it are in memory; with -1 it can only be copied before the reader goes on.
    """

    copy: Callable[[IO[bytes]], object]
    held_bytes: int = -1


Read = Record | Passed | Unreadable | Skipped


def missing_extra(what: str, extra: str) -> InputError:
    """Return the error for a library that is not installed; it names the extra that brings it."""
    return InputError(f"{what} needs an extra: pip install 'spam-span-detector[{extra}]'")
