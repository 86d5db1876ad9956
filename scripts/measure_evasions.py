"""Labelled pages and a bundle come in; what each evasion costs in recall, and in false alarms, goes out.

usage: measure_evasions.py [--pages FOLDER] [--model NAME_OR_PATH] [--json]

One evasion at a time is applied to the spam of every hand-written test page (spans of porn, gambling and other_spam),
and recall is taken again; then to lines of the clean documents (of corpora/eval where it is there), where each page
that loses text which it did not lose before is a new false alarm.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from measuring_data import PROJECT, labelled_set

from detector.datatypes import DetectorError, Label, LabelledPage, Span
from detector.evaluation import evaluate_pages
from detector.pipeline import Detector
from detector.synthesis import read_handwritten
from detector.synthesis.evasion import EVASIONS
from detector.training.recipe import is_test_page

Evasion = Callable[[str, random.Random], str]
SPAM = frozenset({Label.PORN, Label.GAMBLING, Label.OTHER_SPAM})
#: Share of the lines of a clean page that are disguised: a page disguised all over is no page that anybody writes.
DISGUISED_LINES = 0.3


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every evasion, print a table and return the exit code."""
    parser = argparse.ArgumentParser(description="Measure what each evasion costs.")
    parser.add_argument("--pages", type=Path, default=PROJECT / "training_data" / "pages", help="hand-written pages")
    parser.add_argument("--model", help="a bundle's name or path (default: the shipped bundle)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    options = parser.parse_args(arguments)
    try:
        pages = [page for page in read_handwritten(options.pages) if is_test_page(page.id)]
        clean = labelled_set("clean") or [page for page in pages if page.kind == "clean"]
        figures = measure(Detector.load(options.model), pages, clean)
    except DetectorError as error:
        print(f"measure_evasions: {error}", file=sys.stderr)
        return 2
    print(json.dumps(figures) if options.json else table_of(figures))
    return 0


def measure(detector: Detector, pages: Sequence[LabelledPage], clean: Sequence[LabelledPage]) -> dict[str, Any]:
    """Return for "none" and every evasion the recall on `pages` and the alarms on `clean` that are new."""
    dirty = [page for page in pages if any(span.label in SPAM for span in page.spans)]
    alarmed = alarms(detector, clean)
    figures: dict[str, Any] = {"none": {"recall": recall(detector, dirty), "alarms": len(alarmed), "new_alarms": 0}}
    for name, evasion in EVASIONS.items():
        disguised = [disguise_spam(page, evasion) for page in dirty]
        now = alarms(detector, [disguise_lines(page, evasion) for page in clean])
        figures[name] = {
            "recall": recall(detector, disguised),
            "alarms": len(now),
            "new_alarms": len(now - alarmed),
        }
    return figures


def recall(detector: Detector, pages: Sequence[LabelledPage]) -> float:
    """Return the share of the characters to remove that are removed."""
    return float(evaluate_pages(detector, pages)["removed"]["recall"])


def alarms(detector: Detector, pages: Sequence[LabelledPage]) -> set[str]:
    """Return the ids of the pages that lose text."""
    results = zip(pages, detector.scan_many(page.text for page in pages), strict=True)
    return {page.id for page, result in results if result.clean_text != page.text}


def disguise_spam(page: LabelledPage, evasion: Evasion) -> LabelledPage:
    """Return the page with its spam disguised and its spans where they then stand; the draw depends on its id alone."""
    draw = random.Random(page.id)
    text, at, spans = "", 0, []
    for span in sorted(page.spans, key=lambda span: span.start):
        text += page.text[at : span.start]
        inside = page.text[span.start : span.end]
        put = evasion(inside, draw) if span.label in SPAM else inside
        spans.append(replace(span, start=len(text), end=len(text) + len(put)))
        text += put
        at = span.end
    return replace(page, text=text + page.text[at:], spans=tuple[Span, ...](spans))


def disguise_lines(page: LabelledPage, evasion: Evasion) -> LabelledPage:
    """Return a clean page with some of its lines disguised."""
    draw = random.Random(page.id)
    lines = [evasion(line, draw) if draw.random() < DISGUISED_LINES else line for line in page.text.split("\n")]
    return replace(page, text="\n".join(lines), spans=())


def table_of(figures: dict[str, Any]) -> str:
    """Return the figures as a table for people."""
    rows = [f"{'evasion':18s} {'recall':>7s} {'lost':>7s} {'alarms':>7s} {'new':>5s}"]
    first = figures["none"]["recall"]
    for name, row in figures.items():
        lost = 100 * (first - row["recall"])
        rows.append(f"{name:18s} {row['recall']:7.3f} {lost:7.1f} {row['alarms']:7d} {row['new_alarms']:5d}")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
