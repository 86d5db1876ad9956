"""Cutting takes the spans and, of a line they fill, the end; the map leads both ways."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.cleaning import OffsetMap, cut_ranges, cut_spans, map_offsets
from detector.datatypes import Label, ScanResult, Span, UsageError, Verdict


def spans_of(*ranges: tuple[int, int]) -> list[Span]:
    return [Span(start, end, Label.PORN, 0.9) for start, end in ranges]


@pytest.mark.parametrize(
    ("text", "ranges", "expected"),
    [
        ("good spam good", [(5, 9)], "good  good"),
        ("a\nspam\nb", [(2, 6)], "a\nb"),
        ("a\r\nspam\r\nb", [(3, 7)], "a\r\nb"),
        ("a\rspam\rb", [(2, 6)], "a\rb"),
        ("spam\nb", [(0, 4)], "b"),
        ("a\nspam", [(2, 6)], "a\n"),  # the last line has no end to take
        ("spam", [(0, 4)], ""),
        ("a\n spam\nb", [(3, 7)], "a\n \nb"),  # blanks outside of the span stay, and so the line is not filled
        ("a\nspam \nb", [(2, 6)], "a\n \nb"),
        ("a\n spam \nb", [(2, 8)], "a\nb"),
        ("a\nspamspam\nb", [(2, 6), (6, 10)], "a\nb"),  # two spans that fill a line together
        ("a\nspam spam\nb", [(2, 6), (7, 11)], "a\n \nb"),
        ("a\nspam\nspam\nb", [(2, 6), (7, 11)], "a\nb"),
        ("a\nspam\nspam\nb", [(2, 11)], "a\nb"),
        ("good spam\nspam\nb", [(5, 14)], "good \nb"),  # must not glue "good" to the next line
        ("spam\nspam good\nb", [(0, 9)], " good\nb"),
        ("a\nspam\n\nb", [(2, 7)], "a\n\nb"),  # the span took its line's end itself; the empty line is another's
        ("a\n\nspam\n\nb", [(3, 7)], "a\n\n\nb"),
        ("a\r\nspam\r\nb", [(3, 8)], "a\r\nb"),  # the span holds half of the line's end
        ("a\r\nb", [(2, 3)], "a\rb"),
        ("a\n\nb", [(2, 3)], "a\nb"),
        ("a\u2028spam\u2028b", [(2, 6)], "a\u2028\u2028b"),  # not a line end
        ("\ud800spam\x00", [(1, 5)], "\ud800\x00"),
        ("spam", [], "spam"),
    ],
)
def test_cut(text: str, ranges: list[tuple[int, int]], expected: str) -> None:
    assert cut_spans(text, spans_of(*ranges)) == expected


def test_order_and_overlap_do_not_matter() -> None:
    assert cut_spans("0123456789", spans_of((6, 8), (1, 4), (2, 5))) == "0589"


def test_a_span_beyond_the_text_is_refused() -> None:
    with pytest.raises(UsageError, match="only 4 characters"):
        cut_spans("spam", spans_of((2, 5)))


def test_clean_text_cuts_only_labels_that_are_cut() -> None:
    spans = (Span(0, 1, Label.PORN, 0.9), Span(1, 2, Label.SPUN, 0.9))
    assert ScanResult("", 3, Verdict.INJECTED, spans, "abc").clean_text == "bc"


@pytest.mark.parametrize("offset", [-1, 8])
def test_map_refuses_offsets_outside(offset: int) -> None:
    cut = OffsetMap(10, ((2, 5),))
    with pytest.raises(UsageError, match="7 characters"):
        cut.to_original(offset)


texts = st.text(alphabet="ab \r\n", max_size=30)
ranges_in_texts = texts.flatmap(
    lambda text: st.tuples(
        st.just(text),
        st.lists(st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).map(sorted), max_size=4).map(
            lambda pairs: [(start, end) for start, end in pairs if start < end]
        ),
    )
)


@given(ranges_in_texts)
def test_every_character_outside_stays_but_line_ends(case: tuple[str, list[tuple[int, int]]]) -> None:
    text, ranges = case
    marked = {at for start, end in ranges for at in range(start, end)}
    removed = cut_ranges(text, spans_of(*ranges))
    gone = {at for start, end in removed for at in range(start, end)}
    assert marked <= gone
    assert all(text[at] in "\r\n" for at in gone - marked)
    assert all(left[1] < right[0] for left, right in pairwise(removed))
    assert cut_spans(text, spans_of(*ranges)) == "".join(char for at, char in enumerate(text) if at not in gone)


@given(ranges_in_texts)
def test_pieces_cut_like_the_whole(case: tuple[str, list[tuple[int, int]]]) -> None:
    text, ranges = case
    pieces = [(at, at + 1) for start, end in ranges for at in range(start, end)]
    assert cut_spans(text, spans_of(*pieces)) == cut_spans(text, spans_of(*ranges))


@given(ranges_in_texts)
def test_map_leads_both_ways(case: tuple[str, list[tuple[int, int]]]) -> None:
    text, ranges = case
    cleaned, offsets = cut_spans(text, spans_of(*ranges)), map_offsets(text, spans_of(*ranges))
    assert offsets.clean_chars == len(cleaned)
    for at, char in enumerate(cleaned):
        original = offsets.to_original(at)
        assert text[original] == char
        assert offsets.to_clean(original) == at
        assert offsets.to_original(at + 1, as_end=True) == original + 1
    found = [offsets.to_clean(at) for at in range(len(text) + 1)]
    assert found == sorted(found)
