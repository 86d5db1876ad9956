"""Segments: folded pages in, boundaries out that cut every page into lines and sentence-like pieces that tile it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.folding import CharClass, FoldedBatch, class_mask, positions_of

#: A segment never grows longer than this, so that evidence is judged near where it stands.
MAX_SEGMENT_CHARS = 240

_LINE_END = class_mask(CharClass.NEWLINE)
_SENTENCE_END = class_mask(CharClass.SENTENCE_END)
_CLOSING = class_mask(CharClass.SENTENCE_END, CharClass.CLOSE, CharClass.QUOTE, CharClass.SPACE)
_RULE = class_mask(CharClass.DASH, CharClass.UNDERSCORE, CharClass.SLASH)
_MARK = _LINE_END | _SENTENCE_END | _RULE


@dataclass(frozen=True, slots=True)
class Segments:
    """Segments of a batch: int64 positions ``starts`` and ``ends``, the ``page`` each lies on, and its ``line``.

    ``line_starts`` and ``line_ends`` hold the positions of every line; a line's end keeps its newline. A page without
    characters has no segment. The segments of a page tile it: the first starts where the page starts, each next one
    where the one before ended, the last ends where the page ends.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    page: NDArray[np.int64]
    line: NDArray[np.int64]
    line_starts: NDArray[np.int64]
    line_ends: NDArray[np.int64]
    line_page: NDArray[np.int64]

    def near(self, positions: NDArray[np.int64], reach: int) -> NDArray[np.int64]:
        """Return the indices of the segments that a stretch of `reach` characters from a position (sorted) touches."""
        if not len(positions) or not len(self.starts):
            return np.empty(0, np.int64)
        # Of the segments that begin no later than a stretch's end, those that end behind its start; in a gap are none.
        count = len(self.starts)
        first = np.bincount(np.searchsorted(self.ends, positions, side="right"), minlength=count + 1)
        behind = np.bincount(np.searchsorted(self.starts, positions + reach, side="right"), minlength=count + 1)
        return np.flatnonzero(np.cumsum(first - behind)[:count] > 0)


def cut_segments(batch: FoldedBatch) -> Segments:
    """Cut the pages of a batch into segments: at line ends, after sentence ends, around rules, at MAX_SEGMENT_CHARS.

    >>> from detector.folding import fold_pages
    >>> found = cut_segments(fold_pages(["第一句。第二句！\\n第二行", "", "x"]))
    >>> (found.starts - 16).tolist(), found.page.tolist(), found.line.tolist()
    ([0, 4, 9, 44], [0, 0, 0, 2], [0, 0, 1, 2])
    """
    classes = batch.classes
    filled = batch.page_ends > batch.page_starts
    pages = np.flatnonzero(filled)
    page_starts, page_ends = batch.page_starts[pages], batch.page_ends[pages]
    marks = positions_of(classes, _MARK)  # everything that may part segments
    kinds = classes[marks]
    line_breaks = marks[_LINE_END.take(kinds)] + 1
    sentence_breaks = _behind_closing(classes, marks[_SENTENCE_END.take(kinds)] + 1)
    rules = _rule_edges(batch.codes, marks[_RULE.take(kinds)])
    line_starts, line_ends, line_page = _tile(line_breaks, page_starts, page_ends, pages)
    breaks = np.concatenate([line_breaks, sentence_breaks, rules])
    starts, ends, page = _tile(breaks, page_starts, page_ends, pages)
    starts, ends, page = _cap(starts, ends, page)
    line = np.searchsorted(line_starts, starts, side="right") - 1
    return Segments(starts, ends, page, line, line_starts, line_ends, line_page)


def _behind_closing(classes: NDArray[np.uint8], positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Move positions behind sentence ends on over the closing marks there; drop those that reach a line's end."""
    moved = positions.copy()
    closing = np.flatnonzero(_CLOSING.take(classes[moved]))
    for _ in range(4):  # nearly always one or two marks
        if not len(closing):
            break
        moved[closing] += 1
        closing = closing[_CLOSING.take(classes[moved[closing]])]
    else:
        others = np.flatnonzero(~_CLOSING[classes])
        moved[closing] = others[np.searchsorted(others, moved[closing])]
    return moved[~_LINE_END.take(classes[moved])]


def _rule_edges(codes: NDArray[np.uint16], marks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where rules drawn with characters (``---``, ``***``, ``___``) begin and end: they part text like lines.

    `marks` are the positions of the characters that rules are drawn with.
    """
    again = (np.diff(marks) == 1) & (codes[marks[1:]] == codes[marks[:-1]])
    third = np.flatnonzero(again[1:] & again[:-1]) + 2  # indices of marks that are at least the third of a run
    if not len(third):
        return marks[:0]
    opens = np.append(True, np.diff(third) > 1)
    return np.concatenate([marks[third[opens] - 2], marks[third[np.append(opens[1:], True)]] + 1])


def _tile(
    breaks: NDArray[np.int64], page_starts: NDArray[np.int64], page_ends: NDArray[np.int64], pages: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return starts, ends and page of the pieces that the breaks, each inside a page, cut the pages into."""
    if not len(page_starts):
        return page_starts, page_starts, page_starts
    marked = np.zeros(int(page_ends[-1]) + 1, np.bool_)
    marked[page_starts] = True
    marked[breaks[breaks <= page_ends[-1]]] = True
    starts = np.flatnonzero(marked)
    which = np.searchsorted(page_starts, starts, side="right") - 1
    inside = starts < page_ends[which]
    starts, which = starts[inside], which[inside]
    ends = np.minimum(np.append(starts[1:], page_ends[-1]), page_ends[which])
    return starts, ends, pages[which]


def _cap(
    starts: NDArray[np.int64], ends: NDArray[np.int64], page: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Cut segments longer than MAX_SEGMENT_CHARS into pieces of that length."""
    pieces = -(-(ends - starts) // MAX_SEGMENT_CHARS)
    if not (pieces > 1).any():
        return starts, ends, page
    first = np.cumsum(pieces) - pieces
    nth = np.arange(int(pieces.sum())) - np.repeat(first, pieces)
    cut_starts = np.repeat(starts, pieces) + nth * MAX_SEGMENT_CHARS
    cut_ends = np.minimum(cut_starts + MAX_SEGMENT_CHARS, np.repeat(ends, pieces))
    return cut_starts, cut_ends, np.repeat(page, pieces)
