"""A file's bytes and its name come in; a stream that unpacks or packs as the name's suffix says goes out."""

from __future__ import annotations

import gzip
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


def unpacked(raw: IO[bytes], path: str) -> IO[bytes]:
    """Return a stream of what the file holds; a file that breaks off raises EOFError where it does."""
    packing = packing_of(path)
    if packing == GZIP:
        return gzip.GzipFile(fileobj=raw, mode="rb")  # type: ignore[return-value]
    if packing == ZSTD:
        opened: IO[bytes] = zstd_library().ZstdFile(raw, "rb")
        return opened
    return raw


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
