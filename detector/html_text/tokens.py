"""The source of a page comes in; its tags, and the pieces of text between them, go out as arrays of offsets.

All marks that can begin or end a tag are looked at together, in arrays. A tag is plain where it ends at the first ``>``
whichever way its quotes are read; nearly all are. The rest, comments, and elements whose content is no markup, are read
one by one by the patterns of `lexing`, and what they cover is taken out of the arrays again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detector.html_text.lexing import TAG, element_name, markup_at, meta_value, raw_text_end, read_value
from detector.html_text.names import (
    BREAKS_LINE,
    ESCAPABLE_RAW_TEXT,
    KNOWN_NAMES,
    RAW_TEXT,
    VERBATIM,
    Gap,
    Way,
    way_of,
)

Offsets = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: Names and their numbers; further names of a page are numbered behind these.
_NAMES: Final = tuple(sorted(KNOWN_NAMES))
_NUMBERS: Final = {name: number for number, name in enumerate(_NAMES)}
#: Names of so many letters at most are compared as one number.
_WORD_CHARS: Final = 8
_BLANK: Final = ord(" ")
_PADDING: Final = b"\0" * (_WORD_CHARS + 1)


def _word_table() -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    words = {name: number for name, number in _NUMBERS.items() if len(name) <= _WORD_CHARS} | {"image": _NUMBERS["img"]}
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
#: What tags part text by; the last one is for names that are not known, and for what is no tag.
_GAPS: Final = np.array([*(Gap.LINE if name in BREAKS_LINE else Gap.NONE for name in _NAMES), Gap.NONE], np.uint8)
#: How start tags are taken; the last one is for names that are not known.
_WAYS: Final = np.array([*(int(way_of(name)[0]) for name in _NAMES), int(Way.PUSH)], np.int8)
_ONE_BY_ONE: Final = np.array(
    [name in RAW_TEXT or name in ESCAPABLE_RAW_TEXT or name in ("svg", "math") for name in _NAMES]
)
_A, _META = _NUMBERS["a"], _NUMBERS["meta"]
_KEEPS_LINES: Final = np.array(
    [*(name in ("pre", "textarea", "xmp", "plaintext", "listing") for name in _NAMES), False]
)
#: What comes before "=" where a value may be one that people read, that of alt or title: from the last character back.
_ENDS_READ: Final = np.isin(np.arange(256), [ord(each) for each in "tTeE\t\n\f\r "])
_BEFORE_END: Final = np.isin(np.arange(256), [ord(each) for each in "lL"])
_BEFORE_L: Final = np.isin(np.arange(256), [ord(each) for each in "aAtT"])
#: "?" stands for all characters beyond Latin-1.
_MAY_BE_BLANK: Final = np.isin(np.arange(256), [ord("?"), 0x85, 0xA0])
#: One of these is in every meta tag that is read.
_META_READ: Final = ("keywords", "description", "title", "&")


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
            called |= self.numbers == _NUMBERS[name]
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
        ways = _WAYS[np.minimum(self.numbers, len(_NAMES))]
        ways[self.closing] = int(Way.END)
        found: list[int] = ways.tolist()
        return found


@dataclass
class _Read:
    """What was read one by one."""

    #: Tags: start, end, name, whether it is an end tag.
    tags: list[tuple[int, int, str, bool]] = field(default_factory=list)
    #: What is neither tag nor text.
    covers: list[tuple[int, int]] = field(default_factory=list)
    #: In these no "<" begins anything.
    passed: list[tuple[int, int]] = field(default_factory=list)
    comments: list[tuple[int, int]] = field(default_factory=list)
    scripts: list[tuple[int, int]] = field(default_factory=list)
    sheets: list[tuple[int, int]] = field(default_factory=list)
    verbatim: list[tuple[int, int]] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class _Opens:
    """Every ``<`` of a source: where it stands, and the tag that begins there if it is plain."""

    codes: NDArray[np.uint8]
    starts: Offsets
    ends: Offsets
    plain: Flags
    closing: Flags
    numbers: Offsets


@dataclass(frozen=True)
class _Covers:
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
        found: NDArray[np.uint8] = _GAPS[np.minimum(self.numbers, len(_NAMES))]
        return found


def read_tokens(source: str, foreign: Mapping[int, bool] | None = None) -> Tokens:
    """Return the tokens of a source; never raises, and takes time linear in it.

    `foreign` says of the tags and CDATA sections at some offsets whether they stand in svg or math, where a tag's
    content is markup and CDATA sections are text. Of others it is guessed, and they are ``foreign_asked``.
    """
    raw = source.encode("latin-1", "replace") + _PADDING
    codes, scripts = np.frombuffer(raw, np.uint8), _guess_scripts(raw)
    if scripts:
        bare = codes.copy()
        for start, end in scripts:
            bare[start:end] = _BLANK
        opens, numbering, read = _read_tags(source, bare, foreign or {})
        if _are_contents(scripts, read):
            return _assemble(source, opens, numbering, read)
    return _assemble(source, *_read_tags(source, codes, foreign or {}))


def _guess_scripts(raw: bytes) -> list[tuple[int, int]]:
    """Return where the contents of scripts stand in an ordinary page: much of it, and full of what could be markup."""
    found, at = [], 0
    while (start := raw.find(b"<script", at)) >= 0:
        inner = raw.find(b">", start) + 1
        at = raw.find(b"</script", inner)
        if not inner or at < 0:
            break
        if inner < at:
            found.append((inner, at))
    return found


def _read_tags(source: str, codes: NDArray[np.uint8], foreign: Mapping[int, bool]) -> tuple[_Opens, _Numbering, _Read]:
    """Find the plain tags, and read one by one what is none."""
    opens = _find_opens(codes, len(source))
    numbering = _Numbering()
    _number_others(source, opens, numbering)
    return opens, numbering, _read_one_by_one(source, opens, numbering.names, foreign)


def _are_contents(scripts: Sequence[tuple[int, int]], read: _Read) -> bool:
    """Tell whether all these ranges are contents of scripts, or stand in comments."""
    others = sorted(set(scripts).difference(read.scripts))
    at = 0
    for start, end in others:
        while at < len(read.comments) and read.comments[at][1] < end:
            at += 1
        if at == len(read.comments) or start < read.comments[at][0]:
            return False
    return True


def _find_opens(codes: NDArray[np.uint8], chars: int) -> _Opens:
    """Find every ``<``, and those at which a plain tag begins.

    A tag ends at the first ``>`` for sure if every second double quote in it, and only these, follows a ``=``, and
    single quotes stand between double ones alone: wherever a reader may take a value to begin, it has ended by then.
    """
    body = codes[:chars]
    marks = ((body == 60) | (body == 62) | (body == 34) | (body == 39)).nonzero()[0]
    kinds = codes[marks]
    is_open = kinds == 60
    opens, closes = is_open.nonzero()[0], (kinds == 62).nonzero()[0]
    starts = marks[opens]
    none = np.zeros(len(opens), np.int64)
    if not len(opens) or not len(closes):
        return _Opens(codes, starts, none, none > 0, none > 0, none)
    nth = closes.searchsorted(opens)
    ended = nth < len(closes)
    close = closes[np.minimum(nth, len(closes) - 1)]
    following = np.append(opens[1:], len(marks))
    ended &= close < following
    double = kinds == 34
    odd = np.logical_xor.accumulate(double)
    inside = odd ^ np.append(np.zeros(opens[0], np.bool_), np.repeat(odd[opens], following - opens))
    wrong = ((kinds == 39) & ~inside) | (double & (inside != (codes[marks - 1] == 61)))
    close = np.where(ended, close, opens)
    until = np.stack((opens, close + 1), axis=1).ravel()
    ended &= ~np.logical_or.reduceat(np.append(wrong, False), until)[::2] & ~inside[close]
    closing = codes[starts + 1] == 47
    numbers, begins = _numbers_at(codes, starts + 1 + closing)
    return _Opens(codes, starts, marks[close] + 1, ended & begins, closing, numbers)


def _numbers_at(codes: NDArray[np.uint8], at: Offsets) -> tuple[Offsets, Flags]:
    """Return the number of the name that begins at each offset, -1 for others, and whether a letter stands there."""
    rows = _LETTERS[np.ndarray((len(codes) - _WORD_CHARS + 1, _WORD_CHARS), np.uint8, codes, 0, (1, 1))[at]]
    words = rows.view(np.uint64)[:, 0]
    ends = (words - _ONES) & ~words & _HIGHS
    whole = (ends != 0) | (_LETTERS[codes[at + _WORD_CHARS]] == 0)
    words = words & ((ends & (~ends + np.uint64(1))) >> np.uint64(7)) - np.uint64(1)
    nth = np.minimum(_KEYS.searchsorted(words), len(_KEYS) - 1)
    numbers = np.where(whole & (_KEYS[nth] == words), _KEY_NUMBERS[nth], -1)
    return numbers, (rows[:, 0] >= 97) & (rows[:, 0] <= 122)


class _Numbering:
    """Numbers the names of one page: known ones as they are known, others behind them."""

    def __init__(self) -> None:
        self.names = list(_NAMES)
        self._others: dict[str, int] = {}

    def number(self, name: str) -> int:
        number = _NUMBERS.get(name)
        if number is None and (number := self._others.get(name)) is None:
            number = self._others[name] = len(self.names)
            self.names.append(name)
        return number


def _number_others(source: str, opens: _Opens, numbering: _Numbering) -> None:
    """Number the names of plain tags that are not known, or too long to be compared at once."""
    for nth in np.flatnonzero(opens.plain & (opens.numbers < 0)).tolist():
        name = element_name(source, int(opens.starts[nth]) + 1 + bool(opens.closing[nth]))
        opens.numbers[nth] = numbering.number(name)


def _read_one_by_one(source: str, opens: _Opens, names: Sequence[str], foreign: Mapping[int, bool]) -> _Read:
    """Read what is no plain tag, and the contents of elements that hold no markup."""
    known = len(_NAMES)
    single = ~opens.plain | _ONE_BY_ONE[np.minimum(opens.numbers, known - 1)] & (opens.numbers < known)
    at = single.nonzero()[0]
    read, resume, depth = _Read(), 0, 0
    usual_comments = "--!>" not in source
    columns = (opens.starts[at], opens.ends[at], opens.plain[at], opens.closing[at], opens.numbers[at])
    for start, end, plain, closing, number in zip(*(each.tolist() for each in columns), strict=True):
        if start < resume:
            continue
        if plain:
            name = names[number]
        elif usual_comments and source.startswith("!--", start + 1) and source[start + 4 : start + 5] not in "->":
            stop = source.find("-->", start + 4)
            resume = stop + 3 if stop >= 0 else len(source)
            read.comments.append((start + 4, stop if stop >= 0 else len(source)))
            read.covers.append((start, resume))
            read.passed.append((start, resume))
            continue
        else:
            match = TAG.match(source, start)
            if match is None:
                resume = max(resume, _take_markup(source, start, read, depth, foreign))
                continue
            end = resume = match.end()
            if not match[4]:  # the source ends inside the tag: it is not there
                read.covers.append((start, end))
                read.passed.append((start, end))
                break
            name, closing = element_name(source, match.start(2)), bool(match[1])
            read.tags.append((start, end, name, closing))
            read.passed.append((start, end))
        if name in ("svg", "math"):
            depth = max(0, depth - 1) if closing else depth + (source[end - 2] != "/")
        elif not closing and (name in RAW_TEXT or name in ESCAPABLE_RAW_TEXT):
            if depth:
                if start not in foreign:
                    read.asked.append(start)
                elif foreign[start]:
                    continue
            resume = _take_raw(source, name, start, end, read)
    return read


def _take_markup(source: str, start: int, read: _Read, depth: int, foreign: Mapping[int, bool]) -> int:
    """Take a comment or the like; return where it ends, 0 where there is none and the ``<`` is text."""
    is_foreign = False
    if depth and source.startswith("![CDATA[", start + 1):
        is_foreign = foreign.get(start, True)
        if start not in foreign:
            read.asked.append(start)
    found = markup_at(source, start, foreign=is_foreign)
    if found is None:
        return 0
    read.passed.append((start, found.end))
    if found.kind == "cdata":
        read.covers += [(start, found.inner), (found.inner_end, found.end)]
        read.verbatim.append((found.inner, found.inner_end))
    else:
        read.covers.append((start, found.end))
        if found.kind == "comment" and found.inner < found.inner_end:
            read.comments.append((found.inner, found.inner_end))
    return found.end


def _take_raw(source: str, name: str, start: int, end: int, read: _Read) -> int:
    """Take the content of an element that holds no markup; return where it ends. Its end tag is read as any other."""
    until = max(end, raw_text_end(source, name, end))
    if until > end:
        read.passed.append((end, until))
        if name in VERBATIM:
            read.verbatim.append((end, until))
        elif name not in ESCAPABLE_RAW_TEXT:
            read.covers.append((end, until))
            {"script": read.scripts, "style": read.sheets}.get(name, read.comments).append((end, until))
    return until


def _assemble(source: str, opens: _Opens, numbering: _Numbering, read: _Read) -> Tokens:
    """Put plain tags, and what was read one by one, in order, and find the text between them."""
    left = opens.plain.copy()
    if read.passed:
        edges = np.zeros(len(left) + 1, np.int64)
        passed = np.array(read.passed)
        np.add.at(edges, opens.starts.searchsorted(passed[:, 0]), 1)
        np.add.at(edges, opens.starts.searchsorted(passed[:, 1]), -1)
        left &= np.cumsum(edges)[:-1] <= 0
    rows = [(start, end, numbering.number(name), closing) for start, end, name, closing in read.tags]
    rows += [(start, end, -1, False) for start, end in read.covers if start < end]
    extra = np.array(rows, np.int64).reshape(-1, 4)
    starts = np.concatenate([opens.starts[left], extra[:, 0]])
    order = np.argsort(starts, kind="stable")
    starts = starts[order]
    ends = np.concatenate([opens.ends[left], extra[:, 1]])[order]
    numbers = np.concatenate([opens.numbers[left], extra[:, 2]])[order]
    closing = np.concatenate([opens.closing[left], extra[:, 3] > 0])[order]
    is_tag = numbers >= 0
    tags = _Covers(starts, ends, numbers, closing, np.append(0, np.cumsum(is_tag)))
    pieces = _pieces(source, opens.codes, tags, read)
    begun = ends[is_tag]
    of_scripts = np.searchsorted(begun, [start for start, _ in read.scripts]).tolist()
    scripts = [(start, end, tag) for (start, end), tag in zip(read.scripts, of_scripts, strict=True)]
    return Tokens(
        starts[is_tag], ends[is_tag], numbers[is_tag], closing[is_tag], numbering.names, *pieces,
        _values(source, opens.codes, tags), read.comments, scripts, read.sheets, read.asked,
    )  # fmt: skip


@dataclass(frozen=True)
class _Pieces:
    """Pieces of text, and behind which cover each stands, counted from 1."""

    starts: Offsets
    ends: Offsets
    gaps: NDArray[np.uint8]
    slots: Offsets


def _find_pieces(source: str, codes: NDArray[np.uint8], covers: _Covers) -> _Pieces:
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


def _part_links(covers: _Covers, slots: Offsets, gaps: NDArray[np.uint8]) -> None:
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
_Columns = tuple[list[int], list[int], list[int], list[int], frozenset[int], frozenset[int], frozenset[int]]


def _pieces(source: str, codes: NDArray[np.uint8], covers: _Covers, read: _Read) -> _Columns:
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


def _keeping(covers: _Covers, pieces: _Pieces) -> list[int]:
    """Return the pieces that stand in an element whose line ends are kept."""
    keeps = _KEEPS_LINES[np.minimum(covers.numbers, len(_NAMES))]
    if not keeps.any():
        return []
    depth = np.append(0, np.cumsum(np.where(covers.closing, -1, 1) * keeps))
    depth -= np.minimum.accumulate(depth)
    found: list[int] = np.flatnonzero(depth[pieces.slots] > 0).tolist()
    return found


def _values(source: str, codes: NDArray[np.uint8], covers: _Covers) -> list[tuple[int, int, int]]:
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
