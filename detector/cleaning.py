r"""A text and the spans to cut come in; the text without them, and the map between both offsets, go out.

The spans go and nothing else, with one exception: spans that fill their line take the line's end with them, so that no
empty line is left behind. "Fill" is meant exactly: from the line's first character to its last, blanks included, as
blanks outside a span stay. Spans that touch count as one; one that runs over several lines fills them only if it also
starts where its first line starts. Line ends are ``\n``, ``\r\n`` and a lone ``\r``.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

from detector.datatypes import Span, UsageError

Range = tuple[int, int]


def cut_spans(text: str, spans: Iterable[Span]) -> str:
    r"""Return the text without the spans; a span that fills its line takes the line's end with it.

    Spans may come in any order and may overlap. Raise UsageError for one that reaches beyond the text. Linear in the
    text (and in the spans, where they come sorted).

    >>> from detector.datatypes import Label
    >>> spans = [Span(6, 15, Label.PORN, 1.0), Span(23, 27, Label.PORN, 1.0)]
    >>> cut_spans("good\r\nspam|spam\r\nwell, spam too\r\n", spans)
    'good\r\nwell,  too\r\n'
    """
    kept, last = [], 0
    for start, end in cut_ranges(text, spans):
        kept.append(text[last:start])
        last = end
    kept.append(text[last:])
    return "".join(kept)


def cut_ranges(text: str, spans: Iterable[Span]) -> tuple[Range, ...]:
    r"""Return what cutting takes out, line ends included, as sorted ranges that never touch.

    >>> from detector.datatypes import Label
    >>> cut_ranges("a\nxx\nb", [Span(2, 3, Label.PORN, 1.0), Span(3, 4, Label.GAMBLING, 1.0)])
    ((2, 5),)
    """
    touching = _join(sorted((span.start, span.end) for span in spans))
    if touching and touching[-1][1] > len(text):
        start, end = touching[-1]
        raise UsageError(f"a span ends at {end} ([{start}, {end})) but the text has only {len(text)} characters")
    return tuple(_join((start, _end_with_line(text, start, end)) for start, end in touching))


def _join(ranges: Iterable[Range]) -> list[Range]:
    """Return sorted ranges with those that overlap or touch made one."""
    joined: list[Range] = []
    for start, end in ranges:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _end_with_line(text: str, start: int, end: int) -> int:
    """Return where the cut of a range ends: behind the line's end if the range fills its line, else at `end`."""
    if end == len(text) or not _starts_line(text, start) or _starts_line(text, end):
        return end
    if text.startswith("\r\n", end):
        return end + 2
    return end + 1 if text[end] in "\r\n" else end


def _starts_line(text: str, offset: int) -> bool:
    r"""Tell whether a line starts at the offset; between ``\r`` and ``\n`` none does."""
    return offset == 0 or text[offset - 1] == "\n" or (text[offset - 1] == "\r" and text[offset : offset + 1] != "\n")


@dataclass(frozen=True, slots=True)
class OffsetMap:
    """Offsets of a text before and after cutting; ``removed`` are sorted ranges that never touch.

    Both directions are monotone; a look-up takes time logarithmic in the number of ranges.
    """

    chars: int
    removed: tuple[Range, ...]
    _starts: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _seams: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        seams, gone = [], 0
        for start, end in self.removed:
            seams.append(start - gone)
            gone += end - start
        object.__setattr__(self, "_starts", tuple(start for start, _ in self.removed))
        object.__setattr__(self, "_seams", tuple(seams))

    @property
    def clean_chars(self) -> int:
        """Return the length of the text after cutting."""
        return self.to_clean(self.chars)

    def to_clean(self, offset: int) -> int:
        """Return where an offset of the text before cutting lies after it; inside a cut, where the cut was made.

        >>> cut = OffsetMap(10, ((2, 5),))
        >>> [cut.to_clean(offset) for offset in (0, 2, 4, 5, 10)]
        [0, 2, 2, 2, 7]
        """
        _check(offset, self.chars)
        nth = bisect_right(self._starts, offset) - 1
        return offset if nth < 0 else self._seams[nth] + max(0, offset - self.removed[nth][1])

    def to_original(self, offset: int, *, as_end: bool = False) -> int:
        """Return where an offset of the cleaned text lay before cutting.

        Where a cut was made, a start lies behind the cut and an end (`as_end`) before it, so that a range of the
        cleaned text maps to the shortest range of the original that holds it.

        >>> cut = OffsetMap(10, ((2, 5),))
        >>> cut.to_original(2), cut.to_original(2, as_end=True), cut.to_original(7)
        (5, 2, 10)
        """
        _check(offset, self.clean_chars)
        nth = (bisect_left if as_end else bisect_right)(self._seams, offset) - 1
        return offset if nth < 0 else self.removed[nth][1] + offset - self._seams[nth]


def _check(offset: int, chars: int) -> None:
    if not 0 <= offset <= chars:
        raise UsageError(f"offset {offset} lies outside a text of {chars} characters")


def map_offsets(text: str, spans: Iterable[Span]) -> OffsetMap:
    r"""Return the map between the offsets of a text and those of ``cut_spans(text, spans)``.

    >>> from detector.datatypes import Label
    >>> map_offsets("a\nxx\nb", [Span(2, 4, Label.PORN, 1.0)]).removed
    ((2, 5),)
    """
    return OffsetMap(len(text), cut_ranges(text, spans))
