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
from detector.html_text.openings import NAMES, Opens

_ONE_BY_ONE: Final = np.array(
    [name in RAW_TEXT or name in ESCAPABLE_RAW_TEXT or name in ("svg", "math") for name in NAMES]
)


@dataclass
class ReadSingly:
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


def read_singly(source: str, opens: Opens, names: Sequence[str], foreign: Mapping[int, bool]) -> ReadSingly:
    """Read what is no plain tag, and the contents of elements that hold no markup."""
    known = len(NAMES)
    single = ~opens.plain | _ONE_BY_ONE[np.minimum(opens.numbers, known - 1)] & (opens.numbers < known)
    at = single.nonzero()[0]
    read, resume, depth = ReadSingly(), 0, 0
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


def _take_markup(source: str, start: int, read: ReadSingly, depth: int, foreign: Mapping[int, bool]) -> int:
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


def _take_raw(source: str, name: str, start: int, end: int, read: ReadSingly) -> int:
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
