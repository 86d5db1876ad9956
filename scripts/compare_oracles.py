"""Real pages and mutations of them come in; how far our texts and links are those of two other parsers goes out.

usage: make html-oracles, or python scripts/compare_oracles.py [--mutations 10000] [--seed 1] [--shown 0]

Compared are, element by element, the text that stands right in it (blanks left out) and the addresses of links, as
multisets: the order differs where a parser moves text in front of a table. Both oracles build the tree of the WHATWG
standard, with scripting off.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from html_mutations import mutations
from measuring_data import ABSENT, shared_folder

from detector.html_text import decode_page, parse
from detector.html_text.documents import ROOT
from detector.html_text.references import decode

#: Their content is no text of the page, or is another document.
NO_TEXT = frozenset(["script", "style", "template", "iframe", "noembed", "noframes"])
LEAST_ON_PAGES, LEAST_ON_MUTATIONS = 0.999, 0.99

Parts = tuple[Counter[str], Counter[str]]


def ours(source: str) -> Parts:
    """Return the texts and the links that we find."""
    document = parse(source)
    texts: dict[int, list[str]] = {}
    inside: dict[int, bool] = {ROOT: False}
    for number in range(1, len(document.opened)):
        _, _, parent, name, _ = document.opened[number]
        inside[number] = inside[parent] or name == "template"
    tokens = document.tokens
    for piece, element in enumerate(document.tree.pieces):
        if piece not in tokens.valued and not inside[element]:
            text = source[tokens.piece_starts[piece] : tokens.piece_ends[piece]]
            said = text if piece in tokens.verbatim else decode(text)
            texts.setdefault(element, []).append(said)
    links = [link.href for link in document.links if not inside[link.element]]
    return tidy("".join(parts) for parts in texts.values()), tidy(links)


def tidy(texts: Iterable[str]) -> Counter[str]:
    """Return texts without blanks and NULs, which parsers treat in different ways, and without empty ones."""
    return Counter(said for text in texts if (said := "".join(text.replace("\0", "").replace("\ufffd", "").split())))


def with_justhtml(source: str) -> Parts:
    """Return what justhtml finds."""
    from justhtml import JustHTML

    texts, links = [], []
    waiting: list[Any] = [JustHTML(source, sanitize=False, scripting_enabled=False).root]
    while waiting:
        node = waiting.pop()
        if node.name in NO_TEXT:
            continue
        children = node.children or []
        texts.append("".join(child.data or "" for child in children if child.name == "#text"))
        if node.name in ("a", "area") and "href" in (node.attrs or {}):
            links.append((node.attrs["href"] or "").strip())
        waiting += [child for child in children if child.name[:1] not in "#!"]
    return tidy(texts), tidy(links)


def with_selectolax(source: str) -> Parts:
    """Return what selectolax (Lexbor) finds."""
    from selectolax.lexbor import LexborHTMLParser

    texts, links = [], []
    root = LexborHTMLParser(source).root
    waiting: list[Any] = [root] if root is not None else []
    while waiting:
        node = waiting.pop()
        if node.tag in NO_TEXT:
            continue
        own = []
        child = node.child
        while child is not None:
            if child.tag == "-text":
                own.append(child.text_content or "")
            elif child.tag is not None and child.tag[:1] not in "-!":
                waiting.append(child)
            child = child.next
        texts.append("".join(own))
        if node.tag in ("a", "area") and "href" in node.attributes:
            links.append((node.attributes["href"] or "").strip())
    return tidy(texts), tidy(links)


ORACLES: dict[str, Callable[[str], Parts]] = {"justhtml": with_justhtml, "selectolax": with_selectolax}


@dataclass
class Agreement:
    """How many texts and links are the same, of how many; and of the sources that differ, what is in them."""

    same: int = 0
    all: int = 0
    kinds: Counter[str] = field(default_factory=Counter)

    def add(self, found: Parts, wanted: Parts, source: str) -> bool:
        same = sum((mine & theirs).total() for mine, theirs in zip(found, wanted, strict=True))
        most = sum(max(mine.total(), theirs.total()) for mine, theirs in zip(found, wanted, strict=True))
        self.same += same
        self.all += most
        if same < most:
            self.kinds[kind_of(source)] += most - same
        return same == most

    @property
    def share(self) -> float:
        return self.same / self.all if self.all else 1.0


def kind_of(source: str) -> str:
    """Return what in a source is the likely reason for a difference: the first of these that it holds."""
    lowered = source.lower()
    for kind in (
        "<template",
        "<svg",
        "<math",
        "<frameset",
        "<select",
        "<plaintext",
        "<table",
        "<tr",
        "<td",
        "<form",
        "<button",
    ):
        if kind in lowered:
            return kind
    return "formatting" if any(f"<{name}" in lowered for name in ("a ", "b>", "i>", "font", "strong")) else "other"


def compare(sources: Iterable[str], *, shown: int = 0) -> dict[str, Agreement]:
    """Return the agreement with each oracle; print so many of the sources that differ."""
    found = {name: Agreement() for name in ORACLES}
    for source in sources:
        mine = ours(source)
        for name, oracle in ORACLES.items():
            theirs = oracle(source)
            if not found[name].add(mine, theirs, source) and shown > 0:
                shown -= 1
                for kind, left, right in zip(("text", "link"), mine, theirs, strict=True):
                    if left != right:
                        more, less = [list((a - b).items())[:4] for a, b in ((left, right), (right, left))]
                        print(
                            f"{name} {kind_of(source)} {kind}: only ours {more}, only theirs {less}\n  {source[:700]!r}"
                        )
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, print and return the exit code: 1 where the agreement is lower than the project promises."""
    parser = argparse.ArgumentParser(description="Compare our reading of HTML with justhtml and selectolax.")
    parser.add_argument("--mutations", type=int, default=10_000)
    parser.add_argument("--chars", type=int, default=2_000, help="length of what is mutated")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shown", type=int, default=0, help="print so many differences")
    options = parser.parse_args(arguments)
    folder = shared_folder()
    if folder is None or not (folder / "html").is_dir():
        print(f"compare_oracles: {ABSENT}", file=sys.stderr)
        return 2
    pages = [decode_page(path.read_bytes()).text for path in sorted((folder / "html").glob("*.html"))]
    worse = False
    broken = mutations(pages, count=options.mutations, chars=options.chars, seed=options.seed)
    for what, sources, least in (("pages", iter(pages), LEAST_ON_PAGES), ("mutations", broken, LEAST_ON_MUTATIONS)):
        for name, agreement in compare(sources, shown=options.shown).items():
            print(f"{what}, {name}: {agreement.share:.4%} of {agreement.all} texts and links the same")
            print(f"  differences where there is: {dict(agreement.kinds.most_common(8))}", flush=True)
            worse |= agreement.share < least
    return int(worse)


if __name__ == "__main__":
    sys.exit(main())
