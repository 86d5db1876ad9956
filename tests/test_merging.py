"""Merging gives the edges a person would draw: whole words, whole lists, whole lines, no blanks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detector.folding import CharClass, fold_pages
from detector.merging import line_breaks_within, merge, split_by_label
from detector.recurrence import Stretch


def classes_of(text: str) -> NDArray[np.uint8]:
    batch = fold_pages([text])
    assert not len(batch.dropped), "positions and offsets must be the same here"
    return batch.classes[batch.page_starts[0] : batch.page_ends[0]]


@st.composite
def text_and_stretches(draw: st.DrawFn) -> tuple[str, list[Stretch]]:
    text = draw(st.text("ab1字的 \n|,-。\x03", min_size=1, max_size=60))
    pair = st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).map(sorted)
    pairs = draw(st.lists(pair, max_size=5))
    return text, [(start, end) for start, end in pairs if start < end]


BLANK = " \n\x03"


@given(text_and_stretches())
def test_merged_stretches_are_sorted_disjoint_and_in_bounds(case: tuple[str, list[Stretch]]) -> None:
    text, stretches = case
    merged = merge(stretches, classes_of(text))
    assert all(0 <= start < end <= len(text) for start, end in merged)
    assert all(left[1] < right[0] for left, right in pairwise(merged))


@given(text_and_stretches())
def test_merging_loses_nothing_but_blanks(case: tuple[str, list[Stretch]]) -> None:
    text, stretches = case
    kept = {at for start, end in merge(stretches, classes_of(text)) for at in range(start, end)}
    assert all(at in kept for start, end in stretches for at in range(start, end) if text[at] not in BLANK)


@given(text_and_stretches())
def test_no_stretch_begins_or_ends_with_a_blank(case: tuple[str, list[Stretch]]) -> None:
    text, stretches = case
    for start, end in merge(stretches, classes_of(text)):
        assert text[start] not in BLANK
        assert text[end - 1] not in BLANK


@given(text_and_stretches())
def test_the_order_of_stretches_does_not_matter(case: tuple[str, list[Stretch]]) -> None:
    text, stretches = case
    classes = classes_of(text)
    assert merge(stretches[::-1], classes) == merge(stretches, classes) == merge(stretches * 2, classes)


@given(text_and_stretches())
def test_lines_without_a_stretch_stay_whole(case: tuple[str, list[Stretch]]) -> None:
    text, stretches = case
    touched = {text.count("\n", 0, at) for start, end in stretches for at in range(start, end)}
    for start, end in merge(stretches, classes_of(text)):
        assert {text.count("\n", 0, at) for at in range(start, end) if text[at] not in BLANK} <= touched


@pytest.mark.parametrize(
    ("text", "stretch", "expected"),
    [
        ("好好好好好 bet99 好好好好好好", (7, 9), "bet99"),  # snapped to the word
        ("好好好好好" + "x" * 40 + "好好好好好" * 20, (25, 27), "xx"),  # but not to an endless one
        ("好好好好好赌场好好好好好", (5, 7), "赌场"),  # Han has no words to snap to
        ("好的好的好的 赌场 好的好的", (6, 10), "赌场"),  # blanks trimmed
        ("赌场赌场赌场好。\n好的好的", (0, 6), "赌场赌场赌场好。"),  # three quarters of a line: all of it
        ("赌场好的好的。\n好的好的", (0, 2), "赌场"),
        ("  赌场赌场  \n好", (2, 6), "赌场赌场"),  # a filled line without its indent
    ],
)
def test_edges_are_those_a_person_would_draw(text: str, stretch: Stretch, expected: str) -> None:
    merged = merge([stretch], classes_of(text))
    assert [text[start:end] for start, end in merged] == [expected]


@pytest.mark.parametrize(
    ("between", "joined"),
    [("|", True), (" | ", True), ("_", True), ("、", True), (" ", True), ("的", False), ("\n", False), ("||||", False)],
)
def test_neighbours_are_joined_over_a_few_delimiters_only(between: str, joined: bool) -> None:
    text = f"好的好的好的好的好的赌场{between}棋牌好的好的好的好的好的好的"
    first = text.index("赌场")
    second = text.index("棋牌")
    expected = [f"赌场{between}棋牌"] if joined else ["赌场", "棋牌"]
    merged = merge([(first, first + 2), (second, second + 2)], classes_of(text))
    assert [text[start:end] for start, end in merged] == expected


def test_the_share_of_a_line_that_fills_it_can_be_chosen() -> None:
    text = "赌场赌场好的\n好"
    classes = classes_of(text)
    assert merge([(0, 4)], classes, line_share=0.6) == [(0, 6)]
    assert merge([(0, 4)], classes, line_share=0.7) == [(0, 4)]


def test_nothing_found_stays_nothing() -> None:
    assert merge([], classes_of("好的")) == []
    assert merge([(0, 3)], classes_of(" \n ")) == []


# Labels


def running(*labels: tuple[int, int]) -> NDArray[np.int64]:
    """Return running sums of two columns in which the given one leads, for (column, characters) in order."""
    rows = np.concatenate([np.tile(np.eye(2, dtype=np.int64)[lane], (chars, 1)) for lane, chars in labels])
    return np.concatenate([np.zeros((1, 2), np.int64), np.cumsum(rows, axis=0)])


def parts_of(text: str, *labels: tuple[int, int]) -> list[tuple[str, int]]:
    """Return the parts of a stretch over the whole text, whose characters have these labels."""
    parts = split_by_label((0, len(text)), running(*labels), classes_of(text))
    return [(text[start:end], label) for (start, end), label in parts]


def test_a_stretch_is_split_where_a_line_brings_another_label() -> None:
    assert parts_of("赌场赌\n棋牌\n牌九牌", (0, 4), (1, 6)) == [("赌场赌", 0), ("棋牌\n牌九牌", 1)]


def test_a_stretch_on_one_line_has_the_label_that_scores_most() -> None:
    assert parts_of("赌场赌场棋牌棋牌棋牌", (0, 4), (1, 6)) == [("赌场赌场棋牌棋牌棋牌", 1)]


@pytest.mark.parametrize(
    ("text", "labels", "expected"),
    [
        ("赌场\n\n  \n棋牌", ((0, 2), (1, 5), (0, 2)), [("赌场\n\n  \n棋牌", 0)]),  # blank lines have no say
        ("赌场\n\n  \n棋牌", ((0, 7), (1, 2)), [("赌场", 0), ("棋牌", 1)]),  # and lie in neither of two parts
        ("赌场  \n\u3000棋牌", ((0, 5), (1, 3)), [("赌场", 0), ("棋牌", 1)]),
        ("\n赌场\n", ((0, 4),), [("赌场", 0)]),
        (" \n\n ", ((0, 4),), []),
    ],
)
def test_no_part_begins_or_ends_with_a_blank(
    text: str, labels: tuple[tuple[int, int], ...], expected: list[tuple[str, int]]
) -> None:
    assert parts_of(text, *labels) == expected


@given(text_and_stretches())
def test_parts_hold_all_of_a_stretch_but_blanks_and_neighbours_differ(case: tuple[str, list[Stretch]]) -> None:
    text, stretches = case
    classes = classes_of(text)
    by_label = np.zeros((len(text) + 1, 2), np.int64)
    np.cumsum(np.stack([classes == CharClass.HAN_FUNCTION, classes != CharClass.HAN], axis=1), axis=0, out=by_label[1:])
    for stretch in stretches:
        parts = split_by_label(stretch, by_label, classes)
        inside = [at for (start, end), _ in parts for at in range(start, end)]
        assert inside == sorted(set(inside))
        assert set(inside) <= set(range(*stretch))
        assert all(text[at] in BLANK for at in set(range(*stretch)) - set(inside))
        assert not any(text[start] in BLANK or text[end - 1] in BLANK for (start, end), _ in parts)
        for (before, label), (behind, other) in pairwise(parts):
            assert label != other
            assert "\n" in text[before[1] : behind[0]]


def test_line_breaks_are_those_inside() -> None:
    assert line_breaks_within((1, 6), classes_of("a\nb\nc\nd")) == [2, 4]
    assert line_breaks_within((0, 1), classes_of("\n")) == []
