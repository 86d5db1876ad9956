"""Gold pages and made-up results come in; what detector.evaluation says of them is held against known figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detector.datatypes import InputError, Label, LabelledPage, Page, ScanResult, Span, Verdict
from detector.evaluation import evaluate_pages, format_figures, score_pages, white_space_mask

KINDS = ["", "clean", "injected", "spam_page", "spun_page", "unclear"]
# Few different characters, so that white space, lone surrogates and astral characters all come up often.
TEXTS = st.text(alphabet="ab 澳門\n\u3000\u00a0\x1c\ud800😀", max_size=60)


@st.composite
def spans_of(draw: st.DrawFn, text: str) -> tuple[Span, ...]:
    """Draw spans anywhere in `text`; they may touch and overlap."""
    spans = []
    for _ in range(draw(st.integers(0, 5)) if text else 0):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        spans.append(Span(start, end, draw(st.sampled_from(list(Label))), draw(st.floats(0, 1))))
    return tuple(spans)


@st.composite
def gold_and_results(draw: st.DrawFn) -> tuple[list[LabelledPage], dict[str, ScanResult]]:
    """Draw labelled pages and what was predicted for most of them."""
    pages, results = [], {}
    for number in range(draw(st.integers(0, 5))):
        text, lang = draw(TEXTS), draw(st.sampled_from(["", "zh", "en"]))
        spans, kind = draw(spans_of(text)), draw(st.sampled_from(KINDS))
        pages.append(LabelledPage(str(number), text, spans, lang=lang, kind=kind))
        if draw(st.integers(0, 4)):
            verdict = draw(st.sampled_from(list(Verdict)))
            results[str(number)] = ScanResult(str(number), len(text), verdict, draw(spans_of(text)), text)
    return pages, results


def as_fields(spans: Iterable[Span]) -> list[dict[str, Any]]:
    return [{"start": span.start, "end": span.end, "label": span.label.value} for span in spans]


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(gold_and_results())
def test_agrees_with_the_tool_that_defines_the_figures(
    score_tool: ModuleType, drawn: tuple[list[LabelledPage], dict[str, ScanResult]]
) -> None:
    assert_agreement(score_tool, *drawn)


def test_agrees_at_the_limits(score_tool: ModuleType) -> None:
    """Spans of 15 and 16 characters, pages cut by 97 to 100 %, and enough of them for the interval to have a width."""
    pages, results = [], {}
    for number, (size, cut) in enumerate([(15, 7), (15, 8), (16, 7), (16, 8), *((100, cut) for cut in range(90, 101))]):
        text = "x" * size + " good text"
        pages.append(LabelledPage(str(number), text, (Span(0, size, Label.PORN, 1.0),)))
        found = (Span(0, cut, Label.GAMBLING, 0.9),)
        results[str(number)] = ScanResult(str(number), len(text), Verdict.INJECTED, found, text)
    figures = assert_agreement(score_tool, pages, results)
    assert figures["fully_cleaned_pages"] == 3
    assert (figures["short_span_recall"], figures["long_span_recall"]) == (1 / 2, 12 / 13)


def assert_agreement(
    score_tool: ModuleType, pages: list[LabelledPage], results: dict[str, ScanResult]
) -> dict[str, Any]:
    """Return our figures after holding each that the tool gives against the tool's."""
    expected = score_tool.score(
        [{"id": page.id, "text": page.text, "spans": as_fields(page.spans), "kind": page.kind} for page in pages],
        {id_: {"spans": as_fields(r.spans), "verdict": r.verdict.value} for id_, r in results.items()},
    )
    figures = score_pages(pages, results)
    assert {name: figures[name] for name in expected} == expected
    return figures


@given(gold_and_results())
def test_groups_by_language_tile_the_pages(drawn: tuple[list[LabelledPage], dict[str, ScanResult]]) -> None:
    pages, results = drawn
    figures = score_pages(pages, results)
    scored = [page for page in pages if page.kind != "unclear" and page.lang]
    assert sum(group["pages"] for group in figures["by_language"].values()) == len(scored)
    for lang, group in figures["by_language"].items():
        alone = score_pages([page for page in scored if page.lang == lang], results)
        assert group == {name: alone[name] for name in group}


@given(gold_and_results())
def test_calibration_bins_hold_each_predicted_character_once(
    drawn: tuple[list[LabelledPage], dict[str, ScanResult]],
) -> None:
    calibration = score_pages(*drawn)["calibration"]
    assert sum(row["chars"] for row in calibration["bins"]) == calibration["chars"]
    assert 0 <= calibration["error"] <= 1
    assert all(row["from"] <= row["score"] + 1e-9 and row["score"] <= row["to"] + 1e-9 for row in calibration["bins"])


def page(text: str, *spans: tuple[int, int, str], kind: str = "", **more: str) -> LabelledPage:
    """Return a labelled page with the id "p"."""
    return LabelledPage("p", text, tuple(Span(a, b, Label(c), 1.0) for a, b, c in spans), kind=kind, **more)


def scanned(*spans: tuple[int, int, str, float], verdict: Verdict = Verdict.CLEAN) -> dict[str, ScanResult]:
    """Return what was predicted for the page "p"."""
    found = tuple(Span(a, b, Label(c), score) for a, b, c, score in spans)
    return {"p": ScanResult("p", 0, verdict, found, "")}


def test_white_space_is_what_python_calls_so() -> None:
    every = "".join(map(chr, range(0x110000)))
    assert white_space_mask(every).tolist() == [character.isspace() for character in every]


def test_nothing_at_all_is_perfect() -> None:
    figures = score_pages([], {})
    assert figures["removed"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0, "gold": 0, "predicted": 0}
    assert (figures["removed_interval"], figures["page_f1_interval"]) == ((1.0, 1.0), (1.0, 1.0))
    assert (figures["page_f1"], figures["clean_loss"], figures["calibration"]["error"]) == (1.0, 0.0, 0.0)
    assert figures["boundary_error"] == {"median": 0.0, "mean": 0.0, "edges": 0}


def test_ignored_text_counts_neither_way() -> None:
    gold = [page("spamMENUbody", (0, 4, "porn"), (4, 8, "site_boilerplate"))]
    figures = score_pages(gold, scanned((0, 8, "porn", 0.9)))
    assert figures["removed"]["precision"] == 1.0
    assert (figures["clean_loss"], figures["clean_chars"]) == (0.0, 4)
    assert figures["boundary_error"] == {"median": 0.0, "mean": 0.0, "edges": 2}


def test_boundary_error_counts_characters_without_white_space() -> None:
    gold = [page("ab cd spam ef gh", (6, 10, "gambling"))]
    figures = score_pages(gold, scanned((3, 10, "gambling", 0.9)))
    assert figures["boundary_error"] == {"median": 1.0, "mean": 1.0, "edges": 2}  # "cd" too many, and the end exact
    inside = score_pages(gold, scanned((7, 10, "gambling", 0.9)))
    assert inside["boundary_error"]["mean"] == 0.5
    missed = score_pages(gold, scanned((9, 10, "gambling", 0.9)))
    assert missed["boundary_error"]["edges"] == 0


def test_boundary_error_reaches_over_pieces_of_a_found_span() -> None:
    gold = [page("xxspamspamxx", (2, 10, "gambling"))]
    figures = score_pages(gold, scanned((3, 6, "gambling", 0.9), (8, 12, "porn", 0.9)))
    assert figures["boundary_error"] == {"median": 1.5, "mean": 1.5, "edges": 2}


def test_calibration_is_judged_by_the_span_s_own_label() -> None:
    gold = [page("spamspambody", (0, 4, "porn"), (4, 8, "gambling"))]
    figures = score_pages(gold, scanned((0, 4, "porn", 1.0), (4, 8, "porn", 0.25)))
    assert figures["calibration"]["chars"] == 8
    assert figures["calibration"]["error"] == pytest.approx(0.125)  # four characters right at 1, four wrong at 0.25
    assert figures["calibration"]["bins"][-1] == {"from": 0.9, "to": 1.0, "chars": 4, "score": 1.0, "right": 1.0}


def test_removed_interval_spans_the_f1_of_good_and_bad_pages() -> None:
    pages = [LabelledPage(str(n), "spam", (Span(0, 4, Label.PORN, 1.0),)) for n in range(20)]
    results = {str(n): ScanResult(str(n), 4, Verdict.INJECTED, pages[n].spans, "spam") for n in range(10)}
    figures = score_pages(pages, results)
    low, high = figures["removed_interval"]
    assert low < figures["removed"]["f1"] < high
    assert low > 0.3
    assert high < 0.95


def test_verdicts_are_counted_by_kind() -> None:
    figures = score_pages([page("x", kind="spun_page")], scanned(verdict=Verdict.SPUN_PAGE))
    assert figures["verdicts"] == {"spun_page": {"spun_page": 1}}
    assert figures["bad_pages_found"] == 1


def test_a_span_beyond_the_text_is_refused() -> None:
    with pytest.raises(InputError, match=r"page 'p': span \[2, 9\) does not fit its text of 4 characters"):
        score_pages([page("text")], scanned((2, 9, "porn", 0.5)))


class EveryWord:
    """A detector that calls every "spam" gambling."""

    def scan_many(self, texts_or_pages: Iterable[str | Page], /) -> Iterator[ScanResult]:
        for given_page in texts_or_pages:
            assert isinstance(given_page, Page)
            at = given_page.text.find("spam")
            spans = (Span(at, at + 4, Label.GAMBLING, 0.9),) if at >= 0 else ()
            verdict = Verdict.INJECTED if spans else Verdict.CLEAN
            yield ScanResult(given_page.id, len(given_page.text), verdict, spans, given_page.text)


def test_evaluate_pages_scans_and_scores() -> None:
    pages = [
        LabelledPage("a", "my spam text", (Span(3, 7, Label.GAMBLING, 1.0),), lang="en", pattern="word"),
        LabelledPage("b", "no such thing", (), lang="en", kind="clean"),
    ]
    figures = evaluate_pages(EveryWord(), pages)
    assert figures["removed"]["f1"] == 1.0
    assert figures["missing"] == 0
    assert figures["by_pattern"]["word"]["pages"] == 1
    assert figures["verdicts"] == {"clean": {"clean": 1}}
    table = format_figures(figures)
    for expected in ("2 pages, 0 without a prediction", "gambling", "\nlanguage", "\nen ", "\nword "):
        assert expected in table


def test_two_pages_with_one_id_are_refused() -> None:
    with pytest.raises(InputError, match="2 pages have the id 'p'"):
        evaluate_pages(EveryWord(), [page("a"), page("b")])
