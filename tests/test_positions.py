"""Ranges laid end to end give every position they hold, and sorted positions join into one of each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.positions import distinct, ranges, union

some_ranges = st.lists(st.tuples(st.integers(-50, 500), st.integers(0, 30)), max_size=12)


def arrays_of(pairs: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Return row and position of the ranges given as (start, length)."""
    starts = np.array([start for start, _ in pairs], np.int64)
    ends = np.array([start + length for start, length in pairs], np.int64)
    row, position = ranges(starts, ends)
    return row.tolist(), position.tolist()


@given(some_ranges)
def test_ranges_give_what_a_loop_over_them_gives(pairs: list[tuple[int, int]]) -> None:
    expected = [(row, at) for row, (start, length) in enumerate(pairs) for at in range(start, start + length)]
    assert list(zip(*arrays_of(pairs), strict=True)) == expected


@pytest.mark.parametrize("pairs", [[], [(3, 0)], [(3, 0), (7, 0)]])
def test_ranges_that_hold_nothing_give_nothing(pairs: list[tuple[int, int]]) -> None:
    assert arrays_of(pairs) == ([], [])


def test_ranges_may_overlap_and_come_in_any_order() -> None:
    assert arrays_of([(5, 2), (0, 0), (4, 3)]) == ([0, 0, 2, 2, 2], [5, 6, 4, 5, 6])


def test_positions_are_64_bit_and_do_not_wrap() -> None:
    far = 1 << 40
    row, position = ranges(np.array([far], np.int64), np.array([far + 3], np.int64))
    assert row.dtype == position.dtype == np.dtype(np.int64)
    assert position.tolist() == [far, far + 1, far + 2]


some_positions = st.lists(st.integers(-(1 << 40), 1 << 40) | st.integers(0, 12), max_size=30)


@given(some_positions, some_positions)
def test_a_union_holds_the_positions_of_both_each_once_and_sorted(some: list[int], others: list[int]) -> None:
    found = union(np.array(some, np.int64), np.array(others, np.int64))
    assert found.tolist() == sorted({*some, *others})
    assert found.dtype == np.int64


@given(some_positions)
def test_distinct_values_and_their_indices_give_the_values_back(values: list[int]) -> None:
    found, index = distinct(np.array(sorted(values), np.int64))
    assert found.tolist() == sorted({*values})
    assert found[index].tolist() == sorted(values)
    assert found.dtype == index.dtype == np.int64
