"""Sources made to be slow to read come in, each in two sizes; the seconds that each takes, and their ratio, go out.

usage: python scripts/measure_hostile.py [--size 100000] [--only NAME]

The larger of the two is four times the smaller, so a linear way takes about four times as long, and a quadratic one
sixteen times. Whole scans are measured, with everything that a page can ask for: its tree, and what is hidden on it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

from detector.html_text import Claim, cut_source, extract
from detector.pipeline import Detector

#: A linear way is allowed so much more than four times as long: what does not fit in a cache is slower.
MOST: Final = 6.0
#: Less than this is said to be fast, whatever the ratio: it is the noise of the clock and of memory.
FAST_SECONDS: Final = 0.05

#: Sources by the number of times that what is in them stands there.
HOSTILE: Final[dict[str, Callable[[int], str]]] = {
    "open tags": lambda size: "<a" * size,
    "comments": lambda size: "<!--" * size,
    "open divs": lambda size: "<div>" * size,
    "open divs with text": lambda size: "<div>x" * size,
    "attributes": lambda size: "<p " + "a='b' " * size + ">",
    "other attributes": lambda size: "<p " + " ".join(f"a{n}" for n in range(size)) + ">",
    "unclosed quotes": lambda size: "<p a='" * size,
    "unclosed double quotes": lambda size: '<p a="' * size,
    "two kinds of quotes": lambda size: "<p a=\"'" * size,
    "brackets, then an end": lambda size: "<p " * size + ">",
    "CDATA": lambda size: "<svg>" + "<![CDATA[" * size,
    "CDATA, closed": lambda size: "<svg>" + "<![CDATA[x]]>" * size,
    "titles in svg": lambda size: "<svg><title>x</title></svg>" * (size // 4),
    "styles in svg": lambda size: "<svg><style><p></style>" * (size // 4),
    "NULs": lambda size: "\0<\0" * size,
    "end tags": lambda size: "<div>" * 600 + "</span>" * size,
    "formatting": lambda size: "<b><p>" * size,
    "formatting, closed": lambda size: "<b a><p></b>" * size,
    "links": lambda size: "<a href=//x.y/z>w" * size,
    "links in divs": lambda size: "<div><a href=//x.y/z>buy viagra" * (size // 10),
    "forms": lambda size: "<form a><div></form>" * size,
    "tables": lambda size: "<table><tr>x" * size,
    "list items": lambda size: "<li>x" * size,
    "scripts": lambda size: "<script><!--<script>" * size,
    "scripts, closed": lambda size: "<script>'<p>'</script>" * size,
    "titles": lambda size: "<title>" * size,
    "references": lambda size: "&" * size + "&#x" * size + "&am" * size,
    "rules": lambda size: (
        "<style>" + ".a .b,c{display:none}" * (size // 10) + "</style>" + "<p class=b>x" * (size // 10)
    ),
    "selectors": lambda size: "<style>" + ".a " * size + "{display:none}</style><p class=a>x",
    "braces": lambda size: "<style>" + "{" * size + "</style>",
    "strings in scripts": lambda size: "<script>document.write('" + "'+'" * size + "</script>",
    "JSON": lambda size: "<script type='application/ld+json'>" + '"a b c d":"' * size + "</script>",
    "comments with markup": lambda size: "<!-- some words here and more of them <b>-->" * (size // 10),
    "blanks": lambda size: "<p" + " " * size + "=" + " " * size + ">x" + "\n" * size,
    "ids": lambda size: "".join(f"<p id=a{n}b>slot gacor" for n in range(size // 10)),
    "metas": lambda size: "<meta name=keywords content=judi>" * (size // 10),
}
#: One attribute of so many characters for each of the size.
_ATTRIBUTE_CHARS: Final = 200
ATTRIBUTES: Final = ("title", "alt", "style", "href", "class", "id", "content", "onclick", "hidden", "x")


def sources() -> dict[str, Callable[[int], str]]:
    """Return the sources, and for each of some attributes one with a value of 20 MB at the usual size."""
    words = "a wall of dry stone "
    long = {
        f"one long {name}": lambda size, name=name: (
            f'<meta name="keywords" {name}="' + words * (_ATTRIBUTE_CHARS * size // len(words)) + '">y'
        )
        for name in ATTRIBUTES
    }
    return HOSTILE | long


def read(source: str, detector: Detector | None = None) -> None:
    """Do with a source all that may be done with a page; scan it too where there is a detector."""
    if detector is not None:
        detector.scan_html(source)
    page = extract(source)
    if page.text:
        cut_source(page, [Claim(len(page.text) // 2, len(page.text) // 2 + 10)])
        page.states.reason(page.document.tree.pieces[-1] if page.document.tree.pieces else 0)


def seconds(source: str, detector: Detector | None = None) -> float:
    """Return the processor time that a source takes."""
    start = time.process_time()
    read(source, detector)
    return time.process_time() - start


def is_linear(small: float, large: float) -> bool:
    """Tell whether four times the input took about four times as long."""
    return large <= max(FAST_SECONDS, MOST * small)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and return the exit code: 1 where something is slower than linear."""
    parser = argparse.ArgumentParser(description="Measure how time grows with sources made to be slow to read.")
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--only", help="measure the sources whose name holds this")
    options = parser.parse_args(arguments)
    detector, slow = Detector.load(), 0
    read("<p>the first page loads what others find in memory", detector)
    print(f"{'source':28s} {'chars':>10s} {'seconds':>9s} {'of a quarter':>13s} {'ratio':>6s}")
    for name, make in sources().items():
        if options.only and options.only not in name:
            continue
        source = make(options.size)
        small, large = seconds(make(options.size // 4), detector), seconds(source, detector)
        if not is_linear(small, large):  # once more: another process may have been in the way
            small, large = seconds(make(options.size // 4), detector), seconds(source, detector)
        verdict = "" if is_linear(small, large) else "  slower than linear"
        slow += bool(verdict)
        print(
            f"{name:28s} {len(source):10d} {large:9.3f} {small:13.3f} {large / max(small, 1e-6):6.2f}{verdict}",
            flush=True,
        )
    return int(slow > 0)


if __name__ == "__main__":
    sys.exit(main())
