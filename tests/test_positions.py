"""Ranges laid end to end give every position they hold, in order, and the range it came from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.positions import ranges

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
