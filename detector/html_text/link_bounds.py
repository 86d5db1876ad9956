"""A page's links, and what the text model thinks of its segments, come in; whether they may form a block goes out.

It is asked of pages that are well nested, in arrays over all elements at once, before `link_blocks` looks at any of
them: nearly all pages have links that lead away, and words that could be spam; hardly any has a block.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detector.html_text.extraction import HtmlText
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
)
from detector.html_text.nesting import Nesting, nesting_of
from detector.html_text.openings import Offsets
from detector.html_text.suspicion import Suspicion


def may_hold_block(
    page: HtmlText, suspicion: Suspicion, links: Sequence[int], foreign: Sequence[int], weak: Sequence[int]
) -> bool:
    """Tell whether an element around a weak link may be a block, if all signs but words and numbers spoke for it.

    `links` are the tags of all links, `foreign` of those that lead away, `weak` of those of these whose words may be
    spam; links without words are weak too. Of pages that are not well nested it is always said.
    """
    nesting = nesting_of(page.document.tokens)
    if nesting is None:
        return True
    anchors = nesting.begun.searchsorted(foreign)
    if (nesting.begun[np.minimum(anchors, len(nesting.begun) - 1)] != foreign).any():
        return True  # a link that holds nothing, that of a map: the arrays do not have it
    texts = _Texts(page, nesting)
    starts, ends = texts.of(anchors)
    said = np.append(0, np.cumsum(ends - starts))
    elements = _around(nesting, anchors[np.isin(foreign, weak) | (starts == ends)])
    begun, ended = nesting.begun[elements], nesting.ended[elements]
    first, last = np.searchsorted(foreign, begun), np.searchsorted(foreign, ended)
    count = last - first
    of_all = np.searchsorted(links, ended) - np.searchsorted(links, begun)
    starts, ends = texts.of(elements)
    may = (count >= LEAST_FOREIGN) & (2 * count >= of_all)
    may &= said[last] - said[first] >= LEAST_DENSITY * (ends - starts)
    words = suspicion.means(starts, ends)
    may &= words >= SUSPICION[0]
    source = page.document.source
    signs = WEIGHTS["hidden"] + WEIGHTS["link density"] + WEIGHTS["random names"]
    signs += WEIGHTS["nofollow"] * ("nofollow" in source.lower())
    score = BIAS + signs + words + WEIGHTS["repeated anchors"] * (count >= REPEATED)
    score += WEIGHTS["links to other sites"] * np.minimum(1.0, count / MANY_FOREIGN)
    twins = WEIGHTS["empty elements of one name"]
    return bool((may & (score > 0)).any() or ((may & (score + twins > 0)).any() and has_twins(source)))


class _Texts:
    """Tells the range of the text that an element holds, as `HtmlText.range_of` does, of many at once."""

    def __init__(self, page: HtmlText, nesting: Nesting) -> None:
        flow = page.flow_runs
        offsets = np.array(page.offsets[:flow], np.int64)
        self._places = np.array(page.starts[:flow], np.int64)
        self._starts = np.append(offsets, page.flow_chars)
        self._stops = np.append(0, offsets + page.lengths[:flow])
        self._tags = page.document.tokens.starts
        self._nesting = nesting

    def of(self, elements: Offsets) -> tuple[Offsets, Offsets]:
        begun, ended = self._tags[self._nesting.begun[elements]], self._tags[self._nesting.ended[elements]]
        first, last = self._places.searchsorted(begun), self._places.searchsorted(ended)
        return self._starts[first], np.maximum(self._stops[last], self._starts[first])


def _around(nesting: Nesting, elements: Offsets) -> Offsets:
    """Return the elements around some, as far up as a block may reach."""
    found = [elements[:0]]
    for _ in range(MAX_CLIMB):
        elements = np.unique(nesting.parents[elements])
        elements = elements[elements >= 0]
        found.append(elements)
    return np.unique(np.concatenate(found))


__all__ = ["may_hold_block"]
