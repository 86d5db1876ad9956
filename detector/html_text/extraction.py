"""A parsed page comes in; one text to scan, and the way from its offsets back to those of the source, go out.

First what stands in the page, in the order of the source and with a line for every block; behind it, a line each, what
stands in attributes, comments and scripts.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Final

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


@dataclass(frozen=True, slots=True)
class Holder:
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
    """Puts the text together, run by run."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.written: list[str] = []
        self.chars = 0
        self.offsets: list[int] = []
        self.lengths: list[int] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.origins: list[int] = []
        self.holders: list[Holder] = []

    def separate(self, separator: str) -> None:
        if self.chars:
            self.written.append(separator)
            self.chars += len(separator)

    def run(self, start: int, end: int, said: str, origin: int) -> None:
        self.offsets.append(self.chars)
        self.lengths.append(len(said))
        self.starts.append(start)
        self.ends.append(end)
        self.origins.append(origin)
        self.written.append(said)
        self.chars += len(said)

    def flow(self, pieces: Iterable[int] | None = None) -> None:
        """Write all that stands in the page itself, or some of its pieces."""
        source, tokens = self.document.source, self.document.tokens
        starts, ends, gaps = tokens.piece_starts, tokens.piece_ends, tokens.piece_gaps
        write, add_offset, add_length = self.written.append, self.offsets.append, self.lengths.append
        add_start, add_end, add_origin = self.starts.append, self.ends.append, self.origins.append
        chars = self.chars
        for piece in range(len(starts)) if pieces is None else pieces:
            start, end, gap = starts[piece], ends[piece], gaps[piece]
            said = source[start:end]
            if gap and chars:
                write(_SEPARATORS[gap])
                chars += 1
            if "\n" in said or "&" in said or "\r" in said:
                self.chars = chars
                self.mixed(said, start, piece)
                chars = self.chars
                continue
            add_offset(chars)
            add_length(end - start)
            add_start(start)
            add_end(end)
            add_origin(piece)
            write(said)
            chars += end - start
        self.chars = chars

    def mixed(self, said: str, at: int, piece: int) -> None:
        """Write text with references or line ends in it."""
        tokens = self.document.tokens
        runs = [(at, at + len(said), said)] if piece in tokens.verbatim or "&" not in said else decoded_runs(
            said, at=at, in_attribute=piece in tokens.valued
        )  # fmt: skip
        self.runs(runs, piece, "\n" if piece in tokens.keeping else " ")

    def runs(self, runs: list[Run] | Iterator[Run], origin: int, separator: str) -> None:
        """Write runs; line ends in them become `separator`."""
        for start, end, text in runs:
            if "\n" not in text and "\r" not in text:
                self.run(start, end, text, origin)
                continue
            if end - start != len(text):  # a line end that was written as a reference
                self.separate(separator)
                continue
            last, chars = 0, self.chars
            for match in _LINE_END.finditer(text):
                left, right = match.span()
                if left > last:
                    self.offsets.append(chars)
                    self.lengths.append(left - last)
                    self.starts.append(start + last)
                    self.ends.append(start + left)
                    self.origins.append(origin)
                    self.written.append(text[last:left])
                    chars += left - last
                if chars:
                    self.written.append(separator)
                    chars += 1
                last = right
            self.chars = chars
            if last < len(text):
                self.run(start + last, end, text[last:], origin)

    def beside(self, holder: Holder, runs: list[Run] | Iterator[Run]) -> None:
        """Write what a value, comment or string says, as a line of its own."""
        self.separate("\n")
        self.runs(runs, len(self.holders), " ")
        self.holders.append(holder)

    def attributes(self) -> None:
        source = self.document.source
        for start, end, tag in self.document.tokens.texts:
            said = source[start:end]
            if end - start >= _LEAST_VALUE_CHARS and len(said.strip()) >= _LEAST_VALUE_CHARS:
                runs = decoded_runs(said, at=start, in_attribute=True) if "&" in said else [(start, end, said)]
                self.beside(Holder(Place.ATTRIBUTE, start, end, tag), runs)

    def comments(self) -> None:
        source = self.document.source
        for start, end in self.document.tokens.comments:
            if end - start < _LEAST_COMMENT_CHARS or _CONDITION.match(source, start, end):
                continue
            texts = list(texts_of(source[start:end]))
            runs = [
                run
                for at, text, verbatim in texts
                for run in (
                    [(start + at, start + at + len(text), text)] if verbatim else decoded_runs(text, at=start + at)
                )
            ]
            if sum(len(said) for _, _, said in runs) >= _LEAST_COMMENT_CHARS:
                self.separate("\n")
                for run in runs:
                    self.separate(" ")
                    self.runs([run], len(self.holders), " ")
                self.holders.append(Holder(Place.COMMENT, start, end))

    def scripts(self) -> None:
        source, tokens = self.document.source, self.document.tokens
        begins = tokens.starts.tolist() if tokens.scripts else []
        for start, end, tag in tokens.scripts:
            for at, until, runs in strings_of(source, start, end, kind=source[begins[tag] : start].lower()):
                self.beside(Holder(Place.SCRIPT, at, until, tag), runs)

    def finish(self, flow_runs: int, flow_chars: int) -> HtmlText:
        return HtmlText(
            self.document, "".join(self.written), self.offsets, self.lengths, self.starts, self.ends, self.origins,
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
    writer = _Writer(document)
    writer.flow([piece for piece, element in enumerate(document.tree.pieces) if states.reason(element) is None])
    return writer.finish(len(writer.offsets), writer.chars)
