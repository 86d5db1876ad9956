"""The characters of a source come in; every ``<`` of it, and the plain tags that begin at one, go out as arrays.

A tag is plain where it ends at the first ``>`` whichever way its quotes are read; nearly all are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detector.html_text.lexing import element_name
from detector.html_text.names import KNOWN_NAMES

Offsets = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: Names and their numbers; further names of a page are numbered behind these.
NAMES: Final = tuple(sorted(KNOWN_NAMES))
NUMBERS: Final = {name: number for number, name in enumerate(NAMES)}
#: Names of so many letters at most are compared as one number.
_WORD_CHARS: Final = 8
PADDING: Final = b"\0" * (_WORD_CHARS + 1)


def _word_table() -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    words = {name: number for name, number in NUMBERS.items() if len(name) <= _WORD_CHARS} | {"image": NUMBERS["img"]}
    keys = {int.from_bytes(name.encode(), "little"): number for name, number in words.items()}
    ordered = sorted(keys)
    return np.array(ordered, np.uint64), np.array([keys[key] for key in ordered], np.int64)


def _letter_table() -> NDArray[np.uint8]:
    """Return each byte in lower case; what ends a name as 0, and NUL, which does not, as what is in no known name."""
    table = np.arange(256, dtype=np.uint8)
    table[ord("A") : ord("Z") + 1] += 32
    table[0] = 255
    table[[ord(each) for each in "\t\n\f\r />"]] = 0
    return table


_KEYS, _KEY_NUMBERS = _word_table()
_LETTERS: Final = _letter_table()
_ONES: Final = np.uint64(0x0101010101010101)
_HIGHS: Final = np.uint64(0x8080808080808080)


@dataclass(frozen=True)
class Opens:
    """Every ``<`` of a source: where it stands, and the tag that begins there if it is plain."""

    codes: NDArray[np.uint8]
    starts: Offsets
    ends: Offsets
    plain: Flags
    closing: Flags
    numbers: Offsets


def find_opens(codes: NDArray[np.uint8], chars: int) -> Opens:
    """Find every ``<``, and those at which a plain tag begins.

    A tag ends at the first ``>`` for sure if every second double quote in it follows a ``=``, no other quote follows
    one or a blank, and single quotes stand between double ones alone: wherever a reader may take a value to begin, it
    has ended by then.
    """
    body = codes[:chars]
    marks = ((body == 60) | (body == 62) | (body == 34) | (body == 39)).nonzero()[0]
    kinds = codes[marks]
    is_open = kinds == 60
    opens, closes = is_open.nonzero()[0], (kinds == 62).nonzero()[0]
    starts = marks[opens]
    none = np.zeros(len(opens), np.int64)
    if not len(opens) or not len(closes):
        return Opens(codes, starts, none, none > 0, none > 0, none)
    nth = closes.searchsorted(opens)
    ended = nth < len(closes)
    close = closes[np.minimum(nth, len(closes) - 1)]
    following = np.append(opens[1:], len(marks))
    ended &= close < following
    double = kinds == 34
    odd = np.logical_xor.accumulate(double)
    inside = odd ^ np.append(np.zeros(opens[0], np.bool_), np.repeat(odd[opens], following - opens))
    before = codes[marks - 1]
    follows = before == 61
    wrong = ((kinds == 39) & (~inside | follows | (before <= 32))) | (
        double & ((inside != follows) | (~inside & (before <= 32)))
    )
    close = np.where(ended, close, opens)
    until = np.stack((opens, close + 1), axis=1).ravel()
    ended &= ~np.logical_or.reduceat(np.append(wrong, False), until)[::2] & ~inside[close]
    closing = codes[starts + 1] == 47
    numbers, begins = _numbers_at(codes, starts + 1 + closing)
    return Opens(codes, starts, marks[close] + 1, ended & begins, closing, numbers)


def _numbers_at(codes: NDArray[np.uint8], at: Offsets) -> tuple[Offsets, Flags]:
    """Return the number of the name that begins at each offset, -1 for others, and whether a letter stands there."""
    rows = _LETTERS[np.ndarray((len(codes) - _WORD_CHARS + 1, _WORD_CHARS), np.uint8, codes, 0, (1, 1))[at]]
    words = rows.view("<u8")[:, 0]
    ends = (words - _ONES) & ~words & _HIGHS
    whole = (ends != 0) | (_LETTERS[codes[at + _WORD_CHARS]] == 0)
    words = words & ((ends & (~ends + np.uint64(1))) >> np.uint64(7)) - np.uint64(1)
    nth = np.minimum(_KEYS.searchsorted(words), len(_KEYS) - 1)
    numbers = np.where(whole & (_KEYS[nth] == words), _KEY_NUMBERS[nth], -1)
    return numbers, (rows[:, 0] >= 97) & (rows[:, 0] <= 122)


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
    for nth in np.flatnonzero(opens.plain & (opens.numbers < 0)).tolist():
        name = element_name(source, int(opens.starts[nth]) + 1 + bool(opens.closing[nth]))
        opens.numbers[nth] = numbering.number(name)
