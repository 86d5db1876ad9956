"""The HTML pages of the measuring data come in; megabytes a second of our scan, of jusText and of trafilatura go out.

usage: make bench-html, or PYTHONPATH=scripts python benchmarks/html_speed.py [--rounds 5] [--least 2.5]

All run on one thread of one process and take turns, page by page for the others and in one batch for us, as they are
made to be used. Counted is processor time, so that other processes do not count; megabytes are of the decoded pages in
UTF-8, and decoding is not counted.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import justext
import trafilatura
from measuring_data import ABSENT, shared_folder

from detector.datatypes import Page
from detector.html_text import decode_page, extract, parse
from detector.pipeline import Detector


def chinese_and_all(folder: Path) -> dict[str, list[str]]:
    """Return the sources of the Chinese pages and of all pages."""
    rows = [
        line.split("\t") for line in (folder / "html" / "MANIFEST.tsv").read_text(encoding="utf-8").splitlines()[1:]
    ]
    languages = {row[0]: row[2] for row in rows}
    pages = {path.name: decode_page(path.read_bytes()).text for path in sorted((folder / "html").glob("*.html"))}
    return {
        "Chinese": [page for name, page in pages.items() if languages.get(name, "").startswith("zh")],
        "all": list(pages.values()),
    }


def contenders(pages: Sequence[str]) -> dict[str, Callable[[], object]]:
    """Return what is measured, each as a call that goes over all pages."""
    detector, words = Detector.load(), justext.get_stoplist("English")

    def with_justext() -> None:
        for page in pages:
            try:
                justext.justext(page, words)
            except (ValueError, TypeError, IndexError):  # it refuses some pages
                continue

    return {
        "detector": lambda: sum(1 for _ in detector.scan_many(Page(page, html=True) for page in pages)),
        "of it, text": lambda: [extract(page) for page in pages],
        "of it, parsing": lambda: [parse(page) for page in pages],
        "jusText": with_justext,
        "trafilatura": lambda: [trafilatura.extract(page) for page in pages],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds, print a table and return the exit code: 1 where we are not `--least` times as fast as both."""
    parser = argparse.ArgumentParser(description="Measure our scan of HTML against jusText and trafilatura.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--least", type=float, help="exit with 1 where we are not so many times as fast as both")
    options = parser.parse_args(arguments)
    folder = shared_folder()
    if folder is None or not (folder / "html").is_dir():
        print(f"html_speed: {ABSENT}", file=sys.stderr)
        return 2
    logging.disable(logging.CRITICAL)
    worst = float("inf")
    for group, pages in chinese_and_all(folder).items():
        size = sum(len(page.encode("utf-8", "replace")) for page in pages) / 1e6
        speeds: dict[str, list[float]] = {}
        for _ in range(options.rounds):
            for name, run in contenders(pages).items():
                start = time.process_time()
                run()
                speeds.setdefault(name, []).append(size / (time.process_time() - start))
        print(f"\n{group}: {len(pages)} pages, {size:.1f} MB, one thread, {options.rounds} rounds")
        for name, each in speeds.items():
            ratio = statistics.median(ours / theirs for ours, theirs in zip(speeds["detector"], each, strict=True))
            print(f"{name:16s} {statistics.median(each):7.2f} MB/s   the scan is {ratio:6.2f} times as fast")
            if name in ("jusText", "trafilatura"):
                worst = min(worst, ratio)
    return int(options.least is not None and worst < options.least)


if __name__ == "__main__":
    sys.exit(main())
