"""What is no text in a source comes in; the pieces of text between, and the values that people read, go out."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detector.html_text.lexing import INVISIBLE, meta_value, read_value
from detector.html_text.names import BREAKS_LINE, Gap
from detector.html_text.openings import NAMES, NUMBERS, Codes, Flags, Offsets
from detector.html_text.single import ReadSingly

_BLANK: Final = ord(" ")
_SPACE, _LINE = int(Gap.SPACE), int(Gap.LINE)
#: What tags part text by; the last one is for names that are not known, and for what is no tag.
_GAPS: Final = np.array([*(Gap.LINE if name in BREAKS_LINE else Gap.NONE for name in NAMES), Gap.NONE], np.uint8)
_A, _META = NUMBERS["a"], NUMBERS["meta"]
_KEEPS_LINES: Final = np.array([*(name in ("pre", "textarea", "xmp", "plaintext", "listing") for name in NAMES), False])
#: What comes before "=" where a value may be one that people read, that of alt or title: from the last character back.
_ENDS_READ: Final = np.isin(np.arange(256), [ord(each) for each in "tTeE\t\n\f\r "])
_BEFORE_END: Final = np.isin(np.arange(256), [ord(each) for each in "lL"])
_BEFORE_L: Final = np.isin(np.arange(256), [ord(each) for each in "aAtT"])


@dataclass(frozen=True)
class Covers:
    """What is no text, in order: tags, and with -1 for the number of a name all ``others``.

    It reaches farther than its end where content that is no text follows.
    """

    starts: Offsets
    ends: Offsets
    reach: Offsets
    numbers: Offsets
    closing: Flags
    others: Offsets

    def tags_before(self, nth: Offsets) -> Offsets:
        """Return how many tags there are before these covers."""
        return nth - self.others.searchsorted(nth)


def covers_of(starts: Offsets, ends: Offsets, reach: Offsets, numbers: Offsets, closing: Flags) -> Covers:
    """Return covers of these columns."""
    return Covers(starts, ends, reach, numbers, closing, (numbers < 0).nonzero()[0])


def with_tails(covers: Covers, tails: list[tuple[int, int]]) -> Covers:
    """Return the covers with ranges put in that are neither tags nor text."""
    starts, ends = np.array(tails, np.int64).T
    at = covers.starts.searchsorted(starts)
    return covers_of(
        np.insert(covers.starts, at, starts),
        np.insert(covers.ends, at, ends),
        np.insert(covers.reach, at, ends),
        np.insert(covers.numbers, at, -1),
        np.insert(covers.closing, at, False),
    )


@dataclass(frozen=True)
class _Pieces:
    """Pieces of text, behind which cover each stands, counted from 1, and what parts it from the one before."""

    starts: list[int]
    ends: list[int]
    slots: Offsets
    gaps: list[int]


def _find_pieces(source: str, codes: Codes, covers: Covers) -> _Pieces:
    """Find the text that is not blank between covers, and what parts each piece from the one before."""
    count = len(covers.starts)
    begins, stops = np.zeros(count + 1, np.int64), np.full(count + 1, len(source))
    begins[1:], stops[:count] = covers.reach, covers.starts
    slots = (begins < stops).nonzero()[0]
    begins, stops = begins.take(slots), stops.take(slots)
    is_text = _hold_ink(codes, begins, stops)
    said = is_text.nonzero()[0]
    begins, stops, behind = begins.take(said), stops.take(said), slots.take(said)
    led, followed = codes.take(begins) <= _BLANK, codes.take(stops - 1) <= _BLANK
    starts, ends = begins.tolist(), stops.tolist()
    for nth in led.nonzero()[0].tolist():
        starts[nth] = ends[nth] - len(source[starts[nth] : ends[nth]].lstrip(INVISIBLE))
    for nth in followed.nonzero()[0].tolist():
        ends[nth] = starts[nth] + len(source[starts[nth] : ends[nth]].rstrip(INVISIBLE))
    if blank := _blanks(source, starts, ends):
        is_text[said[blank]] = False
        kept = is_text.take(said).nonzero()[0]
        starts, ends = ([column[nth] for nth in kept.tolist()] for column in (starts, ends))
        led, followed, behind = led.take(kept), followed.take(kept), behind.take(kept)
    gaps = _gaps(covers, behind, slots, is_text)
    for nth in led.nonzero()[0].tolist() + (followed[:-1].nonzero()[0] + 1).tolist():
        gaps[nth] = gaps[nth] or _SPACE
    return _Pieces(starts, ends, behind, gaps)


def _hold_ink(codes: Codes, starts: Offsets, ends: Offsets) -> Flags:
    """Tell of ranges in order whether there is more in them than what nobody sees."""
    if not len(starts):
        return np.zeros(0, np.bool_)
    edges = np.empty(2 * len(starts), np.int64)
    edges[::2], edges[1::2] = starts, ends
    found: Flags = np.maximum.reduceat(codes, edges)[::2] > _BLANK
    return found


def _blanks(source: str, starts: list[int], ends: list[int]) -> list[int]:
    """Return which pieces are blank all the same, of characters beyond ASCII."""
    may_be = [nth for nth, start in enumerate(starts) if source[start].isspace()]
    return [nth for nth in may_be if source[starts[nth] : ends[nth]].isspace()]


def _gaps(covers: Covers, said: Offsets, slots: Offsets, is_text: Flags) -> list[int]:
    """Return what parts the pieces in the slots `said` each from the one before.

    `slots` are those that are not empty, and `is_text` tells which of them are `said`.
    """
    if not len(said):
        return []
    gaps = np.zeros(len(covers.starts) + 1, np.uint8)
    gaps[slots] = ~is_text  # a space
    gaps[0] = Gap.NONE
    np.maximum(gaps[1:], _GAPS.take(np.minimum(covers.numbers, len(NAMES))), out=gaps[1:])
    _part_links(covers, said, gaps[1:])
    firsts = np.zeros(len(said), np.int64)
    firsts[1:] = said[:-1] + 1
    found: list[int] = np.maximum.reduceat(gaps[: int(said[-1]) + 1], firsts).tolist()
    return found


def _part_links(covers: Covers, slots: Offsets, gaps: NDArray[np.uint8]) -> None:
    """Let a link's start part its text from that of a link that ended right before it."""
    links = (covers.numbers == _A).nonzero()[0]
    closing = covers.closing.take(links)
    follows = (closing[:-1] > closing[1:]).nonzero()[0]
    ended, begun = links.take(follows), links.take(follows + 1)
    gaps[begun[slots.searchsorted(ended, "right") == slots.searchsorted(begun, "right")]] = _SPACE


#: The columns of `Tokens` that are about pieces.
PieceColumns = tuple[list[int], list[int], list[int], list[int], frozenset[int], frozenset[int], frozenset[int]]


def pieces_of(source: str, codes: NDArray[np.uint8], covers: Covers, read: ReadSingly) -> PieceColumns:
    """Return the pieces; contents of meta elements are among them."""
    found = _find_pieces(source, codes, covers)
    starts, ends, gaps = found.starts, found.ends, found.gaps
    tags = covers.tags_before(found.slots).tolist()
    keeping = _keeping(covers, found)
    metas = []
    nths = ((covers.numbers == _META) & ~covers.closing).nonzero()[0]
    columns = covers.starts.take(nths), covers.ends.take(nths), covers.tags_before(nths + 1)
    for at, until, tag in zip(*(column.tolist() for column in columns), strict=True):
        lowered = source[at:until].lower()
        if "keywords" in lowered or "description" in lowered or "title" in lowered or "&" in lowered:
            value = meta_value(source[at:until])
            metas += [(at + value[0], at + value[1], tag)] if value else []
    valued: list[int] = []
    for at, until, tag in metas:
        place = bisect_left(starts, at)
        for column, said in ((starts, at), (ends, until), (gaps, _LINE), (tags, tag)):
            column.insert(place, said)
        if place + 1 < len(gaps):
            gaps[place + 1] = _LINE
        keeping = [each + (each >= place) for each in keeping]
        valued.append(place)
    verbatim = [
        piece for at, until in read.verbatim for piece in range(bisect_left(starts, at), bisect_left(starts, until))
    ]
    return starts, ends, gaps, tags, frozenset(verbatim), frozenset(valued), frozenset(keeping)


def _keeping(covers: Covers, pieces: _Pieces) -> list[int]:
    """Return the pieces that stand in an element whose line ends are kept."""
    nths = _KEEPS_LINES.take(np.minimum(covers.numbers, len(NAMES))).nonzero()[0]
    found: list[int] = []
    depth = first = 0
    for nth, closing in zip(nths.tolist(), covers.closing.take(nths).tolist(), strict=True):
        before, depth = depth, max(0, depth - 1) if closing else depth + 1
        if not before:
            first = int(pieces.slots.searchsorted(nth, "right"))
        elif not depth:
            found += range(first, int(pieces.slots.searchsorted(nth, "right")))
    return found + list(range(first, len(pieces.starts))) if depth else found


def values_of(source: str, codes: Codes, covers: Covers) -> list[tuple[int, int, int]]:
    """Return where the values of attributes stand that people read, and the number of their tag."""
    at = (codes[: len(source)] == 61).nonzero()[0]
    if not len(covers.starts):
        return []
    at = at[_ENDS_READ.take(codes.take(at - 1))]
    last, before = codes.take(at - 1), _BEFORE_END.take(codes.take(at - 2)) & _BEFORE_L.take(codes.take(at - 3))
    at = at[before | (last <= _BLANK)]
    nth = covers.starts.searchsorted(at, "right") - 1
    inside = (nth >= 0) & (at < covers.ends.take(nth)) & (covers.numbers.take(nth) >= 0) & ~covers.closing.take(nth)
    inside = inside.nonzero()[0]
    at, nth = at.take(inside), nth.take(inside)
    found: list[tuple[int, int, int]] = []
    behind = 0
    columns = at, covers.ends.take(nth), covers.tags_before(nth)
    for sign, stop, tag in zip(*(column.tolist() for column in columns), strict=True):
        value = read_value(source, sign, stop)
        if value and value[0] > behind:
            behind = value[1]
            found.append((*value, tag))
    return found
