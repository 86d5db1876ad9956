"""A parsed page comes in; one text to scan, and the way from its offsets back to those of the source, go out.

First what stands in the page, in the order of the source and with a line for every block; behind it, a line each, what
stands in attributes, comments and scripts.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from itertools import accumulate
from typing import Final, NamedTuple

from detector.html_text.documents import Document
from detector.html_text.lexing import texts_of
from detector.html_text.parsing import parse
from detector.html_text.references import Run, decoded_runs
from detector.html_text.scripts import strings_of
from detector.html_text.states import States

_LINE_END: Final = re.compile(r"[ \t\f]*[\r\n][ \t\n\f\r]*")
#: What is written for each `Gap`.
_SEPARATORS: Final = ("", " ", "\n")
#: Comments and values of attributes with less text are notes of whoever made the page.
_LEAST_COMMENT_CHARS: Final = 30
_LEAST_VALUE_CHARS: Final = 4
#: Comments that older browsers read as markup hold no text of their own.
_CONDITION: Final = re.compile(r"\s*\[(?:if|endif)", re.IGNORECASE)


class Place(IntEnum):
    """Where in the source a run of the text stands."""

    FLOW = 0
    ATTRIBUTE = 1
    COMMENT = 2
    SCRIPT = 3


class Holder(NamedTuple):
    """Something beside the flow that text was taken from: a value, a comment or a string.

    ``tag`` is the number of the start tag that it stands in or behind, -1 for a comment.
    """

    place: Place
    start: int
    end: int
    tag: int = -1


@dataclass(frozen=True)
class HtmlText:
    """The text of a page and where each run of it stands in the source.

    Run ``n`` begins at ``offsets[n]`` of the text and takes the source from ``starts[n]`` to ``ends[n]``; it is as long
    there as in the text unless it is a reference or an escape, which goes whole or not at all. ``origins`` has the
    piece of text that each run in the flow, below ``flow_runs``, is of; those behind have a number in ``holders``
    instead. What no run covers are the blanks and line ends between runs.
    """

    document: Document
    text: str
    offsets: list[int]
    lengths: list[int]
    starts: list[int]
    ends: list[int]
    origins: list[int]
    flow_runs: int
    flow_chars: int
    holders: list[Holder]

    @cached_property
    def elements(self) -> list[int]:
        """Return the element of each run of the flow."""
        pieces = self.document.tree.pieces
        return [pieces[piece] for piece in self.origins[: self.flow_runs]]

    @cached_property
    def states(self) -> States:
        """Return what says which elements can be seen."""
        return States(self.document)

    def runs_between(self, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Yield the number of each run that a range of the text touches, and the part of the source that it takes.

        >>> page = extract("<p>a &amp; b</p>")
        >>> [page.document.source[start:end] for _, start, end in page.runs_between(0, 3)]
        ['a ', '&amp;']
        """
        number = self.run_at(start)
        while number < len(self.offsets) and (offset := self.offsets[number]) < end:
            length = self.lengths[number]
            if offset + length > start:
                left, right = self.starts[number], self.ends[number]
                if right - left == length:
                    left, right = left + max(0, start - offset), left + min(length, end - offset)
                yield number, left, right
            number += 1

    def range_of(self, number: int) -> tuple[int, int] | None:
        """Return the range of the text that an element holds, runs of the flow only; None where it holds none."""
        element = self.document.element(number)
        first = bisect_left(self.starts, element.inner, 0, self.flow_runs)
        last = bisect_left(self.starts, element.close, 0, self.flow_runs) - 1
        return (self.offsets[first], self.offsets[last] + self.lengths[last]) if first <= last else None

    def run_at(self, at: int) -> int:
        """Return the run that an offset of the text lies in, or the one before it."""
        return max(0, bisect_right(self.offsets, at) - 1)

    def runs_between_source(self, at: int) -> Iterator[int]:
        """Yield the number of the run of the flow that an offset of the source lies in, if there is one."""
        number = bisect_right(self.starts, at, 0, self.flow_runs) - 1
        if number >= 0 and at < self.ends[number]:
            yield number


class _Writer:
    """Puts the text together, run by run; where each run begins in it is told when all is there."""

    def __init__(self, document: Document) -> None:
        self.document = document
        #: What stands before a run and the run itself, by turns, and what is to stand before the next one.
        self.written: list[str] = []
        self.pending: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.origins: list[int] = []
        self.holders: list[Holder] = []

    def run(self, start: int, end: int, said: str, origin: int) -> None:
        self.written += ("".join(self.pending), said)
        self.pending.clear()
        self.starts.append(start)
        self.ends.append(end)
        self.origins.append(origin)

    def flow(self, pieces: Sequence[int] | None = None) -> None:
        """Write all that stands in the page itself, or some of its pieces."""
        source, tokens = self.document.source, self.document.tokens
        starts, ends, gaps = tokens.piece_starts, tokens.piece_ends, tokens.piece_gaps
        if pieces is not None:
            starts, ends, gaps = ([column[piece] for piece in pieces] for column in (starts, ends, gaps))
        origins = range(len(starts)) if pieces is None else pieces
        said = [source[start:end] for start, end in zip(starts, ends, strict=True)]
        mixed = [nth for nth, text in enumerate(said) if "&" in text or "\n" in text or "\r" in text]
        woven = [""] * (2 * len(said))
        woven[::2], woven[1::2] = [_SEPARATORS[gap] for gap in gaps], said
        done = 0
        for nth in [*mixed, len(said)]:
            if done < nth:  # pieces that are each one run, all at once: nearly all of a page is such
                woven[2 * done] = "".join((*self.pending, woven[2 * done]))
                self.pending.clear()
                self.written += woven[2 * done : 2 * nth]
                self.starts += starts[done:nth]
                self.ends += ends[done:nth]
                self.origins += origins[done:nth]
            if nth < len(said):
                self.pending.append(woven[2 * nth])
                self.mixed(said[nth], starts[nth], origins[nth])
            done = nth + 1

    def mixed(self, said: str, at: int, piece: int) -> None:
        """Write text with references or line ends in it."""
        tokens = self.document.tokens
        runs = [(at, at + len(said), said)] if piece in tokens.verbatim or "&" not in said else decoded_runs(
            said, at=at, in_attribute=piece in tokens.valued
        )  # fmt: skip
        self.runs(runs, piece, "\n" if piece in tokens.keeping else " ")

    def runs(self, runs: list[Run], origin: int, separator: str) -> None:
        """Write runs; line ends in them become `separator`."""
        written, pending, starts, ends, origins = self.written, self.pending, self.starts, self.ends, self.origins
        for start, end, text in runs:
            if "\n" not in text and "\r" not in text:
                written += ("".join(pending), text)
                pending.clear()
                starts.append(start)
                ends.append(end)
                origins.append(origin)
            elif end - start != len(text):  # a line end that was written as a reference
                pending.append(separator)
            else:
                self.lines(start, text, origin, separator)

    def lines(self, start: int, text: str, origin: int, separator: str) -> None:
        """Write a run with line ends in it, which become `separator`."""
        last = 0
        for match in _LINE_END.finditer(text):
            left, right = match.span()
            if left > last:
                self.run(start + last, start + left, text[last:left], origin)
            self.pending.append(separator)
            last = right
        if last < len(text):
            self.run(start + last, start + len(text), text[last:], origin)

    def beside(self, holder: Holder, runs: list[Run]) -> None:
        """Write what a value, comment or string says, as a line of its own."""
        self.pending.append("\n")
        self.runs(runs, len(self.holders), " ")
        self.holders.append(holder)

    def attributes(self) -> None:
        source = self.document.source
        for start, end, tag in self.document.tokens.texts:
            if end - start < _LEAST_VALUE_CHARS:
                continue
            said = source[start:end]
            if len(said.strip()) >= _LEAST_VALUE_CHARS:
                runs = decoded_runs(said, at=start, in_attribute=True) if "&" in said else [(start, end, said)]
                self.beside(Holder(Place.ATTRIBUTE, start, end, tag), runs)

    def comments(self) -> None:
        source = self.document.source
        for start, end in self.document.tokens.comments:
            if end - start < _LEAST_COMMENT_CHARS or _CONDITION.match(source, start, end):
                continue
            runs: list[Run] = []
            for at, text, verbatim in texts_of(source[start:end]):
                begin = start + at
                is_one = verbatim or "&" not in text
                runs += [(begin, begin + len(text), text)] if is_one else decoded_runs(text, at=begin)
            if sum(len(said) for _, _, said in runs) >= _LEAST_COMMENT_CHARS:
                self.pending.append("\n")
                for run in runs:
                    self.pending.append(" ")
                    self.runs([run], len(self.holders), " ")
                self.holders.append(Holder(Place.COMMENT, start, end))

    def scripts(self) -> None:
        source, tokens = self.document.source, self.document.tokens
        for start, end, tag in tokens.scripts:
            kind = source[int(tokens.starts[tag]) : start].lower()
            for at, until, runs in strings_of(source, start, end, kind=kind):
                self.beside(Holder(Place.SCRIPT, at, until, tag), runs)

    def finish(self, flow_runs: int, flow_pending: int) -> HtmlText:
        """Return the text; `flow_pending` characters of what stands before a run follow the last of the flow's."""
        written = self.written
        for nth in range(0, len(written), 2):  # no text begins with a separator
            written[nth] = ""
            if written[nth + 1]:
                break
        lengths = list(map(len, written))
        places = list(accumulate(lengths))
        text = "".join(written)
        flow_chars = places[2 * flow_runs - 1] + flow_pending if flow_runs else 0
        return HtmlText(
            self.document, "".join((text, *self.pending)) if text else "", places[::2], lengths[1::2],
            self.starts, self.ends, self.origins, flow_runs, flow_chars, self.holders,
        )  # fmt: skip


def extract(source: str) -> HtmlText:
    """Return the text of a page; never raises.

    >>> extract("<title>A &amp; B</title><p>One <b>two</b><p>three").text
    'A & B\\nOne two\\nthree'
    """
    writer = _Writer(parse(source))
    writer.flow()
    flow_runs, flow_pending = len(writer.starts), sum(map(len, writer.pending))
    writer.attributes()
    writer.comments()
    writer.scripts()
    return writer.finish(flow_runs, flow_pending)


def extract_visible(source: str) -> HtmlText:
    """Return only the text that a visitor sees, as `extract` does."""
    document = parse(source)
    states = States(document)
    writer = _Writer(document)
    writer.flow([piece for piece, element in enumerate(document.tree.pieces) if states.reason(element) is None])
    return writer.finish(len(writer.starts), sum(map(len, writer.pending)))
