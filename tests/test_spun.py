"""A page is judged by its pairs of Han characters alone, and only where it has enough of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detector.datatypes import Label, Verdict
from detector.folding import HAN, CharClass, fold_pages
from detector.model import Bundle
from detector.pipeline import Detector
from detector.spun import (
    BIGRAM_BITS,
    SpunRule,
    bigram_buckets,
    han_bigrams,
    is_spun,
    spun_evidence,
    spun_log_odds,
)

DRAW = np.random.Generator(np.random.PCG64(5))
TABLE = DRAW.integers(-127, 128, 1 << BIGRAM_BITS).astype(np.int8)
RULE = SpunRule(steps=20.0, bias=-1.0, threshold=0.5, slack=1.0, least_han=6, least_han_share=0.5)
HAN_KINDS = {CharClass.HAN, CharClass.HAN_SIMPLIFIED, CharClass.HAN_TRADITIONAL, CharClass.HAN_FUNCTION}

any_pages = st.lists(st.text(st.characters() | st.sampled_from("\n\x03\u200b\ud800\uffff"), max_size=40), max_size=5)
mixed_text = st.text(st.characters() | st.sampled_from("咱们盼望的國国山水，。\nabc1 \u200b\ud800"), max_size=60)
han_text = st.text("咱们盼望着明天的早些到来国國山水", min_size=1, max_size=60)


def folded(text: str) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """Return codes and classes of a page without its gaps."""
    batch = fold_pages([text])
    inside = slice(int(batch.page_starts[0]), int(batch.page_ends[0]))
    return batch.codes[inside], batch.classes[inside]


def evidence_of(text: str, table: NDArray[np.int8] = TABLE) -> int:
    """Return the estimate for a page."""
    return int(spun_evidence(fold_pages([text]), table)[0])


def slow_log_odds(text: str, rule: SpunRule) -> float:
    codes, classes = folded(text)
    is_han = [CharClass(int(kind)) in HAN_KINDS for kind in classes]
    if sum(is_han) < rule.least_han or sum(is_han) < rule.least_han_share * len(codes):
        return -math.inf
    pairs = [
        pair for pair, (left, right) in zip(pairwise(codes.tolist()), pairwise(is_han), strict=True) if left and right
    ]
    evidence = sum(int(TABLE[int(bigram_buckets(np.array(pair, np.uint16))[0])]) for pair in pairs)
    return evidence / (rule.steps * math.sqrt(sum(is_han))) + rule.bias


# The settings


def test_a_rule_is_read_from_a_bundles_settings() -> None:
    settings = {"steps": 30, "bias": -1, "threshold": 2.5, "slack": 3, "least_han": 150.0, "least_han_share": 0.6}
    assert SpunRule.of(settings) == SpunRule(30.0, -1.0, 2.5, 3.0, 150, 0.6)


@pytest.mark.parametrize("name", ["steps", "bias", "threshold", "slack", "least_han", "least_han_share"])
def test_a_rule_that_lacks_a_number_is_refused(name: str) -> None:
    settings = dict.fromkeys(("steps", "bias", "threshold", "slack", "least_han", "least_han_share"), 1.0)
    del settings[name]
    with pytest.raises(KeyError, match=name):
        SpunRule.of(settings)


# The exact look


@given(mixed_text)
def test_bigrams_are_those_of_two_han_characters_that_touch_in_the_shadow(text: str) -> None:
    codes, classes = folded(text)
    expected = [
        int(bigram_buckets(codes[at : at + 2])[0]) for at in range(len(codes) - 1) if HAN[classes[at : at + 2]].all()
    ]
    assert han_bigrams(codes, classes).tolist() == expected


@pytest.mark.parametrize(
    ("text", "bigrams"),
    [
        ("", 0),
        ("咱", 0),
        ("咱们", 1),
        ("咱，们", 0),
        ("咱们盼", 2),
        ("咱\u200b们", 1),
        ("咱\n们", 0),
        ("ab", 0),
        ("國的", 1),
    ],
)
def test_marks_part_a_bigram_and_dropped_characters_do_not(text: str, bigrams: int) -> None:
    assert len(han_bigrams(*folded(text))) == bigrams


@given(mixed_text | han_text)
def test_log_odds_equal_a_slow_sum(text: str) -> None:
    assert spun_log_odds(*folded(text), TABLE, RULE) == pytest.approx(slow_log_odds(text, RULE))


def test_evidence_is_weighted_by_the_root_of_the_number_of_han_characters() -> None:
    table = np.zeros(1 << BIGRAM_BITS, np.int8)
    table[bigram_buckets(folded("咱们")[0])] = 60
    log_odds = [spun_log_odds(*folded("咱们，" * times), table, RULE) + 1.0 for times in (4, 16)]
    assert log_odds == pytest.approx([4 * 60 / (20 * math.sqrt(8)), 16 * 60 / (20 * math.sqrt(32))])


@pytest.mark.parametrize(
    ("text", "judged"),
    [
        ("山水山水山水", True),
        ("山水山水山", False),  # fewer Han characters than the least
        ("山水山水山水abcdef", True),
        ("山水山水山水abcdefg", False),  # a smaller share of Han than the least
        ("", False),
    ],
)
def test_a_page_with_too_little_han_is_not_judged(text: str, judged: bool) -> None:
    assert math.isfinite(spun_log_odds(*folded(text), TABLE, RULE)) == judged


@given(mixed_text | han_text)
def test_a_page_that_cannot_be_judged_is_never_spun(text: str) -> None:
    # Even with an estimate of any amount of evidence.
    if spun_log_odds(*folded(text), TABLE, RULE) == -math.inf:
        assert not is_spun(1 << 30, *folded(text), TABLE, RULE)


# The estimate


@given(any_pages)
def test_the_estimate_of_every_page_equals_a_slow_sum(pages: list[str]) -> None:
    batch = fold_pages(pages)
    weights = TABLE[bigram_buckets(batch.codes)].astype(int).tolist()
    bounds = zip(batch.page_starts.tolist(), batch.page_ends.tolist(), strict=True)
    found = spun_evidence(batch, TABLE)
    assert found.tolist() == [sum(weights[start:end]) for start, end in bounds]
    assert found.dtype == np.int64


@given(any_pages)
def test_the_estimate_of_a_page_does_not_depend_on_the_others(pages: list[str]) -> None:
    assert spun_evidence(fold_pages(pages), TABLE).tolist() == [evidence_of(page) for page in pages]


@pytest.mark.parametrize("sign", [1, -1])
def test_a_long_page_of_one_sign_is_summed_exactly(sign: int) -> None:
    table = np.full(1 << BIGRAM_BITS, sign * 127, np.int8)
    assert evidence_of("ab" * 50_000, table) == sign * 12_700_000


def test_pieces_of_a_long_batch_leave_no_seam() -> None:
    batch = fold_pages(["", "某某娱乐城 casino|" * 6000, "", "x" * 20])
    weights = TABLE[bigram_buckets(batch.codes)].astype(np.int64)
    assert len(weights) > 2 << 15
    bounds = zip(batch.page_starts.tolist(), batch.page_ends.tolist(), strict=True)
    assert spun_evidence(batch, TABLE).tolist() == [int(weights[start:end].sum()) for start, end in bounds]


def test_buckets_are_those_of_bigrams() -> None:
    codes = fold_pages(["abab"]).codes[16:20]
    first, second, third = bigram_buckets(codes).tolist()
    assert first == third != second
    alone = [int(bigram_buckets(np.array(pair, np.uint16))[0]) for pair in pairwise(codes.tolist())]
    assert alone == [first, second, third]
    every_code = np.arange(1 << 16).astype(np.uint16)
    assert int(bigram_buckets(every_code).max()) < 1 << BIGRAM_BITS


# The estimate and the exact look


@given(mixed_text | han_text)
def test_a_page_is_spun_only_if_the_exact_look_says_so(text: str) -> None:
    exact = spun_log_odds(*folded(text), TABLE, RULE) > RULE.threshold
    assert not is_spun(evidence_of(text), *folded(text), TABLE, RULE) or exact
    # An estimate that lets everything pass leaves the decision to the exact look.
    assert is_spun(1 << 30, *folded(text), TABLE, RULE) == exact


@given(han_text)
def test_the_estimate_of_a_page_all_of_han_is_that_of_the_exact_look_up_to_its_last_bigram(text: str) -> None:
    codes, classes = folded(text)
    edge = int(TABLE[int(bigram_buckets(np.array([codes[-1], 3], np.uint16))[0])])
    rule = replace(RULE, least_han=1, slack=0.0)
    exact = spun_log_odds(codes, classes, TABLE, rule)
    estimate = (evidence_of(text) - edge) / (rule.steps * math.sqrt(len(codes))) + rule.bias
    assert estimate == pytest.approx(exact)
    assert rule.may_be_spun(evidence_of(text) - edge, len(codes)) == (estimate >= rule.threshold)


@given(st.integers(-100_000, 100_000), st.integers(0, 3000))
def test_a_page_is_looked_at_where_the_estimate_lies_less_than_the_slack_below_the_threshold(
    evidence: int, chars: int
) -> None:
    worth = RULE.may_be_spun(evidence, chars)
    if chars < RULE.least_han:
        assert not worth
    else:
        assert worth == (evidence / (20.0 * math.sqrt(chars)) - 1.0 >= 0.5 - 1.0)
    wider = replace(RULE, slack=RULE.slack + 2.0)
    assert wider.may_be_spun(evidence, chars) or not worth


def test_log_odds_must_exceed_the_threshold() -> None:
    text = "咱们" * 8  # sixteen characters, and eight bigrams with evidence
    table = np.zeros(1 << BIGRAM_BITS, np.int8)
    table[bigram_buckets(folded("咱们")[0])] = 20
    rule = replace(RULE, bias=0.0, threshold=2.0)
    assert spun_log_odds(*folded(text), table, rule) == 2.0
    assert not is_spun(evidence_of(text, table), *folded(text), table, rule)
    assert is_spun(evidence_of(text, table), *folded(text), table, replace(rule, threshold=1.99))


# In the pipeline


def test_the_verdict_does_not_depend_on_what_else_stands_in_the_batch(make_bundle: Callable[..., Bundle]) -> None:
    detector = Detector(make_bundle(spun={"咱们": 100}))
    spun, plain = "咱们盼望着明天早些到来，" * 6, "我们希望明天早点到来，" * 6
    verdicts = [result.verdict for result in detector.scan_many([plain, spun, "", plain + plain, spun + plain])]
    assert verdicts == [Verdict.CLEAN, Verdict.SPUN_PAGE, Verdict.CLEAN, Verdict.CLEAN, Verdict.SPUN_PAGE]


def test_foreign_text_around_it_hides_a_spun_page_only_by_its_share(make_bundle: Callable[..., Bundle]) -> None:
    detector = Detector(make_bundle(spun={"咱们": 100}))
    spun = "咱们盼望着明天早些到来，" * 6
    assert detector.scan(spun + "quiet harbour " * 3).verdict is Verdict.SPUN_PAGE
    assert detector.scan(spun + "quiet harbour " * 30).verdict is Verdict.CLEAN


def test_readings_do_not_part_what_a_spinner_put_in(make_bundle: Callable[..., Bundle]) -> None:
    detector = Detector(make_bundle(spun={"咱们": 100}))
    text = "咱(zán)们(men)盼望着明天早些到(dào)來，" * 8
    result = detector.scan(text)
    assert result.verdict is Verdict.SPUN_PAGE
    assert Label.PINYIN_NOISE in {span.label for span in result.spans}


def test_a_brand_too_weak_elsewhere_is_found_on_a_spun_page(make_bundle: Callable[..., Bundle]) -> None:
    detector = Detector(
        make_bundle(letters={"博": ("gambling", 1.0)}, spun={"咱们": 100}, settings={"spun_bonus": 1.5})
    )
    spun, plain = (f"{text}博博盼望着明天" for text in ("咱们盼望着明天早些到来，" * 6, "我们希望明天早点到来，" * 6))
    results = list(detector.scan_many([plain, spun, plain]))
    assert [result.verdict for result in results] == [Verdict.CLEAN, Verdict.SPUN_PAGE, Verdict.CLEAN]
    assert [spun[span.start : span.end] for span in results[1].cut_spans] == ["博博"]
    assert results[1] == detector.scan(spun)


def test_a_spun_page_that_the_screen_passes_over_is_looked_at(make_bundle: Callable[..., Bundle]) -> None:
    letters = {"博": ("gambling", 1.0)}
    bundle = make_bundle(letters=letters, spun={"咱们": 100}, screened=True, settings={"spun_bonus": 1.5})
    text = "咱们盼望着明天早些到来，" * 6 + "博博盼望着明天"
    result = Detector(bundle).scan(text)
    assert [text[span.start : span.end] for span in result.cut_spans] == ["博博"]
    assert result == Detector(bundle, screen=False).scan(text)
