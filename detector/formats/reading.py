r"""Sources come in; their pages, each with what is needed to write it again, and what could not be read go out.

Text is decoded without any change of its line ends, so that offsets count what is in the file; `encodings` says how,
and `markup` how HTML is. A byte order mark at the start of a file marks the encoding and is no part of the text:
offsets start behind it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, Any

from detector.datatypes import InputError, Page
from detector.formats.encodings import decode_page, encoding_named
from detector.formats.markup import decode_markup
from detector.formats.packing import read_errors, unpacked
from detector.formats.records import Fields, Read, Record
from detector.formats.sources import STDIN, Kind, Skipped, Source, Unreadable, reason_of, without_packing

#: A page longer than this is refused: real pages stay below 10 MB, and a file without line ends must not fill memory.
MAX_PAGE_BYTES = 64 << 20
_HEAD_BYTES = 8192
#: Files are read, and what is too long is passed over, in pieces of this size; the first piece of a page is smaller.
_PASS_BYTES = 1 << 20
_FIRST_BYTES = 1 << 14
_BOM = b"\xef\xbb\xbf"
_DEFAULT_FIELDS = Fields()


@dataclass(frozen=True, slots=True)
class Range:
    """The lines that start in the bytes ``[start, end)`` of a file; ``first_line`` is the number of the first."""

    start: int
    end: int
    first_line: int


def read_sources(found: Iterable[Source | Unreadable | Skipped], fields: Fields = _DEFAULT_FIELDS) -> Iterator[Read]:
    """Yield the pages of all sources in order, with what was unreadable or skipped at its place."""
    for source in found:
        if isinstance(source, Source):
            yield from read_source(source, fields)
        else:
            yield source


def read_source(
    source: Source,
    fields: Fields = _DEFAULT_FIELDS,
    *,
    keep: bool = False,
    raw: IO[bytes] | None = None,
    lines: Range | None = None,
) -> Iterator[Read]:
    """Yield the pages of one source; of a file that breaks off, those before the break and then an Unreadable.

    With `keep` each page carries what writing the file again takes. `raw` is the open file, where the caller watches
    what is read of it; `lines` are those to read of a file of JSON lines that is not packed.
    """
    try:
        if source.kind is Kind.PARQUET:
            from detector.formats.parquet import read_parquet

            yield from read_parquet(source, fields, keep=keep, limit_bytes=MAX_PAGE_BYTES)
            return
        with open_bytes(source.path, raw) as stream:
            if source.kind is Kind.WARC:
                from detector.formats.warc import read_warc

                yield from read_warc(source, stream, fields, keep=keep, limit_bytes=MAX_PAGE_BYTES)
            elif source.kind is Kind.JSON_LINES:
                yield from _read_json_lines(source, stream, fields, lines)
            else:
                yield _read_page(source, stream, fields)
    except InputError as error:
        yield Unreadable(source.path, str(error))
    except read_errors() as error:
        yield Unreadable(source.path, reason_of(error))


@contextmanager
def open_bytes(path: str, raw: IO[bytes] | None = None) -> Iterator[IO[bytes]]:
    """Open a file, unpacked as its name says, or the standard input, which stays open afterwards, as `raw` does."""
    if path == STDIN:
        yield sys.stdin.buffer
        return
    with ExitStack() as stack:
        file = raw or stack.enter_context(open(path, "rb"))
        stream = unpacked(file, path)
        if stream is not file:
            stack.callback(stream.close)
        yield stream


def _read_page(source: Source, stream: IO[bytes], fields: Fields) -> Record | Unreadable:
    """Return the one page of a file of text or HTML; an empty file is an empty page."""
    data = _read_at_most(stream, MAX_PAGE_BYTES + 1)
    if len(data) > MAX_PAGE_BYTES:
        return Unreadable(source.path, _too_long("the page"))
    if source.kind is Kind.HTML:
        decoded = decode_markup(data, said_by_user=fields.encoding)
    else:
        decoded = decode_page(data, said_by_user=fields.encoding)
    return Record(source, Page(decoded.text, source.id, html=source.kind is Kind.HTML), decoded=decoded)


def _read_at_most(stream: IO[bytes], limit: int) -> bytes:
    """Return all that a stream holds, at most so many bytes; memory is asked for as it is needed.

    Little at first: what a read asks for and does not fill leaves holes in memory, a page after another.
    """
    pieces: list[bytes] = []
    left, asked = limit, _FIRST_BYTES
    while left:
        asked = min(asked, left)
        pieces.append(stream.read(asked))
        left -= len(pieces[-1])
        if len(pieces[-1]) < asked:  # the end
            break
        asked = min(2 * asked, _PASS_BYTES)
    return b"".join(pieces)


def _read_json_lines(
    source: Source, stream: IO[bytes], fields: Fields, lines: Range | None
) -> Iterator[Record | Unreadable]:
    if not (lines and lines.start) and (binary := _why_binary(stream.peek(_HEAD_BYTES)[:_HEAD_BYTES])):  # type: ignore[attr-defined]
        yield Unreadable(source.path, binary)
        return
    for number, line in json_lines(stream, lines):
        bom = number == 1 and line.startswith(_BOM)
        try:
            raw, encoding = decode_any(line[3 * bom :] if bom else line, fields.encoding)
            if not raw or raw.isspace():
                continue
            found = parse_object(raw)
        except ValueError as error:
            if number == 1 and without_packing(source.path).lower().endswith(".json"):
                yield Unreadable(source.path, "holds no JSON lines: one object in each line is expected")
                return
            yield Unreadable(f"{source.path}:{number}", str(error), whole=False)
            continue
        try:
            page = _page_of(found, fields, f"{source.id}:{number}")
        except ValueError as error:
            yield Unreadable(f"{source.path}:{number}", str(error), whole=False)
            continue
        yield Record(source, page, number, raw, bom, encoding, line)


def json_lines(stream: IO[bytes], lines: Range | None = None) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file, numbered from 1; one that is too long comes cut, one byte longer than the limit."""
    number, at, end = 0, 0, None
    if lines is not None:
        number, at, end = lines.first_line - 1, lines.start, lines.end
        if at:
            stream.seek(at - 1)
            at += _pass_line(stream, end - at + 1) - 1  # the line that reaches into it is of the range before
    while (end is None or at < end) and (line := stream.readline(MAX_PAGE_BYTES + 1)):
        number += 1
        at += len(line)
        yield number, line
        if len(line) > MAX_PAGE_BYTES and not line.endswith(b"\n"):
            at += _pass_line(stream, None if end is None else end - at)


def _pass_line(stream: IO[bytes], most: int | None) -> int:
    """Go behind the end of the line, holding little of it, or by about `most` bytes; return by how many."""
    passed = 0
    while (most is None or passed < most) and (piece := stream.readline(_PASS_BYTES)):
        passed += len(piece)
        if piece.endswith(b"\n"):
            break
    return passed


def decode_line(line: bytes) -> str:
    """Return a line's text; raise ValueError that says what is wrong with it."""
    return decode_any(line, None)[0]


def decode_any(line: bytes, encoding: str | None) -> tuple[str, str]:
    """Return a line's text and its encoding, UTF-8 or the one that was declared; raise ValueError if it is neither."""
    if len(line) > MAX_PAGE_BYTES:
        raise ValueError(_too_long("the line"))
    try:
        return line.decode(), "utf-8"
    except UnicodeDecodeError as error:
        if encoding is None:
            raise ValueError(f"is not UTF-8 (at byte {error.start}); --encoding declares another") from None
    declared = encoding_named(encoding)
    try:
        return line.decode(declared), declared
    except UnicodeDecodeError as error:
        raise ValueError(f"is neither UTF-8 nor {declared} (at byte {error.start})") from None


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
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "is UTF-16; convert it to UTF-8"
    return "is binary, not text (it holds NUL bytes)" if b"\0" in head else None


def _too_long(what: str) -> str:
    return f"{what} is longer than {MAX_PAGE_BYTES >> 20} MB, the most that is read as one page"
