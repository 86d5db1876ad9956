"""Real pages and blocks written for this project come in; what is cut of the blocks, and of the rest, goes out.

usage: python scripts/measure_html.py [--places 20] [--seed 1] [--shown 0]

Every page is scanned as it is (false alarms, and that clean ones come out byte for byte), then every kind of block of
`html_injections` is put at seeded places into the pages of the measuring data, one block a page.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from html_injections import KINDS, Kind, Spam, Where
from measuring_data import ABSENT, shared_folder

from detector.datatypes import Page, ScanResult
from detector.html_text import decode_page
from detector.html_text.documents import ROOT
from detector.html_text.parsing import parse
from detector.pipeline import Detector

#: Blocks are put behind these, where these hold them.
_BEHIND = frozenset(["p", "div", "ul", "ol", "table", "h1", "h2", "h3", "h4", "dl", "blockquote", "section", "article"])
_INTO = frozenset(["body", "div", "section", "article", "main", "td", "center", "html"])


@dataclass(frozen=True, slots=True)
class Injected:
    """A page with a block from ``start`` to ``end`` of its source."""

    kind: Kind
    page: str
    source: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Loss:
    """What was cut of the injected characters and of all others."""

    injected: int
    injected_cut: int
    others: int
    others_cut: int

    def __add__(self, other: Loss) -> Loss:
        return Loss(
            self.injected + other.injected,
            self.injected_cut + other.injected_cut,
            self.others + other.others,
            self.others_cut + other.others_cut,
        )

    @property
    def recall(self) -> float:
        return self.injected_cut / self.injected if self.injected else 1.0

    @property
    def loss(self) -> float:
        return self.others_cut / self.others if self.others else 0.0


def html_pages(folder: Path) -> list[tuple[str, bytes]]:
    """Return name and bytes of the pages of the measuring data, sorted by name."""
    return [(path.name, path.read_bytes()) for path in sorted((folder / "html").glob("*.html"))]


def places_of(source: str) -> dict[Where, list[int]]:
    """Return where each kind of block may stand in a page, so that the page stays as legal as it was."""
    document = parse(source)
    places: dict[Where, list[int]] = {where: [] for where in Where}
    for element in document.elements():
        if element.number in document.tree.torn or (element.end == element.close and element.name != "img"):
            continue
        if element.name == "title" and element.inner < element.close:
            places[Where.TITLE].append(element.close)
            places[Where.META].append(element.end)
        if element.name == "img" and document.tag(element.number).get("alt") is None:
            places[Where.IMAGE].append(element.start + len("<img"))
        parent = document.opened[element.parent][3] if element.parent > ROOT else "body"
        if element.name in _BEHIND and parent in _INTO:
            places[Where.FLOW].append(element.end)
    return {where: found[:1] if where in (Where.TITLE, Where.META) else found for where, found in places.items()}


def injections(pages: Sequence[tuple[str, str]], *, places: int, seed: int) -> Iterator[Injected]:
    """Yield `places` pages for each kind of block, the same for the same seed."""
    where = [places_of(source) for _, source in pages]
    for kind in KINDS:
        draw = random.Random(f"{seed} {kind.name}")
        usable = [number for number in range(len(pages)) if where[number][kind.where]]
        for number in draw.sample(usable, places) if places <= len(usable) else draw.choices(usable, k=places):
            name, source = pages[number]
            at = draw.choice(where[number][kind.where])
            block = kind.write(Spam(draw))
            yield Injected(kind, name, source[:at] + block + source[at:], at, at + len(block))


def loss_of(injected: Injected, result: ScanResult) -> Loss:
    """Return what the scan cuts inside and outside of the block."""
    inside = outside = 0
    for span in result.cut_spans:
        within = max(0, min(span.end, injected.end) - max(span.start, injected.start))
        inside += within
        outside += span.end - span.start - within
    chars = injected.end - injected.start
    return Loss(chars, inside, len(injected.source) - chars, outside)


def measure(
    detector: Detector, pages: Sequence[tuple[str, str]], *, places: int, seed: int, shown: int
) -> dict[str, Loss]:
    """Return what is cut for each kind of block; print so many of the worst."""
    cases = list(injections(pages, places=places, seed=seed))
    found = detector.scan_many(Page(case.source, html=True) for case in cases)
    by_kind: dict[str, Loss] = {}
    worst = []
    for case, result in zip(cases, found, strict=True):
        loss = loss_of(case, result)
        by_kind[case.kind.name] = by_kind.get(case.kind.name, Loss(0, 0, 0, 0)) + loss
        if loss.recall < 1 or loss.others_cut:
            worst.append((loss.recall, -loss.others_cut, case, result))
    for recall, others, case, result in sorted(worst, key=lambda each: each[:2])[:shown]:
        block = case.source[case.start : case.end][:400]
        print(f"\n{case.kind.name} in {case.page}: {recall:.0%}, {-others} others\n  {block}")
        for span in result.cut_spans:
            said = result.text[span.start : span.end][:120]
            print(f"  cut [{span.start - case.start}, {span.end - case.start}) {span.label}: {said!r}")
    return by_kind


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and return the exit code: 1 where a figure is worse than the project promises."""
    parser = argparse.ArgumentParser(description="Measure scanning of HTML on real pages, clean and with spam put in.")
    parser.add_argument("--places", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shown", type=int, default=0, help="print so many of the worst cases")
    parser.add_argument("--model", help="the bundle to measure")
    options = parser.parse_args(arguments)
    folder = shared_folder()
    if folder is None or not (folder / "html").is_dir():
        print(f"measure_html: {ABSENT}", file=sys.stderr)
        return 2
    detector = Detector.load(options.model)
    raw = html_pages(folder)
    pages = [(name, decode_page(data).text) for name, data in raw]
    alarms = 0
    for (name, data), (_, source) in zip(raw, pages, strict=True):
        decoded = decode_page(data)
        result = detector.scan_html(source)
        cut = decoded.cut((span.start, span.end) for span in result.cut_spans)
        if result.cut_spans:
            alarms += 1
            print(f"cut in {name}: {[source[span.start : span.end][:60] for span in result.cut_spans][:4]}")
        elif cut != data:
            print(f"changed although clean: {name}")
            alarms += 1
    print(f"clean pages: {alarms} of {len(pages)} with something cut or changed ({alarms / len(pages):.1%})")
    by_kind = measure(detector, pages, places=options.places, seed=options.seed, shown=options.shown)
    print(f"\n{'kind':40s} {'cut':>8s} {'others':>9s}")
    for name, loss in by_kind.items():
        print(f"{name:40s} {loss.recall:8.2%} {loss.loss:9.4%}")
    total = Loss(0, 0, 0, 0)
    for loss in by_kind.values():
        total += loss
    print(f"{f'all {len(by_kind)} kinds, {options.places} places each':40s} {total.recall:8.2%} {total.loss:9.4%}")
    return 0 if alarms <= 0.02 * len(pages) and total.recall >= 0.98 and total.loss <= 0.0001 else 1


if __name__ == "__main__":
    sys.exit(main())
