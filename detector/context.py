"""Decisions in context: character scores in, stretches of spam out.

Three rules, each measured on its own before it was kept (docs/experiments.md): a chain, in which entering and leaving
spam has a price, so that single characters neither start a span nor break one; a second, more daring pass over pages
that surely hold spam; and repetition, since what was injected once is mostly injected again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from detector.datatypes import Label
from detector.folding import FoldedBatch
from detector.model import LANE_LABELS, WEIGHT_SCALE, Bundle, Decisions
from detector.scoring import CharacterScores, score_segments
from detector.segmentation import Segments

Stretch = tuple[int, int]
#: What the page pass adds to the labels that it is not sure of, in steps: spam of one kind makes others likelier.
_LITTLE = WEIGHT_SCALE
_REPOSITORY = LANE_LABELS.index(Label.REPOSITORY_BOILERPLATE)


@dataclass(frozen=True, slots=True)
class PageStretches:
    """What was found on one page, in positions counted from its start.

    ``lanes``: int32, the scores of all its characters, with what the page pass added; ``repeats``: stretches that
    stand there only because the same text was cut elsewhere on the page; ``bridges``: those of the stretches that only
    fill gaps in document-site text; ``bonus``: what was added to each lane, int32; ``of_document_site``: whether the
    page surely holds document-site text.
    """

    lanes: NDArray[np.int32]
    stretches: list[Stretch]
    repeats: list[Stretch]
    bridges: list[Stretch]
    bonus: NDArray[np.int32]
    of_document_site: bool


def find_stretches(
    bundle: Bundle,
    decisions: Decisions,
    batch: FoldedBatch,
    segments: Segments,
    chosen: NDArray[np.int64],
    whole: NDArray[np.float64],
    spun: Collection[int] = (),
) -> dict[int, PageStretches]:
    """Decide where spam stands: on the chosen segments first, then on the whole of every page where something was
    found, so that the result does not depend on which other segments were chosen.

    `whole` scores all segments as a whole. `spun` are pages (their numbers in the batch) known to be machine-spun:
    they are looked at whole, and spam is likelier there.
    """
    # By upper bounds first; what passes is scored exactly, which few pages stand; those are scored whole.
    possible = _pages_with_spam(score_segments(bundle, batch, segments, chosen, whole, bounded=True), decisions)
    again = _on_pages(segments, possible, chosen)
    certain = _pages_with_spam(score_segments(bundle, batch, segments, again, whole), decisions)
    everything = _on_pages(segments, certain | set(spun), np.arange(len(segments.starts)))
    scores = score_segments(bundle, batch, segments, everything, whole)
    found: dict[int, PageStretches] = {}
    for region, page in enumerate(scores.regions.page.tolist()):
        first = int(scores.first[region])
        length = int(scores.regions.ends[region] - scores.regions.starts[region])
        on_page = decide_page(scores.lanes[first : first + length], batch.shadow(page), decisions, spun=page in spun)
        if on_page.stretches:  # the bounds let pages pass on which there is nothing
            found[page] = on_page
    return found


def decide_page(lanes: NDArray[np.int32], shadow: str, decisions: Decisions, *, spun: bool = False) -> PageStretches:
    """Decide on one page: the chain, and where it is confident the page pass and repetition."""
    prior = np.where(np.arange(len(LANE_LABELS)) == _REPOSITORY, 0, decisions.spun_bonus * spun).astype(np.int32)
    lanes = lanes + prior
    sure = _stretches(lanes, decisions)
    confident = np.zeros(len(LANE_LABELS), np.int64)
    for start, end in sure:
        confident[int((lanes[start:end] - decisions.thresholds).sum(axis=0).argmax())] += end - start
    sure_of = confident >= decisions.confident_chars
    if not sure_of.any():
        return PageStretches(lanes, sure, [], [], prior, False)
    # Spam of one kind makes more of that kind likely, and other kinds a little.
    bonus = np.where(sure_of, decisions.page_bonus, _LITTLE)
    bonus = bonus.astype(np.int32)
    lanes = lanes + bonus
    stretches = sorted({*sure, *_stretches(lanes, decisions)})
    # What stands in a gap is cut for its place, not for what it says: elsewhere on the page it stays.
    repeats = repeated(shadow, stretches, chars=decisions.repeat_chars)
    gaps = _bridge(lanes[:, _REPOSITORY], decisions) if sure_of[_REPOSITORY] else []
    bridges = sorted({*gaps} - {*stretches})
    stretches = sorted([*stretches, *bridges])
    return PageStretches(lanes, stretches, repeats, bridges, prior + bonus, bool(sure_of[_REPOSITORY]))


def _stretches(lanes: NDArray[np.int32], decisions: Decisions) -> list[Stretch]:
    """Return what the chain finds in one region; labels of one switch cost share a chain."""
    excess = lanes - decisions.thresholds
    found: list[Stretch] = []
    for cost, together in _cost_groups(decisions):
        found += chain(excess[:, together].max(axis=1), cost)
    return sorted(found)


def _cost_groups(decisions: Decisions) -> list[tuple[int, list[int]]]:
    """Return the switch costs, each with the lanes of the labels that share a chain because they share it."""
    costs = decisions.switch_costs
    return [(cost, [lane for lane, own in enumerate(costs) if own == cost]) for cost in sorted(set(costs))]


def _bridge(lane: NDArray[np.int32], decisions: Decisions) -> list[Stretch]:
    """Return the stretches of document-site text that short gaps, or the page's edges, are filled between.

    What such sites wrap around a document is in one piece: a lone "1" or "Comments" between two lines of it, or after
    the last, is part of it, unless it reads like the document.
    """
    excess = lane - decisions.thresholds[_REPOSITORY]
    found = chain(excess, decisions.switch_costs[_REPOSITORY])
    if not found:
        return []
    sums = np.concatenate([np.zeros(1, np.int64), np.cumsum(excess)])
    bridges = []
    for start, end in pairwise([0, *(edge for stretch in found for edge in stretch), len(excess)]):
        if (start, end) in found or not 0 < end - start <= decisions.bridge_chars:
            continue
        if sums[end] - sums[start] >= decisions.bridge_floor * (end - start):
            bridges.append((start, end))
    return bridges


def _on_pages(segments: Segments, pages: Collection[int], among: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return those of the segments `among` (indices) that lie on the given pages."""
    return among[np.isin(segments.page[among], np.array(sorted(pages), np.int64))]


def _pages_with_spam(scores: CharacterScores, decisions: Decisions) -> set[int]:
    """Return the pages on which the chain finds a stretch.

    A stretch pays the switch cost twice, so a region whose positive scores sum to less holds none: most are passed
    over by that sum alone.
    """
    if not len(scores.lanes):
        return set()
    excess = scores.lanes - decisions.thresholds
    edges = [*scores.first.tolist(), len(excess)]
    pages = scores.regions.page.tolist()
    found: set[int] = set()
    for cost, together in _cost_groups(decisions):
        best = excess[:, together].max(axis=1)
        gains = np.add.reduceat(np.maximum(best, 0), scores.first, dtype=np.int64)
        for region in np.flatnonzero(gains >= 2 * cost).tolist():
            if pages[region] not in found and chain(best[edges[region] : edges[region + 1]], cost):
                found.add(pages[region])
    return found


def chain(scores: NDArray[np.int32], switch_cost: int) -> list[Stretch]:
    """Return the stretches of the best two-state path over integer scores (positive: spam) of one region.

    The path starts and ends outside spam and pays `switch_cost` at every change (Viterbi). With two states only the
    difference of their values matters; it is a walk clipped to +-switch_cost (a two-sided CUSUM), and it moves
    monotonically inside a run of one sign, so the walk goes over runs instead of characters.

    >>> chain(np.array([-5, 9, 9, -1, 9, -9, -9, -9], np.int32), 10)
    [(1, 5)]
    """
    if not len(scores):
        return []
    positive = scores > 0
    turns = np.flatnonzero(positive[1:] != positive[:-1]) + 1
    if not len(turns) and not positive[0]:
        return []
    starts = np.concatenate([np.zeros(1, np.int64), turns])
    sums = np.add.reduceat(scores, starts, dtype=np.int64).tolist()
    ends = np.append(turns, len(scores)).tolist()
    found: list[Stretch] = []
    value, rise, peak, inside = -switch_cost, 0, 0, False
    start = 0
    for run_sum, end in zip(sums, ends, strict=True):
        value += run_sum
        if value <= -switch_cost:
            value = -switch_cost
            rise = end
            if inside:
                found.append((start, peak))
                inside = False
        elif value >= switch_cost:
            value = switch_cost
            peak = end
            if not inside:
                start, inside = rise, True
    if inside:
        found.append((start, peak))
    return found


def repeated(shadow: str, cut: Sequence[Stretch], *, chars: tuple[int, int]) -> list[Stretch]:
    """Return where the strings that were cut from a page's shadow stand again on it, outside `cut`.

    Strings of other lengths than `chars` (least, most; blanks around them aside) are not looked for. A Latin or digit
    string must not stand inside a longer word.

    >>> repeated("a 金球娱乐 b 金球娱乐", [(2, 6)], chars=(4, 40))
    [(9, 13)]
    """
    least_chars, most_chars = chars
    texts = {shadow[start:end].strip() for start, end in cut}
    taken: list[Stretch] = []
    for start, end in sorted(cut):  # looking up needs stretches of which none lies in another
        if taken and start < taken[-1][1]:
            taken[-1] = (taken[-1][0], max(end, taken[-1][1]))
        else:
            taken.append((start, end))
    found: list[Stretch] = []
    for text in sorted((t for t in texts if least_chars <= len(t) <= most_chars), key=lambda t: (-len(t), t)):
        at = shadow.find(text)
        while at >= 0:
            end = at + len(text)
            if not _inside_word(shadow, at, end) and not _overlaps(taken, at, end):
                found.append((at, end))
                taken.append((at, end))
                taken.sort()
            at = shadow.find(text, end)
    return sorted(found)


def _overlaps(stretches: list[Stretch], start: int, end: int) -> bool:
    place = bisect_left(stretches, (start, end))
    before = place > 0 and stretches[place - 1][1] > start
    return before or (place < len(stretches) and stretches[place][0] < end)


def _inside_word(shadow: str, start: int, end: int) -> bool:
    def word(char: str) -> bool:
        return char.isascii() and char.isalnum()

    left = start > 0 and word(shadow[start - 1]) and word(shadow[start])
    return left or (end < len(shadow) and word(shadow[end]) and word(shadow[end - 1]))
