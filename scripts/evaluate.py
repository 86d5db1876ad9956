"""Labelled sets and a bundle come in; the figures of each set go out on stdout, or the floors that they miss.

usage: evaluate.py [--sets seeds,dev] [--model NAME_OR_PATH] [--gate] [--json] [--brief]

Exit codes: 0 done; 1 only with --gate and a figure past its limit; 2 wrong usage or nothing to measure.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measuring_data import ABSENT, GATE_PAGES, LABELLED_SETS, data_digest, labelled_set

from detector.datatypes import DetectorError, LabelledPage, Page, ScanResult
from detector.evaluation import Scanner, evaluate_pages, format_figures
from detector.pipeline import Detector

SETS = (*LABELLED_SETS, "clean", "gate")
FLOORS = Path(__file__).resolve().parent.parent / "tests" / "gate_floors.json"
# Of these less is better: their "floor" is the most that the gate lets through.
LESS_IS_BETTER = frozenset(
    {
        "clean_loss",
        "false_alarm_share",
        "good_pages_condemned",
        "missing",
        "boundary_error.mean",
        "boundary_error.median",
        "calibration.error",
    }
)

Floors = Mapping[str, Mapping[str, float]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the sets that `arguments` name, print what was asked for and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        sets = _sets_to_measure(options.sets)
        results = measure(Detector.load(options.model) if options.model else Detector.load(), sets)
    except DetectorError as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(results))
    else:
        print_tables(results, brief=options.brief or options.gate)
    if not options.gate:
        return 0
    failures = [*stale_parts(read_record(), sets), *below_floors(read_floors(), results)]
    for failure in failures:
        print(f"below the floor: {failure}", file=sys.stderr)
    return 1 if failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Print the quality figures of a bundle over every labelled set found.")
    parser.add_argument("--sets", default=",".join(SETS), help="comma-separated, of " + ", ".join(SETS))
    parser.add_argument("--model", help="a bundle's name or path (default: the shipped bundle)")
    parser.add_argument("--gate", action="store_true", help="exit with 1 where a figure is below its floor")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    parser.add_argument("--brief", action="store_true", help="print one line a set and no tables")
    return parser


def _sets_to_measure(names: str) -> dict[str, list[LabelledPage]]:
    """Return the pages of each set named, the absent ones left out; raise DetectorError where none is left."""
    wanted = [name.strip() for name in names.split(",")]
    if unknown := [name for name in wanted if name not in SETS]:
        raise DetectorError(f"no such set: {', '.join(unknown)}; the sets are {', '.join(SETS)}")
    sets = {name: labelled_set(name) for name in wanted}
    if not any(sets.values()):
        raise DetectorError(f"nothing to measure: {ABSENT}; without it, {GATE_PAGES} is needed")
    return {name: pages for name, pages in sets.items() if pages}


@dataclass
class TimedScanner:
    """A detector that counts the seconds its scans take."""

    detector: Scanner
    seconds: float = 0.0

    def scan_many(self, texts_or_pages: Iterable[str | Page], /) -> Iterator[ScanResult]:
        """Return the detector's results, all made before the first is given out."""
        start = time.perf_counter()
        results = list(self.detector.scan_many(texts_or_pages))
        self.seconds += time.perf_counter() - start
        return iter(results)


def measure(detector: Scanner, sets: Mapping[str, Sequence[LabelledPage]]) -> dict[str, dict[str, Any]]:
    """Return the figures of each set of pages, with the shares that floors name and the megabytes scanned a second."""
    results = {}
    for name, pages in sets.items():
        timed = TimedScanner(detector)
        figures = evaluate_pages(timed, pages)
        size = sum(len(page.text.encode("utf-8", "surrogatepass")) for page in pages)
        results[name] = {
            **figures,
            "false_alarm_share": _share(figures["false_alarm_pages"], figures["clean_pages"], empty=0.0),
            "fully_cleaned_share": _share(figures["fully_cleaned_pages"], figures["dirty_pages"], empty=1.0),
            "bad_pages_share": _share(figures["bad_pages_found"], figures["bad_pages"], empty=1.0),
            "megabytes_per_second": size / 1e6 / max(timed.seconds, 1e-9),
        }
    return results


def _share(part: int, whole: int, *, empty: float) -> float:
    return part / whole if whole else empty


def print_tables(results: Mapping[str, Mapping[str, Any]], *, brief: bool) -> None:
    """Print one line a set, then, unless `brief`, each set's table with the figures by label, language and pattern."""
    for name, figures in results.items():
        print(set_line(name, figures))
    if not brief:
        for name, figures in results.items():
            print(f"\n== {name}\n{format_figures(figures)}")


def set_line(name: str, figures: Mapping[str, Any]) -> str:
    """Return the figures of one set in one line."""
    removed = figures["removed"]
    by_label = " ".join(f"{label} {row['recall']:.2f}" for label, row in figures["labels"].items() if row["gold"])
    return (
        f"{name}: {figures['pages']} pages | removed P {removed['precision']:.3f} R {removed['recall']:.3f} "
        f"F1 {removed['f1']:.3f} page F1 {figures['page_f1']:.3f} short spans {figures['short_span_recall']:.2f} "
        f"| clean loss {100 * figures['clean_loss']:.3f} % "
        f"| false-alarm pages {figures['false_alarm_pages']}/{figures['clean_pages']} "
        f"| fully cleaned {figures['fully_cleaned_pages']}/{figures['dirty_pages']} "
        f"| bad pages {figures['bad_pages_found']}/{figures['bad_pages']}, "
        f"condemned {figures['good_pages_condemned']}/{figures['good_pages']} "
        f"| recall: {by_label or '-'} | {figures['megabytes_per_second']:.1f} MB/s"
    )


def read_record(path: Path = FLOORS) -> dict[str, Any]:
    """Return the floors with the bundle and the digests of the data that they were measured with."""
    with open(path, encoding="utf-8") as file:
        record: dict[str, Any] = json.load(file)
    return record


def read_floors(path: Path = FLOORS) -> Floors:
    """Return the floors, {set: {figure: floor}}; a dotted figure such as "removed.f1" goes down the nested ones."""
    floors: Floors = read_record(path)["floors"]
    return floors


def stale_parts(record: Mapping[str, Any], sets: Iterable[str]) -> list[str]:
    """Return a line for each thing that the floors were not measured with: shipped bundle, pages of a set."""
    stale = []
    shipped = Detector.load().bundle_name
    if record["bundle"] != shipped:
        stale.append(f"the floors are those of {record['bundle']}, the shipped bundle is {shipped}: run `make floors`")
    for name in sets:
        if record["data"].get(name) != data_digest(name):
            stale.append(f"the pages of {name} are not those that its floors were measured on: run `make floors`")
    return stale


def below_floors(floors: Floors, results: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a line for each figure that misses its floor in `results`; sets that were not measured are left out."""
    failures = []
    for name, figures in results.items():
        for figure, floor in floors.get(name, {}).items():
            value = figure_of(figures, figure)
            is_ceiling = figure in LESS_IS_BETTER
            if value > floor if is_ceiling else value < floor:
                failures.append(
                    f"{name} {figure} is {value:.5f}, at {'most' if is_ceiling else 'least'} {floor} wanted"
                )
    return failures


def figure_of(figures: Mapping[str, Any], name: str) -> float:
    """Return the figure that a dotted name stands for; raise KeyError where there is none."""
    value: Any = figures
    for part in name.split("."):
        value = value[part]
    return float(value)


if __name__ == "__main__":
    sys.exit(main())
