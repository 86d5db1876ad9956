"""The places in a source where no plain tag begins come in; what stands there, read one by one, goes out.

Comments and the like, tags with unusual quotes, and the contents of elements that hold no markup.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from detector.html_text.lexing import TAG, element_name, markup_at, raw_text_end
from detector.html_text.names import ESCAPABLE_RAW_TEXT, RAW_TEXT, VERBATIM
from detector.html_text.openings import NAMES, NUMBERS, Numbering, Opens

_ONE_BY_ONE: Final = np.array(
    [*(name in RAW_TEXT or name in ESCAPABLE_RAW_TEXT or name in ("svg", "math") for name in NAMES), False]
)
#: Raw text that ends at the next end tag of its name, whatever stands in it.
_ENDS_PLAINLY: Final = frozenset(("script", "style", "title", "textarea"))

#: What begins at a ``<`` that is looked at alone: which one it is, where it stands; the tag there if it is plain: its
#: end, that it is, whether it is an end tag, and the number of its name.
_Row = tuple[int, int, int, bool, bool, int]


@dataclass
class ReadSingly:
    """What was read one by one."""

    #: Tags and what is neither tag nor text: which ``<`` it begins at, its end, the number of its name, -1 where it is
    #: no tag, and whether it is an end tag.
    taken: list[tuple[int, int, int, bool]] = field(default_factory=list)
    #: What is no text right behind a tag: which ``<`` that begins at, and where it ends.
    contents: list[tuple[int, int]] = field(default_factory=list)
    #: Behind which ``<``, and up to where, no other one begins anything, where it is not so anyway.
    passed: list[tuple[int, int]] = field(default_factory=list)
    #: The ends of CDATA sections.
    tails: list[tuple[int, int]] = field(default_factory=list)
    comments: list[tuple[int, int]] = field(default_factory=list)
    scripts: list[tuple[int, int]] = field(default_factory=list)
    sheets: list[tuple[int, int]] = field(default_factory=list)
    verbatim: list[tuple[int, int]] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)


def read_singly(source: str, opens: Opens, numbering: Numbering, foreign: Mapping[int, bool]) -> ReadSingly:
    """Read what is no plain tag, and the contents of elements that hold no markup."""
    at = (~opens.plain | _ONE_BY_ONE.take(np.minimum(opens.numbers, len(NAMES)))).nonzero()[0]
    columns = (at, *(each.take(at) for each in (opens.starts, opens.ends, opens.plain, opens.closing, opens.numbers)))
    rows: list[_Row] = list(zip(*(each.tolist() for each in columns), strict=True))
    read, resume, depth = ReadSingly(), 0, 0
    for place, (nth, start, end, plain, closing, number) in enumerate(rows):
        if start < resume:
            continue
        if plain:
            name = numbering.names[number]
        elif source.startswith("<!--", start) and (stop := _usual_end(source, start + 4)):
            resume = stop + 3
            read.comments.append((start + 4, stop))
            read.taken.append((nth, resume, -1, False))
            continue
        else:
            match = TAG.match(source, start)
            if match is None:
                resume = max(resume, _take_markup(source, nth, start, read, depth, foreign))
                continue
            end = resume = match.end()
            if not match[4]:  # the source ends inside the tag: it is not there
                read.taken.append((nth, end, -1, False))
                break
            if number < 0:
                number = numbering.number(element_name(source, match.start(2)))
            name = numbering.names[number]
            read.taken.append((nth, end, number, closing))
        if name in ("svg", "math"):
            depth = max(0, depth - 1) if closing else depth + (source[end - 2] != "/")
        elif not closing and (name in RAW_TEXT or name in ESCAPABLE_RAW_TEXT):
            if depth:
                if start not in foreign:
                    read.asked.append(start)
                elif foreign[start]:
                    continue
            resume = _raw_end(source, name, end, rows, place)
            if resume > end:
                _take_raw(name, nth, end, resume, read)
    return read


def _usual_end(source: str, inner: int) -> int:
    """Return where the content of a comment ends that begins and ends as comments do, 0 for others."""
    stop = source.find("-->", inner)
    if stop <= inner or source[inner] in "->" or source.find("--!>", inner, stop) >= 0:
        return 0
    return stop


def _take_markup(source: str, nth: int, start: int, read: ReadSingly, depth: int, foreign: Mapping[int, bool]) -> int:
    """Take a comment or the like; return where it ends, 0 where there is none and the ``<`` is text."""
    is_foreign = False
    if depth and source.startswith("![CDATA[", start + 1):
        is_foreign = foreign.get(start, True)
        if start not in foreign:
            read.asked.append(start)
    found = markup_at(source, start, foreign=is_foreign)
    if found is None:
        return 0
    if found.kind == "cdata":
        read.taken.append((nth, found.inner, -1, False))
        read.verbatim.append((found.inner, found.inner_end))
        read.passed.append((nth, found.end))
        if found.inner_end < found.end:
            read.tails.append((found.inner_end, found.end))
    else:
        read.taken.append((nth, found.end, -1, False))
        if found.kind == "comment" and found.inner < found.inner_end:
            read.comments.append((found.inner, found.inner_end))
    return found.end


def _raw_end(source: str, name: str, end: int, rows: Sequence[_Row], place: int) -> int:
    """Return where the raw text behind a tag ends; its end tags are among the rows behind the tag's place."""
    if name not in _ENDS_PLAINLY:
        return max(end, raw_text_end(source, name, end))
    number, until = NUMBERS[name], len(source)
    for behind in range(place + 1, len(rows)):
        _, start, _, _, closing, called = rows[behind]
        if closing and called == number and start >= end:
            until = start
            break
    if name == "script" and source.find("<!--", end, until) >= 0:
        return max(end, raw_text_end(source, name, end))
    return until


def _take_raw(name: str, nth: int, start: int, end: int, read: ReadSingly) -> None:
    """Take the content of an element that holds no markup. Its end tag is read as any other."""
    if name in VERBATIM or name in ESCAPABLE_RAW_TEXT:
        read.passed.append((nth, end))
        if name in VERBATIM:
            read.verbatim.append((start, end))
        return
    read.contents.append((nth, end))
    if name == "script":
        read.scripts.append((start, end))
    elif name == "style":
        read.sheets.append((start, end))
    else:
        read.comments.append((start, end))
