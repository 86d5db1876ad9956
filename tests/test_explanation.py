"""An explanation names what the model really used: its parts sum to the span's log-odds and point into the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.datatypes import Label, ScanResult, Verdict
from detector.explanation import NAMED_REASONS
from detector.features import FEATURES
from detector.model import Bundle
from detector.pipeline import Detector
from detector.words import WORD_PLACES

EXAMPLES = sorted((Path(__file__).resolve().parent.parent / "examples").glob("*.txt"))
PINYIN = "隨(suí)後國(guó)內(nèi)經(jīng)濟(jì)的發(fā)展，我們(men)廠(chǎng)對(duì)設(shè)備(bèi)進(jìn)行了修。"

some_text = st.text(
    st.characters() | st.sampled_from("某娱乐城。，|\n\u200b\x03\ud800\uffffab1 "), min_size=1, max_size=80
) | st.builds(lambda unit, times: unit * times, st.text("某娱|a\n\u200b。", min_size=1, max_size=9), st.integers(1, 30))


def bare(result: ScanResult) -> ScanResult:
    """Return a result without the reasons."""
    return replace(result, spans=tuple(replace(span, reasons=(), bias=0.0) for span in result.spans))


def check(result: ScanResult, chars: int) -> None:
    for span in result.spans:
        assert span.reasons, "every span has a reason"
        assert abs(span.bias + sum(reason.log_odds for reason in span.reasons) - span.log_odds) < 1e-6
        for reason in span.reasons:
            assert (reason.start, reason.end) == (-1, -1) or 0 <= reason.start < reason.end <= chars


@given(some_text)
@settings(max_examples=60)
def test_reasons_and_bias_sum_to_the_log_odds_and_lie_in_the_text(tiny_bundle: Bundle, text: str) -> None:
    check(Detector(tiny_bundle).explain(text), len(text))


@given(some_text)
@settings(max_examples=60)
def test_an_explained_page_has_the_spans_of_a_scanned_one(tiny_bundle: Bundle, text: str) -> None:
    tiny = Detector(tiny_bundle)
    assert bare(tiny.explain(text)) == bare(tiny.scan(text))


def test_reasons_on_a_page_with_readings_point_into_the_page_as_it_was_given(
    make_bundle: Callable[..., Bundle],
) -> None:
    text = PINYIN + "好的博彩好的" + PINYIN
    result = Detector(make_bundle(letters={"博": ("gambling", 2.5), "彩": ("gambling", 2.0)})).explain(text)
    (brand,) = (span for span in result.spans if span.label is Label.GAMBLING)
    assert text[brand.start : brand.end] == "博彩"
    named = {reason.feature: text[reason.start : reason.end] for reason in brand.reasons if reason.start >= 0}
    assert named == {"characters “博”": "博", "characters “彩”": "彩"}
    check(result, len(text))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_shipped_model_explains_the_examples(detector: Detector, example: Path) -> None:
    text = example.read_text(encoding="utf-8")
    result = detector.explain(text)
    assert bare(result) == bare(detector.scan(text))
    check(result, len(text))


def test_lines_of_a_spun_page_have_a_reason_that_sums_too(make_bundle: Callable[..., Bundle]) -> None:
    text = "咱们所有人都盼望着明天早些到来，" * 20
    result = Detector(make_bundle(spun={"咱们": 120})).explain(text)
    assert result.verdict is Verdict.SPUN_PAGE
    check(result, len(text))


def test_the_characters_that_decided_are_named_where_they_stand(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(letters={"博": ("gambling", 2.5), "彩": ("gambling", 2.0)})
    text = "好的好的博彩好的好的"
    (span,) = Detector(bundle).explain(text).spans
    assert (span.start, span.end, span.label, span.log_odds) == (4, 6, Label.GAMBLING, 2.25)
    assert span.bias == -2.0
    found = {reason.feature: reason for reason in span.reasons if reason.log_odds}
    assert set(found) == {"characters “博”", "characters “彩”"}
    assert [(reason.start, reason.end) for reason in found.values()] == [(4, 5), (5, 6)]
    assert [reason.log_odds for reason in found.values()] == [2.25, 2.0]


def test_the_page_pass_is_named_as_a_reason(make_bundle: Callable[..., Bundle]) -> None:
    bonus = {"porn": 0.0, "gambling": 1.5, "other_spam": 0.0, "repository_boilerplate": 0.0}
    bundle = make_bundle(letters={"博": ("gambling", 2.0)}, settings={"page_bonus": bonus})
    (span,) = Detector(bundle).explain("好的好的" + "博" * 8 + "好的好的").spans
    assert {reason.feature: reason.log_odds for reason in span.reasons}["what else stands on the page"] == 1.5
    assert span.log_odds == 3.5


def test_the_strongest_reasons_come_first_and_the_rest_are_summed_up(tiny_bundle: Bundle) -> None:
    result = Detector(tiny_bundle).explain("某某娱乐城|casino 2024|官网下载\n" * 5)
    assert result.spans
    for span in result.spans:
        named = [abs(reason.log_odds) for reason in span.reasons[:NAMED_REASONS]]
        assert named == sorted(named, reverse=True)
        assert len(span.reasons) <= NAMED_REASONS + 1
        assert span.reasons[-1].feature.endswith("smaller reasons together")


def test_reasons_are_named_in_plain_words(tiny_bundle: Bundle) -> None:
    result = Detector(tiny_bundle).explain("某某娱乐城|casino 2024|官网下载\n" * 5)
    known = (*FEATURES, "what else stands on the page")
    for span in result.spans:
        for reason in span.reasons[:NAMED_REASONS]:
            of_word = reason.feature.startswith("“") and reason.feature.rpartition("”: ")[2] in WORD_PLACES
            assert of_word or reason.feature.startswith(("characters “", "shape ")) or reason.feature in known


def test_a_plain_scan_gives_no_reasons(make_bundle: Callable[..., Bundle]) -> None:
    result = Detector(make_bundle(letters={"博": ("gambling", 2.5)})).scan(PINYIN + "好的博博好的" + PINYIN)
    assert {span.label for span in result.spans} == {Label.GAMBLING, Label.PINYIN_NOISE}
    assert not any(span.reasons for span in result.spans)
