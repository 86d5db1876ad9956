"""Segments: folded pages in, boundaries out that cut every page into lines and sentence-like pieces that tile it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.folding import CharClass, FoldedBatch, class_mask, positions_of

#: A segment never grows longer than this, so that evidence is judged near where it stands.
MAX_SEGMENT_CHARS = 240

#: So many closing marks are passed one by one; where there are more, the next other character is looked up.
_CLOSING_STEPS = 16
_CLOSING = class_mask(CharClass.SENTENCE_END, CharClass.CLOSE, CharClass.QUOTE, CharClass.SPACE)
_RULE = class_mask(CharClass.DASH, CharClass.UNDERSCORE, CharClass.SLASH)
_MARK = class_mask(CharClass.NEWLINE, CharClass.SENTENCE_END) | _RULE


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


def cut_segments(batch: FoldedBatch) -> Segments:
    """Cut the pages of a batch into segments: at line ends, after sentence ends, around rules, at MAX_SEGMENT_CHARS.

    >>> from detector.folding import fold_pages
    >>> found = cut_segments(fold_pages(["第一句。第二句！\\n第二行", "", "x"]))
    >>> (found.starts - 16).tolist(), found.page.tolist(), found.line.tolist()
    ([0, 4, 9, 44], [0, 0, 0, 2], [0, 0, 1, 2])
    """
    classes = batch.classes
    pages = np.flatnonzero(batch.page_ends > batch.page_starts)
    page_starts, page_ends = batch.page_starts[pages], batch.page_ends[pages]
    marks = positions_of(classes, _MARK)  # everything that may part segments
    kinds = classes[marks]
    line_breaks = marks[kinds == CharClass.NEWLINE] + 1
    sentence_breaks = _behind_closing(classes, marks[kinds == CharClass.SENTENCE_END] + 1)
    rules = _rule_edges(batch.codes, marks[_RULE.take(kinds)])
    line_starts, line_ends, line_page = _tile([line_breaks], page_starts, page_ends)
    starts, ends, page = _tile([line_breaks, sentence_breaks, rules], page_starts, page_ends)
    starts, ends = _cap(starts, ends)
    page, line = _group(starts, page_starts), _group(starts, line_starts)
    return Segments(starts, ends, pages[page], line, line_starts, line_ends, pages[line_page])


def _group(starts: NDArray[np.int64], group_starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of the group that each start (sorted) lies in; every group has one that is its own start."""
    return np.repeat(np.arange(len(group_starts)), np.diff(np.searchsorted(starts, group_starts), append=len(starts)))


def _behind_closing(classes: NDArray[np.uint8], positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Move positions behind sentence ends on over the closing marks there; drop those that reach a line's end.

    One that reaches another sentence end is dropped too: the position behind that one moves to the same place.
    """
    moved = positions[classes[positions] != CharClass.SENTENCE_END]
    closing = np.flatnonzero(_CLOSING.take(classes[moved]))
    for _ in range(_CLOSING_STEPS):  # nearly always one or two marks
        if not len(closing):
            break
        moved[closing] += 1
        closing = closing[_CLOSING.take(classes[moved[closing]])]
        closing = closing[classes[moved[closing]] != CharClass.SENTENCE_END]
    else:
        others = np.flatnonzero(~_CLOSING[classes])
        moved[closing] = others[np.searchsorted(others, moved[closing])]
    reached = classes[moved]
    kept: NDArray[np.int64] = moved[(reached != CharClass.NEWLINE) & (reached != CharClass.SENTENCE_END)]
    return kept


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
    breaks: Sequence[NDArray[np.int64]], page_starts: NDArray[np.int64], page_ends: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return starts, ends and page (an index) of the pieces that the breaks, each on a page, cut the pages into."""
    if not len(page_starts):
        return page_starts, page_starts, page_starts
    marked = np.zeros(int(page_ends[-1]) + 1, np.bool_)
    for some in breaks:
        marked[some] = True
    marked[page_ends] = False  # behind a last line or sentence nothing begins
    marked[page_starts] = True
    starts = np.flatnonzero(marked)
    page = _group(starts, page_starts)
    ends = np.append(starts[1:], page_ends[-1])
    return starts, np.minimum(ends, page_ends[page]), page


def _cap(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cut segments longer than MAX_SEGMENT_CHARS into pieces of that length."""
    pieces = -(-(ends - starts) // MAX_SEGMENT_CHARS)
    if not (pieces > 1).any():
        return starts, ends
    first = np.cumsum(pieces) - pieces
    nth = np.arange(int(pieces.sum())) - np.repeat(first, pieces)
    cut_starts = np.repeat(starts, pieces) + nth * MAX_SEGMENT_CHARS
    return cut_starts, np.minimum(cut_starts + MAX_SEGMENT_CHARS, np.repeat(ends, pieces))
