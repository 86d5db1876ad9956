"""Bytes of a page come in; its text and the encoding they were in go out, or an error that says what is wrong.

A byte order mark declares the encoding. Then strict UTF-8 is tried, as no other text is UTF-8 by chance; then what the
page or the user declares; what nobody declares is guessed among the encodings that web pages were written in.
"""

from __future__ import annotations

import codecs

from detector.datatypes import InputError, UsageError
from detector.formats.records import missing_extra
from detector.html_text import Decoded, is_stateful, known_encoding

_HEAD_BYTES = 8192
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_GUESSES = ["gb18030", "big5", "cp932", "euc_jp", "cp949", "cp1251", "cp1252"]
#: So much of a page is enough to tell its encoding; the rest is decoded strictly all the same.
_GUESS_BYTES = 1 << 16
#: With fewer bytes that are not UTF-8 a guess is a throw of dice: two characters of a double-byte encoding.
_LEAST_BYTES = 4


def encoding_named(name: str) -> str:
    """Return Python's name of a declared encoding; raise UsageError where there is none.

    >>> encoding_named("GB2312"), encoding_named("x-sjis"), encoding_named("EUC-KR")
    ('gb18030', 'cp932', 'cp949')
    """
    found = known_encoding(name)
    if found is None:
        raise UsageError(f"{name!r} is no encoding of text; Python's names are known, such as gb18030 or big5")
    return found


def decode_page(data: bytes, *, said_by_user: str | None = None, said_by_page: str | None = None) -> Decoded:
    """Return the text of the bytes; raise InputError that says why they are none.

    What the user says is believed: where it does not fit either, nothing is guessed. What a page says of itself often
    is wrong; then it is guessed as if nothing had been said.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return Decoded(_strict(data, encoding, len(mark)), encoding, len(mark), data)
    if b"\0" in data[:_HEAD_BYTES]:
        raise InputError("is binary, not text (it holds NUL bytes)")
    declared = known_encoding(said_by_user or said_by_page or "")
    if declared and is_stateful(declared):  # its bytes look like UTF-8
        return Decoded(_strict(data, declared), declared, 0, data)
    try:
        return Decoded(data.decode(), "utf-8", 0, data)
    except UnicodeDecodeError as error:
        if declared is None or declared == "utf-8":
            return _guess(data, error.start)
        return _decode_declared(data, declared, error.start, guess=said_by_user is None)


def _decode_declared(data: bytes, declared: str, not_utf8: int, *, guess: bool) -> Decoded:
    try:
        return Decoded(data.decode(declared), declared, 0, data)
    except UnicodeDecodeError as error:
        if guess:
            return _guess(data, not_utf8)
        raise InputError(
            f"is neither UTF-8 (at byte {not_utf8}) nor {declared}, as was declared (at byte {error.start})"
        ) from None


def _strict(data: bytes, encoding: str, mark: int = 0) -> str:
    try:
        return data[mark:].decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(f"is not {encoding.upper()} (at byte {error.start + mark})") from None


def _guess(data: bytes, not_utf8: int) -> Decoded:
    """Return the text in the likeliest encoding in which all of it can be read."""
    if _is_damaged(data):
        raise InputError(f"is not UTF-8 (at byte {not_utf8})")
    try:
        from charset_normalizer import from_bytes
    except ImportError:
        hint = missing_extra("guessing its encoding", "io")
        raise InputError(f"is not UTF-8 (at byte {not_utf8}); --encoding declares another, {hint}") from None
    # Plain ASCII at the front tells nothing; and a line's start is a character's start.
    start = data.rfind(b"\n", 0, not_utf8) + 1
    for match in from_bytes(data[start : start + _GUESS_BYTES], cp_isolation=_GUESSES):
        try:
            return Decoded(data.decode(match.encoding), match.encoding, 0, data)
        except UnicodeDecodeError:
            continue
    raise InputError(f"is not UTF-8 (at byte {not_utf8}), nor any encoding it could be guessed to be; try --encoding")


def _is_damaged(data: bytes) -> bool:
    """Tell whether the bytes are UTF-8 with a few broken places, or hold too little to guess from."""
    shown = data.decode(errors="replace")
    broken = shown.count("\ufffd")
    beyond_ascii = len(shown) - len(shown.encode("ascii", "ignore"))
    return beyond_ascii - broken > broken or broken < _LEAST_BYTES
