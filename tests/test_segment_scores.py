"""A segment's scores are the sums of its n-grams' weights, label by label, however they are packed."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.folding import fold_pages
from detector.model import LANE_LABELS
from detector.segment_scores import (
    BAG_BITS,
    BAG_ENTRIES,
    BAG_LIMIT,
    BAG_ORDERS,
    BAG_SCALE,
    WORD_KINDS,
    WORD_VALUE,
    bag_columns,
    bag_words,
    pack_bag,
    segment_scores,
)
from detector.segmentation import MAX_SEGMENT_CHARS, cut_segments
from detector.words import words_of

LABELS = len(LANE_LABELS)
DRAW = np.random.Generator(np.random.PCG64(3))
WEIGHTS = DRAW.integers(-BAG_LIMIT, BAG_LIMIT + 1, (LABELS, BAG_ENTRIES)) / BAG_SCALE
PACKED = pack_bag(WEIGHTS)
BIAS = np.array([-1.0, 0.5, 0.0, 2.25])

pages_of_text = st.lists(st.text(st.characters() | st.sampled_from("字ab1 。\n"), max_size=40), min_size=1, max_size=4)


@given(pages_of_text)
@settings(max_examples=60)
def test_scores_equal_a_sum_label_by_label(pages: list[str]) -> None:
    batch = fold_pages(pages)
    segments = cut_segments(batch)
    scores = segment_scores(batch.codes, batch.classes, segments.starts, segments.ends, PACKED, BIAS)
    assert scores.shape == (len(segments.starts), LABELS)
    for row, (start, end) in enumerate(zip(segments.starts.tolist(), segments.ends.tolist(), strict=True)):
        buckets = np.concatenate(bag_columns(batch.codes, start, end))
        of_words = bag_words(words_of(batch.codes, batch.classes, np.array([start]), np.array([end])))
        root = math.sqrt(len(BAG_ORDERS) * (end - start))
        for lane in range(LABELS):
            total = WEIGHTS[lane, buckets].sum() + WORD_VALUE * WEIGHTS[lane, of_words].sum()
            assert math.isclose(scores[row, lane], total / root + BIAS[lane], abs_tol=1e-9)


def test_the_longest_segment_of_the_strongest_weights_does_not_overflow() -> None:
    for signs in ([1, 1, 1, 1], [-1, -1, -1, -1], [1, -1, 1, -1], [-1, 1, -1, 1]):
        extreme = np.repeat(np.array(signs, np.float64)[:, None] * 1000, BAG_ENTRIES, axis=1)
        for text, words in (("字" * MAX_SEGMENT_CHARS, 0), ("a b," * (MAX_SEGMENT_CHARS // 4), MAX_SEGMENT_CHARS // 2)):
            batch = fold_pages([text])
            segments = cut_segments(batch)
            bounds = segments.starts, segments.ends
            scores = segment_scores(batch.codes, batch.classes, *bounds, pack_bag(extreme), np.zeros(LABELS))
            count = len(BAG_ORDERS) * MAX_SEGMENT_CHARS
            weights = count + WORD_VALUE * WORD_KINDS * words
            expected = np.array(signs) * weights * BAG_LIMIT / BAG_SCALE / math.sqrt(count)
            assert np.allclose(scores[0], expected, rtol=0, atol=1e-9)


@given(pages_of_text)
@settings(max_examples=40)
def test_a_segment_scores_alike_alone_and_among_others(pages: list[str]) -> None:
    batch = fold_pages(pages)
    segments = cut_segments(batch)
    together = segment_scores(batch.codes, batch.classes, segments.starts, segments.ends, PACKED, BIAS)
    for row in range(len(segments.starts)):
        alone = segment_scores(
            batch.codes, batch.classes, segments.starts[row : row + 1], segments.ends[row : row + 1], PACKED, BIAS
        )
        assert alone.tobytes() == together[row].tobytes()


def test_pieces_of_a_long_batch_leave_no_seam() -> None:
    batch = fold_pages(["某某娱乐城 casino。\n" * 1500, "", "x", "字" * 700, "好的" * 9000])
    segments = cut_segments(batch)
    together = segment_scores(batch.codes, batch.classes, segments.starts, segments.ends, PACKED, BIAS)
    assert len(batch.codes) > 2 << 14
    for row in range(0, len(segments.starts), 37):
        few = slice(row, row + 1)
        alone = segment_scores(batch.codes, batch.classes, segments.starts[few], segments.ends[few], PACKED, BIAS)
        assert alone.tobytes() == together[few].tobytes()


@given(pages_of_text, st.data())
@settings(max_examples=40)
def test_some_segments_of_a_batch_score_as_all_of_them_do(pages: list[str], data: st.DataObject) -> None:
    batch = fold_pages(pages)
    segments = cut_segments(batch)
    together = segment_scores(batch.codes, batch.classes, segments.starts, segments.ends, PACKED, BIAS)
    chosen = sorted(data.draw(st.sets(st.integers(0, max(len(together) - 1, 0)), max_size=len(together))))
    some = segment_scores(batch.codes, batch.classes, segments.starts[chosen], segments.ends[chosen], PACKED, BIAS)
    assert some.tobytes() == together[chosen].tobytes()


def test_orders_have_buckets_of_their_own() -> None:
    batch = fold_pages(["某某娱乐城"])
    for number, buckets in enumerate(bag_columns(batch.codes, 16, 21)):
        assert set((buckets >> BAG_BITS).tolist()) == {number}


@given(st.lists(st.integers(40, 60000), min_size=4, max_size=30), st.data())
def test_the_buckets_of_an_order_depend_on_so_many_characters_and_on_all_of_them(
    codes: list[int], data: st.DataObject
) -> None:
    count = len(codes) - max(BAG_ORDERS)
    at = data.draw(st.integers(0, len(codes) - 1))
    other = np.array(codes, np.uint16)
    other[at] ^= 1
    before, after = (bag_columns(array, 0, count) for array in (np.array(codes, np.uint16), other))
    assert len(before) == len(after) == len(BAG_ORDERS)
    for order, old, new in zip(BAG_ORDERS, before, after, strict=True):
        changed = set(np.flatnonzero(old != new).tolist())
        assert changed <= set(range(max(at - order + 1, 0), min(at + 1, count)))


def test_words_and_pairs_of_them_have_buckets_of_their_own() -> None:
    batch = fold_pages(["bonus casino"])
    buckets = bag_words(words_of(batch.codes, batch.classes, np.array([16]), np.array([28])))
    assert (buckets >> BAG_BITS).tolist() == [[2, 2]] * (WORD_KINDS - 1) + [[3, 3]]
    assert buckets.max() < BAG_ENTRIES
    short = fold_pages(["bon"])
    word, *beginnings, _ = bag_words(words_of(short.codes, short.classes, np.array([16]), np.array([19])))[
        :, 0
    ].tolist()
    assert len({word, *beginnings}) == 1 + len(beginnings)  # though all three are the same string


def test_every_character_of_an_n_gram_counts() -> None:
    draw = np.random.Generator(np.random.PCG64(5))
    codes = draw.integers(40, 60000, 4000).astype(np.uint16)
    for number, order in enumerate(BAG_ORDERS):
        for step in range(order):
            other = codes.copy()
            other[step :: order + 1] ^= 1  # one character of the n-grams that begin at every (order + 1)th position
            old, new = (bag_columns(array, 0, 3990)[number][:: order + 1] for array in (codes, other))
            assert (old != new).mean() > 0.99  # but for a few that share a bucket


def test_no_segment_has_no_score() -> None:
    none = np.empty(0, np.int64)
    assert segment_scores(np.zeros(40, np.uint16), np.zeros(40, np.uint8), none, none, PACKED, BIAS).shape == (
        0,
        LABELS,
    )
