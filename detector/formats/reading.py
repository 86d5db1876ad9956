r"""Sources come in; their pages, each with what is needed to write it again, and what could not be read go out.

Text is strict UTF-8 and is decoded without any change of its line ends, so that offsets count what is in the file. A
byte order mark at the start of a file marks the encoding and is no part of the text: offsets start behind it.
"""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import IO, Any

from detector.datatypes import Page
from detector.formats.sources import COMPRESSED, STDIN, Kind, Skipped, Source, Unreadable, reason_of

#: A page longer than this is refused: real pages stay below 10 MB, and a file without line ends must not fill memory.
MAX_PAGE_BYTES = 64 << 20
_HEAD_BYTES = 8192
_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
READ_ERRORS = (OSError, EOFError, zlib.error)


@dataclass(frozen=True, slots=True)
class Fields:
    """The names of the fields of a JSON line that hold a page's text, id and address."""

    text: str = "text"
    id: str = "id"
    url: str = "url"


@dataclass(frozen=True, slots=True)
class Record:
    """A page and where it stood: its source, its line in JSON lines (from 1, else 0) and that line as it was.

    ``raw`` keeps the line's end; ``bom`` tells that a byte order mark stood before it.
    """

    source: Source
    page: Page
    line: int = 0
    raw: str = ""
    bom: bool = False


Read = Record | Unreadable | Skipped
_DEFAULT_FIELDS = Fields()


def read_sources(found: Iterable[Source | Unreadable | Skipped], fields: Fields = _DEFAULT_FIELDS) -> Iterator[Read]:
    """Yield the pages of all sources in order, with what was unreadable or skipped at its place."""
    for source in found:
        if isinstance(source, Source):
            yield from read_source(source, fields)
        else:
            yield source


def read_source(source: Source, fields: Fields = _DEFAULT_FIELDS) -> Iterator[Record | Unreadable]:
    """Yield the pages of one source; of a file that breaks off, those before the break and then an Unreadable."""
    try:
        with open_bytes(source.path) as stream:
            if source.kind is Kind.TEXT:
                yield _read_text(source, stream)
            else:
                yield from _read_json_lines(source, stream, fields)
    except READ_ERRORS as error:
        yield Unreadable(source.path, reason_of(error))


def open_bytes(path: str) -> AbstractContextManager[IO[bytes]]:
    """Open a file, unpacked where its name ends in ``.gz``, or the standard input, which stays open afterwards."""
    if path == STDIN:
        return nullcontext(sys.stdin.buffer)
    # A gzip file is all that IO[bytes] asks for, though its class does not say so.
    return gzip.open(path, "rb") if path.lower().endswith(COMPRESSED) else open(path, "rb")  # type: ignore[return-value]


def _read_text(source: Source, stream: IO[bytes]) -> Record | Unreadable:
    """Return the one page of a text; an empty file is an empty page."""
    data = stream.read(MAX_PAGE_BYTES + 1)
    if len(data) > MAX_PAGE_BYTES:
        return Unreadable(source.path, _too_long("the text"))
    if binary := _why_binary(data[:_HEAD_BYTES]):
        return Unreadable(source.path, binary)
    bom = data.startswith(_BOM)
    try:
        text = data[3 * bom :].decode()
    except UnicodeDecodeError as error:
        return Unreadable(source.path, _not_utf8(error.start + 3 * bom))
    return Record(source, Page(text, source.id), bom=bom)


def _read_json_lines(source: Source, stream: IO[bytes], fields: Fields) -> Iterator[Record | Unreadable]:
    if binary := _why_binary(stream.peek(_HEAD_BYTES)[:_HEAD_BYTES]):  # type: ignore[attr-defined]
        yield Unreadable(source.path, binary)
        return
    for number, line in json_lines(stream):
        bom = number == 1 and line.startswith(_BOM)
        try:
            raw = decode_line(line[3 * bom :])
            if not raw.strip():
                continue
            found = parse_object(raw)
        except ValueError as error:
            if number == 1 and _is_named_json(source.path):
                yield Unreadable(source.path, "holds no JSON lines: one object in each line is expected")
                return
            yield Unreadable(f"{source.path}:{number}", str(error), whole=False)
            continue
        try:
            page = _page_of(found, fields, f"{source.id}:{number}")
        except ValueError as error:
            yield Unreadable(f"{source.path}:{number}", str(error), whole=False)
            continue
        yield Record(source, page, number, raw, bom)


def _is_named_json(path: str) -> bool:
    return path.lower().removesuffix(COMPRESSED).endswith(".json")


def json_lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file, numbered from 1; one that is too long comes cut, one byte longer than the limit."""
    number = 0
    while line := stream.readline(MAX_PAGE_BYTES + 1):
        number += 1
        yield number, line
        while len(line) > MAX_PAGE_BYTES and not line.endswith(b"\n"):
            line = stream.readline(MAX_PAGE_BYTES + 1)


def decode_line(line: bytes) -> str:
    """Return a line's text; raise ValueError that says what is wrong with it."""
    if len(line) > MAX_PAGE_BYTES:
        raise ValueError(_too_long("the line"))
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise ValueError(_not_utf8(error.start)) from None


def parse_object(line: str) -> dict[str, Any]:
    """Return the JSON object of a line; raise ValueError that says what is wrong with it.

    >>> parse_object("[1]")
    Traceback (most recent call last):
    ValueError: holds a list where a JSON object is expected
    """
    try:
        found = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not valid JSON: {error.msg} at character {error.pos}") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError(f"holds {_json_type(found)} where a JSON object is expected")
    return found


def _page_of(found: dict[str, Any], fields: Fields, place: str) -> Page:
    """Return the page of a JSON object; without an id its place names it. An address that is no string is not used."""
    if fields.text not in found:
        raise ValueError(f"has no field {fields.text!r}; --text-field names the one that holds the text")
    text, page_id, url = found[fields.text], found.get(fields.id), found.get(fields.url)
    if not isinstance(text, str):
        raise ValueError(f"holds {_json_type(text)} in field {fields.text!r} where a string is expected")
    if page_id is None:
        page_id = place
    elif isinstance(page_id, bool) or not isinstance(page_id, str | int):
        raise ValueError(f"holds {_json_type(page_id)} in field {fields.id!r} where a string or a number is expected")
    return Page(text, str(page_id), url if isinstance(url, str) else None)


def _json_type(value: object) -> str:
    names = {bool: "true or false", dict: "an object", list: "a list", type(None): "null", str: "a string"}
    return names.get(type(value), "a number")


def _why_binary(head: bytes) -> str | None:
    """Return why the beginning of a file is no text, None where it may be text."""
    if head.startswith(_UTF16_BOMS):
        return "is UTF-16; convert it to UTF-8"
    return "is binary, not text (it holds NUL bytes)" if b"\0" in head else None


def _not_utf8(offset: int) -> str:
    return f"is not UTF-8 (at byte {offset}); convert it to UTF-8"


def _too_long(what: str) -> str:
    return f"{what} is longer than {MAX_PAGE_BYTES >> 20} MB, the most that is read as one page"
