"""A number of rounds comes in; random and mutated sources are scanned, and what raised or broke a promise goes out.

usage: make fuzz [COUNT=1000000], or python scripts/fuzz_html.py [--count N] [--seed 1]

The sources are pages of the tests and, where it is there, of the measuring data, mutated, and noise of markup alone.
Each is parsed and extracted, and read tag by tag too; a claim on a random part of its text is cut; one in a hundred is
scanned in a batch. What fails is printed as a Python literal.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path

from html_injections import KINDS, Spam
from html_mutations import mutated, noise
from measuring_data import PROJECT, shared_folder

from detector.datatypes import Page
from detector.html_text import Claim, cut_source, decode_page, extract
from detector.html_text.lexing import texts_of
from detector.pipeline import Detector

_CHARS = 500
_BATCH = 200
_ONE_SCANNED_IN = 100


def seeds_of(folder: Path | None) -> list[str]:
    """Return the sources that mutations start from."""
    cases = tomllib.loads((PROJECT / "tests" / "html_hidden_cases.toml").read_text(encoding="utf-8"))["case"]
    found = [case["html"] for case in cases]
    found += [kind.write(Spam(random.Random(kind.name))) for kind in KINDS]
    if folder is not None and (folder / "html").is_dir():
        pages = [decode_page(path.read_bytes()).text for path in sorted((folder / "html").glob("*.html"))]
        found += [page[at : at + _CHARS] for page in pages for at in range(0, len(page), 20 * _CHARS)]
    return found


def sources_of(draw: random.Random, seeds: Sequence[str]) -> str:
    kind = draw.random()
    if kind < 0.6:
        return mutated(draw, draw.choice(seeds), most=6)
    if kind < 0.9:
        return noise(draw)
    return "".join(
        chr(draw.choice((draw.randrange(0x80), draw.randrange(0x3000), 60, 62, 38))) for _ in range(draw.randrange(60))
    )


def check(draw: random.Random, source: str) -> None:
    """Raise AssertionError, or whatever else is raised, where a source is not read as promised."""
    page = extract(source)
    if "svg" not in source and "math" not in source:
        tokens = page.document.tokens
        pieces = [piece for piece in range(len(tokens.piece_starts)) if piece not in tokens.valued]
        found = [(tokens.piece_starts[piece], tokens.piece_ends[piece]) for piece in pieces]
        wanted = [(at, at + len(text)) for at, text, _ in texts_of(source)]
        assert found == wanted, "tag by tag other texts are found"
    start = draw.randrange(len(page.text) + 1)
    cuts = cut_source(page, [Claim(start, min(len(page.text), start + draw.randint(1, 60)))])
    edges = [edge for left, right, _ in cuts for edge in (left, right)]
    assert edges == sorted(edges), "cuts overlap"
    assert not edges or 0 <= edges[0] < edges[-1] <= len(source), "a cut lies outside of the source"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds, print what failed and return the exit code."""
    parser = argparse.ArgumentParser(description="Read random and broken HTML, and count what raises.")
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    draw, seeds, detector = random.Random(options.seed), seeds_of(shared_folder()), Detector.load()
    started, failed, waiting = time.perf_counter(), 0, list[str]()
    for number in range(1, options.count + 1):
        source = sources_of(draw, seeds)
        try:
            check(draw, source)
        except Exception as error:
            failed += 1
            print(f"{type(error).__name__}: {error}\n  {source!r}", flush=True)
        if number % _ONE_SCANNED_IN == 0:
            waiting.append(source)
        if len(waiting) == _BATCH:
            for each in detector.scan_many(Page(source, html=True) for source in waiting):
                assert all(0 <= span.start < span.end <= each.chars for span in each.spans), each.text
            waiting = []
        if number % 100_000 == 0:
            print(f"{number} read, {failed} failed, {time.perf_counter() - started:.0f} s", flush=True)
    print(f"{options.count} sources read, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
