"""A file's bytes and its name come in; a stream that unpacks or packs as the name's suffix says goes out."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from contextlib import suppress
from types import ModuleType
from typing import IO, Any

from detector.formats.records import missing_extra
from detector.formats.sources import GZIP, ZSTD, packing_of

_GZIP_LEVEL = 6
#: Level 3 is the library's own choice: what `zstd` writes unless told otherwise.
_ZSTD_LEVEL = 3
#: What is read of a gzip file at a time. Of a WARC file, where every record is a member, what is left of it is copied
#: with each member: smaller pieces copy less, larger ones ask less often.
_BLOCK_BYTES = 1 << 15
_BUFFER_BYTES = 1 << 17


def unpacked(raw: IO[bytes], path: str) -> IO[bytes]:
    """Return a stream of what the file holds; a file that breaks off raises EOFError where it does."""
    packing = packing_of(path)
    if packing == GZIP:
        return io.BufferedReader(_Gunzipped(raw), _BUFFER_BYTES)
    if packing == ZSTD:
        opened: IO[bytes] = zstd_library().ZstdFile(raw, "rb")
        return opened
    return raw


class _Gunzipped(io.RawIOBase):
    """Unpacks the members of a gzip file one behind the other; closing it leaves the file open.

    The standard library's reader does the same in Python, call by call: on a WET file it takes as long as unpacking.
    """

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._member: Any = None
        self._held = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer; raise EOFError where the file breaks off, BadGzipFile where it is none."""
        while True:
            if (self._member is None or self._member.eof) and not self._next_member():
                return 0
            broken_off = not self._held and not self._read_on()
            try:
                data = self._member.decompress(self._held, len(buffer))
            except zlib.error as error:
                raise gzip.BadGzipFile(f"is no gzip file that can be unpacked: {error}") from error
            self._held = self._member.unconsumed_tail
            if data:
                buffer[: len(data)] = data
                return len(data)
            if broken_off and not self._member.eof:
                raise EOFError("breaks off: the end of the gzip file is missing")

    def _next_member(self) -> bool:
        """Begin another member; return False where there is none. Zeros between members only fill blocks of tapes."""
        if self._member is None:
            found = bool(self._read_on())
        else:
            self._held = self._member.unused_data.lstrip(b"\0")
            while not self._held and self._read_on():
                self._held = self._held.lstrip(b"\0")
            found = bool(self._held)
        if found:
            self._member = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        return found

    def _read_on(self) -> bool:
        self._held = self._raw.read(_BLOCK_BYTES)
        return bool(self._held)


def packed(raw: IO[bytes], path: str) -> IO[bytes]:
    """Return a stream to write to; closing it writes the packing's end and leaves `raw` open.

    Neither name nor time goes into it, so that the same pages give the same bytes.
    """
    packing = packing_of(path)
    if packing == GZIP:
        return gzip.GzipFile("", "wb", _GZIP_LEVEL, raw, 0)  # type: ignore[return-value]
    if packing == ZSTD:
        opened: IO[bytes] = zstd_library().ZstdFile(raw, "wb", level=_ZSTD_LEVEL)
        return opened
    return raw


def pack(data: bytes, path: str) -> bytes:
    """Return the data packed as a member of its own; members that follow each other are one packed file."""
    packing = packing_of(path)
    if packing == GZIP:
        return gzip.compress(data, _GZIP_LEVEL, mtime=0)
    if packing == ZSTD:
        frame: bytes = zstd_library().compress(data, level=_ZSTD_LEVEL)
        return frame
    return data


def zstd_library() -> Any:
    """Return the zstd module (in the standard library from Python 3.14 on); raise InputError without it."""
    if sys.version_info >= (3, 14):
        from compression import zstd

        return zstd
    try:
        from backports import zstd
    except ImportError:
        raise missing_extra(".zst", "io") from None
    return zstd


def read_errors() -> tuple[type[Exception], ...]:
    """Return what reading a broken file may raise."""
    zstd: ModuleType | None = sys.modules.get("backports.zstd") or sys.modules.get("compression.zstd")
    found: tuple[type[Exception], ...] = (OSError, EOFError, zlib.error)
    with suppress(AttributeError):
        found = (*found, zstd.ZstdError)  # type: ignore[union-attr]
    return found
