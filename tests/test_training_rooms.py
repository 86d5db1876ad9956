"""The rooms of training, each on data small enough to check by hand."""

from __future__ import annotations

import json
import lzma
import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import make_gate
import numpy as np
import pin_sources
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detector.context import ScoredPage
from detector.datatypes import BundleError, InputError, Label, LabelledPage, ScanResult, Span, Verdict
from detector.folding import FoldedBatch, fold_pages
from detector.formats import read_labelled
from detector.model import LANE_LABELS, WEIGHT_SCALE, Bundle, Decisions, pack_lanes
from detector.ngrams import BUCKET_COUNT, PLACES, bucket_columns
from detector.pipeline import Detector
from detector.segment_scores import segment_scores
from detector.segmentation import cut_segments
from detector.spun import BIGRAM_BITS, SpunRule, spun_log_odds
from detector.synthesis import Grammars, read_handwritten
from detector.synthesis.assembly import Document
from detector.synthesis.spinning import Spinner
from detector.training import _open_screen
from detector.training.bags import fit_bag
from detector.training.corpora import Corpora, read_corpora
from detector.training.examples import (
    EDGE_CHARS,
    NO_BUCKET,
    NOTHING,
    ROW_ENTRIES,
    SPAN_SAMPLE,
    UNUSED,
    Rows,
    batches_of,
    rows_at,
    rows_of,
    sample,
    targets_of,
)
from detector.training.mining import NEAR, hard_rows, without_finds
from detector.training.recipe import Recipe, capped, fit_spinning, is_test_page, lost_by_screen
from detector.training.replay import pack_replay, unpack_replay
from detector.training.tuning import (
    LOOK_BACK,
    STEP,
    fit_calibration,
    lost_by_label,
    quantising_changes,
    score_pages,
    spun_scores,
    tune_thresholds,
    with_settings,
)

MATERIAL = Path(__file__).resolve().parent.parent / "training_data"
LANE = {label: 1 + number for number, label in enumerate(LANE_LABELS)}


def page_of(marked: str, name: str = "page", **facts: str) -> LabelledPage:
    """Return a page in which <…> is gambling, {…} pinyin noise and […] site boilerplate."""
    kinds = {"<": Label.GAMBLING, "{": Label.PINYIN_NOISE, "[": Label.SITE_BOILERPLATE}
    text, spans, start = "", [], 0
    label = Label.GAMBLING
    for char in marked:
        if char in kinds:
            start, label = len(text), kinds[char]
        elif char in ">}]":
            spans.append(Span(start, len(text), label, 1.0))
        else:
            text += char
    return LabelledPage(name, text, tuple(spans), **facts)


def bundle_with(bundle: Bundle, **changes: Any) -> Bundle:
    return with_settings(bundle, **changes)


# Targets


def targets_by_page(pages: Sequence[LabelledPage]) -> tuple[FoldedBatch, list[list[int]], NDArray[np.uint8]]:
    batch = fold_pages([page.text for page in pages])
    targets = targets_of(pages, batch)
    edges = zip(batch.page_starts.tolist(), batch.page_ends.tolist(), strict=True)
    return batch, [targets[start:end].tolist() for start, end in edges], targets


def test_every_label_has_the_target_of_its_lane() -> None:
    text = "一二三四五六七八"
    spans = tuple(Span(at, at + 1, label, 1.0) for at, label in enumerate(Label))
    _, (found,), _ = targets_by_page([LabelledPage("all", text, spans)])
    by_label = dict(zip(Label, found, strict=False))
    assert {label: by_label[label] for label in LANE_LABELS} == LANE
    assert by_label[Label.PINYIN_NOISE] == by_label[Label.SPUN] == UNUSED
    assert by_label[Label.SITE_BOILERPLATE] == found[-1] == NOTHING


def test_targets_follow_what_folding_drops() -> None:
    gambling = LANE[Label.GAMBLING]
    pages = [page_of("好\u200b<博\u200b博>\u200b好"), page_of(""), page_of("<\u200b>好"), page_of("好<博>")]
    _, found, _ = targets_by_page(pages)
    assert found == [[NOTHING, gambling, gambling, NOTHING], [], [NOTHING], [NOTHING, gambling]]


@given(st.lists(st.text("好博\u200b\n", max_size=12), min_size=1, max_size=4), st.data())
def test_every_position_has_the_target_of_its_character(texts: list[str], data: st.DataObject) -> None:
    pages = []
    for number, text in enumerate(texts):
        start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
        spans = (Span(start, end, data.draw(st.sampled_from(LANE_LABELS)), 1.0),) if start < end else ()
        pages.append(LabelledPage(str(number), text, spans))
    batch, found, targets = targets_by_page(pages)
    for number, page in enumerate(pages):
        of_char = [NOTHING] * len(page.text)
        for span in page.spans:
            of_char[span.start : span.end] = [LANE[span.label]] * (span.end - span.start)
        positions = np.arange(batch.page_starts[number], batch.page_ends[number])
        assert found[number] == [of_char[offset] for offset in batch.offsets(positions, number).tolist()]
    assert int((targets != UNUSED).sum()) == sum(map(len, found))


@given(st.lists(st.integers(0, 40), max_size=12), st.integers(1, 60))
def test_batches_keep_every_page_in_order(lengths: list[int], chars: int) -> None:
    pages = [LabelledPage(str(number), "字" * length, ()) for number, length in enumerate(lengths)]
    groups = list(batches_of(pages, chars))
    assert [page for group in groups for page in group] == pages
    assert all(sum(len(page.text) for page in group) >= chars for group in groups[:-1])
    assert all(sum(len(page.text) for page in group[:-1]) < chars for group in groups)


# Sampling

some_targets = st.lists(
    st.tuples(st.sampled_from([NOTHING, 1, 2, UNUSED]), st.integers(1, 40)), min_size=1, max_size=8
).map(lambda runs: np.concatenate([np.full(chars, value, np.uint8) for value, chars in runs]))


def sampled(targets: NDArray[np.uint8], clean_rate: float, seed: int = 1) -> list[int]:
    found: list[int] = sample(targets, np.random.Generator(np.random.PCG64(seed)), clean_rate).tolist()
    return found


def near_edges(targets: NDArray[np.uint8]) -> set[int]:
    """Return the positions that have a change of target within EDGE_CHARS."""
    values = targets.tolist()
    changes = [at for at in range(len(values) - 1) if values[at] != values[at + 1]]
    return {at for at in range(len(values)) if any(at - EDGE_CHARS <= change <= at + EDGE_CHARS for change in changes)}


@given(some_targets, st.floats(0, 1), st.integers(0, 99))
def test_a_sample_holds_what_is_near_an_edge_and_nothing_unused(
    targets: NDArray[np.uint8], clean_rate: float, seed: int
) -> None:
    found = sampled(targets, clean_rate, seed)
    assert found == sorted(set(found))
    assert not any(targets[at] == UNUSED for at in found)
    assert {at for at in near_edges(targets) if targets[at] != UNUSED} <= set(found)
    assert found == sampled(targets, clean_rate, seed)


@given(some_targets)
def test_rates_of_nought_and_one_take_none_and_all_of_the_clean_text(targets: NDArray[np.uint8]) -> None:
    clean = set(np.flatnonzero(targets == NOTHING).tolist())
    assert set(sampled(targets, 0.0)) & clean == near_edges(targets) & clean
    assert clean <= set(sampled(targets, 1.0))


def test_a_short_span_is_taken_whole_and_a_long_one_in_part() -> None:
    clean = np.zeros(100, np.uint8)
    short = np.concatenate([clean, np.full(SPAN_SAMPLE, 2, np.uint8), clean])
    assert set(range(100, 100 + SPAN_SAMPLE)) <= set(sampled(short, 0.0))
    long = np.concatenate([clean, np.full(4000, 2, np.uint8), clean])
    counts = [sum(100 + EDGE_CHARS < at < 4100 - EDGE_CHARS for at in sampled(long, 0.0, seed)) for seed in range(40)]
    assert SPAN_SAMPLE * 0.8 < sum(counts) / len(counts) < SPAN_SAMPLE * 1.2


def test_clean_text_is_taken_at_its_rate() -> None:
    assert 0.04 < len(sampled(np.zeros(50_000, np.uint8), 0.05)) / 50_000 < 0.06


# Rows


def test_rows_are_the_buckets_that_serving_looks_up(tiny_bundle: Bundle) -> None:
    pages = [page_of("好的，<博彩>好的。\n好的好的"), page_of("<博>好"), page_of("a <bonus casino>, 24 of 好的. b")]
    batch = fold_pages([page.text for page in pages])
    targets = targets_of(pages, batch)
    positions = np.flatnonzero(targets != UNUSED)
    rows = rows_at(batch, positions, targets, tiny_bundle.lookups)
    assert rows.buckets.shape == (len(positions), ROW_ENTRIES)
    assert rows.targets.tolist() == targets[positions].tolist()
    assert (rows.buckets == NO_BUCKET).any()
    assert not (rows.buckets == NO_BUCKET).all(axis=0).any()
    counted = np.where(rows.buckets == NO_BUCKET, 0, tiny_bundle.lanes[rows.buckets])
    sums = counted.sum(axis=1) + tiny_bundle.lanes[BUCKET_COUNT]
    served = np.concatenate([page.lanes for page in score_pages(tiny_bundle, pages)])
    lanes = [[(int(packed) << 48 & (1 << 64) - 1) >> 48 for packed in sums]]
    assert lanes[0] == [int(lane) & 0xFFFF for lane in served[:, 0]]


def test_rows_of_pages_do_not_depend_on_what_is_unlabelled(tiny_bundle: Bundle) -> None:
    rows = rows_of([page_of("好的{(jīng)}好的")], tiny_bundle.lookups, seed=1, clean_rate=1.0)
    assert rows.targets.tolist() == [NOTHING] * 4
    assert len(rows_of([], tiny_bundle.lookups, seed=1).targets) == len(Rows.joined([]).targets) == 0


# Mining


def shown(rows: Rows, letter: str) -> int:
    """Return how many of the rows are those of a letter."""
    place = next(n for n, place in enumerate(PLACES) if (place.shape, place.order, place.shift) == (False, 1, 0))
    batch = fold_pages([letter])
    columns = [int(found[16 - 6]) for _, found in bucket_columns(batch.codes, batch.classes)]
    return int((rows.buckets[:, place] == columns[place]).sum())


@pytest.fixture(scope="module")
def near_bundle(make_bundle: Callable[..., Bundle]) -> Bundle:
    """Return a bundle for which 博 is spam, 彩 nearly and all else far from it."""
    return make_bundle(letters={"博": ("gambling", 0.5), "彩": ("porn", NEAR + 0.25), "票": ("porn", NEAR)}, bias=-3.0)


def test_mining_takes_the_clean_characters_that_score_near_spam(near_bundle: Bundle) -> None:
    rows = hard_rows(near_bundle, [page_of("好的博彩票好的博的")], most=100, seed=1)
    assert len(rows.targets) == 3
    assert (shown(rows, "博"), shown(rows, "彩")) == (2, 1)
    assert (rows.targets == NOTHING).all()
    assert (rows.weights == 1).all()


def test_mining_takes_no_character_of_a_gold_span_nor_one_that_teaches_nothing(near_bundle: Bundle) -> None:
    rows = hard_rows(near_bundle, [page_of("好<博博>的{博}[博]彩"), page_of("<博彩>")], most=100, seed=1)
    assert (len(rows.targets), shown(rows, "博"), shown(rows, "彩")) == (2, 1, 1)


def test_mining_keeps_to_its_most_and_repeats_with_its_seed(near_bundle: Bundle) -> None:
    pages = [page_of("博好" * 40), page_of("彩好" * 40)]
    found = [hard_rows(near_bundle, pages, most=30, seed=seed) for seed in (1, 1, 2)]
    assert [len(rows.targets) for rows in found] == [30] * 3
    assert (found[0].buckets == found[1].buckets).all()
    assert not (found[0].buckets == found[2].buckets).all()
    assert 0 < shown(found[0], "博") < 30
    assert len(hard_rows(near_bundle, [], most=5, seed=1).targets) == 0


def test_one_page_does_not_drown_the_others(near_bundle: Bundle) -> None:
    rows = hard_rows(near_bundle, [page_of("博" * 9000)], most=100_000, seed=1)
    assert len(rows.targets) == 4000


def test_unlabelled_pages_serve_as_clean_ones_where_nothing_is_found_on_them(near_bundle: Bundle) -> None:
    clean, doubtful, spam = page_of("好的好的"), page_of("好的博好的"), page_of("好的博博博博博博博博博")
    assert without_finds(near_bundle, [clean, spam, doubtful]) == [clean, doubtful]


@given(st.lists(st.text("字某娱乐城。\n|a1", max_size=40), min_size=1, max_size=5))
@settings(max_examples=40)
def test_pages_without_finds_are_those_on_which_a_scan_finds_nothing(tiny_bundle: Bundle, texts: list[str]) -> None:
    bundle = with_settings(tiny_bundle, spun={**tiny_bundle.settings["spun"], "threshold": 1e9})
    pages = [LabelledPage(str(number), text, ()) for number, text in enumerate(texts)]
    results = Detector(bundle, screen=False).scan_many(texts)
    expected = [page.id for page, result in zip(pages, results, strict=True) if not result.spans]
    assert [page.id for page in without_finds(bundle, pages)] == expected


# Thresholds

HARMFUL = "好的博博博博好的好的好的好的好的好的好的好的好的好的"


def losses(bundle: Bundle, pages: Sequence[LabelledPage], thresholds: dict[str, float]) -> tuple[float, float]:
    """Return the shares of characters and of pages that are lost at these thresholds."""
    scored = score_pages(bundle, pages)
    chars, alarms = lost_by_label(scored, Decisions.of(bundle_with(bundle, thresholds=thresholds).settings))
    return float(chars.sum()) / sum(len(page.shadow) for page in scored), float(alarms.sum()) / len(scored)


@pytest.fixture(scope="module")
def judged() -> list[LabelledPage]:
    """Return clean pages of which some hold words that look like spam."""
    texts = [*["好的好的好的好的好的好的好的好的。\n" * 3] * 8, HARMFUL, HARMFUL.replace("博", "黄"), ""]
    return [LabelledPage(str(number), text, ()) for number, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("loss_budget", "alarm_budget", "raised"),
    [
        (1.0, 1.0, set()),
        (0.5, 0.1, {"gambling"}),  # one page in eleven may show an alarm
        (0.5, 0.05, {"gambling", "porn"}),
        (1e-6, 1.0, {"gambling", "porn"}),
        (0.012, 1.0, {"gambling"}),  # the stronger stays: four characters of some four hundred and fifty may go
    ],
)
def test_thresholds_are_raised_until_the_budgets_hold(
    make_bundle: Callable[..., Bundle],
    judged: list[LabelledPage],
    loss_budget: float,
    alarm_budget: float,
    raised: set[str],
) -> None:
    bundle = make_bundle(letters={"博": ("gambling", 2.5), "黄": ("porn", 2.5)})
    found = tune_thresholds(bundle, judged, low=[-0.5] * 4, loss_budget=loss_budget, alarm_budget=alarm_budget)
    loss, alarms = losses(bundle, judged, found)
    assert loss <= loss_budget
    assert alarms <= alarm_budget
    assert len({label for label, threshold in found.items() if threshold > -0.5}) == len(raised)
    assert set(found) == {str(label) for label in LANE_LABELS}
    assert all((threshold + 0.5) % STEP == 0 for threshold in found.values())


def test_no_threshold_is_raised_further_than_its_budget_asks(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(letters={"博": ("gambling", 2.5)})
    pages = [LabelledPage("a", HARMFUL, ()), LabelledPage("b", "好的" * 20, ())]
    found = tune_thresholds(bundle, pages, low=[-1.0] * 4, loss_budget=0.001, alarm_budget=0.2)
    assert losses(bundle, pages, found) == (0, 0)
    lower = {**found, "gambling": found["gambling"] - STEP}
    assert losses(bundle, pages, lower)[1] == 0.5
    assert [label for label, threshold in found.items() if threshold > -1.0] == ["gambling"]


#: Clean pages on which characters of several labels score, alone and together, some more and some less.
DOUBTFUL = [
    "好的博博博博好的好的",
    "好的黄黄黄黄好的好的",
    "好的博博博黄黄黄好的",
    "好的黄黄博博票票好的",
    "好的票票票票票票好的",
    "好的" * 9,
]


@pytest.mark.parametrize("budgets", [(1.0, 0.0), (1.0, 0.2), (1.0, 0.4), (0.05, 0.5), (0.1, 0.7), (0.2, 1.0)])
@pytest.mark.parametrize("strengths", [(2.5, 1.5, 2.0), (1.0, 2.75, 1.75), (2.25, 2.25, 2.25)])
def test_no_threshold_can_sink_again_when_all_are_chosen(
    make_bundle: Callable[..., Bundle], budgets: tuple[float, float], strengths: tuple[float, ...]
) -> None:
    labels = ("gambling", "porn", "other_spam")
    letters = {letter: (label, odds) for letter, label, odds in zip("博黄票", labels, strengths, strict=True)}
    bundle = make_bundle(letters=letters)
    pages = [LabelledPage(str(number), text, ()) for number, text in enumerate(DOUBTFUL)]

    def hold(thresholds: dict[str, float]) -> bool:
        return all(lost <= most for lost, most in zip(losses(bundle, pages, thresholds), budgets, strict=True))

    found = tune_thresholds(bundle, pages, low=[-1.0] * 4, loss_budget=budgets[0], alarm_budget=budgets[1] or 1e-9)
    assert hold(found)
    for label, threshold in found.items():
        for steps in range(1, LOOK_BACK + 1):
            assert threshold - steps * STEP < -1.0 or not hold({**found, label: threshold - steps * STEP})


def test_a_threshold_sinks_past_a_step_that_alone_does_harm(
    make_bundle: Callable[..., Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    gambling, porn = (LANE_LABELS.index(label) for label in (Label.GAMBLING, Label.PORN))

    def lost(_: Sequence[ScoredPage], decisions: Decisions) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Blame gambling first, until it does not help; then only a single of its thresholds does harm."""
        by_lane = np.zeros(len(LANE_LABELS), np.int64)
        steps = decisions.thresholds // round(STEP * WEIGHT_SCALE)
        if steps[porn] < -2:
            by_lane[gambling if steps[gambling] < 0 else porn] = 1
        elif steps[gambling] == -1:
            by_lane[gambling] = 1
        return by_lane, by_lane

    monkeypatch.setattr("detector.training.tuning.lost_by_label", lost)
    found = tune_thresholds(make_bundle(), [page_of("好的")], low=[-1.0] * 4, loss_budget=0.01, alarm_budget=0.01)
    assert found == {"porn": -0.5, "gambling": -1.0, "other_spam": -1.0, "repository_boilerplate": -1.0}


def test_loss_counts_repeats_and_every_page_once(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(letters={"博": ("gambling", 2.5)})
    pages = [LabelledPage("a", f"好的好的博博博博好的好的{'好' * 40}博博博博好的", ()), LabelledPage("b", "", ())]
    chars, alarms = lost_by_label(score_pages(bundle, pages), Decisions.of(bundle.settings))
    lane = LANE_LABELS.index(Label.GAMBLING)
    assert (chars.tolist()[lane], alarms.tolist()[lane]) == (8, 1)
    assert (int(chars.sum()), int(alarms.sum())) == (8, 1)


def test_scored_pages_are_those_given_in_order_without_the_empty_ones(tiny_bundle: Bundle) -> None:
    pages = [LabelledPage(str(number), text, ()) for number, text in enumerate(["好的。", "", "\u200b", "某某娱乐城"])]
    scored = score_pages(tiny_bundle, pages)
    assert [page.shadow for page in scored] == ["好的。", "某某娱乐城"]
    assert [len(page.lanes) for page in scored] == [3, 5]
    assert scored[1].lanes.tolist() == score_pages(tiny_bundle, pages[3:])[0].lanes.tolist()


# Calibration


def result_of(page: LabelledPage, spans: Sequence[Span]) -> ScanResult:
    return ScanResult(page.id, len(page.text), Verdict.INJECTED, tuple(spans), page.text)


def judged_spans(shares: dict[float, float]) -> tuple[list[ScanResult], list[LabelledPage]]:
    """Return results with a span of each log-odds, of which the given share is of its label."""
    results, gold = [], []
    for log_odds, share in shares.items():
        chars = round(1000 * share)
        spans = (Span(0, chars, Label.GAMBLING, 1.0),) if chars else ()
        page = LabelledPage(str(log_odds), "字" * 1000, spans)
        gold.append(page)
        results.append(result_of(page, [Span(0, 1000, Label.GAMBLING, 0.5, log_odds)]))
    return results, gold


def logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value))


@pytest.mark.parametrize(("slope", "offset"), [(1.0, 0.0), (0.5, -1.0), (2.0, 1.5)])
def test_calibration_finds_the_curve_that_the_spans_follow(slope: float, offset: float) -> None:
    shares = {value / 2: logistic(slope * value / 2 + offset) for value in range(-6, 7)}
    found = fit_calibration(*judged_spans(shares))
    assert found == pytest.approx((slope, offset), abs=0.05)


def test_calibration_is_monotone_and_near_the_shares_where_they_rise() -> None:
    shares = {-2.0: 0.1, 0.0: 0.4, 1.0: 0.7, 3.0: 0.9, 6.0: 0.99}
    slope, offset = fit_calibration(*judged_spans(shares))
    assert slope > 0
    assert all(abs(logistic(slope * log_odds + offset) - share) < 0.1 for log_odds, share in shares.items())


def test_calibration_reads_the_spans_of_the_model_alone() -> None:
    results, gold = judged_spans({0.0: 0.3, 2.0: 0.8})
    page = LabelledPage("rule", "字" * 5000, ())
    rule = result_of(page, [Span(0, 5000, Label.PINYIN_NOISE, 0.99, 9.0)])
    assert fit_calibration([*results, rule], [*gold, page]) == fit_calibration(results, gold)


def test_a_span_of_another_label_than_gold_is_wrong() -> None:
    page = LabelledPage("x", "字" * 100, (Span(0, 100, Label.PORN, 1.0),))
    right = [result_of(page, [Span(0, 100, Label.PORN, 0.5, 2.0)])]
    wrong = [result_of(page, [Span(0, 100, Label.GAMBLING, 0.5, -2.0)])]
    slope, offset = fit_calibration([*right, *wrong], [page, page])
    assert logistic(2 * slope + offset) > 0.9 > 0.1 > logistic(-2 * slope + offset)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_scores_stay_as_they_are_where_there_is_nothing_to_calibrate_by(share: float) -> None:
    assert fit_calibration(*judged_spans({1.0: share, 3.0: share})) == (1.0, 0.0)
    assert fit_calibration([], []) == (1.0, 0.0)


# The screen


FINDS = {"博": ("gambling", 2.5), "牌": ("gambling", 2.0), "彩": ("gambling", 1.0)}
#: Four characters of 博 exceed the threshold by 2.5 at each sample, of 牌 by 2, of 彩 by 1: too little to be found.
SCREENED = ["好的好的博博博博好的好的"] * 2 + ["好的好的牌牌牌牌好的好的"] + ["好的好的彩好的好的好的"] * 5


@pytest.mark.parametrize(("threshold", "lost"), [(-2.0, 0), (2.0, 0), (2.25, 1), (2.5, 1), (2.75, 3)])
def test_pages_lost_to_the_screen_are_those_of_other_spans(
    make_bundle: Callable[..., Bundle], threshold: float, lost: int
) -> None:
    bundle = make_bundle(letters=FINDS, settings={"sample_threshold": threshold})
    judged = [LabelledPage(str(number), text, ()) for number, text in enumerate(SCREENED)]
    assert lost_by_screen(bundle, judged) == (lost, 3)
    assert lost_by_screen(bundle, []) == (0, 0)


SCREEN_SETTINGS = ("segment_threshold", "outline_threshold", "sample_threshold")


@pytest.mark.parametrize(
    ("closed", "thresholds"),
    [
        ({"sample_threshold": 3.125}, {"sample_threshold": 1.875}),  # 牌 comes to 2
        ({"outline_threshold": -1.125}, {"outline_threshold": -2.125}),  # every outline to the bias, -2
        ({"segment_threshold": 0.625}, {"segment_threshold": -0.125}),  # every segment to 0
        ({"segment_threshold": 0.125, "sample_threshold": 3.125}, {"sample_threshold": 1.875}),
    ],
)
def test_teaching_opens_the_screen_until_nothing_taught_is_lost_to_it(
    make_bundle: Callable[..., Bundle], closed: dict[str, float], thresholds: dict[str, float]
) -> None:
    bundle = make_bundle(letters=FINDS, settings=closed)
    taught = [page_of("好的好的<牌牌牌牌>好的好的", "a"), page_of("好的好的<博博博博>好的好的", "b")]
    assert lost_by_screen(bundle, taught) == (2, 2)
    opened = _open_screen(bundle, taught)
    assert set(opened) == set(SCREEN_SETTINGS)
    assert {name: opened[name] for name in thresholds} == thresholds
    assert len({bundle.settings[name] - opened[name] for name in SCREEN_SETTINGS}) == 1  # all sink alike
    assert lost_by_screen(with_settings(bundle, **opened), taught) == (0, 2)
    # No further than was needed: one step less still loses one.
    before = {name: threshold + 0.25 for name, threshold in opened.items()}
    assert lost_by_screen(with_settings(bundle, **before), taught)[0] >= 1


def test_a_screen_that_loses_nothing_taught_stays_as_it_is(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(letters=FINDS, settings={"sample_threshold": 2.25})
    taught = [page_of("好的好的<博博博博>好的好的", "a")]
    kept = {name: bundle.settings[name] for name in SCREEN_SETTINGS}
    assert _open_screen(bundle, taught) == _open_screen(bundle, []) == kept


# Spinning

SPINNING = (("我们", ("咱们",), "synonym"), ("希望", ("盼望",), "synonym"), ("早点", ("早些",), "synonym"))
SPOKEN = (
    "我们希望明天早点到来，我们也希望天气好起来。邻居们都说，我们早点出门就能看到日出。",
    "老师希望同学们早点完成作业，我们明天要去郊外植树。大家都希望春天早点来到这座小城。",
    "河边的小路重新铺好了，我们晚饭以后常去散步。孩子们希望这里早点装上路灯，我们也希望。",
)


def corpora_of(*documents: Document) -> Corpora:
    return Corpora(list(documents), [], [], [], {})


def spoken_documents(count: int = 30) -> list[Document]:
    draw = random.Random(3)
    return [Document(f"d{number}", "".join(draw.choices(SPOKEN, k=8)), "zh-Hans") for number in range(count)]


@pytest.fixture(scope="module")
def spinning() -> tuple[NDArray[np.int8], SpunRule]:
    """Return what is learned from a few spinners with one small table."""
    recipe = Recipe(spinners=4, spun_pairs=60)
    grammars = Grammars((), {}, {"zh": SPINNING}, "fit")
    table, numbers = fit_spinning(recipe, grammars, corpora_of(*spoken_documents()))
    rule = SpunRule(numbers["steps"], numbers["bias"], 0.0, 3.0, 20, 0.5)
    return table, rule


def spun_odds(text: str, spinning: tuple[NDArray[np.int8], SpunRule]) -> float:
    batch = fold_pages([text])
    inside = slice(int(batch.page_starts[0]), int(batch.page_ends[0]))
    return spun_log_odds(batch.codes[inside], batch.classes[inside], *spinning)


def test_spun_text_is_told_from_what_it_was_made_of(spinning: tuple[NDArray[np.int8], SpunRule]) -> None:
    table, rule = spinning
    assert table.shape == (1 << BIGRAM_BITS,)
    assert int(np.abs(table.astype(int)).max()) == 127
    assert rule.steps > 0
    text = "".join(random.Random(3).choices(SPOKEN, k=12))
    everything = text
    for original, (replacement,), _ in SPINNING:
        everything = everything.replace(original, replacement)
    assert spun_odds(text, spinning) < 0 < spun_odds(everything, spinning)
    for seed in range(12):  # a machine may have drawn hardly any words to replace
        spun, share = Spinner(SPINNING, random.Random(seed)).spin(text)
        assert spun_odds(spun, spinning) > spun_odds(text, spinning) + (1.0 if share > 0.03 else -1.0)


def test_spinning_repeats_with_its_seed() -> None:
    grammars = Grammars((), {}, {"zh": SPINNING}, "fit")
    recipe = Recipe(spinners=3, spun_pairs=20)
    first, second = (fit_spinning(recipe, grammars, corpora_of(*spoken_documents(8))) for _ in range(2))
    assert (first[0] == second[0]).all()
    assert first[1] == second[1]


def test_spinning_learns_from_chinese_documents_that_were_not_augmented() -> None:
    grammars = Grammars((), {}, {"zh": SPINNING}, "fit")
    recipe = Recipe(spinners=3, spun_pairs=20)
    others = (Document("medical_qa-1", "头痛发热" * 60, "zh-Hans"), Document("ja-1", "河川整備" * 60, "ja"))
    with_others = fit_spinning(recipe, grammars, corpora_of(*others, *spoken_documents(8)))
    without = fit_spinning(recipe, grammars, corpora_of(*spoken_documents(8)))
    assert (with_others[0] == without[0]).all()


def test_pages_that_cannot_be_judged_score_minus_infinity(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(spun={"咱们": 100})
    pages = [
        LabelledPage("a", "咱们，" * 20, ()),
        LabelledPage("b", "咱们", ()),
        LabelledPage("c", "harbour " * 40, ()),
    ]
    long, short, foreign = spun_scores(bundle, pages).tolist()
    assert long == 20 * 100 / (20.0 * math.sqrt(40)) - 1.0
    assert (short, foreign) == (-math.inf, -math.inf)
    assert len(spun_scores(bundle, [])) == 0


# The segment model


LINES = {
    Label.PORN: "成人视频免费在线观看",
    Label.GAMBLING: "金球娱乐城官网注册",
    Label.OTHER_SPAM: "代开发票论文代写加微信",
    Label.REPOSITORY_BOILERPLATE: "立即下载文档 文档贡献者",
}


def lined(label: Label, number: int) -> LabelledPage:
    """Return an ordinary sentence and a line of spam under it."""
    text = f"{SPOKEN[number % 3]}\n"
    line = LINES[label]
    return LabelledPage(f"{label}{number}", f"{text}{line}\n", (Span(len(text), len(text) + len(line), label, 1.0),))


def test_the_segment_model_knows_a_line_by_all_its_words() -> None:
    pages = [lined(label, number) for number in range(30) for label in LINES]
    bag, bias = fit_bag(pages, alpha=1e-5, epochs=4, seed=1, jobs=1)
    batch = fold_pages(["\n".join([*LINES.values(), "大家都希望春天早点来到这座小城。"])])
    segments = cut_segments(batch)
    scores = segment_scores(batch.codes, batch.classes, segments.starts, segments.ends, bag, bias)
    assert [LANE_LABELS[int(row.argmax())] if row.max() > 0 else None for row in scores] == [*LINES, None]
    again, _ = fit_bag(pages, alpha=1e-5, epochs=4, seed=1, jobs=2)
    assert (again == bag).all()


@pytest.mark.parametrize("sentence", ["我们在<金球>里散步。", "我们{(men)}{(zài)}散步。"])
def test_a_segment_with_a_little_of_a_label_is_an_example_of_nothing(sentence: str) -> None:
    """A brand in a long sentence must teach neither that the sentence is spam nor that it is clean."""
    others = [lined(label, number) for number in range(6) for label in LINES]
    bare, touched = (
        fit_bag([*others, page_of(text)], alpha=1e-5, epochs=2, seed=1, jobs=1)
        for text in ("邻居们都好。", f"{sentence}邻居们都好。")
    )
    assert (bare[0] == touched[0]).all()
    assert (bare[1] == touched[1]).all()


# Replay


def test_replay_draws_as_much_spam_as_clean_text(tiny_bundle: Bundle) -> None:
    pages = [page_of("好的<博彩博彩>好的好的好的好的" * 12, str(number)) for number in range(3)]
    rows = rows_of(pages, tiny_bundle.lookups, seed=1, clean_rate=1.0)
    back = unpack_replay(pack_replay(rows, 100, 1))
    assert Counter(back.targets.tolist()) == {NOTHING: 50, LANE[Label.GAMBLING]: 50}
    few = unpack_replay(pack_replay(rows, 1 << 20, 1))
    assert (few.buckets == rows.buckets).all()
    assert (few.targets == rows.targets).all()


def test_a_bundle_that_carries_no_rows_cannot_be_retrained_from(tiny_bundle: Bundle) -> None:
    packed = pack_replay(rows_of([page_of("好<博>好")], tiny_bundle.lookups, seed=1), 9, 1)
    for name in packed:
        with pytest.raises(BundleError, match="nothing to retrain from"):
            unpack_replay({key: array for key, array in packed.items() if key != name})


# Quantising


def test_weights_in_whole_steps_lose_nothing_by_packing(tiny_bundle: Bundle) -> None:
    draw = np.random.Generator(np.random.PCG64(2))
    weights = draw.integers(-40, 41, (len(LANE_LABELS), BUCKET_COUNT + 1)) / WEIGHT_SCALE
    bundle = replace(tiny_bundle, lanes=pack_lanes(weights))
    pages = [LabelledPage("a", "某某娱乐城。\n好的好的，好的！\n\nharbour", ()), LabelledPage("b", "", ())]
    assert quantising_changes(weights, bundle, pages) == (0, 4)


def test_segments_that_quantising_gives_another_label_are_counted(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(bias=0.25, settings={"thresholds": dict.fromkeys(LANE_LABELS, 0.25)})
    weights = np.zeros((len(LANE_LABELS), BUCKET_COUNT + 1))
    weights[:, -1] = 0.25
    weights[1, -1] += 0.3 / WEIGHT_SCALE  # less than half a step: gambling by a little, none in whole steps
    pages = [LabelledPage("a", "好的。好的。\n好的。", ())]
    assert quantising_changes(weights, bundle, pages) == (3, 3)
    weights[1, -1] = 0.25
    assert quantising_changes(weights, bundle, pages) == (0, 3)


# What is dealt out


@given(st.lists(st.sampled_from("abc"), max_size=40), st.integers(0, 9), st.integers(0, 99))
@settings(max_examples=60)
def test_no_family_stands_for_more_than_its_cap(families: list[str], most: int, seed: int) -> None:
    pages = [LabelledPage(str(number), "x", (), family=family) for number, family in enumerate(families)]
    found = capped(pages, most, random.Random(seed))
    counts, there = Counter(page.family for page in found), Counter(families)
    assert counts == Counter({family: min(most, count) for family, count in there.items()}) - Counter()
    assert len({page.id for page in found}) == len(found)
    assert all(page in pages for page in found)
    assert found == capped(pages, most, random.Random(seed))


@pytest.mark.parametrize(
    ("name", "kept_for_testing"),
    [("a", True), ("b", False), ("zh-001", True), ("zh-002", False), ("zh-004", True), ("博彩", False), ("", False)],
)
def test_a_page_is_always_on_the_same_side(name: str, kept_for_testing: bool) -> None:
    assert is_test_page(name) is kept_for_testing


def test_three_in_ten_pages_are_kept_for_testing() -> None:
    share = sum(is_test_page(f"page-{number}") for number in range(5000)) / 5000
    assert 0.27 < share < 0.33
    names = [page.id for page in read_handwritten(MATERIAL / "pages")]
    assert 0.2 < sum(map(is_test_page, names)) / len(names) < 0.4


# The scripts


def write_corpus(path: Path, *records: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with lzma.open(path, "wt", encoding="utf-8") as lines:
        for number, record in enumerate(records):
            common = {"id": str(number), "lang": "zh", "source": "someone/somewhere@abc123:file", "licence": "CC0-1.0"}
            lines.write(json.dumps({**common, **record}, ensure_ascii=False) + "\n")


@pytest.fixture
def corpora(tmp_path: Path) -> Path:
    folder = tmp_path / "corpora"
    write_corpus(
        folder / "train" / "zh" / "news.jsonl.xz", {"text": "好的。"}, {"text": "好的好的。", "source": "a/b@ff:x"}
    )
    write_corpus(folder / "eval" / "zh" / "news.jsonl.xz", {"text": "别的。", "kind": "news"})
    write_corpus(
        folder / "spam" / "lines.jsonl.xz", {"text": "金球娱乐", "label": "gambling"}, {"text": "", "label": "porn"}
    )
    write_corpus(folder / "noisy" / "web.jsonl.xz", {"text": "首页"})
    write_corpus(folder / "elsewhere" / "x.jsonl.xz", {"text": "not listed"})
    return folder


def pin(corpora: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    target = corpora.parent / "sources.toml"
    monkeypatch.setattr("sys.argv", ["pin_sources.py", str(corpora), str(target)])
    pin_sources.main()
    return target


def test_pinned_sources_are_read_back_by_role(
    corpora: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = pin(corpora, monkeypatch)
    assert capsys.readouterr().out == f"{target}: 4 files\n"
    written = target.read_text(encoding="utf-8")
    assert 'repository = ["a/b", "someone/somewhere"]' in written
    assert 'commit = ["abc123", "ff"]' in written
    assert str(corpora) not in written
    found = read_corpora(target, corpora)
    assert [document.text for document in found.fit] == ["好的。", "好的好的。"]
    assert [(document.text, document.kind) for document in found.threshold] == [("别的。", "news")]
    assert [document.text for document in found.noisy] == ["首页"]
    assert [(page.text, [span.label for span in page.spans], page.kind) for page in found.spam] == [
        ("金球娱乐", [Label.GAMBLING], "spam_page"),
        ("", [], "spam_page"),
    ]
    assert set(found.digests) == {
        f"{part}.jsonl.xz" for part in ("train/zh/news", "eval/zh/news", "spam/lines", "noisy/web")
    }
    assert pin(corpora, monkeypatch).read_text(encoding="utf-8") == written


def test_a_source_that_changed_or_is_missing_is_refused(corpora: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = pin(corpora, monkeypatch)
    write_corpus(corpora / "noisy" / "web.jsonl.xz", {"text": "又一页"})
    with pytest.raises(InputError, match=r"web\.jsonl\.xz has sha256 .* fetch the pinned version"):
        read_corpora(target, corpora)
    (corpora / "noisy" / "web.jsonl.xz").unlink()
    with pytest.raises(InputError, match=r"web\.jsonl\.xz cannot be read .* --corpora"):
        read_corpora(target, corpora)
    with pytest.raises(InputError, match="lists no sources"):
        read_corpora(corpora / "nowhere.toml", corpora)
    target.write_text(target.read_text(encoding="utf-8").replace('"noisy"', '"odd"'), encoding="utf-8")
    with pytest.raises(InputError, match="unknown role 'odd'"):
        read_corpora(target, corpora)


def test_the_gate_holds_exactly_the_pages_kept_for_testing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "gate.jsonl"
    make_gate.main([str(target)])
    expected = [page for page in read_handwritten(MATERIAL / "pages") if is_test_page(page.id)]
    written = list(read_labelled(target))
    assert capsys.readouterr().out == f"{target}: {len(expected)} pages\n"
    assert [(page.id, page.text, page.lang, page.kind) for page in written] == [
        (page.id, page.text, page.lang, page.kind) for page in expected
    ]
    assert [[(span.start, span.end, span.label) for span in page.spans] for page in written] == [
        [(span.start, span.end, span.label) for span in page.spans] for page in expected
    ]


def test_the_gate_is_made_of_the_pages_that_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pages").mkdir()
    names = ("b", "a", "zh-002", "zh-001")
    pages = "".join(f"=== id={name} lang=zh kind=injected\n好的⟦gambling:博彩⟧{name}\n" for name in names)
    (tmp_path / "pages" / "some.txt").write_text(pages, encoding="utf-8")
    monkeypatch.setattr(make_gate, "MATERIAL", tmp_path)
    make_gate.main([])
    assert [(page.id, page.text) for page in read_labelled(tmp_path / "gate.jsonl")] == [
        ("a", "好的博彩a"),
        ("zh-001", "好的博彩zh-001"),
    ]
