"""A WARC or WET file comes in, its pages go out; and records with their cleaned text come in, a WARC file goes out.

A page is the text of a WET file's conversion record, or an HTTP response of plain text or HTML. fastwarc takes a record
that breaks off, and a file that does, for a short one: lengths are checked here, and unpacking by `packing` raises.
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterable, Iterator
from typing import IO, Any

from detector.datatypes import InputError, Page, ScanResult
from detector.formats import markup
from detector.formats.encodings import decode_page
from detector.formats.packing import pack
from detector.formats.records import Fields, Passed, Read, Record, missing_extra
from detector.formats.rewriting import cleaned_bytes
from detector.formats.sources import Source, Unreadable

#: Records longer than this that hold no page are copied without being held: videos and archives.
_HELD_BYTES = 4 << 20
_TEXT_TYPE = "text/plain"
_RECORD_END = b"\r\n\r\n"
_DIGESTS = ("WARC-Block-Digest", "WARC-Payload-Digest")
#: What no longer holds for a response whose body was changed, and is written unpacked and in one piece.
_BODY_HEADERS = frozenset({"content-length", "content-encoding", "transfer-encoding"})


def read_warc(source: Source, stream: IO[bytes], fields: Fields, *, keep: bool, limit_bytes: int) -> Iterator[Read]:
    """Yield the pages of a WARC file; with `keep` also what stands between them, to be written again.

    Raise InputError or OSError where the file is broken; the pages before it have been yielded by then.
    """
    try:
        from fastwarc.warc import ArchiveIterator, WarcRecordType
    except ImportError:
        raise missing_extra("WARC", "io") from None
    wanted = int(WarcRecordType.conversion | WarcRecordType.response)
    kinds = int(WarcRecordType.any_type) if keep else wanted
    number = 0
    watched: Any = _Watched(stream)  # fastwarc asks for no more of it than read() and tell()
    archive = ArchiveIterator(
        watched,
        record_types=WarcRecordType.any_type,
        parse_http=False,
        stream_detect=False,
    )
    for record in _records(archive):
        number += 1
        headers = {name.lower(): value for name, value in record.headers.items()}
        if "content-length" not in headers:
            raise InputError(f"record {number} does not say how long it is")
        kind = int(record.record_type)
        if not kind & kinds:
            _check_whole(record, record.consume(), number)
        elif not kind & wanted:
            yield _passed(record, number)
        elif record.content_length > limit_bytes:
            reason = f"the record is longer than {limit_bytes >> 20} MB, the most that is read as one page"
            yield Unreadable(f"{source.path}:{number}", reason, whole=False)
            _check_whole(record, record.consume(), number)
        else:
            found = _read_page(source, record, headers, fields, number, keep=keep)
            if found is not None:
                yield found
    if watched.tail not in (b"", _RECORD_END):
        raise InputError(f"breaks off behind record {number}" if number else "is no WARC file")


def _records(archive: Any) -> Iterator[Any]:
    """Yield an archive's records; turn what fastwarc does when it meets what it did not expect into an error."""
    try:
        yield from archive
    except Exception:
        raise
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # Rust's, and no Exception
            raise InputError(f"is broken: {error}") from None
        raise


class _Watched:
    """A stream that remembers its last bytes: of a file that breaks off inside a head fastwarc makes a short record."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._at = 0
        self.tail = b""

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._at += len(data)
        self.tail = (self.tail + data[-len(_RECORD_END) :])[-len(_RECORD_END) :]
        return data

    def tell(self) -> int:
        return self._at


def _check_whole(record: Any, found_bytes: int, number: int) -> None:
    if found_bytes < record.content_length:
        raise InputError(f"breaks off inside record {number} ({found_bytes} of {record.content_length} bytes)")


def _passed(record: Any, number: int) -> Passed:
    if record.content_length > _HELD_BYTES:
        return Passed(lambda sink: record.write(sink))
    block = record.reader.read()
    _check_whole(record, len(block), number)
    written = _written(record, block)
    return Passed(lambda sink: sink.write(written), len(written))


def _read_page(
    source: Source, record: Any, headers: dict[str, str], fields: Fields, number: int, *, keep: bool
) -> Read | None:
    """Return the page of a record that may hold one, or what else becomes of it."""
    block = record.reader.read()
    _check_whole(record, len(block), number)
    head, payload, media, charset = _content(record, headers, block)
    is_html = media in markup.MEDIA_TYPES
    if media != _TEXT_TYPE and not is_html:
        if not keep:
            return None
        written = _written(record, block)
        return Passed(lambda sink: sink.write(written), len(written))
    try:
        if is_html:
            decoded = markup.decode_markup(payload, said_by_user=fields.encoding, said_by_server=charset)
        else:
            decoded = decode_page(payload, said_by_user=fields.encoding, said_by_page=charset)
    except InputError as error:
        return Unreadable(f"{source.path}:{number}", str(error), whole=False)
    name = headers.get("warc-record-id", "").strip("<>") or f"{source.id}:{number}"
    page = Page(decoded.text, name, headers.get("warc-target-uri"), html=is_html)
    handle = _Kept(_head_of(record), head, block) if keep else None
    return Record(source, page, number, handle=handle, decoded=decoded)


def _content(record: Any, headers: dict[str, str], block: bytes) -> tuple[bytes, bytes, str, str | None]:
    """Return a block's HTTP head ("" in a WET file), the bytes of its page, their media type and declared encoding."""
    if not record.is_http:
        media, _, rest = headers.get("content-type", "").partition(";")
        return b"", block, media.strip().lower(), _charset(rest) if rest else None
    head, blank, body = block.partition(b"\r\n\r\n")
    lines = _http_headers(head)
    media, _, rest = lines.get("content-type", "").partition(";")
    media = media.strip().lower()
    if lines.keys() & {"content-encoding", "transfer-encoding"} and media in {_TEXT_TYPE, *markup.MEDIA_TYPES}:
        plain = _unpacked_http(block)
        body = body if plain is None else plain
    return head + blank, body, media, _charset(rest)


def _unpacked_http(block: bytes) -> bytes | None:
    """Return the body of an HTTP response without its packing and chunks; None where fastwarc cannot undo them."""
    from fastwarc.warc import ArchiveIterator

    record = b"WARC/1.0\r\nWARC-Type: response\r\nContent-Type: application/http; msgtype=response\r\n"
    record += b"Content-Length: %d\r\n\r\n%b\r\n\r\n" % (len(block), block)
    try:
        parsed = next(ArchiveIterator(io.BytesIO(record), parse_http=True, auto_decode="all"))
        return bytes(parsed.reader.read())
    except (OSError, StopIteration, ValueError):
        return None


def _http_headers(head: bytes) -> dict[str, str]:
    lines = (line.decode("latin-1").partition(":") for line in head.split(b"\r\n")[1:])
    return {name.strip().lower(): value.strip() for name, _, value in lines}


def _charset(parameters: str) -> str | None:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip("\"'") or None
    return None


class _Kept:
    """What of a record is needed to write it again: its heads and its whole block."""

    __slots__ = ("block", "head", "http_head")

    def __init__(self, head: bytes, http_head: bytes, block: bytes) -> None:
        self.head, self.http_head, self.block = head, http_head, block


def _head_of(record: Any) -> bytes:
    """Return the lines above a record's block, as fastwarc read them; the blank line is not one of them."""
    lines = [str(record.headers.status_line), *(f"{name}: {value}" for name, value in record.headers.items())]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape")


def _written(record: Any, block: bytes) -> bytes:
    return _head_of(record) + b"\r\n\r\n" + block + b"\r\n\r\n"


class WarcRewriter:
    """Writes the records of a WARC file again, each a member of its own where the file is packed, as readers expect."""

    def __init__(self, sink: IO[bytes], path: str) -> None:
        self._sink, self._path = sink, path

    def page(self, record: Record, result: ScanResult) -> None:
        """Write the record of a page with the spans cut; what is not cut stays as it was, byte by byte."""
        kept: _Kept = record.handle
        head, block = kept.head, kept.block
        if result.cut_spans:
            payload = cleaned_bytes(record, result)
            block = _http_head(kept.http_head, len(payload)) + payload
            head = _changed_head(kept.head, block, payload)
        self._write(head + b"\r\n\r\n" + block + b"\r\n\r\n")

    def passed(self, passed: Passed) -> None:
        """Copy a record that holds no page."""
        held = io.BytesIO()
        passed.copy(held)
        self._write(held.getvalue())

    def close(self) -> None:
        """Write nothing more: a WARC file has no end of its own."""

    def _write(self, record: bytes) -> None:
        self._sink.write(pack(record, self._path))


def _http_head(head: bytes, body_bytes: int) -> bytes:
    """Return an HTTP head for a body of so many bytes, "" for none."""
    if not head:
        return b""
    lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    kept = [line for line in lines if line.partition(b":")[0].strip().lower().decode("latin-1") not in _BODY_HEADERS]
    return b"\r\n".join([*kept, b"Content-Length: %d" % body_bytes]) + b"\r\n\r\n"


def _changed_head(head: bytes, block: bytes, payload: bytes) -> bytes:
    """Return a record's head for another block; digests that were there are those of the new one."""
    new = {"content-length": str(len(block))}
    new |= {name.lower(): _sha1(of) for name, of in zip(_DIGESTS, (block, payload), strict=True)}
    return b"\r\n".join(_renewed(head.split(b"\r\n"), new))


def _renewed(lines: Iterable[bytes], new: dict[str, str]) -> Iterator[bytes]:
    for line in lines:
        name, _, _ = line.partition(b":")
        value = new.get(name.decode("latin-1").strip().lower())
        yield line if value is None else name + b": " + value.encode()


def _sha1(data: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode()
