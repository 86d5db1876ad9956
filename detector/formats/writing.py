"""What to write comes in; whole files go out, under their name only when they are complete."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import stat
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import IO, cast

from detector.datatypes import InputError, UsageError
from detector.formats.packing import packed
from detector.formats.sources import STDIN

STDOUT = "-"
#: Files are flushed side by side: a disk takes many flushes nearly as fast as one.
_FLUSH_THREADS = 16
#: What is written is hashed and handed to the system in blocks of about this size.
_BLOCK_BYTES = 1 << 18
_PLAIN_JSON = json.JSONEncoder(ensure_ascii=False).encode
_JSON_BLANKS = re.compile(r"[ \t\n\r]*")


class NewFile:
    """A file being written: it takes its name when the ``with`` ends well, and never exists half-written.

    The bytes go to a temporary name in the same folder, are flushed to the disk and renamed; of a `batch`, flushing
    and renaming is left to the batch. A name that ends in ``.gz`` or ``.zst`` is packed, unless the caller writes it
    `as_is`. A device or pipe is written to directly, as is the standard output (``-``). An error or `discard` leaves
    what stood under the name before. Raise UsageError where the file cannot be written.
    """

    def __init__(self, path: str, *, as_is: bool = False, batch: Batch | None = None) -> None:
        self._shown = path
        self._as_is, self._batch = as_is, batch
        self._target = _behind_link(path)
        self._temporary: str | None = None
        self._discarded = False

    def __enter__(self) -> NewFile:
        if self._target == STDOUT:
            self._raw: IO[bytes] = sys.stdout.buffer
        else:
            try:
                self._raw = self._open()
            except OSError as error:
                raise self._refusal(error) from error
        try:
            self._sink = self._raw if self._as_is else packed(self._raw, self._target)
        except InputError as error:
            self._raw.close()
            self._forget()
            raise UsageError(f"cannot write {self._shown}: {error}") from error
        return self

    @property
    def sink(self) -> IO[bytes]:
        """Return this file as what a library writes bytes to."""
        return cast(IO[bytes], self)

    def write(self, data: str | bytes) -> int:
        """Write bytes, or a text as UTF-8."""
        data = data.encode() if isinstance(data, str) else data
        if self._target == STDOUT:
            self._raw.write(data)  # a broken pipe is for the caller to see
            return len(data)
        try:
            self._sink.write(data)
        except OSError as error:
            raise self._refusal(error) from error
        return len(data)

    def flush(self) -> None:
        """Do nothing: what is written is flushed when the file is whole."""

    @property
    def closed(self) -> bool:
        """Return False: the ``with`` closes the file, not who writes to it."""
        return False

    def discard(self) -> None:
        """Give the file up: nothing will stand under its name that did not stand there before."""
        self._discarded = True

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._target == STDOUT:
            if kind is None:
                self._raw.flush()
            return
        try:
            self._finish(keep=kind is None and not self._discarded)
        except OSError as failure:
            raise self._refusal(failure) from failure
        finally:
            with suppress(OSError):  # closing flushes again what a full disk refused
                self._raw.close()
            self._forget()

    def _forget(self) -> None:
        if self._temporary and os.path.lexists(self._temporary):
            os.unlink(self._temporary)

    def _open(self) -> IO[bytes]:
        folder, name = os.path.split(self._target)
        try:
            mode = os.stat(self._target).st_mode
        except OSError:  # it is not there, or what is wrong with it is said below
            os.makedirs(folder or os.curdir, exist_ok=True)
        else:
            if stat.S_ISDIR(mode):
                raise IsADirectoryError(0, "it is a folder; give the name of a file")
            if not stat.S_ISREG(mode):
                return open(self._target, "wb")
        # The name is kept short, and its suffix is one that no walk takes for a page.
        self._temporary = os.path.join(
            self._batch.scratch if self._batch else folder, f".{name[:40]}.{secrets.token_hex(6)}.tmp"
        )
        if self._batch:
            return cast(IO[bytes], _Measured(self._temporary))
        return open(self._temporary, "xb")

    def _finish(self, *, keep: bool) -> None:
        if self._sink is not self._raw:
            self._sink.close()
        if not keep:
            return
        self._raw.flush()  # of a device or pipe too: closing it would not say what it refused
        if not self._temporary:
            return
        if self._batch:
            measured = cast(_Measured, self._raw)
            self._batch.take(self._temporary, NewName(self._shown, measured.size, measured.sha256.hexdigest()))
            self._temporary = None
            return
        os.fsync(self._raw.fileno())
        self._raw.close()
        os.replace(self._temporary, self._target)

    def _refusal(self, error: OSError) -> UsageError:
        return UsageError(f"cannot write {self._shown}: {error.strerror or error}")


@dataclass(frozen=True, slots=True)
class NewName:
    """A file that is written: its path, how long it is, and its digest."""

    path: str
    size: int
    digest: str


class Batch:
    """New files that get their names together, once all of them are safe on the disk."""

    def __init__(self, scratch: str) -> None:
        """Keep the files in `scratch`, a folder on the same disk, until then."""
        self.scratch = scratch
        self._waiting: list[tuple[str, NewName]] = []

    def take(self, temporary: str, new: NewName) -> None:
        """Take a file that is whole."""
        self._waiting.append((temporary, new))

    def settle(self) -> tuple[NewName, ...]:
        """Flush the files, name them and return them; raise UsageError where that cannot be done."""
        try:
            if len(self._waiting) > 1:
                from concurrent.futures import ThreadPoolExecutor

                with ThreadPoolExecutor(_FLUSH_THREADS) as pool:
                    list(pool.map(_flush, (temporary for temporary, _ in self._waiting)))
            else:
                for temporary, _ in self._waiting:
                    _flush(temporary)
            for temporary, new in self._waiting:
                os.replace(temporary, _behind_link(new.path))
        except OSError as error:
            raise UsageError(f"cannot write {error.filename or self.scratch}: {error.strerror or error}") from error
        settled = tuple(new for _, new in self._waiting)
        self._waiting = []
        return settled


def _behind_link(path: str) -> str:
    """Return the path of what a link leads to, which is replaced while the link stays; any other path as it is.

    ``/dev/stdout`` is a link whose end, where it is a pipe, has a name but no path.
    """
    if not os.path.islink(path):
        return path
    end = os.path.realpath(path)
    return path if os.path.exists(path) and not os.path.exists(end) else end


def _flush(path: str) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class _Measured:
    """A new file that counts and hashes what is written to it, in large blocks: lines are many."""

    def __init__(self, path: str) -> None:
        self._raw = open(path, "xb", buffering=0)  # noqa: SIM115  # whoever writes to it closes it
        self.size, self.sha256 = 0, hashlib.sha256()
        self._held: list[bytes] = []
        self._held_bytes = 0
        self.fileno, self.close = self._raw.fileno, self._raw.close

    def write(self, data: bytes) -> int:
        self._held.append(bytes(data))
        self._held_bytes += len(data)
        if self._held_bytes >= _BLOCK_BYTES:
            self.flush()
        return len(data)

    def flush(self) -> None:
        block = memoryview(b"".join(self._held))
        self._held, self._held_bytes = [], 0
        self.sha256.update(block)
        self.size += len(block)
        while block:  # the system may take less than it is given
            block = block[self._raw.write(block) :]


class Inputs:
    """The paths that are read, kept so that nothing is written over them or into a folder that is walked."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._shown = {os.path.realpath(path): path for path in paths if path != STDIN}

    def refuse_overwriting(self, output: str) -> None:
        """Raise UsageError where writing the file or folder `output` would change an input or join a walked folder."""
        if output == STDOUT:
            return
        at = target = os.path.realpath(output)
        while at not in self._shown:
            at, below = os.path.dirname(at), at
            if at == below:
                return
        if at == target:
            raise UsageError(f"{output} is itself an input; give another name to write to")
        raise UsageError(f"{output} lies inside the input folder {self._shown[at]}; write outside of it")


def replace_text(line: str, field: str, text: str) -> str:
    r"""Return a JSON object's line with the value of one field replaced and every other character as it was.

    The new value is escaped where the line was all ASCII, or where it holds lone surrogates. Of a name that stands
    there twice the last counts, as it does for JSON readers.

    >>> replace_text('{"n": 1.50, "text": "a b", "z":[ ]}\r\n', "text", "b")
    '{"n": 1.50, "text": "b", "z":[ ]}\r\n'
    """
    start, end = _place_of(line, field)
    return line[:start] + json_string(text, ascii_only=line.isascii()) + line[end:]


def json_string(value: object, *, ascii_only: bool = False) -> str:
    """Return a value as JSON, plain where it can be written as UTF-8 and escaped where it cannot."""
    written = json.dumps(value) if ascii_only else _PLAIN_JSON(value)
    try:
        written.encode()
    except UnicodeEncodeError:
        return json.dumps(value, ensure_ascii=True)
    return written


def _place_of(line: str, field: str) -> tuple[int, int]:
    """Return where the value of a top-level field stands in the line of a JSON object that holds it."""
    decoder = json.JSONDecoder()
    found = (0, 0)
    at = _behind_blanks(line, 0) + 1  # behind the opening brace
    while True:
        key, at = decoder.raw_decode(line, _behind_blanks(line, at))
        start = _behind_blanks(line, _behind_blanks(line, at) + 1)  # behind the colon
        _, end = decoder.raw_decode(line, start)
        if key == field:
            found = (start, end)
        at = _behind_blanks(line, end)
        if line[at] == "}":
            return found
        at += 1  # behind the comma


def _behind_blanks(line: str, at: int) -> int:
    match = _JSON_BLANKS.match(line, at)
    return match.end() if match else at
