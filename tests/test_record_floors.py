"""Figures and old floors come in; what scripts/record_floors.py lets stand, raises or refuses is judged here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import evaluate
import measuring_data
import pytest
import record_floors

from detector.datatypes import LabelledPage


def figures(f1: float, loss: float) -> dict[str, Any]:
    """Return the figures of a set of clean and dirty pages, as far as floors name them."""
    found: dict[str, Any] = {"removed": {"f1": f1}, "clean_loss": loss}
    for name in {name for names in record_floors.FIGURES.values() for name in names} - {"removed.f1", "clean_loss"}:
        place = found
        *parts, last = name.split(".")
        for part in parts:
            place = place.setdefault(part, {})
        place[last] = 0.5
    return found


def test_a_floor_is_what_was_measured_less_its_slack() -> None:
    floors = record_floors.floors_of({"dev": figures(0.75, 0.001)})["dev"]
    assert floors["removed.f1"] == 0.73
    assert floors["clean_loss"] == 0.0011
    assert floors["good_pages_condemned"] == 0.5  # a count has no slack
    assert set(floors) == set(record_floors.FIGURES["dev"])


@pytest.mark.parametrize(
    ("old", "new", "sunk"),
    [
        ({"removed.f1": 0.73}, {"removed.f1": 0.72}, 0),  # within the slack
        ({"removed.f1": 0.73}, {"removed.f1": 0.70}, 1),
        ({"removed.f1": 0.73}, {"removed.f1": 0.90}, 0),
        ({"clean_loss": 0.001}, {"clean_loss": 0.00105}, 0),
        ({"clean_loss": 0.001}, {"clean_loss": 0.002}, 1),
        ({"clean_loss": 0.001}, {"clean_loss": 0.0}, 0),
        ({"good_pages_condemned": 0}, {"good_pages_condemned": 1}, 1),
        ({"page_f1": 0.1}, {}, 1),  # no longer measured
    ],
)
def test_floors_that_sink_are_named(old: dict[str, float], new: dict[str, float], sunk: int) -> None:
    assert len(record_floors.lowered({"dev": old}, {"dev": new})) == sunk


def test_the_stricter_floor_stays() -> None:
    old = {"dev": {"removed.f1": 0.7, "clean_loss": 0.001}}
    new = {"dev": {"removed.f1": 0.69, "clean_loss": 0.0005, "page_f1": 0.4}}
    assert record_floors.raised(old, new) == {"dev": {"removed.f1": 0.7, "clean_loss": 0.0005, "page_f1": 0.4}}


def test_the_reason_goes_under_the_first_model_heading() -> None:
    changelog = "# Changelog\n\n### Code\n\n- x\n\n### Model\n\n- first\n\n### Model\n\n- older\n"
    found = record_floors.with_reason(changelog, ["dev removed.f1 from 0.7 to 0.6"], "cleaner material")
    line = "- Floors of the gate lowered (dev removed.f1 from 0.7 to 0.6): cleaner material\n"
    assert found == changelog.replace("### Model\n\n- first", f"### Model\n\n{line}- first")


def test_nothing_is_written_where_a_floor_would_go_down(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    floors, changelog = tmp_path / "floors.json", tmp_path / "CHANGELOG.md"
    record = {"bundle": "b", "data": {}, "floors": {"dev": {"removed.f1": 0.9}}}
    floors.write_text(json.dumps(record), encoding="utf-8")
    changelog.write_text("### Model\n\n", encoding="utf-8")
    monkeypatch.setattr(record_floors, "FLOORS", floors)
    monkeypatch.setattr(record_floors, "CHANGELOG", changelog)
    monkeypatch.setattr(record_floors, "PROJECT", tmp_path)
    monkeypatch.setattr(record_floors, "read_record", lambda: evaluate.read_record(floors))
    monkeypatch.setattr(record_floors, "shared_folder", lambda: tmp_path)
    monkeypatch.setattr(record_floors, "labelled_set", lambda name: [])
    monkeypatch.setattr(record_floors, "data_digest", lambda name: "d")
    monkeypatch.setattr(record_floors, "measure", lambda detector, sets: {name: figures(0.5, 0.0) for name in sets})
    assert record_floors.main([]) == 1
    assert "dev removed.f1 from 0.9 to 0.48" in capsys.readouterr().err
    assert json.loads(floors.read_text(encoding="utf-8")) == record
    assert record_floors.main(["--lower", "because"]) == 0
    assert json.loads(floors.read_text(encoding="utf-8"))["floors"]["dev"]["removed.f1"] == 0.48
    assert "because" in changelog.read_text(encoding="utf-8")


def test_other_pages_have_another_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = [LabelledPage("a", "text", ())]
    monkeypatch.setattr(measuring_data, "labelled_set", lambda name: pages)
    before = measuring_data.data_digest("dev")
    assert before == measuring_data.data_digest("dev")
    pages.append(LabelledPage("b", "\ud800", ()))  # a lone surrogate is a character too
    assert measuring_data.data_digest("dev") != before


def test_the_gate_says_when_its_floors_are_not_those_of_the_bundle_or_the_data() -> None:
    record = evaluate.read_record()
    assert evaluate.stale_parts({**record, "data": {"gate": measuring_data.data_digest("gate")}}, ["gate"]) == []
    stale = evaluate.stale_parts({"bundle": "other@0", "data": {"gate": "0"}, "floors": {}}, ["gate"])
    assert len(stale) == 2
    assert "other@0" in stale[0]
    assert "gate" in stale[1]
