"""Pages are shown with their spans marked, reasons in words, and nothing that could steer a terminal."""

from __future__ import annotations

import io
import unicodedata

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.datatypes import Label, Reason, ScanResult, Span, Verdict
from detector.terminal import COLOURS, describe_reason, mark_spans, printable, show_page, wants_colour

TEXT = "good\nspam\nspun\n"
SPANS = (
    Span(
        5,
        9,
        Label.PORN,
        0.934,
        log_odds=2.5,
        bias=-1.0,
        reasons=(Reason("han share", -0.5), Reason("porn keyword density", 4.0, 5, 9)),
    ),
    Span(10, 14, Label.SPUN, 0.7),
)
PAGE = ScanResult("a.txt", len(TEXT), Verdict.INJECTED, SPANS, TEXT)


def test_marks_without_colour() -> None:
    assert mark_spans(PAGE, colour=False) == "good\n[porn: spam]\n[spun: spun]\n"


def test_colour_changes_nothing_but_colour() -> None:
    shown = mark_spans(PAGE, colour=True)
    assert click.unstyle(shown) == TEXT
    assert click.style("spam", fg="black", bg=COLOURS[Label.PORN]) in shown
    assert click.style("spun", fg=COLOURS[Label.SPUN], underline=True) in shown


def test_colour_ends_with_the_line() -> None:
    page = ScanResult("", 9, Verdict.INJECTED, (Span(0, 9, Label.PORN, 0.9),), "ab\n\ncd\nef")
    for line in mark_spans(page, colour=True).split("\n"):
        assert line == "" or line.endswith("\x1b[0m")


def test_every_label_has_a_colour_of_its_own() -> None:
    assert set(COLOURS) == set(Label)
    assert len(set(COLOURS.values())) == len(Label)


def test_page_says_what_and_why() -> None:
    lines = show_page(PAGE, colour=False).split("\n")
    assert lines[0] == "== a.txt: injected, 2 spans, 4 of 15 characters cut =="
    assert lines[6:] == [
        "1. porn 93% sure, cut, characters 5 to 9: “spam”",
        "   +4.00 speaks for it: porn keyword density, at “spam”",
        "   -0.50 speaks against it: han share",
        "   -1.00 where every text starts; in sum +2.50 log-odds",
        "2. spun 70% sure, reported, not cut, characters 10 to 14: “spun”",
        "",
    ]


def test_many_reasons_are_summed() -> None:
    reasons = tuple(Reason(f"feature {number}", 1.0 + number) for number in range(8))
    span = Span(5, 9, Label.PORN, 0.9, log_odds=36.0, reasons=reasons)
    shown = show_page(ScanResult("", 15, Verdict.INJECTED, (span,), TEXT), colour=False)
    assert "+8.00 speaks for it: feature 7" in shown
    assert "feature 2" not in shown
    assert "+6.00 3 weaker reasons together" in shown


def test_a_long_span_is_quoted_in_part() -> None:
    text = "a" * 50 + "\n" + "b" * 50
    [quoted] = [
        line
        for line in show_page(
            ScanResult("", 101, Verdict.INJECTED, (Span(0, 101, Label.PORN, 0.9),), text), colour=False
        ).split("\n")
        if line.startswith("1. ")
    ]
    assert quoted.endswith(f"“{'a' * 20} … {'b' * 20}”")


def test_reason_without_a_place() -> None:
    assert describe_reason(Reason("han share", -1.25), TEXT) == "-1.25 speaks against it: han share"


@given(st.text())
def test_nothing_steers_the_terminal(text: str) -> None:
    for char in printable(text):
        assert char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs")
        assert unicodedata.bidirectional(char) not in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\rb", "a\\x0db"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202eabc", "\\u202eabc"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("标题\t一", "标题\t一"),
    ],
)
def test_escapes(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_hostile_id_and_text_are_escaped_everywhere() -> None:
    text = "\x1b[2Jspam"
    span = Span(0, 8, Label.PORN, 0.9, reasons=(Reason("\x1bname", 1.0, 0, 8),))
    page = ScanResult("\x1b[31m.txt", 8, Verdict.INJECTED, (span,), text)
    assert "\x1b" not in show_page(page, colour=False)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colour_is_for_terminals_that_want_it(environment: dict[str, str], wanted: bool) -> None:
    assert wants_colour(Terminal(), environment) is wanted
    assert not wants_colour(io.StringIO(), environment)
