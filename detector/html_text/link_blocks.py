"""A page's text, its links and what the text model thinks of each stretch come in; blocks of spam links go out.

Spam that a visitor never sees, or that fills a footer, is mostly links to other sites. Each sign adds its weight to a
sum of log-odds; a block whose sum is above zero, and whose words the text model does not hold for clean, is found.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from detector.html_text.documents import ROOT, Document, Tag
from detector.html_text.extraction import HtmlText
from detector.html_text.link_bounds import may_hold_block
from detector.html_text.link_signs import (
    BIAS,
    LEAST_DENSITY,
    LEAST_FOREIGN,
    MANY_FOREIGN,
    MAX_CLIMB,
    REPEATED,
    SUSPICION,
    WEIGHTS,
    has_twins,
    is_random,
)
from detector.html_text.sites import Links, away, own_site
from detector.html_text.styles import Hidden
from detector.html_text.suspicion import Claimed, Suspicion

#: Bounds on the work for one page: so many elements are judged, by so many of their links.
_MOST_CANDIDATES: Final = 1000
_MOST_LINKS: Final = 500
#: From this share of its text on what is known as spam outweighs what the text model thinks of the rest.
_MOSTLY_FOUND: Final = 0.3
#: So clean is what a block may not hold beside what is known as spam.
_CLEAN_REST: Final = -3.0
#: A block grows to the element around it where that holds hardly anything else.
_NEARLY_ALL: Final = 0.97
#: It also grows where the text model's mean log-odds of the rest are at least this, hidden or in the open.
_HIDDEN_REST: Final = -2.0
_SEEN_REST: Final = -0.5
#: A block that holds more of the page's text than this is the page.
_MOST_OF_PAGE: Final = 0.6
_WORD: Final = re.compile(r"[a-z\d]+", re.IGNORECASE)
_HIDES_FROM_ALL: Final = frozenset(Hidden) - {Hidden.ARIA, Hidden.NOSCRIPT, Hidden.META, Hidden.TEMPLATE}


@dataclass(frozen=True, slots=True)
class LinkBlock:
    """A block: its element, its range of the text, the signs that were seen, and their sum."""

    element: int
    start: int
    end: int
    signs: tuple[tuple[str, float], ...]
    log_odds: float


@dataclass(frozen=True, slots=True)
class Anchor:
    """A link to another site: its element, its tag, its range of the text."""

    element: int
    tag: Tag
    start: int
    end: int


def find_blocks(
    page: HtmlText, url: str | None, suspicion: Suspicion, found: Sequence[tuple[int, int]]
) -> list[LinkBlock]:
    """Return the blocks of spam links on a page, sorted; `found` are ranges of the text known as spam."""
    document = page.document
    weak_links = [] if found else _weak_links(page, suspicion)
    if not found and len(weak_links) < LEAST_FOREIGN:
        return []
    links = Links(document)
    weak_hosts = list(links.hosts_of(weak_links))
    if not found and len(weak_hosts) < LEAST_FOREIGN:
        return []
    own = own_site(document, url, links)
    weak = away(weak_hosts, own)
    if not found and len(weak) < LEAST_FOREIGN:
        return []
    leading_away = away(links.hosts, own)
    if not found and not may_hold_block(page, suspicion, links.tags, leading_away, weak):
        return []
    foreign = list(_anchors(page, leading_away))
    claimed = Claimed(found)
    candidates: set[int] = set()
    for anchor in foreign:
        is_weak = anchor.start == anchor.end or suspicion.mean(anchor.start, anchor.end) >= SUSPICION[0]
        if is_weak or claimed.share(anchor.start, anchor.end):
            candidates |= set(_around(page, anchor.element))
        if len(candidates) >= _MOST_CANDIDATES:
            break
    if found:
        candidates |= _hidden_roots(page, found)
    judged = _Page(
        page,
        document.tokens.starts[links.tags].tolist(),
        foreign,
        [document.opened[anchor.element][0] for anchor in foreign],
        suspicion,
        claimed,
    )
    ranges = {number: place for number in candidates if (place := page.range_of(number)) is not None}
    blocks: list[LinkBlock] = []
    for number in _innermost_first(ranges):
        start, end = ranges[number]
        inside = [block for block in blocks if start < block.end and block.start < end]
        if inside and not _may_grow(page, number, ranges[number], inside, suspicion, found):
            continue  # what it holds beside the block in it is something else
        block = _judge(judged, number, ranges[number])
        if block is not None and block.log_odds > 0:
            blocks = [each for each in blocks if each not in inside] + [block]
    return sorted(blocks, key=lambda block: block.start)


def _may_grow(
    page: HtmlText,
    number: int,
    place: tuple[int, int],
    inside: Sequence[LinkBlock],
    suspicion: Suspicion,
    found: Sequence[tuple[int, int]],
) -> bool:
    """Tell whether what an element holds beside the blocks in it may be spam too: in what is hidden sooner."""
    known = Claimed(_joined([*found, *((block.start, block.end) for block in inside)]))
    rest = suspicion.mean(*place, outside=known)
    return known.share(*place) >= _NEARLY_ALL or rest >= (_HIDDEN_REST if _is_hidden(page, number) else _SEEN_REST)


def _joined(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _innermost_first(ranges: Mapping[int, tuple[int, int]]) -> list[int]:
    by_size = sorted(ranges, key=lambda number: (ranges[number][1] - ranges[number][0], -number))
    return by_size[:_MOST_CANDIDATES]


def _weak_links(page: HtmlText, suspicion: Suspicion) -> list[int]:
    """Return the tags of the links that may be spam by their words: most pages have hardly any that lead away."""
    starts, ends = suspicion.at_least(SUSPICION[0])
    if not len(starts) or not page.flow_runs:
        return []
    offsets = np.array(page.offsets[: page.flow_runs])
    touched = np.zeros(page.flow_runs + 1, np.int64)
    np.add.at(touched, np.searchsorted(offsets + page.lengths[: page.flow_runs], starts, "right"), 1)
    np.add.at(touched, np.searchsorted(offsets, ends, "left"), -1)
    pieces = np.array(page.origins[: page.flow_runs])[np.cumsum(touched)[:-1] > 0]
    links = np.unique(page.document.tokens.piece_links()[pieces])
    found: list[int] = links[links >= 0].tolist()
    return found


def _anchors(page: HtmlText, links: Iterable[int]) -> Iterator[Anchor]:
    """Yield the links with their elements and ranges of the text."""
    document = page.document
    for link in links:
        number = document.element_of(link)
        if number is not None:
            start, end = page.range_of(number) or (0, 0)
            yield Anchor(number, document.start_tag(link), start, end)


def _around(page: HtmlText, number: int) -> list[int]:
    """Return the elements that a link's block may be: those around it."""
    found: list[int] = []
    while len(found) < MAX_CLIMB and (number := page.document.opened[number][2]) > ROOT:
        found.append(number)
    return found


def _hidden_roots(page: HtmlText, found: Sequence[tuple[int, int]]) -> set[int]:
    """Return the hidden elements that hold text known as spam, up to what hides them."""
    roots: set[int] = set()
    elements = {
        page.elements[run]
        for start, end in found
        for run, _, _ in page.runs_between(start, end)
        if run < page.flow_runs
    }
    for number in elements:
        for _ in range(MAX_CLIMB):
            if number <= ROOT or number in roots or page.states.reason(number) is None:
                break
            if page.document.opened[number][3] not in ("title", "meta"):
                roots.add(number)
            number = page.document.opened[number][2]
    return roots


@dataclass(frozen=True)
class _Page:
    """A page and what its blocks are judged by; links are sorted by where they start."""

    text: HtmlText
    links: Sequence[int]
    foreign: Sequence[Anchor]
    foreign_starts: Sequence[int]
    suspicion: Suspicion
    claimed: Claimed

    @cached_property
    def has_twins(self) -> bool:
        """Tell whether two elements share a machine-made id: on most pages none do."""
        return has_twins(self.text.document.source)


def _judge(page: _Page, number: int, place: tuple[int, int]) -> LinkBlock | None:
    """Weigh the signs of one element; None where it cannot be a block."""
    document = page.text.document
    start, end = place
    element = document.element(number)
    links = bisect_left(page.links, element.end) - bisect_left(page.links, element.start)
    first, last = (bisect_left(page.foreign_starts, at) for at in (element.start, element.end))
    others = page.foreign[first : min(last, first + _MOST_LINKS)]
    share_found = page.claimed.share(start, end)
    if len(others) < LEAST_FOREIGN and share_found == 0:
        return None
    weight = page.suspicion.mean(start, end)
    if share_found < 1.0 and page.suspicion.mean(start, end, outside=page.claimed) < _CLEAN_REST:
        return None  # what is not known as spam is clean
    if weight < SUSPICION[0] and share_found < _MOSTLY_FOUND:
        return None
    density = sum(anchor.end - anchor.start for anchor in others) / max(1, end - start)
    if share_found < _MOSTLY_FOUND and (density < LEAST_DENSITY or (last - first) * 2 < links):
        return None
    anchors = Counter(page.text.text[anchor.start : anchor.end] for anchor in others)
    amounts = {
        "links to other sites": ((last - first) / links if links else 0.0) * min(1.0, len(others) / MANY_FOREIGN),
        "link density": min(1.0, density),
        "repeated anchors": float(bool(anchors) and max(anchors.values()) >= REPEATED),
        "nofollow": float(bool(others) and sum(_is_nofollow(anchor) for anchor in others) * 2 > len(others)),
        "random names": float(_has_random_names(document, number, others)),
        "empty elements of one name": float(_has_empty_twins(document, number)) if page.has_twins else 0.0,
        "already found": share_found,
    }
    signs = [(name, WEIGHTS[name] * amount) for name, amount in amounts.items() if amount]
    signs.append(("what its words say", max(SUSPICION[0], min(SUSPICION[1], weight))))
    if BIAS + math.fsum(value for _, value in signs) + WEIGHTS["hidden"] <= 0:
        return None  # no need to ask whether it is hidden: styles are slow to read
    hidden = _is_hidden(page.text, number)
    if not hidden and (len(others) < LEAST_FOREIGN or end - start > _MOST_OF_PAGE * max(1, page.text.flow_chars)):
        return None
    if hidden:
        signs.append(("hidden", WEIGHTS["hidden"]))
    elif page.text.states.state(number).aria:
        signs.append(("hidden from assistive tools", WEIGHTS["hidden from assistive tools"]))
    return LinkBlock(number, start, end, tuple(signs), BIAS + math.fsum(value for _, value in signs))


def _is_nofollow(anchor: Anchor) -> bool:
    return "nofollow" in (anchor.tag.get("rel") or "").lower()


def _is_hidden(page: HtmlText, number: int) -> bool:
    return page.states.reason(number) in _HIDES_FROM_ALL


def _has_random_names(document: Document, number: int, others: Sequence[Anchor]) -> bool:
    """Tell whether the block's own id or class, or most of its addresses, look made by a machine."""
    tag = document.tag(number)
    names = _WORD.findall(f"{tag.get('id') or ''} {tag.get('class') or ''}")
    if any(is_random(name) for name in names):
        return True
    paths = [(anchor.tag.get("href") or "").partition("//")[2].partition("/")[2] for anchor in others]
    random = sum(any(is_random(word) for word in _WORD.findall(path)) for path in paths)
    return len(paths) >= 3 and random * 2 > len(paths)


def _has_empty_twins(document: Document, number: int) -> bool:
    """Tell whether empty elements stand in or beside the block that share one machine-made id."""
    parent = document.opened[number][2]
    seen: Counter[str] = Counter()
    for near in (*document.children.get(number, ()), *document.children.get(parent, ())[:200]):
        element = document.element(near)
        if element.inner == element.close and (name := document.tag(near).get("id")) and is_random(name):
            seen[name] += 1
    return bool(seen) and max(seen.values()) >= 2
