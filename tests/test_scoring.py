"""A character's score is the sum of what is looked up for it, whichever segments are scored beside it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detector.features import BINS_PER_FEATURE, FEATURES, PAGE_RELATIONS, FeatureTable, bins_of, segment_features
from detector.folding import FoldedBatch, fold_pages
from detector.model import LANE_LABELS, WEIGHT_SCALE, Bundle, pack_lanes, unpack_lanes, whole_scores
from detector.ngrams import BUCKET_COUNT, MARGIN_CHARS, bucket_columns
from detector.positions import ranges
from detector.scoring import (
    CharacterScores,
    bound_segments,
    bounded_sums,
    gather,
    score_segments,
    segment_rows,
    segment_sums,
    touching,
)
from detector.segmentation import Segments, cut_segments
from detector.words import word_buckets, words_of

pages_of_text = st.lists(
    st.text(st.characters() | st.sampled_from("字某。\n|ab1 \u200b\x03\uffff"), max_size=40), min_size=1, max_size=4
)


def score_one(bundle: Bundle, batch: FoldedBatch, segments: Segments, position: int) -> list[int]:
    """Score one character, an entry at a time."""
    around = slice(position - MARGIN_CHARS, position + MARGIN_CHARS + 1)
    total = int(bundle.lanes[BUCKET_COUNT])
    for _, bucket in bucket_columns(batch.codes[around], batch.classes[around]):
        total += int(bundle.lanes[int(bucket[0])])
    segment = int(np.searchsorted(segments.starts, position, side="right")) - 1
    whole = whole_scores(bundle.lookups, batch, segments)
    table = segment_features(batch, segments, np.array([segment]), bundle.lookups, whole)
    total += sum(int(bundle.lanes[bucket]) for bucket in table.buckets[0].tolist())
    words = words_of(batch.codes, batch.classes, segments.starts, segments.ends)
    around_it = np.flatnonzero((words.starts <= position) & (position < words.reach))
    total += int(bundle.lanes[word_buckets(words)[:, around_it]].sum())
    lanes: list[int] = unpack_lanes(np.array([total]))[0].tolist()
    return lanes


def scored(bundle: Bundle, batch: FoldedBatch, segments: Segments, chosen: NDArray[np.int64]) -> CharacterScores:
    whole = whole_scores(bundle.lookups, batch, segments)
    return score_segments(bundle, batch, segments, chosen, whole)


def bounded(bundle: Bundle, batch: FoldedBatch, segments: Segments, chosen: NDArray[np.int64]) -> CharacterScores:
    whole = whole_scores(bundle.lookups, batch, segments)
    table = segment_features(batch, segments, chosen, bundle.lookups, whole, page_relations=False)
    return bound_segments(bundle, batch, segments, chosen, table)


def choose(data: st.DataObject, segments: Segments) -> NDArray[np.int64]:
    count = len(segments.starts)
    return np.array(sorted(data.draw(st.sets(st.integers(0, max(count - 1, 0)), max_size=count))), np.int64)


@given(pages_of_text)
@settings(max_examples=25)
def test_scores_equal_a_slow_sum_for_every_character(tiny_bundle: Bundle, pages: list[str]) -> None:
    batch = fold_pages(pages)
    segments = cut_segments(batch)
    scores = scored(tiny_bundle, batch, segments, np.arange(len(segments.starts)))
    _, positions = ranges(scores.regions.starts, scores.regions.ends)
    assert scores.lanes.tolist() == [score_one(tiny_bundle, batch, segments, at) for at in positions.tolist()]


@given(pages_of_text, st.data())
@settings(max_examples=60)
def test_scores_do_not_depend_on_what_else_is_scored(
    tiny_bundle: Bundle, pages: list[str], data: st.DataObject
) -> None:
    batch = fold_pages(pages)
    segments = cut_segments(batch)
    everything = scored(tiny_bundle, batch, segments, np.arange(len(segments.starts)))
    by_position = np.zeros((len(batch.codes), everything.lanes.shape[1]), np.int32)
    by_position[ranges(everything.regions.starts, everything.regions.ends)[1]] = everything.lanes
    some = scored(tiny_bundle, batch, segments, choose(data, segments))
    assert some.lanes.tolist() == by_position[ranges(some.regions.starts, some.regions.ends)[1]].tolist()


@given(pages_of_text, st.data())
@settings(max_examples=60)
def test_bounds_are_never_below_the_scores(tiny_bundle: Bundle, pages: list[str], data: st.DataObject) -> None:
    batch = fold_pages(pages)
    segments = cut_segments(batch)
    chosen = choose(data, segments)
    exact = scored(tiny_bundle, batch, segments, chosen)
    bounds = bounded(tiny_bundle, batch, segments, chosen)
    assert bounds.first.tolist() == exact.first.tolist()
    assert (bounds.lanes >= exact.lanes).all()


def test_bounds_exceed_the_scores_by_what_counts_over_the_page_could_add(make_bundle: Callable[..., Bundle]) -> None:
    weights = np.zeros((len(LANE_LABELS), BUCKET_COUNT + 1))
    for column, highest in zip(range(*PAGE_RELATIONS.indices(len(FEATURES))), (2.0, 0.5), strict=True):
        weights[:, bins_of(column)] = np.linspace(-1.0, highest, BINS_PER_FEATURE)
    bundle = make_bundle(arrays={"lanes": pack_lanes(weights)})
    batch = fold_pages(["山水风云。"])
    segments = cut_segments(batch)
    bounds = bounded(bundle, batch, segments, np.arange(1))
    assert bounds.lanes.tolist() == [[round(2.5 * WEIGHT_SCALE)] * len(LANE_LABELS)] * 5


some_bins = st.lists(st.integers(0, BINS_PER_FEATURE - 1), min_size=len(FEATURES), max_size=len(FEATURES))


@given(st.lists(some_bins, max_size=4))
def test_bounded_sums_take_the_best_that_counts_over_the_page_can_say(
    tiny_bundle: Bundle, rows: list[list[int]]
) -> None:
    table = FeatureTable(np.array(rows, np.uint8).reshape(-1, len(FEATURES)))
    weights = unpack_lanes(tiny_bundle.lanes)
    counted = range(*PAGE_RELATIONS.indices(len(FEATURES)))
    highest = sum(weights[bins_of(column)].max(axis=0) for column in counted)
    expected = [
        (sum(weights[bucket] for column, bucket in enumerate(buckets) if column not in counted) + highest).tolist()
        for buckets in table.buckets.tolist()
    ]
    bounds = unpack_lanes(bounded_sums(table, tiny_bundle.lanes))
    assert bounds.tolist() == expected
    assert (bounds >= unpack_lanes(segment_sums(table, tiny_bundle.lanes))).all()


@given(pages_of_text, st.data())
def test_regions_are_the_chosen_segments_joined_where_they_touch_on_one_page(
    pages: list[str], data: st.DataObject
) -> None:
    segments = cut_segments(fold_pages(pages))
    chosen = choose(data, segments)
    regions = touching(segments, chosen)
    in_regions = ranges(regions.starts, regions.ends)[1].tolist()
    assert in_regions == ranges(segments.starts[chosen], segments.ends[chosen])[1].tolist()
    same_page = regions.page[1:] == regions.page[:-1]
    assert (regions.starts[1:][same_page] > regions.ends[:-1][same_page]).all()


@given(pages_of_text, st.data())
def test_gathering_lays_regions_with_their_margins_end_to_end(pages: list[str], data: st.DataObject) -> None:
    batch = fold_pages(pages)
    segments = cut_segments(batch)
    regions = touching(segments, choose(data, segments))
    codes, classes, places, positions = gather(batch, regions)
    assert positions.tolist() == ranges(regions.starts, regions.ends)[1].tolist()
    assert len(codes) == len(positions) + 2 * MARGIN_CHARS * len(regions.starts)
    for place, position in zip(places.tolist(), positions.tolist(), strict=True):
        around = slice(position - MARGIN_CHARS, position + MARGIN_CHARS + 1)
        assert codes[place : place + 2 * MARGIN_CHARS + 1].tolist() == batch.codes[around].tolist()
        assert classes[place + MARGIN_CHARS] == batch.classes[position]


def test_each_character_knows_the_row_of_its_segment() -> None:
    segments = cut_segments(fold_pages(["一。二三。四五六"]))
    assert segment_rows(segments, np.array([0, 2])).tolist() == [0, 0, 1, 1, 1]


def test_nothing_chosen_has_no_score(tiny_bundle: Bundle) -> None:
    batch = fold_pages(["一。二"])
    for look in (scored, bounded):
        scores = look(tiny_bundle, batch, cut_segments(batch), np.empty(0, np.int64))
        assert len(scores.lanes) == len(scores.first) == 0
