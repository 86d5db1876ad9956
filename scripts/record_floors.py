"""The shipped bundle and the labelled sets come in; tests/gate_floors.json, the floors of the gate, goes out.

usage: record_floors.py [--lower REASON]

A floor is what was measured less a little slack, so that the gate sees a loss and not the last digit. A floor that
stands higher stays. Where a figure got worse by more than its slack nothing is written, unless ``--lower`` says why:
then the floors go down and the reason goes into the changelog, under *Model*.

Exit codes: 0 written; 1 a floor would go down; 2 nothing to measure.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from evaluate import FLOORS, LESS_IS_BETTER, SETS, Floors, figure_of, measure, read_record
from measuring_data import ABSENT, PROJECT, data_digest, labelled_set, shared_folder

from detector.datatypes import DetectorError
from detector.pipeline import Detector

CHANGELOG = PROJECT / "CHANGELOG.md"
MODEL_HEADING = "### Model\n\n"
#: What a figure may lose before the gate shuts.
SLACK = {"clean_loss": 0.0001, "false_alarm_share": 0.002, "good_pages_condemned": 0.0, "calibration.error": 0.01}
USUAL_SLACK = 0.02
_OF_DIRTY_PAGES = (
    "removed.f1",
    "page_f1",
    "short_span_recall",
    "fully_cleaned_share",
    "clean_loss",
    "good_pages_condemned",
)
FIGURES: Mapping[str, Sequence[str]] = {
    "seeds": (*_OF_DIRTY_PAGES, "labels.pinyin_noise.f1", "bad_pages_share"),
    "dev": (*_OF_DIRTY_PAGES, "labels.gambling.recall", "bad_pages_share"),
    "other": _OF_DIRTY_PAGES,
    "clean": ("clean_loss", "false_alarm_share", "good_pages_condemned"),
    "gate": (*_OF_DIRTY_PAGES, "false_alarm_share", "boundary_error.median", "calibration.error"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, compare with the floors that stand, write and return the exit code."""
    parser = argparse.ArgumentParser(description="Record the figures of the shipped bundle as floors of the gate.")
    parser.add_argument("--lower", metavar="REASON", default="", help="let floors go down; goes into the changelog")
    options = parser.parse_args(arguments)
    if shared_folder() is None:
        print(f"record_floors: {ABSENT}", file=sys.stderr)
        return 2
    try:
        detector = Detector.load()
        results = measure(detector, {name: labelled_set(name) for name in SETS})
    except DetectorError as error:
        print(f"record_floors: {error}", file=sys.stderr)
        return 2
    old = read_record()["floors"]
    measured = floors_of(results)
    sunk = lowered(old, measured)
    if sunk and not options.lower:
        print("record_floors: nothing written, for these floors would go down:", *sunk, sep="\n  ", file=sys.stderr)
        print('if that must be, say why: --lower "..."', file=sys.stderr)
        return 1
    floors = measured if sunk else raised(old, measured)
    data = {name: data_digest(name) for name in SETS}
    record = {"bundle": detector.bundle_name, "data": data, "floors": floors}
    if sunk:
        CHANGELOG.write_text(with_reason(CHANGELOG.read_text(encoding="utf-8"), sunk, options.lower), encoding="utf-8")
    FLOORS.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(f"{FLOORS.relative_to(PROJECT)}: the floors of {detector.bundle_name}")
    return 0


def floors_of(results: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Return the floor of every figure of FIGURES: what was measured, less its slack."""
    floors: dict[str, dict[str, float]] = {}
    for name, figures in results.items():
        floors[name] = {}
        for figure in FIGURES[name]:
            value, slack = figure_of(figures, figure), SLACK.get(figure, USUAL_SLACK)
            least = value + slack if figure in LESS_IS_BETTER else max(value - slack, 0.0)
            floors[name][figure] = round(least, 5)
    return floors


def lowered(old: Floors, new: Floors) -> list[str]:
    """Return a line for each floor of `old` that is laxer in `new`, by more than its slack, or not in it."""
    lines = []
    for name, floors in old.items():
        for figure, floor in floors.items():
            found = new.get(name, {}).get(figure)
            if found is None or _sinks(figure, floor, found):
                lines.append(f"{name} {figure} from {floor} to {found}")
    return lines


def _sinks(figure: str, old: float, new: float) -> bool:
    slack = SLACK.get(figure, USUAL_SLACK)
    return new - slack > old if figure in LESS_IS_BETTER else new + slack < old


def raised(old: Floors, new: Floors) -> dict[str, dict[str, float]]:
    """Return the stricter of both floors for every figure of `new`."""
    return {
        name: {
            figure: (min if figure in LESS_IS_BETTER else max)(floor, old.get(name, {}).get(figure, floor))
            for figure, floor in floors.items()
        }
        for name, floors in new.items()
    }


def with_reason(changelog: str, sunk: Sequence[str], reason: str) -> str:
    """Return the changelog with the floors that went down, and why, first under its first *Model* heading."""
    before, heading, after = changelog.partition(MODEL_HEADING)
    return f"{before}{heading}- Floors of the gate lowered ({'; '.join(sunk)}): {reason}\n{after}"


if __name__ == "__main__":
    sys.exit(main())
