"""Cases as data: pages with their spam marked, one a line, each checked against the shipped model.

``in_the_wild`` holds pages made after what real ones look like, ``synthetic`` constructed ones, ``negative`` clean ones
that invite a mistake. A case that the model gets wrong stands in ``known_failures`` until it passes; then the strict
xfail turns red, and the case moves to the file where it belongs. The format of marks is that of training_data/pages.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from detector.datatypes import CUT_BY_DEFAULT, LabelledPage, Verdict
from detector.pipeline import Detector
from detector.synthesis.grammar import split_marks
from detector.synthesis.handwritten import assemble

CASES = Path(__file__).resolve().parent / "cases"
#: Share of the marked characters that must go; edges may be argued about.
LEAST_REMOVED = 0.9
#: What may go beside the spam: blanks and the delimiters that tie it to the page.
TIES = frozenset(" \t\r\n\u3000\u200b|_-—–·,，、:：")


@dataclass(frozen=True)
class Case:
    """A page with its gold spans, and why it was written down."""

    page: LabelledPage
    why: str


def read_cases(name: str) -> Iterator[Case]:
    for line in (CASES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
        found = json.loads(line)
        text, spans = assemble(split_marks(found["marked"], "clean"))
        yield Case(LabelledPage(found["id"], text, spans), found["why"])


def parameters(*names: str) -> list[object]:
    return [pytest.param(case, id=case.page.id) for name in names for case in read_cases(name)]


def check(detector: Detector, case: Case) -> None:
    """Assert that the spam goes and the rest stays."""
    page, result = case.page, detector.scan(case.page.text)
    found = [(span.label, page.text[span.start : span.end]) for span in result.cut_spans]
    cut = {at for span in result.cut_spans for at in range(span.start, span.end)}
    gold = {at for span in page.spans for at in range(span.start, span.end) if span.label in CUT_BY_DEFAULT}
    lost = [page.text[at] for at in sorted(cut - gold) if page.text[at] not in TIES]
    assert not lost, f"{case.why}: {''.join(lost)!r} should stay; cut were {found}"
    assert len(cut & gold) >= LEAST_REMOVED * len(gold), f"{case.why}: only {found} was cut"
    if not gold:
        assert result.verdict is Verdict.CLEAN, case.why


@pytest.mark.parametrize("case", parameters("in_the_wild", "synthetic"))
def test_spam_goes_and_the_rest_stays(detector: Detector, case: Case) -> None:
    check(detector, case)


@pytest.mark.parametrize("case", parameters("negative"))
def test_clean_text_that_invites_a_mistake_stays(detector: Detector, case: Case) -> None:
    check(detector, case)


@pytest.mark.xfail(reason="a known failure of the shipped model", raises=AssertionError, strict=True)
@pytest.mark.parametrize("case", parameters("known_failures"))
def test_known_failures_still_fail(detector: Detector, case: Case) -> None:
    check(detector, case)


def test_every_case_has_an_id_of_its_own_and_stands_in_the_right_file() -> None:
    positive, negative = (
        [case.page for name in names for case in read_cases(name)]
        for names in (("in_the_wild", "synthetic"), ("negative",))
    )
    failing = [case.page for case in read_cases("known_failures")]
    names = [page.id for page in [*positive, *negative, *failing]]
    assert len(set(names)) == len(names)
    assert all(page.spans for page in positive)
    assert not any(page.spans for page in negative)
