"""Figures and floors come in; what scripts/evaluate.py prints, and whether its gate opens, is judged here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import evaluate
import measuring_data
import pytest

from detector.datatypes import Label, LabelledPage, Page, ScanResult, Span, Verdict
from detector.pipeline import Detector


class Silent:
    """A detector that finds nothing."""

    def scan_many(self, texts_or_pages: Iterable[str | Page], /) -> Iterator[ScanResult]:
        for page in texts_or_pages:
            assert isinstance(page, Page)
            yield ScanResult(page.id, len(page.text), Verdict.CLEAN, (), page.text)


PAGES = [
    LabelledPage("a", "some spam", (Span(5, 9, Label.GAMBLING, 1.0),), lang="en"),
    LabelledPage("b", "nothing", (), lang="en", kind="clean"),
]


def test_one_line_a_set_then_tables(capsys: pytest.CaptureFixture[str]) -> None:
    results = evaluate.measure(Silent(), {"seeds": PAGES})
    evaluate.print_tables(results, brief=False)
    first, *rest = capsys.readouterr().out.split("\n")
    assert first.startswith(
        "seeds: 2 pages | removed P 1.000 R 0.000 F1 0.000 page F1 0.000 short spans 0.00 | clean loss"
    )
    assert "| recall: gambling 0.00 |" in first
    assert "== seeds" in rest


def test_gate_names_the_figures_past_their_limit() -> None:
    results = evaluate.measure(Silent(), {"seeds": PAGES})
    floors = {"seeds": {"removed.f1": 0.5, "removed.precision": 0.9, "clean_loss": 0.0}, "dev": {"removed.f1": 1.0}}
    assert evaluate.below_floors(floors, results) == ["seeds removed.f1 is 0.00000, at least 0.5 wanted"]
    loss = {"clean": {"clean_loss": 0.001}}
    assert evaluate.below_floors(loss, {"clean": {"clean_loss": 0.001}}) == []
    assert evaluate.below_floors(loss, {"clean": {"clean_loss": 0.002}}) == [
        "clean clean_loss is 0.00200, at most 0.001 wanted"
    ]


def test_every_floor_names_a_figure_of_a_set() -> None:
    figures = evaluate.measure(Silent(), {"seeds": PAGES})["seeds"]
    floors = evaluate.read_floors()
    assert floors
    assert set(floors) <= set(evaluate.SETS)
    for figure in {figure for limits in floors.values() for figure in limits} | evaluate.LESS_IS_BETTER:
        evaluate.figure_of(figures, figure)


def test_nothing_to_measure_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv(measuring_data.VARIABLE, str(tmp_path / "absent"))
    assert evaluate.main(["--sets", "seeds,dev"]) == 2
    assert measuring_data.VARIABLE in capsys.readouterr().err
    assert evaluate.main(["--sets", "seed"]) == 2
    assert "no such set: seed" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(evaluate.read_floors()))
def test_the_shipped_bundle_passes_the_gate(name: str, request: pytest.FixtureRequest) -> None:
    if name != "gate":
        request.getfixturevalue("shared")
    results = evaluate.measure(Detector.load(), {name: measuring_data.labelled_set(name)})
    assert evaluate.below_floors(evaluate.read_floors(), results) == []
