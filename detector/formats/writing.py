"""What to write comes in; whole files go out, under their name only when they are complete."""

from __future__ import annotations

import gzip
import json
import os
import re
import secrets
import sys
from collections.abc import Iterable
from types import TracebackType
from typing import IO

from detector.datatypes import UsageError
from detector.formats.reading import Record
from detector.formats.sources import COMPRESSED, STDIN

STDOUT = "-"
_GZIP_LEVEL = 6
_JSON_BLANKS = re.compile(r"[ \t\n\r]*")


class NewFile:
    """A file being written: it takes its name when the ``with`` ends well, and never exists half-written.

    The bytes go to a temporary name in the same folder, are flushed to the disk and renamed; a name that ends in
    ``.gz`` is packed. A device or pipe is written to directly, as is the standard output (``-``). An error or
    `discard` leaves what stood under the name before. Raise UsageError where the file cannot be written.
    """

    def __init__(self, path: str) -> None:
        self._shown = path
        self._target = path if path == STDOUT else os.path.realpath(path)  # a link stays, its file is replaced
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
        packed = self._target.lower().endswith(COMPRESSED)
        self._sink: IO[bytes] = (
            # No name and no time inside, so that the same pages give the same bytes.
            gzip.GzipFile("", "wb", _GZIP_LEVEL, self._raw, 0)  # type: ignore[assignment]
            if packed
            else self._raw
        )
        return self

    def write(self, text: str) -> None:
        """Write a text as UTF-8."""
        data = text.encode()
        if self._target == STDOUT:
            self._raw.write(data)  # a broken pipe is for the caller to see
            return
        try:
            self._sink.write(data)
        except OSError as error:
            raise self._refusal(error) from error

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
            self._raw.close()
            if self._temporary and os.path.lexists(self._temporary):
                os.unlink(self._temporary)

    def _open(self) -> IO[bytes]:
        if os.path.exists(self._target) and not os.path.isfile(self._target) and not os.path.isdir(self._target):
            return open(self._target, "wb")
        folder, name = os.path.split(self._target)
        os.makedirs(folder, exist_ok=True)
        if os.path.isdir(self._target):
            raise IsADirectoryError(0, "it is a folder; give the name of a file")
        # The name is kept short, and its suffix is one that no walk takes for a page.
        self._temporary = os.path.join(folder, f".{name[:40]}.{secrets.token_hex(6)}.tmp")
        return open(self._temporary, "xb")

    def _finish(self, *, keep: bool) -> None:
        if self._sink is not self._raw:
            self._sink.close()
        if self._temporary and keep:
            self._raw.flush()
            os.fsync(self._raw.fileno())
            self._raw.close()
            os.replace(self._temporary, self._target)

    def _refusal(self, error: OSError) -> UsageError:
        return UsageError(f"cannot write {self._shown}: {error.strerror or error}")


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


def cleaned_record(record: Record, text: str, text_field: str) -> str:
    """Return what stands in a cleaned file for the record whose text became `text`."""
    bom = "\ufeff" if record.bom else ""
    if not record.line:
        return bom + text
    return bom + (record.raw if text == record.page.text else replace_text(record.raw, text_field, text))


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
    written = json.dumps(value, ensure_ascii=ascii_only)
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
