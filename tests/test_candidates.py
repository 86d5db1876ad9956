"""A segment is passed over only for what it says itself, and never for what a look at it left out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detector.candidates import (
    SAMPLE_STEP,
    Candidates,
    every_segment,
    likely_segments,
    outline_excess,
    sampled_excess,
)
from detector.features import (
    FEATURES,
    PAGE_RELATIONS,
    FeatureTable,
    bins_of,
    outline_features,
    segment_features,
)
from detector.folding import FoldedBatch, fold_pages
from detector.model import LANE_LABELS, WEIGHT_SCALE, Bundle, Decisions, pack_lanes, unpack_lanes, whole_scores
from detector.ngrams import BUCKET_COUNT, MARGIN_CHARS, bucket_columns
from detector.pipeline import Detector
from detector.scoring import bound_segments
from detector.segment_scores import BAG_ENTRIES, bag_columns, pack_bag
from detector.segmentation import Segments, cut_segments
from detector.words import word_buckets, words_of

any_text = st.text(st.characters() | st.sampled_from("字某娱乐城。\n|a1\u200b\x03\uffff"), max_size=40) | st.builds(
    lambda unit, times: unit * times, st.text("某娱|。\na", min_size=1, max_size=7), st.integers(1, 60)
)
pages_of_text = st.lists(any_text, min_size=1, max_size=5)


@dataclass(frozen=True)
class Cut:
    """Pages cut into segments, and what the segment model says of them."""

    batch: FoldedBatch
    segments: Segments
    whole: NDArray[np.float64]

    @property
    def everything(self) -> NDArray[np.int64]:
        return np.arange(len(self.segments.starts))


def cut(bundle: Bundle, pages: list[str]) -> Cut:
    batch = fold_pages(pages)
    segments = cut_segments(batch)
    return Cut(batch, segments, whole_scores(bundle.lookups, batch, segments))


def table_of(bundle: Bundle, pages: Cut, chosen: NDArray[np.int64]) -> FeatureTable:
    """Return the features of the chosen segments but for those that take a count over the page."""
    return segment_features(pages.batch, pages.segments, chosen, bundle.lookups, pages.whole, page_relations=False)


def sampled(bundle: Bundle, settled: Decisions, pages: Cut, chosen: NDArray[np.int64]) -> list[int]:
    table = table_of(bundle, pages, chosen)
    found: list[int] = sampled_excess(bundle, settled, pages.batch, pages.segments, chosen, table).tolist()
    return found


def outlined(bundle: Bundle, settled: Decisions, pages: Cut) -> list[int]:
    outlines = outline_features(pages.batch, pages.segments, pages.everything, pages.whole)
    found: list[int] = outline_excess(bundle, settled, outlines).tolist()
    return found


def likely(bundle: Bundle, settled: Decisions, pages: Cut) -> Candidates:
    return likely_segments(bundle, settled, pages.batch, pages.segments, pages.whole)


def open_to_all(settled: Decisions) -> Decisions:
    """Return decisions that pass every segment."""
    never = -(1 << 30)
    return replace(settled, segment_threshold=-math.inf, outline_threshold=never, sample_threshold=never)


def choose(data: st.DataObject, pages: Cut) -> NDArray[np.int64]:
    count = len(pages.everything)
    return np.array(sorted(data.draw(st.sets(st.integers(0, max(count - 1, 0)), max_size=count))), np.int64)


def settled_with(data: st.DataObject, bundle: Bundle) -> Decisions:
    """Return the bundle's decisions with other thresholds of the labels."""
    steps = data.draw(st.lists(st.integers(-500, 500), min_size=len(LANE_LABELS), max_size=len(LANE_LABELS)))
    return replace(Decisions.of(bundle.settings), thresholds=np.array(steps, np.int32))


# Slow looks


def bound_by_hand(bundle: Bundle, features: list[int]) -> NDArray[np.int64]:
    """Return the lanes of a segment's features and the bias; what takes a count over the page is at its best."""
    counted = range(*PAGE_RELATIONS.indices(len(FEATURES)))
    total: NDArray[np.int64] = unpack_lanes(bundle.lanes[BUCKET_COUNT:])[0].astype(np.int64)
    for column, value in enumerate(features):
        of_column = unpack_lanes(bundle.lanes[bins_of(column)])
        total += of_column.max(axis=0) if column in counted else of_column[value]
    return total


def characters_by_hand(bundle: Bundle, pages: Cut, segment: int) -> NDArray[np.int64]:
    """Return the lanes of what is looked up around each character of a segment."""
    lanes = []
    words = words_of(pages.batch.codes, pages.batch.classes, pages.segments.starts, pages.segments.ends)
    buckets = word_buckets(words)
    for at in range(int(pages.segments.starts[segment]), int(pages.segments.ends[segment])):
        around = slice(at - MARGIN_CHARS, at + MARGIN_CHARS + 1)
        columns = bucket_columns(pages.batch.codes[around], pages.batch.classes[around])
        found = [int(bucket[0]) for _, bucket in columns]
        found += buckets[:, (words.starts <= at) & (at < words.reach)].reshape(-1).tolist()
        lanes.append(unpack_lanes(bundle.lanes[found]).sum(axis=0))
    return np.array(lanes, np.int64)


def sampled_by_hand(bundle: Bundle, settled: Decisions, pages: Cut, segment: int) -> int:
    """Return the best excess among the third character of every four, and the last where less than three are left."""
    features = table_of(bundle, pages, np.array([segment])).bins[0].tolist()
    lanes = characters_by_hand(bundle, pages, segment) + bound_by_hand(bundle, features) - settled.thresholds
    steps = [lanes[at : at + SAMPLE_STEP] for at in range(0, len(lanes), SAMPLE_STEP)]
    return max(int(step[min(SAMPLE_STEP // 2, len(step) - 1)].max()) for step in steps)


# Samples


@given(pages_of_text, st.data())
@settings(max_examples=40)
def test_the_best_sample_equals_a_slow_look_whatever_else_is_chosen(
    tiny_bundle: Bundle, pages: list[str], data: st.DataObject
) -> None:
    found, settled = cut(tiny_bundle, pages), settled_with(data, tiny_bundle)
    chosen = choose(data, found)
    expected = [sampled_by_hand(tiny_bundle, settled, found, segment) for segment in chosen.tolist()]
    assert sampled(tiny_bundle, settled, found, chosen) == expected


@given(pages_of_text, st.data())
@settings(max_examples=60)
def test_a_sample_never_exceeds_the_best_bound_of_its_segments_characters(
    tiny_bundle: Bundle, pages: list[str], data: st.DataObject
) -> None:
    found, settled = cut(tiny_bundle, pages), settled_with(data, tiny_bundle)
    chosen = choose(data, found)
    assume(len(chosen))
    table = table_of(tiny_bundle, found, chosen)
    bounds = bound_segments(tiny_bundle, found.batch, found.segments, chosen, table).lanes - settled.thresholds
    chars = (found.segments.ends - found.segments.starts)[chosen]
    best = np.maximum.reduceat(bounds.max(axis=1), np.cumsum(chars) - chars)
    samples = np.array(sampled(tiny_bundle, settled, found, chosen))
    assert (samples <= best).all()
    assert (samples == best)[chars == 1].all()  # whatever its length, a segment is sampled


@pytest.mark.parametrize("chars", range(1, 14))
def test_each_four_characters_of_a_segment_have_one_sample(make_bundle: Callable[..., Bundle], chars: int) -> None:
    bundle = make_bundle(letters={"博": ("gambling", 2.5)})
    settled = Decisions.of(bundle.settings)
    seen = []
    for at in range(chars):
        found = cut(bundle, ["好" * at + "博" + "好" * (chars - at - 1)])
        (excess,) = sampled(bundle, settled, found, found.everything)
        assert excess in (round(2.5 * WEIGHT_SCALE), -2 * WEIGHT_SCALE)
        seen.append(excess > 0)
    full, rest = divmod(chars, SAMPLE_STEP)
    assert (
        seen == [False, False, True, False] * full + {0: [], 1: [True], 2: [False, True], 3: [False, False, True]}[rest]
    )


def test_of_every_long_segment_so_many_characters_in_a_row_meet_a_sample(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(letters={"博": ("gambling", 2.5)})
    settled = Decisions.of(bundle.settings)
    for before in range(20):
        found = cut(bundle, ["好" * before + "博" * SAMPLE_STEP + "好" * 300])
        assert sampled(bundle, settled, found, found.everything)[0] == round(2.5 * WEIGHT_SCALE)


def test_no_segment_has_no_sample(tiny_bundle: Bundle) -> None:
    found = cut(tiny_bundle, ["好"])
    assert sampled(tiny_bundle, Decisions.of(tiny_bundle.settings), found, found.everything[:0]) == []


# Outlines


@given(pages_of_text, st.data())
@settings(max_examples=60)
def test_the_excess_of_an_outline_equals_a_slow_sum(tiny_bundle: Bundle, pages: list[str], data: st.DataObject) -> None:
    found, settled = cut(tiny_bundle, pages), settled_with(data, tiny_bundle)
    rows = outline_features(found.batch, found.segments, found.everything, found.whole).bins.tolist()
    expected = [int((bound_by_hand(tiny_bundle, row) - settled.thresholds).max()) for row in rows]
    assert outlined(tiny_bundle, settled, found) == expected


@pytest.mark.parametrize("lane", range(len(LANE_LABELS)))
def test_the_best_label_counts_each_against_its_own_threshold(make_bundle: Callable[..., Bundle], lane: int) -> None:
    weights = np.zeros((len(LANE_LABELS), BUCKET_COUNT + 1))
    weights[:, -1] = [-1.0, -2.0, -3.0, -4.0]
    bundle = make_bundle(arrays={"lanes": pack_lanes(weights)})
    low = np.full(len(LANE_LABELS), 10 * WEIGHT_SCALE, np.int32)
    low[lane] = -20 * WEIGHT_SCALE
    settled = replace(Decisions.of(bundle.settings), thresholds=low)
    found = cut(bundle, ["好的。"])
    expected = [round((20 + float(weights[lane, -1])) * WEIGHT_SCALE)]
    assert outlined(bundle, settled, found) == sampled(bundle, settled, found, found.everything) == expected


# The looks together


@given(pages_of_text)
@settings(max_examples=60)
def test_with_no_threshold_every_segment_is_likely(tiny_bundle: Bundle, pages: list[str]) -> None:
    found = cut(tiny_bundle, pages)
    candidates = likely(tiny_bundle, open_to_all(Decisions.of(tiny_bundle.settings)), found)
    everything = every_segment(tiny_bundle, found.batch, found.segments, found.whole)
    assert candidates.chosen.tolist() == everything.chosen.tolist() == found.everything.tolist()
    assert candidates.table.bins.tolist() == everything.table.bins.tolist()


@given(pages_of_text)
@settings(max_examples=40)
def test_with_no_threshold_a_screened_scan_finds_the_same_spans(tiny_bundle: Bundle, pages: list[str]) -> None:
    names = ("segment_threshold", "outline_threshold", "sample_threshold")
    changed = {**tiny_bundle.settings, **dict.fromkeys(names, -1e6)}
    bundle = replace(tiny_bundle, manifest={**tiny_bundle.manifest, "settings": changed})
    assert list(Detector(bundle).scan_many(pages)) == list(Detector(bundle, screen=False).scan_many(pages))


@given(pages_of_text, st.data())
@settings(max_examples=60)
def test_each_threshold_alone_shuts_out_what_lies_below_it(
    tiny_bundle: Bundle, pages: list[str], data: st.DataObject
) -> None:
    found = cut(tiny_bundle, pages)
    assume(len(found.everything))
    passing = replace(open_to_all(Decisions.of(tiny_bundle.settings)), recurring_margin=0)
    looks: dict[str, list[Any]] = {
        "segment_threshold": found.whole.max(axis=1).tolist(),
        "outline_threshold": outlined(tiny_bundle, passing, found),
        "sample_threshold": sampled(tiny_bundle, passing, found, found.everything),
    }
    for name, values in looks.items():
        threshold = data.draw(st.sampled_from(values))
        shut: dict[str, Any] = {name: threshold}
        chosen = likely(tiny_bundle, replace(passing, **shut), found).chosen.tolist()
        assert chosen == [at for at, value in enumerate(values) if value >= threshold]


@given(pages_of_text)
@settings(max_examples=60)
def test_likely_segments_and_their_features_do_not_depend_on_the_other_pages(
    tiny_bundle: Bundle, pages: list[str]
) -> None:
    settled = Decisions.of(tiny_bundle.settings)
    together = cut(tiny_bundle, pages)
    candidates = likely(tiny_bundle, settled, together)
    for number, page in enumerate(pages):
        alone = likely(tiny_bundle, settled, cut(tiny_bundle, [page]))
        first = int(np.searchsorted(together.segments.page, number))
        mine = together.segments.page[candidates.chosen] == number
        assert (candidates.chosen[mine] - first).tolist() == alone.chosen.tolist()
        assert candidates.table.bins[mine].tolist() == alone.table.bins.tolist()


@given(pages_of_text, st.integers(0, 400))
@settings(max_examples=60)
def test_weaker_samples_pass_by_the_margin_where_one_on_the_page_passes(
    tiny_bundle: Bundle, pages: list[str], margin: int
) -> None:
    found = cut(tiny_bundle, pages)
    open_settled = open_to_all(Decisions.of(tiny_bundle.settings))
    settled = replace(open_settled, recurring_margin=margin, sample_threshold=100)
    samples = sampled(tiny_bundle, settled, found, found.everything)
    on_page = found.segments.page.tolist()
    sure = {page for page, sample in zip(on_page, samples, strict=True) if sample >= 100}
    expected = [
        at
        for at, (page, sample) in enumerate(zip(on_page, samples, strict=True))
        if page in sure and sample >= 100 - margin
    ]
    assert likely(tiny_bundle, settled, found).chosen.tolist() == expected


def test_a_weak_segment_passes_only_on_a_page_where_another_is_strong(make_bundle: Callable[..., Bundle]) -> None:
    letters = {"博": ("gambling", 2.5), "彩": ("gambling", 1.0), "票": ("gambling", 0.9)}
    bundle = make_bundle(letters=letters, settings={"sample_threshold": 2.0, "recurring_margin": 1.0})
    strong, weak, weaker = "博博博博博\n", "彩彩彩彩彩\n", "票票票票票\n"
    found = cut(bundle, [weak + weaker, weak + strong + weaker, weak + weak])
    assert likely(bundle, Decisions.of(bundle.settings), found).chosen.tolist() == [2, 3]


def test_a_strong_segment_that_its_words_shut_out_lets_no_weaker_one_pass(make_bundle: Callable[..., Bundle]) -> None:
    weights = np.zeros((len(LANE_LABELS), BAG_ENTRIES))
    weights[1, bag_columns(fold_pages(["彩彩"]).codes, 16, 17)[0]] = 8.0
    bundle = make_bundle(
        letters={"博": ("gambling", 2.5), "彩": ("gambling", 1.0)},
        screened=True,
        settings={"sample_threshold": 2.0, "recurring_margin": 1.0},
        arrays={"bag": pack_bag(weights)},
    )
    found = cut(bundle, ["彩彩彩彩彩\n博博博博博\n"])
    settled = Decisions.of(bundle.settings)
    assert likely(bundle, settled, found).chosen.tolist() == []
    assert likely(bundle, replace(settled, segment_threshold=-math.inf), found).chosen.tolist() == [0, 1]


@pytest.mark.parametrize("pages", [[], [""], ["", "\u200b"]])
def test_no_segment_is_no_candidate(tiny_bundle: Bundle, pages: list[str]) -> None:
    found = cut(tiny_bundle, pages)
    for candidates in (
        likely(tiny_bundle, open_to_all(Decisions.of(tiny_bundle.settings)), found),
        every_segment(tiny_bundle, found.batch, found.segments, found.whole),
    ):
        assert candidates.chosen.tolist() == []
        assert candidates.table.bins.shape == (0, len(FEATURES))


def test_a_random_bundle_passes_some_segments_at_every_look_and_not_all(tiny_bundle: Bundle) -> None:
    draw = np.random.Generator(np.random.PCG64(4))
    found = cut(tiny_bundle, ["".join(draw.choice(list("字某娱乐城。\n|a1"), 60).tolist()) for _ in range(40)])
    settled = Decisions.of(tiny_bundle.settings)
    opened = open_to_all(settled)
    counts = [
        len(likely(tiny_bundle, one, found).chosen)
        for one in (
            opened,
            replace(opened, segment_threshold=settled.segment_threshold),
            replace(settled, sample_threshold=opened.sample_threshold),
            settled,
        )
    ]
    assert counts == sorted(counts, reverse=True)
    assert len({*counts}) == len(counts)
    assert counts[-1] > 0
