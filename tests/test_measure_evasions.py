"""Pages and an evasion come in; what scripts/measure_evasions.py makes of them is judged here."""

from __future__ import annotations

import random

import measure_evasions
import pytest

from detector.datatypes import Label, LabelledPage, Span
from detector.pipeline import Detector
from detector.synthesis.evasion import EVASIONS


def double(text: str, draw: random.Random) -> str:
    return "".join(char * 2 for char in text)


def test_only_the_spam_is_disguised_and_the_spans_move_along() -> None:
    spans = (Span(1, 3, Label.GAMBLING, 1.0), Span(4, 5, Label.PINYIN_NOISE, 1.0), Span(6, 8, Label.PORN, 1.0))
    page = measure_evasions.disguise_spam(LabelledPage("p", "aBCdeFGHi", spans), double)
    assert page.text == "aBBCCdeFGGHHi"
    assert [page.text[span.start : span.end] for span in page.spans] == ["BBCC", "e", "GGHH"]


def test_some_lines_of_a_clean_page_are_disguised() -> None:
    page = LabelledPage("p", "\n".join("ab" for _ in range(200)), ())
    lines = measure_evasions.disguise_lines(page, double).text.split("\n")
    assert set(lines) == {"ab", "aabb"}
    assert lines.count("aabb") == pytest.approx(200 * measure_evasions.DISGUISED_LINES, abs=25)
    assert lines == measure_evasions.disguise_lines(page, double).text.split("\n")


def test_each_evasion_has_its_row(detector: Detector) -> None:
    dirty = LabelledPage("d", "好消息：永利娱乐城注册送彩金。", (Span(4, 12, Label.GAMBLING, 1.0),))
    figures = measure_evasions.measure(detector, [dirty], [LabelledPage("c", "今天天气很好。", ())])
    assert set(figures) == {"none", *EVASIONS}
    assert figures["none"]["alarms"] == 0
    assert len(measure_evasions.table_of(figures).split("\n")) == len(figures) + 1
