"""The screen's one table answers two questions exactly, over pages of any length."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.folding import fold_pages
from detector.screen import SCREEN_BITS, WINDOW, pack_screen, screen_batch, screen_buckets

DRAW = np.random.Generator(np.random.PCG64(11))
SCREEN = DRAW.integers(-4000, 4001, 1 << SCREEN_BITS).astype(np.int16)
SPUN = DRAW.integers(-127, 128, 1 << SCREEN_BITS).astype(np.int8)
PACKED = pack_screen(SCREEN, SPUN)

any_pages = st.lists(
    st.text(st.characters() | st.sampled_from("\n\x03\u200b\ud800\uffff"), max_size=40), min_size=1, max_size=5
)


@given(st.lists(st.tuples(st.integers(-(2**15), 2**15 - 1), st.integers(-128, 127)), min_size=1, max_size=40))
def test_packed_sums_hold_both_sums(weights: list[tuple[int, int]]) -> None:
    screen, spun = (np.array(column) for column in zip(*weights, strict=True))
    total = int(pack_screen(screen.astype(np.int16), spun.astype(np.int8)).sum())
    low = (total + 2**31) % 2**32 - 2**31
    assert low == screen.sum()
    assert (total - low) >> 32 == spun.sum()


@given(any_pages, st.integers(-9000, 9000))
@settings(max_examples=60)
def test_hits_equal_a_slow_sum_over_every_window(pages: list[str], threshold: int) -> None:
    batch = fold_pages(pages)
    weights = SCREEN[screen_buckets(batch.codes)].astype(int).tolist()
    starts = range(len(weights) - WINDOW + 1)
    expected = [at for at in starts if sum(weights[at : at + WINDOW]) >= threshold]
    assert screen_batch(batch, PACKED, threshold).hits.tolist() == expected


@given(any_pages)
@settings(max_examples=60)
def test_evidence_of_spinning_equals_a_slow_sum_over_every_page(pages: list[str]) -> None:
    batch = fold_pages(pages)
    weights = SPUN[screen_buckets(batch.codes)].astype(int).tolist()
    expected = [
        sum(weights[start:end]) for start, end in zip(batch.page_starts.tolist(), batch.page_ends.tolist(), strict=True)
    ]
    assert screen_batch(batch, PACKED, 0).spun.tolist() == expected


@given(any_pages)
@settings(max_examples=40)
def test_evidence_of_a_page_does_not_depend_on_the_others(pages: list[str]) -> None:
    alone = [screen_batch(fold_pages([page]), PACKED, 0).spun.tolist()[0] for page in pages]
    assert screen_batch(fold_pages(pages), PACKED, 0).spun.tolist() == alone


@pytest.mark.parametrize("sign", [1, -1])
def test_a_long_page_of_one_sign_is_summed_exactly(sign: int) -> None:
    batch = fold_pages(["ab" * 50_000])
    packed = pack_screen(np.full(1 << SCREEN_BITS, sign * 4000, np.int16), np.full(1 << SCREEN_BITS, -sign, np.int8))
    screened = screen_batch(batch, packed, sign * 4000 * WINDOW)
    assert len(screened.hits) == len(batch.codes) - WINDOW
    assert screened.spun.tolist() == [-sign * 100_000]


def test_pieces_of_a_long_batch_leave_no_seam() -> None:
    batch = fold_pages(["某某娱乐城 casino|" * 6000, "x" * 20])
    weights = SCREEN[screen_buckets(batch.codes)].astype(np.int64)
    assert len(weights) > 2 << 15
    sums = np.convolve(weights, np.ones(WINDOW, np.int64), "valid")
    assert screen_batch(batch, PACKED, 3000).hits.tolist() == np.flatnonzero(sums >= 3000).tolist()


def test_buckets_are_those_of_bigrams() -> None:
    codes = fold_pages(["abab"]).codes[16:20]
    first, second, third = screen_buckets(codes).tolist()
    assert first == third != second
    assert all(0 <= bucket < 1 << SCREEN_BITS for bucket in (first, second))
    assert [int(screen_buckets(np.array(pair, np.uint16))[0]) for pair in pairwise(codes.tolist())] == [
        first,
        second,
        third,
    ]
