"""A parsed page comes in; one text to scan, and the way from its offsets back to those of the source, go out.

First what stands in the page, in the order of the source and with a line for every block; behind it, a line each, what
stands in attributes, comments and scripts.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Final

from detector.html_text.documents import Document, Gap
from detector.html_text.parsing import parse
from detector.html_text.references import Run, decoded_runs
from detector.html_text.scripts import strings_of
from detector.html_text.states import States

_BLANKS: Final = " \t\n\f\r"
_LINE_END: Final = re.compile(r"[ \t\f]*[\r\n][ \t\n\f\r]*")
_KEEPS_LINES: Final = frozenset(("pre", "textarea", "xmp", "plaintext", "listing"))
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


@dataclass(frozen=True, slots=True)
class Holder:
    """Something beside the flow that text was taken from: a value, a comment or a string, and its element."""

    place: Place
    start: int
    end: int
    element: int


@dataclass(frozen=True)
class HtmlText:
    """The text of a page and where each run of it stands in the source.

    Run ``n`` begins at ``offsets[n]`` of the text and takes the source from ``starts[n]`` to ``ends[n]``; it is as long
    there as in the text unless it is a reference or an escape, which goes whole or not at all. ``elements`` has the
    element of each run in the flow, below ``flow_runs``; those behind have a number in ``holders`` instead. What no run
    covers are the blanks and line ends between runs.
    """

    document: Document
    text: str
    offsets: list[int]
    lengths: list[int]
    starts: list[int]
    ends: list[int]
    elements: list[int]
    flow_runs: int
    flow_chars: int
    holders: list[Holder]

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

    def run_at(self, at: int) -> int:
        """Return the run that an offset of the text lies in, or the one before it."""
        return max(0, bisect_right(self.offsets, at) - 1)

    def runs_between_source(self, at: int) -> Iterator[int]:
        """Yield the number of the run of the flow that an offset of the source lies in, if there is one."""
        number = bisect_right(self.starts, at, 0, self.flow_runs) - 1
        if number >= 0 and at < self.ends[number]:
            yield number


class _Writer:
    """Puts the text together, run by run."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.written: list[str] = []
        self.chars = 0
        self.offsets: list[int] = []
        self.lengths: list[int] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.elements: list[int] = []
        self.holders: list[Holder] = []

    def separate(self, separator: str) -> None:
        if self.chars:
            self.written.append(separator)
            self.chars += len(separator)

    def run(self, start: int, end: int, said: str, element: int) -> None:
        self.offsets.append(self.chars)
        self.lengths.append(len(said))
        self.starts.append(start)
        self.ends.append(end)
        self.elements.append(element)
        self.written.append(said)
        self.chars += len(said)

    def flow(self) -> None:
        """Write all that stands in the page itself."""
        document = self.document
        waiting: int = Gap.NONE
        special = document.verbatim | document.valued
        add, offsets, lengths, starts, ends, elements = (
            self.written.append, self.offsets.append, self.lengths.append, self.starts.append, self.ends.append,
            self.elements.append,
        )  # fmt: skip
        for number, (gap, at, text, element) in enumerate(document.noted):
            said = text.strip(_BLANKS)
            if not said:
                waiting = max(waiting, gap)
                continue
            if waiting > gap:
                gap = waiting
            waiting = Gap.NONE
            if said is not text:
                before = len(text) - len(text.lstrip(_BLANKS))
                if before:
                    at += before
                    if gap < Gap.SPACE:
                        gap = Gap.SPACE
                if before + len(said) < len(text):
                    waiting = Gap.SPACE
            if gap >= Gap.SPACE:
                self.separate("\n" if gap == Gap.LINE else " ")
            if "&" in said or "\n" in said or "\r" in said or number in special:
                self.mixed(said, at, element, number)
                continue
            chars = len(said)
            offsets(self.chars)
            lengths(chars)
            starts(at)
            ends(at + chars)
            elements(element)
            add(said)
            self.chars += chars

    def mixed(self, said: str, at: int, element: int, number: int) -> None:
        """Write text with references or line ends in it."""
        document = self.document
        verbatim = number in document.verbatim
        runs = [(at, at + len(said), said)] if verbatim or "&" not in said else decoded_runs(
            said, at=at, in_attribute=number in document.valued
        )  # fmt: skip
        breaks = document.opened[element][3].name in _KEEPS_LINES
        self.runs(runs, element, "\n" if breaks else " ")

    def runs(self, runs: list[Run] | Iterator[Run], element: int, separator: str) -> None:
        """Write runs; line ends in them become `separator`."""
        for start, end, text in runs:
            if "\n" not in text and "\r" not in text:
                self.run(start, end, text, element)
                continue
            if end - start != len(text):  # a line end that was written as a reference
                self.separate(separator)
                continue
            last = 0
            for match in _LINE_END.finditer(text):
                if match.start() > last:
                    self.run(start + last, start + match.start(), text[last : match.start()], element)
                self.separate(separator)
                last = match.end()
            if last < len(text):
                self.run(start + last, end, text[last:], element)

    def beside(self, holder: Holder, runs: list[Run] | Iterator[Run]) -> None:
        """Write what a value, comment or string says, as a line of its own."""
        self.separate("\n")
        self.runs(runs, len(self.holders), " ")
        self.holders.append(holder)

    def attributes(self) -> None:
        document = self.document
        for start, end, element in document.texts:
            said = document.source[start:end]
            if len(said.strip(_BLANKS)) >= _LEAST_VALUE_CHARS:
                self.beside(
                    Holder(Place.ATTRIBUTE, start, end, element), decoded_runs(said, at=start, in_attribute=True)
                )

    def comments(self) -> None:
        document = self.document
        for start, end, element in document.comments:
            if end - start < _LEAST_COMMENT_CHARS or _CONDITION.match(document.source, start, end):
                continue
            inside = parse(document.source[start:end])
            holder = Holder(Place.COMMENT, start, end, element)
            runs = [run for _, at, text, _ in inside.noted for run in decoded_runs(text, at=start + at)]
            if sum(len(said) for _, _, said in runs) >= _LEAST_COMMENT_CHARS:
                self.separate("\n")
                for run in runs:
                    self.separate(" ")
                    self.runs([run], len(self.holders), " ")
                self.holders.append(holder)

    def scripts(self) -> None:
        document = self.document
        for start, end, element in document.scripts:
            kind = document.opened[element][3].get("type") or ""
            for at, until, runs in strings_of(document.source, start, end, kind):
                self.beside(Holder(Place.SCRIPT, at, until, element), runs)

    def finish(self, flow_runs: int, flow_chars: int) -> HtmlText:
        return HtmlText(
            self.document, "".join(self.written), self.offsets, self.lengths, self.starts, self.ends, self.elements,
            flow_runs, flow_chars, self.holders,
        )  # fmt: skip


def extract(source: str) -> HtmlText:
    """Return the text of a page; never raises.

    >>> extract("<title>A &amp; B</title><p>One <b>two</b><p>three").text
    'A & B\\nOne two\\nthree'
    """
    writer = _Writer(parse(source))
    writer.flow()
    flow_runs, flow_chars = len(writer.offsets), writer.chars
    writer.attributes()
    writer.comments()
    writer.scripts()
    return writer.finish(flow_runs, flow_chars)


def extract_visible(source: str) -> HtmlText:
    """Return only the text that a visitor sees, as `extract` does."""
    document = parse(source)
    states = States(document)
    seen = [each for each in document.noted if states.reason(each[3]) is None]
    kept = {id(each) for each in seen}
    numbers = [number for number, each in enumerate(document.noted) if id(each) in kept]
    place = {number: at for at, number in enumerate(numbers)}
    writer = _Writer(
        Document(
            source, document.opened, document.closed, seen,
            frozenset(place[number] for number in document.verbatim if number in place),
            frozenset(place[number] for number in document.valued if number in place),
            document.comments, document.scripts, document.sheets, document.anchors, document.texts, document.torn,
            document.roots,
        )
    )  # fmt: skip
    writer.flow()
    return writer.finish(len(writer.offsets), writer.chars)
