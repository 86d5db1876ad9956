"""The characters of a source come in; every ``<`` of it, and the plain tags that begin at one, go out as arrays.

A tag is plain where it ends at the first ``>`` whichever way its quotes are read; nearly all are.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count, product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detector.html_text.lexing import element_name
from detector.html_text.names import KNOWN_NAMES

Offsets = NDArray[np.int64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.uint8]

#: Names and their numbers; further names of a page are numbered behind these.
NAMES: Final = tuple(sorted(KNOWN_NAMES))
NUMBERS: Final = {name: number for number, name in enumerate(NAMES)}
#: Names of so many letters at most are compared as one number.
_WORD_CHARS: Final = 8
PADDING: Final = b"\0" * (_WORD_CHARS + 1)
#: Names are looked up in a table of so many places: a multiplier that gives each a place of its own is soon found.
_TABLE_BITS: Final = 12
#: 2 ** 64 by the golden ratio: what is tried is near to none of what was tried before.
_GOLDEN: Final = 0x9E3779B97F4A7C15


def _name_table() -> tuple[np.uint64, NDArray[np.uint64], Offsets]:
    """Return a multiplier whose products with short names differ in their highest bits; by these, names and numbers."""
    words = {name: number for name, number in NUMBERS.items() if len(name) <= _WORD_CHARS} | {"image": NUMBERS["img"]}
    names = np.array([int.from_bytes(name.encode(), "little") for name in words], np.uint64)
    for turn in count(1):
        multiplier = np.uint64(_GOLDEN * turn % (1 << 64) | 1)
        places = (names * multiplier) >> _TABLE_SHIFT
        if len(set(places.tolist())) == len(names):
            break
    table, numbers = np.zeros(1 << _TABLE_BITS, np.uint64), np.full(1 << _TABLE_BITS, -1)
    table[places], numbers[places] = names, list(words.values())
    return multiplier, table, numbers


def _letter_table() -> bytes:
    """Return each byte in lower case; what ends a name as 0, and NUL, which does not, as what is in no known name."""
    table = bytearray(bytes(range(256)).lower())
    table[0] = 255
    for each in b"\t\n\f\r />":
        table[each] = 0
    return bytes(table)


_TABLE_SHIFT: Final = np.uint64(64 - _TABLE_BITS)
_MULTIPLIER, _TABLE, _TABLE_NUMBERS = _name_table()
_LETTERS: Final = _letter_table()
_IS_LETTER: Final = np.array([chr(code).isalpha() and code < 128 for code in range(256)])
_ONES: Final = np.uint64(0x0101010101010101)
_HIGHS: Final = np.uint64(0x8080808080808080)

#: Kinds of marks: "<", ">"; quotes that follow a "=", quotes that surely begin no value, and any other quote.
_OPEN, _CLOSE, _DOUBLE, _DOUBLE_END, _SINGLE, _SINGLE_END, _WRONG = range(7)
#: What a mark says about the tag before it: nothing, that another begins, that it ends here and is plain, or is not.
_NOTHING, _BEGINS, _IS_PLAIN, _IS_NOT_PLAIN = range(4)
#: A mark as it is written is one of these, plus one of what stands before it: a "=", a blank, anything else.
_WRITTEN: Final = {"<": 0, ">": 3, '"': 6, "'": 9}
_SIGN, _BLANK, _OTHER = range(3)
_KINDS: Final = (
    *(_OPEN, _OPEN, _OPEN), *(_CLOSE, _CLOSE, _CLOSE), *(_DOUBLE, _WRONG, _DOUBLE_END), *(_SINGLE, _WRONG, _SINGLE_END),
)  # fmt: skip
_MARK_BITS: Final = 4


def _said(farther: int, before: int, kind: int) -> int:
    """Return what a mark of a kind says behind two others, where these have not said that the tag is not plain."""
    if kind == _OPEN:
        return _BEGINS
    if before == _CLOSE:
        return _NOTHING
    if before == _SINGLE:
        return _NOTHING if kind == _SINGLE_END else _IS_NOT_PLAIN
    if before == _DOUBLE or (before == _SINGLE_END and farther != _SINGLE):  # inside double quotes
        return _NOTHING if kind in (_DOUBLE_END, _SINGLE_END) else _IS_NOT_PLAIN
    if kind == _CLOSE:
        return _IS_PLAIN
    return _NOTHING if kind in (_DOUBLE, _SINGLE) else _IS_NOT_PLAIN


def _step_table() -> Codes:
    """Return what a mark says, by how the second before it, the one before it and it are written."""
    kinds = range(_WRONG + 1)
    said = np.array([_said(*each) for each in product(kinds, repeat=3)], np.uint8).reshape(3 * [len(kinds)])
    written = np.full(1 << _MARK_BITS, _WRONG)
    written[: len(_KINDS)] = _KINDS
    table: Codes = said[np.ix_(written, written, written)].ravel()
    return table


def _written_tables() -> tuple[Codes, Codes, Codes]:
    """Return what adds up to how a mark is written: by its code, and by that before it, or before a blank before it."""
    marks, before, farther = np.zeros(256, np.uint8), np.full(256, _OTHER, np.uint8), np.full(256, _OTHER, np.uint8)
    for mark, written in _WRITTEN.items():
        marks[ord(mark)] = written
    before[:33], before[ord("=")] = _BLANK, _SIGN
    farther[:33], farther[ord("=")] = _BLANK, _BLANK
    return marks, before, farther


_MARKS, _BEFORE, _BEFORE_BLANK = _written_tables()
_STEPS: Final = _step_table()


@dataclass(frozen=True)
class Opens:
    """Every ``<`` of a source: where it stands, and the tag that begins there if it is plain."""

    codes: Codes
    starts: Offsets
    ends: Offsets
    plain: Flags
    closing: Flags
    numbers: Offsets


def find_marks(codes: Codes, chars: int) -> Offsets:
    """Return where the marks stand that begin or end tags, or values in them."""
    body = codes[:chars]
    is_mark = body == 60
    for code in (62, 34, 39):
        is_mark |= body == code
    found: Offsets = is_mark.nonzero()[0]
    return found


def find_opens(codes: Codes, marks: Offsets) -> Opens:
    """Find the plain tags among the marks.

    A tag ends at the first ``>`` for sure if every quote in it either follows a ``=``, or ends what such a quote of its
    kind began and follows neither a ``=`` nor blanks behind one, and if there are none between these but single quotes
    of the second kind: wherever a reader may take a value to begin, it has ended by then.
    """
    beside = _BEFORE.take(codes.take(marks - 1))
    blank = (beside == _BLANK).nonzero()[0]
    beside[blank] = _BEFORE_BLANK.take(codes.take(marks.take(blank) - 2))
    written = (_MARKS.take(codes.take(marks)) + beside).astype(np.uint16)
    steps = written | (_WRITTEN[">"] << _MARK_BITS)  # before the first nothing is begun, as behind a tag
    steps[1:] = written[1:] | (written[:-1] << _MARK_BITS)
    steps[2:] |= written[:-2] << (2 * _MARK_BITS)
    said = _STEPS.take(steps)
    telling = (said != _NOTHING).nonzero()[0]
    said, places = said.take(telling), marks.take(telling)
    opens = (said == _BEGINS).nonzero()[0]
    following = opens + 1
    starts = places.take(opens)
    closing = codes.take(starts + 1) == 47
    numbers, begins = _numbers_at(codes, starts + 1 + closing)
    plain = (said.take(following, mode="clip") == _IS_PLAIN) & begins
    return Opens(codes, starts, places.take(following, mode="clip") + 1, plain, closing, numbers)


def _numbers_at(codes: Codes, at: Offsets) -> tuple[Offsets, Flags]:
    """Return the number of the name that begins at each offset, -1 for others, and whether a letter stands there."""
    written = np.ndarray((len(codes) - _WORD_CHARS + 1,), "<u8", codes, 0, (1,))[at]
    words = np.frombuffer(written.tobytes().translate(_LETTERS), "<u8")
    ends = (words - _ONES) & ~words & _HIGHS
    names = words & (ends ^ (ends - np.uint64(1)))  # up to the lowest byte that is 0
    places = ((names * _MULTIPLIER) >> _TABLE_SHIFT).view(np.int64)
    numbers = np.where(_TABLE.take(places) == names, _TABLE_NUMBERS.take(places), -1)
    for nth in ((ends == 0) & (numbers >= 0)).nonzero()[0].tolist():
        if _LETTERS[codes[at[nth] + _WORD_CHARS]]:  # it is longer than what was compared
            numbers[nth] = -1
    return numbers, _IS_LETTER.take(codes.take(at))


class Numbering:
    """Numbers the names of one page: known ones as they are known, others behind them."""

    def __init__(self) -> None:
        self.names = list(NAMES)
        self._others: dict[str, int] = {}

    def number(self, name: str) -> int:
        number = NUMBERS.get(name)
        if number is None and (number := self._others.get(name)) is None:
            number = self._others[name] = len(self.names)
            self.names.append(name)
        return number


def number_others(source: str, opens: Opens, numbering: Numbering) -> None:
    """Number the names of plain tags that are not known, or too long to be compared at once."""
    for nth in (opens.plain & (opens.numbers < 0)).nonzero()[0].tolist():
        name = element_name(source, int(opens.starts[nth]) + 1 + bool(opens.closing[nth]))
        opens.numbers[nth] = numbering.number(name)
