"""Shadow text: code points in, folded code points, character classes and a map back to the offsets out.

Folding levels what spammers vary (width, case, styled letters, traditional and simplified, look-alikes, zero-width
marks). The shadow is only looked at, never written back: every span is cut from the text as it was given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.positions import distinct, union, without

#: The tables reach to the end of the supplementary ideographic plane; what lies beyond shares the last entry.
TABLE_SIZE = 0x30001
#: Folded code of a page's edge: the gaps between the pages of a batch, and control characters.
EDGE_CODE = 3
#: As many edge characters stand around every page, so that no n-gram or window sees two pages.
GAP_CHARS = 16
_GAP = chr(EDGE_CODE) * GAP_CHARS
#: Code points looked up at once.
_PIECE = 1 << 15


class CharClass(IntEnum):
    """What kind of character a code point is, before folding."""

    EDGE = 0
    NEWLINE = 1
    SPACE = 2
    DIGIT = 3
    LATIN_LOWER = 4
    LATIN_UPPER = 5
    HAN = 6
    HAN_SIMPLIFIED = 7
    HAN_TRADITIONAL = 8
    HAN_FUNCTION = 9
    HIRAGANA = 10
    KATAKANA = 11
    HANGUL = 12
    CYRILLIC = 13
    THAI = 14
    OTHER_LETTER = 15
    SENTENCE_END = 16
    PERIOD = 17
    COMMA = 18
    COLON = 19
    PIPE = 20
    UNDERSCORE = 21
    DASH = 22
    MIDDLE_DOT = 23
    OPEN = 24
    CLOSE = 25
    SLASH = 26
    SYMBOL = 27
    PRIVATE = 28
    TONED = 29
    QUOTE = 30
    STYLED = 31


CLASS_COUNT = len(CharClass)


def class_mask(*kinds: int) -> NDArray[np.bool_]:
    """Return a look-up table over the classes, true for `kinds`."""
    mask: NDArray[Any] = np.zeros(CLASS_COUNT, np.bool_)
    mask[[int(kind) for kind in kinds]] = True
    return mask


def positions_of(classes: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the positions of the characters whose class `mask` holds; `bytes.translate` looks up fastest."""
    table = np.zeros(256, np.bool_)
    table[: len(mask)] = mask
    return np.flatnonzero(np.frombuffer(classes.tobytes().translate(table.tobytes()), np.bool_))


#: What spammers put between the letters of a word, and the fewest of them in a row that are taken for that.
_BETWEEN = class_mask(
    CharClass.SPACE,
    CharClass.SENTENCE_END,
    CharClass.PERIOD,
    CharClass.COMMA,
    CharClass.PIPE,
    CharClass.UNDERSCORE,
    CharClass.DASH,
    CharClass.MIDDLE_DOT,
    CharClass.SLASH,
    CharClass.SYMBOL,
)
LEAST_BETWEEN = 3
HAN = class_mask(CharClass.HAN, CharClass.HAN_SIMPLIFIED, CharClass.HAN_TRADITIONAL, CharClass.HAN_FUNCTION)
_LETTER = class_mask(*range(CharClass.LATIN_LOWER, CharClass.OTHER_LETTER + 1), CharClass.STYLED, CharClass.TONED)
_LETTER_OR_DIGIT = _LETTER | class_mask(CharClass.DIGIT)


@dataclass(frozen=True, slots=True)
class FoldedBatch:
    """Pages folded together; every page stands between gaps of edge characters.

    ``codes`` (uint16) and ``classes`` (uint8) have one entry a kept character. ``page_starts`` and ``page_ends``
    (int64) are positions in them. The map back is kept short, since hardly anything is dropped: ``dropped`` (int64,
    sorted) are the offsets in the joined text that have no position, ``text_starts`` (int64) the offsets in it at which
    the pages begin, ``text_chars`` (int64) their lengths.
    """

    codes: NDArray[np.uint16]
    classes: NDArray[np.uint8]
    page_starts: NDArray[np.int64]
    page_ends: NDArray[np.int64]
    dropped: NDArray[np.int64]
    text_starts: NDArray[np.int64]
    text_chars: NDArray[np.int64]

    def offsets(self, positions: NDArray[np.int64], pages: NDArray[np.int64] | int) -> NDArray[np.int64]:
        """Return the offsets, in the text of their page, of positions in the batch (an end may be a page's end)."""
        before = np.searchsorted(self.dropped - np.arange(len(self.dropped)), positions, side="right")
        return np.clip(positions + before - self.text_starts[pages], 0, self.text_chars[pages])

    def pages_at(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the pages (each once) that the positions (sorted) lie on; one in a gap leads into the next page."""
        inside = np.searchsorted(self.page_ends, positions, side="right")
        return distinct(inside[inside < len(self.page_ends)])[0]

    def shadow(self, page: int) -> str:
        """Return a page's folded text; its characters count from the page's start."""
        codes = self.codes[self.page_starts[page] : self.page_ends[page]]
        return codes.astype("<u2").tobytes().decode("utf-16-le", "surrogatepass")


@cache
def character_tables() -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """Return the folding table (0 where a character is dropped) and the class table, read once."""
    with np.load(_tables_path(), allow_pickle=False) as tables:
        folded: NDArray[np.uint16] = tables["folded"]
        classes: NDArray[np.uint8] = tables["classes"]
    return folded, classes


@cache
def traditional_table() -> NDArray[np.uint16]:
    """Return the table from simplified to traditional code points of the basic plane (training material only)."""
    with np.load(_tables_path(), allow_pickle=False) as tables:
        table: NDArray[np.uint16] = tables["traditional"]
    return table


def _tables_path() -> Path:
    return Path(__file__).with_name("tables") / "characters.npz"


def fold_pages(texts: Sequence[str]) -> FoldedBatch:
    """Fold a batch of texts (any Unicode string, lone surrogates included) into one array of codes.

    >>> batch = fold_pages(["Ｃａｓｉｎｏ①", "經\\u200b濟"])
    >>> [bytes(batch.codes[s:e].tobytes()).decode("utf-16-le") for s, e in zip(batch.page_starts, batch.page_ends)]
    ['casino1', '经济']
    """
    joined = _GAP + _GAP.join(texts) + _GAP
    points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    codes, classes, marks = _look_up(points)
    chars = np.fromiter(map(len, texts), np.int64, len(texts))
    text_starts = np.cumsum(chars + GAP_CHARS) - chars
    dropped = np.flatnonzero(codes == 0)
    if len(dropped):
        codes, classes, marks = without(codes, dropped), without(classes, dropped), without(marks, dropped)
    between = _between_letters(codes, classes, marks)
    if len(between):
        codes, classes = without(codes, between), without(classes, between)
        # Positions without the marks that were dropped before become offsets with them.
        between += np.searchsorted(dropped - np.arange(len(dropped)), between, side="right")
        dropped = union(dropped, between)
    starts = text_starts - np.searchsorted(dropped, text_starts)
    ends = text_starts + chars
    ends = ends - np.searchsorted(dropped, ends)
    return FoldedBatch(codes, classes, starts, ends, dropped, text_starts, chars)


def _between_letters(
    codes: NDArray[np.uint16], classes: NDArray[np.uint8], marks: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return where one mark or blank stands again and again between single letters, as in ``b·o·n·u·s``, and where
    a symbol that parts no list stands between two Han characters.

    `marks` tells where the marks stand. At least LEAST_BETWEEN of them in a row count, each between two letters or
    digits, with a letter among them: dates and addresses of machines are no words in disguise.
    """
    symbols = np.flatnonzero(classes == int(CharClass.SYMBOL))  # an enumeration's member would widen the array
    symbols = symbols[HAN.take(classes[symbols - 1]) & HAN.take(classes[symbols + 1])]
    # Three marks with one character between each two are rare; the gaps of edge characters hold none.
    threes = np.flatnonzero(marks[:-4] & marks[2:-2] & marks[4:])
    # Pairs of the same mark with one letter between them; a run of n marks is a run of n - 1 such pairs.
    first = union(threes, threes + 2)
    same = codes[first] == codes[first + 2]
    for beside in (-1, 1, 3):
        same &= _LETTER_OR_DIGIT.take(classes[first + beside])
    first = first[same]
    if not len(first):
        return symbols
    opens = np.flatnonzero(np.diff(first, prepend=-1) != 2)
    pairs = np.diff(opens, append=len(first))
    letters = _LETTER.take(classes[first - 1]) | _LETTER.take(classes[first + 1]) | _LETTER.take(classes[first + 3])
    disguised = (pairs >= LEAST_BETWEEN - 1) & np.logical_or.reduceat(letters, opens)
    first = first[np.repeat(disguised, pairs)]
    return union(union(first, first + 2), symbols)


@cache
def _packed_table() -> NDArray[np.int32]:
    """Return the table that holds the folded code, the class above it, and the sign of what stands between letters."""
    folded, classes = character_tables()
    packed: NDArray[np.int32] = folded.astype(np.int32) | classes.astype(np.int32) << 16
    packed[_BETWEEN[classes]] |= np.int32(-1 << 31)
    return packed


def _look_up(points: NDArray[np.uint32]) -> tuple[NDArray[np.uint16], NDArray[np.uint8], NDArray[np.bool_]]:
    """Return of every code point the folded code, the class, and whether it is one of _BETWEEN.

    One gather serves all three, a piece at a time so that scratch stays in cache.
    """
    table = _packed_table()
    count = len(points)
    codes, classes, marks = np.empty(count, np.uint16), np.empty(count, np.uint8), np.empty(count, np.bool_)
    index, entries = np.empty(min(count, _PIECE), np.intp), np.empty(min(count, _PIECE), np.int32)
    for start in range(0, count, _PIECE):
        end = min(start + _PIECE, count)
        into = entries[: end - start]
        index[: end - start] = points[start:end]
        np.take(table, index[: end - start], mode="clip", out=into)
        codes[start:end] = into
        np.less(into, 0, out=marks[start:end])
        into >>= 16
        classes[start:end] = into
    return codes, classes, marks


def fold_text(text: str) -> tuple[str, NDArray[np.int64]]:
    """Fold one text: the shadow, and for each of its characters the offset in `text` (strictly rising).

    >>> fold_text("Ａ\\u200bＢ")
    ('ab', array([0, 2]))
    """
    batch = fold_pages([text])
    start, end = int(batch.page_starts[0]), int(batch.page_ends[0])
    return batch.shadow(0), batch.offsets(np.arange(start, end), 0)
