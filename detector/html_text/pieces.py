"""What is no text in a source comes in; the pieces of text between, and the values that people read, go out."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detector.html_text.lexing import meta_value, read_value
from detector.html_text.names import BREAKS_LINE, Gap
from detector.html_text.openings import NAMES, NUMBERS, Flags, Offsets
from detector.html_text.single import ReadSingly

_BLANK: Final = ord(" ")
#: What tags part text by; the last one is for names that are not known, and for what is no tag.
_GAPS: Final = np.array([*(Gap.LINE if name in BREAKS_LINE else Gap.NONE for name in NAMES), Gap.NONE], np.uint8)
_A, _META = NUMBERS["a"], NUMBERS["meta"]
_KEEPS_LINES: Final = np.array([*(name in ("pre", "textarea", "xmp", "plaintext", "listing") for name in NAMES), False])
#: What comes before "=" where a value may be one that people read, that of alt or title: from the last character back.
_ENDS_READ: Final = np.isin(np.arange(256), [ord(each) for each in "tTeE\t\n\f\r "])
_BEFORE_END: Final = np.isin(np.arange(256), [ord(each) for each in "lL"])
_BEFORE_L: Final = np.isin(np.arange(256), [ord(each) for each in "aAtT"])
#: "?" stands for all characters beyond Latin-1.
_MAY_BE_BLANK: Final = np.isin(np.arange(256), [ord("?"), 0x85, 0xA0])
#: One of these is in every meta tag that is read.
_META_READ: Final = ("keywords", "description", "title", "&")


@dataclass(frozen=True)
class Covers:
    """What is no text, in order: tags, and with -1 for the number of a name all else; ``tags`` counts those before."""

    starts: Offsets
    ends: Offsets
    numbers: Offsets
    closing: Flags
    tags: Offsets

    def named(self, number: int, *, closing: bool) -> Offsets:
        """Return the start or end tags of a name."""
        found: Offsets = np.flatnonzero((self.numbers == number) & (self.closing == closing))
        return found

    def gaps(self) -> NDArray[np.uint8]:
        """Return what each parts text by."""
        found: NDArray[np.uint8] = _GAPS[np.minimum(self.numbers, len(NAMES))]
        return found


@dataclass(frozen=True)
class _Pieces:
    """Pieces of text, and behind which cover each stands, counted from 1."""

    starts: Offsets
    ends: Offsets
    gaps: NDArray[np.uint8]
    slots: Offsets


def _find_pieces(source: str, codes: NDArray[np.uint8], covers: Covers) -> _Pieces:
    """Find the text that is not blank between covers, and what parts each piece from the one before."""
    begins, stops = np.concatenate(([0], covers.ends)), np.concatenate((covers.starts, [len(source)]))
    ink = codes[: len(source)] > 32
    edges = (ink[1:] != ink[:-1]).nonzero()[0] + 1
    slots = (begins < stops).nonzero()[0]
    begins, stops = begins[slots], stops[slots]
    starts, ends = begins.copy(), stops.copy()
    pale = (~ink[starts]).nonzero()[0]
    starts[pale] = np.append(edges, len(source))[edges.searchsorted(starts[pale], "right")]
    blank = starts >= ends
    pale = (~blank & ~ink[ends - 1]).nonzero()[0]
    ends[pale] = edges[edges.searchsorted(ends[pale] - 1, "right") - 1]
    wide = np.flatnonzero(~blank & _MAY_BE_BLANK[codes[np.minimum(starts, len(source))]])
    for nth, start, end in zip(wide.tolist(), starts[wide].tolist(), ends[wide].tolist(), strict=True):
        if source[start].isspace():
            blank[nth] = source[start:end].isspace()
    gaps = covers.gaps()
    behind = slots[blank & (slots > 0)] - 1
    gaps[behind] = np.maximum(gaps[behind], Gap.SPACE)
    said = ~blank
    found = _Pieces(starts[said], ends[said], np.zeros(int(said.sum()), np.uint8), slots[said])
    if not len(found.slots):
        return found
    _part_links(covers, found.slots, gaps)
    firsts = np.append(0, found.slots[:-1])
    found.gaps[:] = np.maximum.reduceat(np.append(gaps, 0)[: max(1, found.slots[-1])], firsts)
    if found.slots[0] == 0:
        found.gaps[0] = Gap.NONE
    apart = (starts > begins)[said]
    apart[1:] |= (ends < stops)[said][:-1]
    found.gaps[apart] = np.maximum(found.gaps[apart], Gap.SPACE)
    return found


def _part_links(covers: Covers, slots: Offsets, gaps: NDArray[np.uint8]) -> None:
    """Let a link's start part its text from that of a link that ended right before it."""
    links = (covers.numbers == _A).nonzero()[0]
    closing = covers.closing[links]
    begun, ended = links[~closing], links[closing]
    if len(begun) and len(ended):
        since = np.append(0, slots)[slots.searchsorted(begun, "right")]
        nth = ended.searchsorted(begun) - 1
        parted = begun[(nth >= 0) & (ended[nth] >= since)]
        gaps[parted] = np.maximum(gaps[parted], Gap.SPACE)


#: The columns of `Tokens` that are about pieces.
PieceColumns = tuple[list[int], list[int], list[int], list[int], frozenset[int], frozenset[int], frozenset[int]]


def pieces_of(source: str, codes: NDArray[np.uint8], covers: Covers, read: ReadSingly) -> PieceColumns:
    """Return the pieces; contents of meta elements are among them."""
    found = _find_pieces(source, codes, covers)
    starts, ends, gaps = found.starts.tolist(), found.ends.tolist(), found.gaps.tolist()
    tags = covers.tags[found.slots].tolist()
    keeping = _keeping(covers, found)
    metas = []
    for nth in covers.named(_META, closing=False).tolist():
        at, until = int(covers.starts[nth]), int(covers.ends[nth])
        lowered = source[at:until].lower()
        if any(word in lowered for word in _META_READ) and (value := meta_value(source[at:until])):
            metas.append((at + value[0], at + value[1], int(covers.tags[nth + 1])))
    valued: list[int] = []
    for at, until, tag in metas:
        place = bisect_left(starts, at)
        for column, said in ((starts, at), (ends, until), (gaps, int(Gap.LINE)), (tags, tag)):
            column.insert(place, said)
        if place + 1 < len(gaps):
            gaps[place + 1] = int(Gap.LINE)
        keeping = [each + (each >= place) for each in keeping]
        valued.append(place)
    verbatim = [
        piece for at, until in read.verbatim for piece in range(bisect_left(starts, at), bisect_left(starts, until))
    ]
    return starts, ends, gaps, tags, frozenset(verbatim), frozenset(valued), frozenset(keeping)


def _keeping(covers: Covers, pieces: _Pieces) -> list[int]:
    """Return the pieces that stand in an element whose line ends are kept."""
    keeps = _KEEPS_LINES[np.minimum(covers.numbers, len(NAMES))]
    if not keeps.any():
        return []
    depth = np.append(0, np.cumsum(np.where(covers.closing, -1, 1) * keeps))
    depth -= np.minimum.accumulate(depth)
    found: list[int] = np.flatnonzero(depth[pieces.slots] > 0).tolist()
    return found


def values_of(source: str, codes: NDArray[np.uint8], covers: Covers) -> list[tuple[int, int, int]]:
    """Return where the values of attributes stand that people read, and the number of their tag."""
    at = (codes[: len(source)] == 61).nonzero()[0]
    if not len(covers.starts):
        return []
    at = at[_ENDS_READ[codes[at - 1]]]
    at = at[(_BEFORE_END[codes[at - 2]] & _BEFORE_L[codes[at - 3]]) | (codes[at - 1] <= _BLANK)]
    nth = covers.starts.searchsorted(at, "right") - 1
    inside = (nth >= 0) & (at < covers.ends[nth]) & (covers.numbers[nth] >= 0) & ~covers.closing[nth]
    at, nth = at[inside], nth[inside]
    found: list[tuple[int, int, int]] = []
    for sign, stop, tag in zip(at.tolist(), covers.ends[nth].tolist(), covers.tags[nth].tolist(), strict=True):
        value = read_value(source, sign, stop)
        if value and (not found or value[0] > found[-1][1]):
            found.append((*value, tag))
    return found
