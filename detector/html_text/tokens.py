"""The source of a page comes in; its tags, and the pieces of text between them, go out as arrays of offsets.

All marks that can begin or end a tag are looked at together, in arrays. A tag is plain where it ends at the first ``>``
whichever way its quotes are read; nearly all are. The rest, comments, and elements whose content is no markup, are read
one by one by the patterns of `lexing`, and what they cover is taken out of the arrays again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np

from detector.html_text.names import Way, way_of
from detector.html_text.openings import (
    NAMES,
    NUMBERS,
    PADDING,
    Codes,
    Flags,
    Numbering,
    Offsets,
    Opens,
    find_marks,
    find_opens,
    number_others,
)
from detector.html_text.pieces import covers_of, pieces_of, values_of, with_tails
from detector.html_text.single import ReadSingly, read_singly

_BLANK: Final = ord(" ")
_SCRIPT, _SCRIPT_END = b"<script", b"</script"
_SCRIPT_HEAD, _SCRIPT_END_HEAD = (int.from_bytes(tag[:4], "little") for tag in (_SCRIPT, _SCRIPT_END))
#: What makes four letters lower case; it changes other characters too.
_LOWER: Final = np.uint32(0x20202020)
#: How start tags are taken; the last one is for names that are not known.
_WAYS: Final = np.array([*(int(way_of(name)[0]) for name in NAMES), int(Way.PUSH)], np.int8)


@dataclass(frozen=True)
class Tokens:
    """The tags of a source in order, and the pieces of text around them.

    Tag ``n`` stands from ``starts[n]`` to ``ends[n]``, is called ``names[numbers[n]]`` and is an end tag where
    ``closing``. Piece ``p`` is text from ``piece_starts[p]`` to ``piece_ends[p]``, without blanks at its ends, that
    comes when the tags below ``piece_tags[p]`` have been read; ``piece_gaps`` part it from the one before. In pieces
    that are ``verbatim`` references mean nothing, ``valued`` ones are the value of an attribute, and ``keeping`` ones
    keep their line ends. ``texts`` are the values that people read, ``scripts`` and ``sheets`` contents, each with the
    number of its tag; ``comments`` are contents. ``foreign_asked`` are the starts of tags and CDATA sections that were
    read as one would where no svg or math is open, or was said to be.
    """

    starts: Offsets
    ends: Offsets
    numbers: Offsets
    closing: Flags
    names: Sequence[str]
    piece_starts: list[int]
    piece_ends: list[int]
    piece_gaps: list[int]
    piece_tags: list[int]
    verbatim: frozenset[int]
    valued: frozenset[int]
    keeping: frozenset[int]
    texts: list[tuple[int, int, int]]
    comments: list[tuple[int, int]]
    scripts: list[tuple[int, int, int]]
    sheets: list[tuple[int, int]]
    foreign_asked: list[int]

    def named(self, *names: str, closing: bool = False) -> Offsets:
        """Return the numbers of the start or end tags of these names, in order."""
        called = np.zeros(len(self.numbers), np.bool_)
        for name in names:
            called |= self.numbers == NUMBERS[name]
        found: Offsets = np.flatnonzero(called & (self.closing == closing))
        return found

    def piece_links(self) -> Offsets:
        """Return for each piece the number of the tag of the link that was begun last and not ended, -1 for others."""
        before = np.array(self.piece_tags, np.int64)
        begun, ended = (
            np.append(-1, tags)[np.searchsorted(tags, before)]
            for tags in (self.named("a"), self.named("a", closing=True))
        )
        return np.where(begun > ended, begun, -1)

    def ways(self) -> list[int]:
        """Return how each tag is taken in the ordinary case."""
        ways = _WAYS[np.minimum(self.numbers, len(NAMES))]
        ways[self.closing] = int(Way.END)
        found: list[int] = ways.tolist()
        return found


def read_tokens(source: str, foreign: Mapping[int, bool] | None = None) -> Tokens:
    """Return the tokens of a source; never raises, and takes time linear in it.

    `foreign` says of the tags and CDATA sections at some offsets whether they stand in svg or math, where a tag's
    content is markup and CDATA sections are text. Of others it is guessed, and they are ``foreign_asked``.
    """
    raw = source.encode("latin-1", "replace") + PADDING
    codes = np.frombuffer(raw, np.uint8)
    marks = find_marks(codes, len(source))
    if scripts := _guess_scripts(raw, codes, marks):
        bare = codes.copy()
        for start, end in scripts:
            bare[start:end] = _BLANK
        opens, numbering, read = _read_tags(source, bare, _marks_beside(marks, scripts), foreign or {})
        if _are_contents(scripts, read):
            return _assemble(source, opens, numbering, read)
    return _assemble(source, *_read_tags(source, codes, marks, foreign or {}))


def _guess_scripts(raw: bytes, codes: Codes, marks: Offsets) -> list[tuple[int, int]]:
    """Return where the contents of scripts stand in an ordinary page: much of it, and full of what could be markup.

    No end tag of a script stands in what is returned.
    """
    opens = marks.take((codes.take(marks) == 60).nonzero()[0])
    heads = np.ndarray((len(codes) - 3,), "<u4", codes, 0, (1,))[opens] | _LOWER
    found, inner = [], 0
    tags = ((heads == _SCRIPT_HEAD) | (heads == _SCRIPT_END_HEAD)).nonzero()[0]
    for at in opens.take(tags).tolist():
        head = raw[at : at + len(_SCRIPT_END)].lower()
        if not inner and head.startswith(_SCRIPT):
            inner = raw.find(b">", at) + 1 or len(raw)
        elif 0 < inner <= at and head == _SCRIPT_END:
            if inner < at:
                found.append((inner, at))
            inner = 0
    return found


def _marks_beside(marks: Offsets, ranges: Sequence[tuple[int, int]]) -> Offsets:
    """Return the marks outside of some ranges that are in order."""
    edges = [0, *marks.searchsorted(np.array(ranges).ravel()).tolist(), len(marks)]
    return np.concatenate([marks[edges[nth] : edges[nth + 1]] for nth in range(0, len(edges), 2)])


def _read_tags(
    source: str, codes: Codes, marks: Offsets, foreign: Mapping[int, bool]
) -> tuple[Opens, Numbering, ReadSingly]:
    """Find the plain tags, and read one by one what is none."""
    opens = find_opens(codes, marks)
    numbering = Numbering()
    number_others(source, opens, numbering)
    return opens, numbering, read_singly(source, opens, numbering, foreign)


def _are_contents(scripts: Sequence[tuple[int, int]], read: ReadSingly) -> bool:
    """Tell whether all these ranges are contents of scripts, or stand in comments."""
    others = sorted(set(scripts).difference(read.scripts))
    at = 0
    for start, end in others:
        while at < len(read.comments) and read.comments[at][1] < end:
            at += 1
        if at == len(read.comments) or start < read.comments[at][0]:
            return False
    return True


def _assemble(source: str, opens: Opens, numbering: Numbering, read: ReadSingly) -> Tokens:
    """Put plain tags, and what was read one by one, in order, and find the text between them."""
    ends, numbers, closing = opens.ends.copy(), opens.numbers.copy(), opens.closing.copy()
    reach = ends.copy()
    # Before which offset no tag begins, as what stands farther ahead says.
    passed = np.zeros(len(ends) + 1, np.int64)
    taken = np.fromiter(chain.from_iterable(read.taken), np.int64).reshape(-1, 4)
    at = taken[:, 0]
    reach[at] = ends[at] = passed[at + 1] = taken[:, 1]
    for nth, stop in read.contents:
        reach[nth] = passed[nth + 1] = stop
    for nth, stop in read.passed:
        passed[nth + 1] = stop
    left = opens.plain & (np.maximum.accumulate(passed)[:-1] <= opens.starts)
    left[at], numbers[at], closing[at] = True, taken[:, 2], taken[:, 3]
    at = left.nonzero()[0]
    covers = covers_of(opens.starts.take(at), ends.take(at), reach.take(at), numbers.take(at), closing.take(at))
    if read.tails:
        covers = with_tails(covers, read.tails)
    pieces = pieces_of(source, opens.codes, covers, read)
    tags = (covers.numbers >= 0).nonzero()[0]
    begun = covers.ends.take(tags)
    of_scripts = begun.searchsorted([start for start, _ in read.scripts]).tolist()
    scripts = [(start, end, tag) for (start, end), tag in zip(read.scripts, of_scripts, strict=True)]
    return Tokens(
        covers.starts.take(tags), begun, covers.numbers.take(tags), covers.closing.take(tags), numbering.names, *pieces,
        values_of(source, opens.codes, covers), read.comments, scripts, read.sheets, read.asked,
    )  # fmt: skip
