"""The detector keeps its promises on any text, in any company, whichever bundle it was given."""

from __future__ import annotations

import json
import math
import pickle
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.cleaning import cut_ranges
from detector.datatypes import (
    BAD_VERDICTS,
    CUT_BY_DEFAULT,
    BundleError,
    Label,
    Page,
    ScanResult,
    UsageError,
    Verdict,
)
from detector.folding import fold_pages
from detector.model import LANE_LABELS, Bundle
from detector.pipeline import Detector
from detector.segment_scores import BAG_ENTRIES, bag_columns, pack_bag

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
PINYIN = "隨(suí)後國(guó)內(nèi)經(jīng)濟(jì)的發(fā)展，我們(men)廠(chǎng)對(duì)設(shè)備(bèi)進(jìn)行了修。"
ODD_PAGES = [
    "\n某某娱乐城|casino 2024|官网",
    "",
    "\u200b\u200d\ufeff",
    "a\x03b\x03\x03\uffff某娱\uffff",
    "\ud800某\udfff娱\ud83d\ude00乐",
    "\x00\x00\x00",
    "博",
    " ",
    "\n\n\n",
    PINYIN,
    PINYIN + "\n某某娱乐城|casino 2024|官网下载",
    "(jīng)" * 8,
    "字" * 700,
    "咱们所有人都盼望着明天早些到来，" * 20,
    "某某娱乐城|金球棋牌|" * 30,
    "好。\r\n某某娱乐城\r\n\u2028好\x85的",
]

any_text = (
    st.text(st.characters() | st.sampled_from("\n\r\x00\x03\u200b\ud800\uffff某娱乐博|，。ā(a1 "), max_size=60)
    | st.builds(
        lambda unit, times: unit * times, st.text("某娱|a\n\u200b。", min_size=1, max_size=9), st.integers(1, 30)
    )
    | st.sampled_from(ODD_PAGES)
)


def example_texts() -> Iterator[str]:
    for path in sorted(EXAMPLES.glob("*.txt")):
        yield path.read_text(encoding="utf-8")
    for line in (EXAMPLES / "pages.jsonl").read_text(encoding="utf-8").splitlines():
        yield json.loads(line)["text"]


MIXED = [text for odd, page in zip(ODD_PAGES, [*example_texts(), *[""] * 9], strict=False) for text in (odd, page)]


# What a result promises


def check(result: ScanResult, text: str) -> None:
    """Assert all that holds of any result with the default options."""
    assert result.text == text
    assert result.chars == len(text)
    assert all(0 <= span.start < span.end <= len(text) for span in result.spans)
    assert all(left.end <= right.start for left, right in pairwise(result.spans))
    assert all(0 <= span.score <= 1 for span in result.spans)
    cut = [span for span in result.spans if span.label in CUT_BY_DEFAULT]
    assert list(result.cut_spans) == cut
    assert (result.verdict is Verdict.CLEAN) == (not cut and result.verdict not in BAD_VERDICTS)
    check_clean_text(result)


def check_clean_text(result: ScanResult) -> None:
    """Assert that the spans that are cut went, and beside them only ends of lines that they filled."""
    text = result.text
    in_spans = {at for span in result.cut_spans for at in range(span.start, span.end)}
    removed = {at for start, end in cut_ranges(text, result.cut_spans) for at in range(start, end)}
    assert result.clean_text == "".join(char for at, char in enumerate(text) if at not in removed)
    assert in_spans <= removed
    for at in removed - in_spans:
        assert text[at] in "\r\n"
        line = text[max(text.rfind("\n", 0, at), text.rfind("\r", 0, at - 1)) + 1 : at].rstrip("\r")
        assert line, "an end of a line goes only with a line that was filled"
        assert set(range(at - len(line), at)) <= removed


@given(any_text, st.booleans())
@settings(max_examples=150)
def test_any_text_scans_and_its_result_keeps_every_promise(tiny_bundle: Bundle, text: str, screen: bool) -> None:
    check(Detector(tiny_bundle, screen=screen).scan(text), text)


@given(any_text)
@settings(max_examples=100)
def test_any_text_scans_with_the_shipped_bundle(detector: Detector, text: str) -> None:
    check(detector.scan(text), text)


@pytest.mark.parametrize("text", ODD_PAGES, ids=ascii)
def test_odd_pages_scan_with_either_bundle(tiny_bundle: Bundle, detector: Detector, text: str) -> None:
    check(Detector(tiny_bundle).scan(text), text)
    check(detector.scan(text), text)


def test_a_page_of_characters_from_all_of_unicode_scans(tiny_bundle: Bundle) -> None:
    text = "".join(map(chr, range(0, 0x110000, 61)))
    check(Detector(tiny_bundle).scan(text), text)


@pytest.mark.parametrize(
    ("text", "cleaned", "verdict"),
    [
        ("好的好的博博好的好的好的", "好的好的好的好的好的", Verdict.INJECTED),
        ("好的\n博博博\n好的", "好的\n好的", Verdict.INJECTED),
        ("好的\r\n博博博\r\n好的", "好的\r\n好的", Verdict.INJECTED),
        ("\n博博博\n好的", "\n好的", Verdict.INJECTED),
        ("好的\n博博博", "好的\n", Verdict.INJECTED),
        ("好的\n  博博博  \n好的", "好的\n    \n好的", Verdict.INJECTED),  # its blanks stay
        ("好的博\u200b博\u200d博好的好的好的", "好的好的好的好的", Verdict.INJECTED),
        ("\u200b博博\u200b好的好的好的", "\u200b\u200b好的好的好的", Verdict.INJECTED),
        ("博\ud800博博\x00好的好的好的好的好的好的", "\x00好的好的好的好的好的好的", Verdict.INJECTED),
        ("博" * 80, "", Verdict.SPAM_PAGE),
        ("好的好的好的", "好的好的好的", Verdict.CLEAN),
        ("好的博好的", "好的博好的", Verdict.CLEAN),  # one character alone is not worth the price of a change
        ("", "", Verdict.CLEAN),
    ],
)
def test_what_is_cut_is_what_the_bundle_says(
    make_bundle: Callable[..., Bundle], text: str, cleaned: str, verdict: Verdict
) -> None:
    result = Detector(make_bundle(letters={"博": ("gambling", 2.4)})).scan(text)
    assert (result.clean_text, result.verdict) == (cleaned, verdict)
    check(result, text)


def test_each_line_gets_the_label_that_scores_most_on_it(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(letters={"博": ("gambling", 2.5), "黄": ("porn", 2.5), "假": ("other_spam", 2.5)})
    result = Detector(bundle).scan("博博博\n黄黄黄\n假假假\n好的好的好的好的")
    labels = [(result.text[span.start : span.end].strip(), span.label) for span in result.spans]
    assert labels == [("博博博", Label.GAMBLING), ("黄黄黄", Label.PORN), ("假假假", Label.OTHER_SPAM)]


def test_a_score_is_the_calibrated_value_of_the_log_odds(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(letters={"博": ("gambling", 2.5)}, settings={"calibration": [0.8, -1.0]})
    (span,) = Detector(bundle).scan("好的好的博博好的好的好的").spans
    assert span.log_odds == 2.5
    assert span.score == round(1 / (1 + math.exp(-(0.8 * 2.5 - 1.0))), 4)


def test_readings_are_cut_and_spans_found_through_them(make_bundle: Callable[..., Bundle]) -> None:
    text = PINYIN + "好的博(bó)博(bó)好的" + PINYIN
    result = Detector(make_bundle(letters={"博": ("gambling", 2.5)})).scan(text)
    check(result, text)
    (brand,) = (span for span in result.spans if span.label is Label.GAMBLING)
    assert text[brand.start : brand.end] == "博(bó)博"
    assert "(" not in result.clean_text


def test_lines_of_a_spun_page_are_reported_but_not_cut(make_bundle: Callable[..., Bundle]) -> None:
    text = "咱们盼望着明天早些到来，咱们也盼望着好天气\n  咱们都这样想，咱们的邻居们也都这样想\n\n博博博\n"
    result = Detector(make_bundle(letters={"博": ("gambling", 2.5)}, spun={"咱们": 120})).scan(text)
    assert result.verdict is Verdict.SPUN_PAGE
    assert [(text[span.start : span.end], span.label) for span in result.spans] == [
        ("咱们盼望着明天早些到来，咱们也盼望着好天气", Label.SPUN),
        ("咱们都这样想，咱们的邻居们也都这样想", Label.SPUN),
        ("博博博", Label.GAMBLING),
    ]
    assert result.clean_text == text.replace("博博博\n", "")
    check(result, text)


# In any company


@given(st.lists(any_text, min_size=1, max_size=6), st.integers(1, 200), st.booleans())
@settings(max_examples=80)
def test_pages_scan_alike_one_by_one_and_in_batches_of_any_size(
    tiny_bundle: Bundle, pages: list[str], batch_chars: int, screen: bool
) -> None:
    tiny = Detector(tiny_bundle, screen=screen)
    alone = [tiny.scan(page) for page in pages]
    assert list(tiny.scan_many(pages)) == alone
    assert list(tiny.scan_many(pages, batch_chars=batch_chars)) == alone


@pytest.mark.parametrize("shipped", [True, False], ids=["shipped", "random"])
@pytest.mark.parametrize("batch_chars", [1, 50, 1000, 1 << 19])
def test_mixed_pages_scan_alike_one_by_one_and_in_batches(
    detector: Detector, tiny_bundle: Bundle, shipped: bool, batch_chars: int
) -> None:
    used = detector if shipped else Detector(tiny_bundle)
    alone = [used.scan(text) for text in MIXED]
    assert any(result.spans for result in alone)
    assert list(used.scan_many(MIXED, batch_chars=batch_chars)) == alone
    assert list(used.scan_many(MIXED[::-1], batch_chars=batch_chars)) == alone[::-1]


@pytest.fixture(scope="module")
def knows_a_word(make_bundle: Callable[..., Bundle]) -> Bundle:
    """Return a bundle that scores a segment only where it holds 下载, and finds 博 there."""
    weights = np.zeros((len(LANE_LABELS), BAG_ENTRIES))
    batch = fold_pages(["下载"])
    weights[1, bag_columns(batch.codes, 16, 17)[0]] = 8.0
    return make_bundle(letters={"博": ("gambling", 2.5)}, screened=True, arrays={"bag": pack_bag(weights)})


PASSED, NOT_PASSED = "下载博博下载下载好的好的", "好的博博好的好的好的好的"


def test_what_stands_on_other_pages_lets_no_more_of_this_one_through(knows_a_word: Bundle) -> None:
    # The first sentence of this page is worth scoring, the last is not.
    page = "下载。好的好的好的好的好的好的。博博博"
    screened = Detector(knows_a_word)
    assert screened.scan(page).spans == ()
    assert Detector(knows_a_word, screen=False).scan(page).spans
    assert next(screened.scan_many([page, PASSED])) == screened.scan(page)
    assert list(screened.scan_many([PASSED, page, PASSED]))[1] == screened.scan(page)


def test_a_segment_is_scored_for_all_its_words_and_then_its_whole_page_is(knows_a_word: Bundle) -> None:
    screened, unscreened = Detector(knows_a_word), Detector(knows_a_word, screen=False)
    texts = [PASSED, NOT_PASSED, f"{PASSED}\n{NOT_PASSED}"]
    assert [len(result.spans) for result in screened.scan_many(texts)] == [1, 0, 2]
    assert [len(result.spans) for result in unscreened.scan_many(texts)] == [1, 1, 2]
    assert screened.scan(texts[2]) == unscreened.scan(texts[2])


@pytest.mark.parametrize("setting", ["segment_threshold", "outline_threshold", "sample_threshold"])
def test_where_no_segment_reaches_a_threshold_nothing_is_found(
    make_bundle: Callable[..., Bundle], setting: str
) -> None:
    bundle = make_bundle(letters={"博": ("gambling", 2.5)}, settings={setting: 1e6})
    assert Detector(bundle).scan(PASSED).spans == ()
    assert Detector(bundle, screen=False).scan(PASSED).spans


def test_screened_scans_find_what_unscreened_ones_find_on_contaminated_pages(detector: Detector) -> None:
    unscreened = Detector.load(screen=False)
    texts = list(example_texts())
    expected = list(unscreened.scan_many(texts))
    assert sum(bool(result.spans) for result in expected) > len(texts) // 2
    assert list(detector.scan_many(texts)) == expected


def test_ids_are_carried_in_order_and_addresses_change_nothing(tiny_bundle: Bundle) -> None:
    tiny = Detector(tiny_bundle)
    pages = [Page(text, f"page {nth}", "https://example.org/") for nth, text in enumerate(MIXED)]
    results = list(tiny.scan_many(iter(pages)))
    assert [result.id for result in results] == [page.id for page in pages]
    assert [result.spans for result in results] == [tiny.scan(text).spans for text in MIXED]
    assert tiny.scan("好", "https://example.org/", id="one").id == "one"


def test_pages_are_taken_only_as_results_are_asked_for(tiny_bundle: Bundle) -> None:
    endless = (f"第{nth}页" for nth in count())
    results = Detector(tiny_bundle).scan_many(endless, batch_chars=10)
    assert [next(results).text for _ in range(5)] == ["第0页", "第1页", "第2页", "第3页", "第4页"]
    assert list(Detector(tiny_bundle).scan_many([])) == []


def test_two_threads_share_a_detector(detector: Detector, tiny_bundle: Bundle) -> None:
    for shared in (detector, Detector(tiny_bundle)):
        expected = list(shared.scan_many(MIXED))
        with ThreadPoolExecutor(2) as pool:
            many = list(pool.map(lambda _, used=shared: list(used.scan_many(MIXED)), range(4)))
            single = list(pool.map(shared.scan, MIXED))
        assert many == [expected] * 4
        assert single == expected


def test_scanning_reads_no_file_and_opens_no_connection(tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = Detector(tiny_bundle)
    expected = tiny.scan(MIXED[0])

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("scanning is pure")

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr("io.open", refuse)
    monkeypatch.setattr("os.open", refuse)
    monkeypatch.setattr("socket.socket", refuse)
    assert tiny.scan(MIXED[0]) == expected


# Pickling


def test_a_detector_pickles_as_the_path_of_its_bundle(tiny_bundle: Bundle) -> None:
    chosen = Detector(tiny_bundle, labels="gambling,porn", min_score=0.7, screen=False)
    pickled = pickle.dumps(chosen)
    assert len(pickled) < 1000
    again = pickle.loads(pickled)
    assert again.bundle_name == chosen.bundle_name
    assert list(again.scan_many(MIXED)) == list(chosen.scan_many(MIXED))


def test_a_shipped_detector_pickles(detector: Detector) -> None:
    again = pickle.loads(pickle.dumps(detector))
    assert list(again.scan_many(MIXED)) == list(detector.scan_many(MIXED))


def test_a_pickled_detector_loads_in_another_folder(
    tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tiny_bundle.path.parent)
    pickled = pickle.dumps(Detector.load(tiny_bundle.path.name))
    monkeypatch.chdir(tmp_path)
    assert pickle.loads(pickled).bundle_name == tiny_bundle.name


def test_a_pickle_whose_bundle_was_altered_is_refused(tiny_bundle: Bundle, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(tiny_bundle.path, tmp_path / "copied"))
    pickled = pickle.dumps(Detector.load(copied))
    with (copied / "weights.npz").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(BundleError, match="does not match its digest"):
        pickle.loads(pickled)


# Options


@pytest.fixture(scope="module")
def two_labels(make_bundle: Callable[..., Bundle]) -> Bundle:
    return make_bundle(letters={"博": ("gambling", 2.9), "黄": ("porn", 2.2)})


TWO_LABELS = "好的好的博博好的好的好的。好的好的黄黄好的好的好的"


def test_labels_choose_what_is_kept_and_cut_but_not_the_verdict(two_labels: Bundle) -> None:
    only_porn = Detector(two_labels, labels="porn").scan(TWO_LABELS)
    assert [span.label for span in only_porn.spans] == [Label.PORN]
    assert only_porn.clean_text == TWO_LABELS.replace("黄黄", "")
    only_fake = Detector(two_labels, labels=[Label.OTHER_SPAM]).scan(TWO_LABELS)
    assert (only_fake.spans, only_fake.clean_text, only_fake.verdict) == ((), TWO_LABELS, Verdict.INJECTED)


def test_a_least_score_chooses_what_is_kept_and_cut_but_not_the_verdict(two_labels: Bundle) -> None:
    everything = Detector(two_labels).scan(TWO_LABELS)
    strong = max(span.score for span in everything.spans)
    assert len({span.score for span in everything.spans}) == 2
    assert Detector(two_labels, min_score=0).scan(TWO_LABELS) == everything
    kept = Detector(two_labels, min_score=strong).scan(TWO_LABELS)
    assert [span.label for span in kept.spans] == [Label.GAMBLING]
    assert kept.clean_text == TWO_LABELS.replace("博博", "")
    none = Detector(two_labels, min_score=1).scan(TWO_LABELS)
    assert (none.spans, none.verdict) == ((), Verdict.INJECTED)


def test_a_label_that_is_only_reported_is_cut_where_it_is_asked_for(make_bundle: Callable[..., Bundle]) -> None:
    text = "咱们盼望着明天早些到来，" * 5
    result = Detector(make_bundle(spun={"咱们": 100}), labels="spun").scan(text)
    assert [span.label for span in result.cut_spans] == [Label.SPUN]
    assert result.clean_text == ""


@pytest.mark.parametrize("score", [-0.1, 1.1, math.nan, math.inf])
def test_a_least_score_that_is_no_probability_is_refused(tiny_bundle: Bundle, score: float) -> None:
    with pytest.raises(UsageError, match="min_score is a probability"):
        Detector(tiny_bundle, min_score=score)


@pytest.mark.parametrize("labels", ["ham", "porn,ham", "", []])
def test_labels_that_do_not_exist_are_refused(tiny_bundle: Bundle, labels: str | list[str]) -> None:
    with pytest.raises(UsageError, match="the labels are porn, gambling"):
        Detector(tiny_bundle, labels=labels)
