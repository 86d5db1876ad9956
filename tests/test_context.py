"""The chain is the best path there is, and what was found once on a page is found again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.candidates import Candidates, every_segment, likely_segments
from detector.context import PageStretches, ScoredPage, chain, decide_page, find_stretches
from detector.datatypes import Label, LabelledPage
from detector.features import segment_features
from detector.folding import FoldedBatch, fold_pages, fold_text
from detector.model import LANE_LABELS, WEIGHT_SCALE, Bundle, Decisions, whole_scores
from detector.pipeline import Detector
from detector.recurrence import Stretch
from detector.segmentation import Segments, cut_segments
from detector.training.tuning import score_pages

Lanes = np.ndarray[tuple[int, int], np.dtype[np.int32]]


def stretches_in(
    bundle: Bundle, batch: FoldedBatch, segments: Segments, chosen: Sequence[int], spun: Sequence[int] = ()
) -> dict[int, PageStretches]:
    """Return what is found when these segments are looked at."""
    whole = whole_scores(bundle.lookups, batch, segments)
    settled = Decisions.of(bundle.settings)
    some = np.array(chosen, np.int64)
    table = segment_features(batch, segments, some, bundle.lookups, whole, page_relations=False)
    return find_stretches(bundle, settled, batch, segments, Candidates(some, table), whole, spun)


# The chain


def value_of(path: tuple[int, ...], scores: list[int], switch_cost: int) -> int:
    """Return what a path of 0 (outside) and 1 (spam) is worth; it begins and ends outside."""
    changes = sum(left != right for left, right in pairwise([0, *path, 0]))
    return sum(score for state, score in zip(path, scores, strict=True) if state) - switch_cost * changes


def path_of(stretches: list[Stretch], chars: int) -> tuple[int, ...]:
    inside = {at for start, end in stretches for at in range(start, end)}
    return tuple(int(at in inside) for at in range(chars))


@given(st.lists(st.integers(-6, 6), max_size=10), st.integers(1, 8))
@settings(max_examples=150)
def test_the_chain_is_a_best_path_of_all(scores: list[int], switch_cost: int) -> None:
    found = path_of(chain(np.array(scores, np.int32), switch_cost), len(scores))
    values = {path: value_of(path, scores, switch_cost) for path in product((0, 1), repeat=len(scores))}
    best = max(values.values())
    assert values[found] == best
    ways = [path for path, value in values.items() if value == best]
    if len(ways) == 1:
        assert found == ways[0]


@given(st.lists(st.integers(-300, 300), max_size=200), st.integers(1, 900))
def test_stretches_of_the_chain_are_sorted_apart_and_worth_their_price(scores: list[int], switch_cost: int) -> None:
    found = chain(np.array(scores, np.int32), switch_cost)
    assert all(0 <= start < end <= len(scores) for start, end in found)
    assert all(left[1] < right[0] for left, right in pairwise(found))
    assert all(sum(scores[start:end]) >= 2 * switch_cost for start, end in found)
    assert all(scores[start] > 0 and scores[end - 1] >= 0 for start, end in found)


@given(st.lists(st.integers(-300, 300), min_size=1, max_size=80), st.integers(1, 900), st.integers(0, 5))
def test_text_that_is_surely_good_around_it_does_not_move_a_stretch(
    scores: list[int], switch_cost: int, chars: int
) -> None:
    padded = [-3000] * chars + scores + [-3000] * chars
    alone = [(start + chars, end + chars) for start, end in chain(np.array(scores, np.int32), switch_cost)]
    assert solid(chain(np.array(padded, np.int32), switch_cost), padded) == solid(alone, padded)


def solid(stretches: list[Stretch], scores: list[int]) -> list[Stretch]:
    """Take off the ends of stretches what scores nothing: it is worth as much outside as inside."""
    return [(start, max(at for at in range(start, end) if scores[at]) + 1) for start, end in stretches]


def test_large_scores_over_a_long_page_do_not_overflow() -> None:
    scores = np.full(200_000, 32_000, np.int32)
    assert chain(scores, 320) == [(0, 200_000)]
    assert chain(-scores, 320) == []


def test_an_empty_region_has_no_stretch() -> None:
    assert chain(np.empty(0, np.int32), 5) == []


# Deciding on a page


def decisions(**changes: object) -> Decisions:
    settings_of_test: dict[str, object] = {
        "thresholds": dict.fromkeys(LANE_LABELS, 0.0),
        "switch_cost": dict.fromkeys(LANE_LABELS, 2.0),
        "page_bonus": dict.fromkeys(LANE_LABELS, 2.0),
        "bonus_floor": -100.0,
        "lowest_bonus_floor": -100.0,
        "growth": [0.0, 0, 0.0],
        "growth_floor": -100.0,
        "spun_bonus": 0.0,
        "confident_chars": dict.fromkeys(LANE_LABELS, 6),
        "repeat_chars": [4, 40],
        "recurring_margin": 0.0,
        "bridge_chars": 0,
        "bridge_floor": 0.0,
        "segment_threshold": 0.0,
        "outline_threshold": 0.0,
        "sample_threshold": 0.0,
        "calibration": [1.0, 0.0],
        "verdicts": {},
        "spun": {"steps": 1, "bias": 0, "threshold": 0, "slack": 0, "least_han": 1, "least_han_share": 0},
    }
    return Decisions.of(settings_of_test | changes)


def decided(
    lanes: Lanes, shadow: str, decisions: Decisions, *starts: int, spun: bool = False, in_letters: bool = False
) -> PageStretches:
    """Decide on a page of one segment, or of segments that begin at 0 and at `starts`."""
    return decide_page(ScoredPage(shadow, lanes, np.array([0, *starts]), in_letters), decisions, spun=spun)


def lanes_of(*stretches: tuple[float, int], lane: int = 1) -> Lanes:
    """Return lanes of one label, a (log-odds, characters) after another; the other labels are far below."""
    values = np.concatenate([np.full(chars, round(log_odds * WEIGHT_SCALE)) for log_odds, chars in stretches])
    lanes = np.full((len(values), len(LANE_LABELS)), -20 * WEIGHT_SCALE, np.int32)
    lanes[:, lane] = values
    return lanes


def test_a_page_that_surely_holds_spam_is_looked_at_more_daringly() -> None:
    weak = lanes_of((-5, 10), (1.0, 3), (-5, 10))
    assert decided(weak, "x" * 23, decisions()).stretches == []
    both = decided(np.concatenate([lanes_of((3, 8)), weak]), "x" * 31, decisions())
    assert both.stretches == [(0, 8), (18, 21)]
    assert both.bonus.tolist() == [[WEIGHT_SCALE, 2 * WEIGHT_SCALE, WEIGHT_SCALE, WEIGHT_SCALE]] * 31


def test_the_page_pass_waits_for_enough_sure_characters() -> None:
    lanes = np.concatenate([lanes_of((3, 5)), lanes_of((-5, 10), (1.0, 3), (-5, 10))])
    found = decided(lanes, "x" * len(lanes), decisions())
    assert found.stretches == [(0, 5)]
    assert not found.bonus.any()
    assert (found.lanes == lanes).all()


def test_the_scores_of_a_page_hold_what_the_page_pass_added() -> None:
    lanes = lanes_of((3, 8), (-5, 10))
    found = decided(lanes, "x" * 18, decisions())
    assert (found.lanes == lanes + found.bonus).all()


def test_a_page_pass_never_loses_what_was_sure() -> None:
    lanes = lanes_of((3, 8), (-5, 10), (4, 7), (-9, 3))
    lowered = decisions(page_bonus=dict.fromkeys(LANE_LABELS, -4.0))
    assert {(0, 8), (18, 25)} <= set(decided(lanes, "x" * 28, lowered).stretches)


def test_thresholds_are_those_of_each_label() -> None:
    only_porn = decisions(thresholds=dict.fromkeys(LANE_LABELS, 4.0) | {"porn": 0.0})
    assert decided(lanes_of((3, 8), lane=0), "x" * 8, only_porn).stretches == [(0, 8)]
    assert decided(lanes_of((3, 8), lane=1), "x" * 8, only_porn).stretches == []


def test_labels_of_another_price_have_a_chain_of_their_own() -> None:
    dear = decisions(switch_cost=dict.fromkeys(LANE_LABELS, 2.0) | {"gambling": 30.0})
    assert decided(lanes_of((3, 8), lane=0), "x" * 8, dear).stretches == [(0, 8)]
    assert decided(lanes_of((3, 8), lane=1), "x" * 8, dear).stretches == []
    assert decided(lanes_of((3, 28), lane=1), "x" * 28, dear).stretches == [(0, 28)]


def test_spam_is_likelier_on_a_page_that_a_machine_spun() -> None:
    weak = lanes_of((-5, 10), (1.0, 3), (-5, 10))
    bonus = decisions(spun_bonus=1.5)
    assert decided(weak, "x" * 23, bonus).stretches == []
    found = decided(weak, "x" * 23, bonus, spun=True)
    assert found.stretches == [(10, 13)]
    assert found.bonus.tolist() == [[96, 96, 96, 0]] * 23  # document-site text is not what spinners put in
    assert (found.lanes == weak + found.bonus).all()
    assert decided(lanes_of((-5, 10), (1.0, 3), lane=3), "x" * 13, bonus, spun=True).stretches == []


def test_on_a_spun_page_the_page_pass_adds_to_what_was_added_before() -> None:
    lanes = lanes_of((3, 8), (-5, 10))
    found = decided(lanes, "x" * 18, decisions(spun_bonus=1.5), spun=True)
    assert found.bonus.tolist() == [[96 + 64, 96 + 128, 96 + 64, 64]] * 18
    assert (found.lanes == lanes + found.bonus).all()


def test_pages_known_to_be_spun_are_looked_at_whole(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(letters={"赌": ("gambling", 1.0)}, settings={"spun_bonus": 1.5})
    batch = fold_pages(["好的赌赌好的好的好的", "好的赌赌好的好的好的"])
    segments = cut_segments(batch)
    assert stretches_in(bundle, batch, segments, []) == {}
    found = stretches_in(bundle, batch, segments, [], [1])
    assert {page: on_page.stretches for page, on_page in found.items()} == {1: [(2, 4)]}
    both = stretches_in(bundle, batch, segments, range(2), [1])
    assert {page: on_page.stretches for page, on_page in both.items()} == {1: [(2, 4)]}


@pytest.mark.parametrize(("chars", "lane", "sure"), [(20, 3, True), (6, 3, True), (5, 3, False), (20, 1, False)])
def test_a_page_is_a_document_sites_where_it_surely_holds_such_text(chars: int, lane: int, sure: bool) -> None:
    lanes = lanes_of((4.0, chars), (-9, 10), lane=lane)
    assert decided(lanes, "x" * len(lanes), decisions()).of_document_site is sure


@pytest.mark.parametrize(
    ("starts", "cut"),
    [
        ((), 34),  # one segment: on the average it says enough of a document site
        ((20,), 20),  # what follows is a segment of its own, and reads like the document
        ((27,), 27),  # the clean half of it is
        ((20, 27), 27),  # the first half comes near enough
    ],
)
def test_the_bonus_of_document_site_text_ends_where_a_segment_reads_like_the_document(
    starts: tuple[int, ...], cut: int
) -> None:
    lanes = repository(SURE, (-2.0, 7), (-4.0, 7))
    bonus = dict.fromkeys(LANE_LABELS, 0.0) | {"repository_boilerplate": 5.0}
    floored = decisions(page_bonus=bonus, bonus_floor=-2.5, lowest_bonus_floor=-2.5)
    found = decided(lanes, "x" * 34, floored, *starts)
    assert cut_by(found.stretches, 34) == "#" * cut + "." * (34 - cut)
    assert found.bonus[:, REPOSITORY].tolist() == [5 * WEIGHT_SCALE] * cut + [0] * (34 - cut)
    assert (found.lanes == lanes + found.bonus).all()


@pytest.mark.parametrize(
    ("sure_chars", "lowest", "cut"),
    [(40, -9.0, 40), (80, -9.0, 87), (80, -2.4, 80), (160, -9.0, 167)],  # floors -2.5, -3, -2.4, -3.5
)
def test_the_more_document_site_text_is_sure_the_further_its_bonus_reaches(
    sure_chars: int, lowest: float, cut: int
) -> None:
    lanes = repository((4.0, sure_chars), (-2.8, 7))
    bonus = dict.fromkeys(LANE_LABELS, 0.0) | {"repository_boilerplate": 5.0}
    confident = dict.fromkeys(LANE_LABELS, 40)
    settled = decisions(page_bonus=bonus, bonus_floor=-2.5, lowest_bonus_floor=lowest, confident_chars=confident)
    chars = sure_chars + 7
    assert cut_by(decided(lanes, "x" * chars, settled, sure_chars).stretches, chars).count("#") == cut


def test_the_floor_of_the_bonus_counts_from_the_threshold() -> None:
    lanes = repository((5.0, 20), (-2.0, 7))
    bonus = dict.fromkeys(LANE_LABELS, 0.0) | {"repository_boilerplate": 5.0}
    higher = decisions(
        page_bonus=bonus, bonus_floor=-2.5, lowest_bonus_floor=-2.5, thresholds=dict.fromkeys(LANE_LABELS, 1.0)
    )
    assert cut_by(decided(lanes, "x" * 27, higher, 20).stretches, 27) == "#" * 20 + "." * 7


# Pages written in letters

GROWTH = {"growth": [0.5, 1, 1.25], "growth_floor": -5.0}


@pytest.mark.parametrize(("chars", "growth"), [(6, 0.0), (12, 0.0), (24, 0.5), (48, 1.0), (68, 1.25), (6 << 9, 1.25)])
@pytest.mark.parametrize("lane", [0, 1, 2])
def test_the_more_spam_is_sure_on_a_page_in_letters_the_more_is_likely(chars: int, growth: float, lane: int) -> None:
    lanes = lanes_of((3.0, chars), lane=lane)
    plain, in_letters = (decided(lanes, "x" * chars, decisions(**GROWTH), in_letters=one) for one in (False, True))
    assert plain.bonus[:, lane].tolist() == [2 * WEIGHT_SCALE] * chars
    assert in_letters.bonus[:, lane].tolist() == [round((2 + growth) * WEIGHT_SCALE)] * chars
    assert (np.delete(in_letters.bonus, lane, axis=1) == WEIGHT_SCALE).all()
    assert (in_letters.lanes == lanes + in_letters.bonus).all()


def test_document_site_text_on_a_page_in_letters_gains_nothing_more() -> None:
    lanes = repository((3.0, 96))
    plain, in_letters = (decided(lanes, "x" * 96, decisions(**GROWTH), in_letters=one) for one in (False, True))
    assert (plain.bonus == in_letters.bonus).all()


@pytest.mark.parametrize(("score", "grows"), [(-5.0, True), (-5.0 - 1 / WEIGHT_SCALE, False)])
def test_what_grows_is_only_what_reads_a_little_like_spam_segment_by_segment(score: float, grows: bool) -> None:
    lanes = lanes_of((3.0, 48), (score, 10))
    found = decided(lanes, "x" * 58, decisions(**GROWTH), 48, in_letters=True)
    assert found.bonus[:, 1].tolist() == [3 * WEIGHT_SCALE] * 48 + [(2 + grows) * WEIGHT_SCALE] * 10
    raised = decisions(**GROWTH, thresholds=dict.fromkeys(LANE_LABELS, 0.5))
    assert decided(lanes, "x" * 58, raised, 48, in_letters=True).bonus[-1, 1] == 2 * WEIGHT_SCALE


def test_a_page_without_enough_sure_spam_grows_nothing() -> None:
    found = decided(lanes_of((3.0, 5), (-5, 10)), "x" * 15, decisions(**GROWTH), in_letters=True)
    assert not found.bonus.any()


@pytest.mark.parametrize(
    ("text", "in_letters"),
    [("a" * 9 + "字", False), ("a" * 10 + "字", True), ("字", False), ("国國的" + "a" * 28, True), ("かなカナ", True)],
)
def test_a_page_is_in_letters_where_less_than_a_tenth_of_it_is_han(
    tiny_bundle: Bundle, text: str, in_letters: bool
) -> None:
    scored = score_pages(tiny_bundle, [LabelledPage(str(n), page, ()) for n, page in enumerate(["字字", text, "aa"])])
    assert [page.in_letters for page in scored] == [False, in_letters, True]


# Gaps in document-site text

REPOSITORY = 3
SURE = (4.0, 20)  # what the chain finds without doubt


def repository(*stretches: tuple[float, int]) -> Lanes:
    return lanes_of(*stretches, lane=REPOSITORY)


def bridging(chars: int, floor: float, **changes: object) -> Decisions:
    defaults: dict[str, object] = {"page_bonus": dict.fromkeys(LANE_LABELS, 0.0)}
    return decisions(**{**defaults, "bridge_chars": chars, "bridge_floor": floor, **changes})


def cut_by(found: list[Stretch], chars: int) -> str:
    """Return a picture of a page: # what is cut, . what stays."""
    return "".join("#" if inside else "." for inside in path_of(found, chars))


@pytest.mark.parametrize(
    ("chars", "floor", "filled"),
    [
        (5, -3.0, True),
        (4, -3.0, False),  # the gap is longer
        (5, -2.9, False),  # its characters read too much like the document
        (0, -100.0, False),
    ],
)
def test_a_short_gap_in_document_site_text_is_filled(chars: int, floor: float, filled: bool) -> None:
    found = decided(repository(SURE, (-3.0, 5), SURE), "x" * 45, bridging(chars, floor))
    assert cut_by(found.stretches, 45) == "#" * 20 + ("#####" if filled else ".....") + "#" * 20


@pytest.mark.parametrize("gap_first", [True, False])
def test_what_stands_between_document_site_text_and_the_edge_of_the_page_is_filled(gap_first: bool) -> None:
    parts = ((-3.0, 5), SURE) if gap_first else (SURE, (-3.0, 5))
    found = decided(repository(*parts), "x" * 25, bridging(5, -3.0))
    assert cut_by(found.stretches, 25) == "#" * 25
    longer = decided(repository(*parts), "x" * 25, bridging(4, -3.0))
    assert cut_by(longer.stretches, 25).count(".") == 5


def test_the_mean_of_a_gap_decides_and_the_threshold_counts() -> None:
    lanes = repository(SURE, (-9.0, 1), (-1.0, 3), SURE)  # -3 on the average
    assert cut_by(decided(lanes, "x" * 44, bridging(9, -3.0)).stretches, 44) == "#" * 44
    higher = {"thresholds": dict.fromkeys(LANE_LABELS, 1.0)}  # and so each character exceeds it by one less
    assert cut_by(decided(lanes, "x" * 44, bridging(9, -3.0, **higher)).stretches, 44).count(".") == 4
    assert cut_by(decided(lanes, "x" * 44, bridging(9, -4.0, **higher)).stretches, 44).count(".") == 0


def test_what_the_page_pass_adds_counts_in_gaps_too() -> None:
    lanes = repository(SURE, (-5.0, 5), SURE)
    bonus = {"page_bonus": dict.fromkeys(LANE_LABELS, 0.0) | {"repository_boilerplate": 2.0}}
    assert cut_by(decided(lanes, "x" * 45, bridging(5, -3.0)).stretches, 45).count(".") == 5
    assert cut_by(decided(lanes, "x" * 45, bridging(5, -3.0, **bonus)).stretches, 45).count(".") == 0


@pytest.mark.parametrize(
    ("lines", "filled"),
    [
        ((30, 30, 30), True),
        ((41, 20), False),  # a line of the document's own
        ((40, 40, 39), False),  # too long together (the line ends count)
        ((61,), False),
    ],
)
def test_a_gap_of_a_few_short_lines_may_be_longer(lines: tuple[int, ...], filled: bool) -> None:
    gap = "\n".join("x" * chars for chars in lines)
    lanes = repository(SURE, (-1.0, len(gap)), SURE)
    found = decided(lanes, "x" * 20 + gap + "x" * 20, bridging(50, -3.0))
    assert found.bridges == ([(20, 20 + len(gap))] if filled else [])


def test_in_a_gap_the_bonus_counts_whatever_its_segment_reads_like() -> None:
    lanes = repository(SURE, (-5.0, 5), SURE)
    bonus = {
        "page_bonus": dict.fromkeys(LANE_LABELS, 0.0) | {"repository_boilerplate": 2.0},
        "bonus_floor": -2.0,
        "lowest_bonus_floor": -2.0,
    }
    found = decided(lanes, "x" * 45, bridging(5, -3.0, **bonus), 20, 25)
    assert not found.bonus[20:25, REPOSITORY].any()
    assert cut_by(found.stretches, 45).count(".") == 0
    assert found.bridges == [(20, 25)]


def test_no_gap_is_filled_on_a_page_that_is_not_sure_of_document_site_text() -> None:
    lanes = repository(SURE, (-3.0, 5), SURE)
    unsure = {"confident_chars": dict.fromkeys(LANE_LABELS, 6) | {"repository_boilerplate": 41}}
    assert cut_by(decided(lanes, "x" * 45, bridging(5, -3.0, **unsure)).stretches, 45).count(".") == 5
    sure = {"confident_chars": dict.fromkeys(LANE_LABELS, 6) | {"repository_boilerplate": 40}}
    assert cut_by(decided(lanes, "x" * 45, bridging(5, -3.0, **sure)).stretches, 45).count(".") == 0


@pytest.mark.parametrize("lane", [0, 1, 2])
def test_gaps_in_other_spam_are_not_filled(lane: int) -> None:
    lanes = lanes_of(SURE, (-3.0, 5), SURE, lane=lane)
    assert cut_by(decided(lanes, "x" * 45, bridging(50, -100.0)).stretches, 45).count(".") == 5


def test_gaps_between_document_site_text_and_other_spam_are_filled_to_the_next_document_site_text_only() -> None:
    spam = lanes_of((4.0, 20), (-3.0, 5))
    spam[:, REPOSITORY] = -10 * WEIGHT_SCALE
    lanes = np.concatenate([spam, repository(SURE, (-3.0, 5), SURE)])
    found = decided(lanes, "x" * len(lanes), bridging(9, -3.0))
    assert cut_by(found.stretches, len(lanes)) == "#" * 20 + "....." + "#" * 45


scored_runs = st.lists(st.tuples(st.integers(-6, 6), st.integers(1, 12)), max_size=12)


@given(scored_runs, st.integers(0, 30), st.integers(-6, 2))
def test_bridges_are_whole_gaps_that_are_short_and_not_too_far_from_document_site_text(
    runs: list[tuple[int, int]], bridge_chars: int, floor: int
) -> None:
    lanes = repository(*((float(score), chars) for score, chars in runs), (4.0, 20))
    shadow = "".join(map(chr, range(0x4E00, 0x4E00 + len(lanes))))  # nothing repeats
    bare = decided(lanes, shadow, bridging(0, 0.0))
    found = decided(lanes, shadow, bridging(bridge_chars, float(floor)))
    before, after = (path_of(one.stretches, len(lanes)) for one in (bare, found))
    assert all(left <= right for left, right in zip(before, after, strict=True))
    assert bare.bridges == []
    assert path_of(found.bridges, len(lanes)) == tuple(new - old for old, new in zip(before, after, strict=True))
    assert set(found.bridges) <= set(found.stretches)
    edges = [0, *(at + 1 for at, (left, right) in enumerate(pairwise(before)) if left != right), len(before)]
    for start, end in pairwise(edges):
        if before[start]:
            continue
        mean = float(lanes[start:end, REPOSITORY].mean()) / WEIGHT_SCALE
        wanted = end - start <= bridge_chars and mean >= floor
        assert set(after[start:end]) == {int(wanted)}


def test_a_gap_is_filled_on_a_page_as_it_is_scanned(make_bundle: Callable[..., Bundle]) -> None:
    letters = {"档": ("repository_boilerplate", 2.9)}
    text = "档档档档档档\n评论\n档档档档档档\n好的好的好的好的好的好的\n档档档档档档\n1"
    settings_of_test = {"bridge_chars": 6, "bridge_floor": -2.5}
    result = Detector(make_bundle(letters=letters, settings=settings_of_test)).scan(text)
    assert result.clean_text == "好的好的好的好的好的好的\n"
    unfilled = Detector(make_bundle(letters=letters)).scan(text)
    assert unfilled.clean_text == "评论\n好的好的好的好的好的好的\n1"


def test_a_filled_gap_is_document_site_text_whatever_else_it_resembles(make_bundle: Callable[..., Bundle]) -> None:
    letters = {"档": ("repository_boilerplate", 2.9), "评": ("gambling", -1.5)}
    text = "档档档档档档\n评论评论评论\n档档档档档档"
    assert len(Detector(make_bundle(letters=letters)).scan(text).spans) == 2
    bundle = make_bundle(letters=letters, settings={"bridge_chars": 8, "bridge_floor": -2.5})
    result = Detector(bundle).scan(text)
    assert [(span.start, span.end, span.label) for span in result.spans] == [(0, 20, Label.REPOSITORY_BOILERPLATE)]


def test_spam_in_a_filled_gap_keeps_its_label(make_bundle: Callable[..., Bundle]) -> None:
    letters = {"档": ("repository_boilerplate", 2.9), "博": ("gambling", 2.5)}
    bundle = make_bundle(letters=letters, settings={"bridge_chars": 9, "bridge_floor": -2.5})
    result = Detector(bundle).scan("档档档档档档\n博博博博\n档档档档档档")
    assert [(result.text[span.start : span.end].strip(), span.label) for span in result.spans] == [
        ("档档档档档档", Label.REPOSITORY_BOILERPLATE),
        ("博博博博", Label.GAMBLING),
        ("档档档档档档", Label.REPOSITORY_BOILERPLATE),
    ]


def test_what_stands_in_a_gap_is_not_looked_for_on_the_rest_of_the_page(make_bundle: Callable[..., Bundle]) -> None:
    letters = {"档": ("repository_boilerplate", 2.9)}
    bundle = make_bundle(letters=letters, settings={"bridge_chars": 9, "bridge_floor": -2.5})
    body = "好的好的好的好的工作总结好的好的好的好的"
    result = Detector(bundle).scan(f"档档档档档档\n工作总结\n档档档档档档\n{body}")
    assert result.clean_text == body


def test_a_page_is_decided_whole_whichever_of_its_segments_gave_it_away(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(letters={"赌": ("gambling", 2.0)})
    batch = fold_pages(["好的。", "赌赌赌。好的好的好的。\n赌赌赌赌。"])
    segments = cut_segments(batch)
    found = [stretches_in(bundle, batch, segments, chosen) for chosen in ([1], [3], [1, 3], range(4))]
    assert [list(one) for one in found] == [[1]] * 4
    assert [one[1].stretches for one in found] == [[(0, 3), (12, 16)]] * 4
    assert stretches_in(bundle, batch, segments, [0, 2]) == {}


def test_only_what_fills_a_gap_is_a_bridge() -> None:
    found = decided(repository(SURE, (-3.0, 5), SURE, (-9.0, 30), SURE, (-3.0, 4)), "x" * 99, bridging(5, -3.0))
    assert found.bridges == [(20, 25), (95, 99)]
    assert found.stretches == [(0, 20), (20, 25), (25, 45), (75, 95), (95, 99)]
    spam = decided(lanes_of(SURE, (-3.0, 5), SURE), "x" * 45, bridging(5, -3.0))
    assert (spam.stretches, spam.bridges) == ([(0, 20), (25, 45)], [])


pages_of_text = st.lists(st.text("字某娱乐城。\n|a1\u200b", max_size=60), min_size=1, max_size=4)


@given(pages_of_text)
@settings(max_examples=60)
def test_pages_are_found_exactly_where_the_chain_finds_a_stretch(tiny_bundle: Bundle, pages: list[str]) -> None:
    settled = Decisions.of(tiny_bundle.settings)
    scored = score_pages(tiny_bundle, [LabelledPage(str(number), page, ()) for number, page in enumerate(pages)])
    filled = [number for number, page in enumerate(pages) if fold_text(page)[0]]
    alone = [decide_page(page, settled).stretches for page in scored]
    batch = fold_pages(pages)
    segments = cut_segments(batch)
    found = stretches_in(tiny_bundle, batch, segments, range(len(segments.starts)))
    assert {number: on_page.stretches for number, on_page in found.items()} == {
        number: stretches for number, stretches in zip(filled, alone, strict=True) if stretches
    }


@given(pages_of_text, st.data())
@settings(max_examples=60)
def test_fewer_segments_give_fewer_pages_but_the_same_on_each(
    tiny_bundle: Bundle, pages: list[str], data: st.DataObject
) -> None:
    batch = fold_pages(pages)
    segments = cut_segments(batch)
    everything = range(len(segments.starts))
    some = [number for number in everything if data.draw(st.booleans())]
    found, of_all = (stretches_in(tiny_bundle, batch, segments, chosen) for chosen in (some, everything))
    assert_the_same(found, {page: of_all[page] for page in found})


def assert_the_same(found: dict[int, PageStretches], expected: dict[int, PageStretches]) -> None:
    assert list(found) == list(expected)
    for page, on_page in found.items():
        assert on_page.stretches
        assert on_page.stretches == expected[page].stretches
        assert (on_page.repeats, on_page.bridges) == (expected[page].repeats, expected[page].bridges)
        assert (on_page.lanes == expected[page].lanes).all()


@given(pages_of_text)
@settings(max_examples=60)
def test_pages_with_spam_in_a_likely_segment_are_decided_as_if_every_segment_were_one(
    tiny_bundle: Bundle, pages: list[str]
) -> None:
    batch = fold_pages(pages)
    segments = cut_segments(batch)
    whole, settled = whole_scores(tiny_bundle.lookups, batch, segments), Decisions.of(tiny_bundle.settings)
    everything = every_segment(tiny_bundle, batch, segments, whole)
    likely = likely_segments(tiny_bundle, settled, batch, segments, whole)
    of_all, found = (
        find_stretches(tiny_bundle, settled, batch, segments, candidates, whole) for candidates in (everything, likely)
    )
    alone = (page for at in likely.chosen.tolist() for page in stretches_in(tiny_bundle, batch, segments, [at]))
    assert {*alone} <= {*found} <= {*of_all} & {*segments.page[likely.chosen].tolist()}
    assert_the_same(found, {page: of_all[page] for page in found})


@given(st.lists(st.integers(-300, 300), min_size=1, max_size=60), st.integers(1, 900))
def test_a_chain_finds_nothing_where_all_that_is_positive_sums_to_less_than_two_changes(
    scores: list[int], switch_cost: int
) -> None:
    if sum(score for score in scores if score > 0) < 2 * switch_cost:
        assert chain(np.array(scores, np.int32), switch_cost) == []
