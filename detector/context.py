"""Decisions in context: character scores in, stretches of spam out.

Three rules, each measured on its own before it was kept (docs/experiments.md): a chain, in which entering and leaving
spam has a price, so that single characters neither start a span nor break one; a second, more daring pass over pages
that surely hold spam (for document-site text only in segments that do not read like the document itself); and
repetition, since what was injected once is mostly injected again: what recurs need not be sure in any one place.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from detector.candidates import Candidates
from detector.datatypes import Label
from detector.folding import HAN, FoldedBatch
from detector.model import LANE_LABELS, WEIGHT_SCALE, Bundle, Decisions, best_lane
from detector.recurrence import Stretch, recurring, repeated
from detector.scoring import CharacterScores, bound_segments, score_segments
from detector.segmentation import Segments

#: What the page pass adds to the labels that it is not sure of, in steps: spam of one kind makes others likelier.
_LITTLE = WEIGHT_SCALE
#: How much the floor of the bonus sinks when twice as much document-site text is certain.
_FLOOR_STEP = WEIGHT_SCALE // 2
#: A page with a smaller share of Han characters is written in letters.
_MOST_HAN_IN_LETTERS = 0.1
_REPOSITORY = LANE_LABELS.index(Label.REPOSITORY_BOILERPLATE)
#: A gap in document-site text may be longer where all its lines are short: the most characters of it and of a line.
_GAP_LINES_CHARS, _GAP_LINE_CHARS = 120, 40
_SPAM = [lane for lane in range(len(LANE_LABELS)) if lane != _REPOSITORY]


@dataclass(frozen=True, slots=True)
class ScoredPage:
    """One page: its shadow, the lanes of its characters, where its segments start, counted from its own start, and
    whether it is written in letters, that is with few Han characters."""

    shadow: str
    lanes: NDArray[np.integer]
    starts: NDArray[np.int64]
    in_letters: bool


@dataclass(frozen=True, slots=True)
class PageStretches:
    """What was found on one page, in positions counted from its start.

    ``lanes``: int32, the scores of all its characters, with what was added to them; ``repeats``: stretches that
    stand there only because the same text was cut elsewhere on the page; ``bridges``: those of the stretches that only
    fill gaps in document-site text; ``bonus``: what was added to the lanes, of their shape; ``of_document_site``:
    whether the page surely holds document-site text.
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
    candidates: Candidates,
    whole: NDArray[np.float64],
    spun: Collection[int] = (),
) -> dict[int, PageStretches]:
    """Decide where spam stands: on the candidates first, then on the whole of every page where something was found, so
    that the result does not depend on which other segments were candidates.

    `whole` scores all segments as a whole. `spun` are pages (their numbers in the batch) known to be machine-spun:
    they are looked at whole, and spam is likelier there.
    """
    # By upper bounds first; what passes is scored exactly, which few pages stand; those are scored whole.
    bounds = bound_segments(bundle, batch, segments, candidates.chosen, candidates.table)
    again = _on_pages(segments, _pages_with_spam(bounds, batch, decisions), candidates.chosen)
    certain = _pages_with_spam(score_segments(bundle, batch, segments, again, whole), batch, decisions)
    everything = _on_pages(segments, certain | set(spun), np.arange(len(segments.starts)))
    scores = score_segments(bundle, batch, segments, everything, whole)
    found: dict[int, PageStretches] = {}
    for page, scored in pages_of(batch, segments, scores):
        on_page = decide_page(scored, decisions, spun=page in spun)
        if on_page.stretches:  # the bounds let pages pass on which there is nothing
            found[page] = on_page
    return found


def pages_of(batch: FoldedBatch, segments: Segments, scores: CharacterScores) -> Iterator[tuple[int, ScoredPage]]:
    """Yield the number and the scores of each page that was scored whole."""
    for region, page in enumerate(scores.regions.page.tolist()):
        first, start = int(scores.first[region]), int(scores.regions.starts[region])
        length = int(scores.regions.ends[region]) - start
        starts = segments.starts[np.searchsorted(segments.page, page) : np.searchsorted(segments.page, page + 1)]
        han = HAN.take(batch.classes[start : start + length]).mean()
        lanes = scores.lanes[first : first + length]
        yield page, ScoredPage(batch.shadow(page), lanes, starts - start, bool(han < _MOST_HAN_IN_LETTERS))


def decide_page(page: ScoredPage, decisions: Decisions, *, spun: bool = False) -> PageStretches:
    """Decide on one page: the chain, and where it is confident the page pass and repetition."""
    bonus = np.zeros(page.lanes.shape, np.int32)
    if spun:
        bonus[:, np.arange(len(LANE_LABELS)) != _REPOSITORY] += decisions.spun_bonus
    lanes = page.lanes + bonus
    sure = _stretches(lanes, decisions)
    excess = _spam_excess(lanes, decisions)
    weak = _outside(_weak_stretches(excess, decisions), sure)
    sure = sorted([*sure, *recurring(page.shadow, weak, excess)])
    confident = np.zeros(len(LANE_LABELS), np.int64)
    for start, end in sure:
        confident[int((lanes[start:end] - decisions.thresholds).sum(axis=0).argmax())] += end - start
    sure_of = confident >= decisions.confident_chars
    if not sure_of.any():
        return PageStretches(lanes, sure, [], [], bonus, False)
    # Spam of one kind makes more of that kind likely, and other kinds a little.
    bonus += np.where(sure_of, decisions.page_bonus, _LITTLE).astype(np.int32)
    if sure_of[_REPOSITORY]:
        sunk = _FLOOR_STEP * _doublings(_REPOSITORY, confident, decisions)
        floor = max(decisions.bonus_floor - sunk, decisions.lowest_bonus_floor)
        bonus[~_reaches(page, _REPOSITORY, floor, decisions), _REPOSITORY] = 0
    if page.in_letters:
        for lane in filter(sure_of.__getitem__, _SPAM):
            bonus[_reaches(page, lane, decisions.growth_floor, decisions), lane] += _growth(lane, confident, decisions)
    lanes = page.lanes + bonus
    stretches = sorted({*sure, *_stretches(lanes, decisions)})
    # What stands in a gap is cut for its place, not for what it says: elsewhere on the page it stays.
    repeats = repeated(page.shadow, stretches, chars=decisions.repeat_chars)
    gaps = _bridge(page, lanes[:, _REPOSITORY], decisions) if sure_of[_REPOSITORY] else []
    bridges = sorted({*gaps} - {*stretches})
    stretches = sorted([*stretches, *bridges])
    return PageStretches(lanes, stretches, repeats, bridges, bonus, bool(sure_of[_REPOSITORY]))


def _doublings(lane: int, confident: NDArray[np.int64], decisions: Decisions) -> float:
    """Return how often the characters that a label must be sure of double to those that it is sure of."""
    return math.log2(max(int(confident[lane]), 1) / max(int(decisions.confident_chars[lane]), 1))


def _growth(lane: int, confident: NDArray[np.int64], decisions: Decisions) -> int:
    """Return what more a label of spam gains on a page written in letters, the more characters of it are certain.

    A letter says less than a Han character does, so that a paragraph about casinos is found in pieces.
    """
    step, first, most = decisions.growth
    return int(min(max(_doublings(lane, confident, decisions) - first, 0.0) * step, most))


def _reaches(page: ScoredPage, lane: int, floor: float, decisions: Decisions) -> NDArray[np.bool_]:
    """Tell for every character whether the mean excess of a label over its segment is no less than the floor.

    What reads like that label too little is the page's own text: there a large bonus would carry a stretch on over
    clean prose.
    """
    excess = page.lanes[:, lane].astype(np.int64) - int(decisions.thresholds[lane])
    chars = np.diff(np.append(page.starts, len(excess)))
    return np.repeat(np.add.reduceat(excess, page.starts) >= floor * chars, chars)


def _stretches(lanes: NDArray[np.int32], decisions: Decisions) -> list[Stretch]:
    """Return what the chain finds in one region; labels of one switch cost share a chain."""
    excess = lanes - decisions.thresholds
    found: list[Stretch] = []
    for cost, together in _cost_groups(decisions):
        found += chain(best_lane(excess[:, together]), cost)
    return sorted(found)


def _cost_groups(decisions: Decisions) -> list[tuple[int, list[int]]]:
    """Return the switch costs, each with the lanes of the labels that share a chain because they share it."""
    costs = decisions.switch_costs
    return [(cost, [lane for lane, own in enumerate(costs) if own == cost]) for cost in sorted(set(costs))]


def _bridge(page: ScoredPage, lane: NDArray[np.int32], decisions: Decisions) -> list[Stretch]:
    """Return the stretches of document-site text that short gaps, or the page's edges, are filled between.

    What such sites wrap around a document is in one piece: a lone "1" or "Comments" between two lines of it, or after
    the last, is part of it, unless it reads like the document. `lane` holds the scores that the page pass raised; in a
    gap the bonus counts whatever its segment reads like.
    """
    found = chain(lane - decisions.thresholds[_REPOSITORY], decisions.switch_costs[_REPOSITORY])
    if not found:
        return []
    raised = int(decisions.page_bonus[_REPOSITORY] - decisions.thresholds[_REPOSITORY])
    sums = np.concatenate([np.zeros(1, np.int64), np.cumsum(page.lanes[:, _REPOSITORY].astype(np.int64) + raised)])
    bridges, taken = [], {*found}
    for start, end in pairwise([0, *(edge for stretch in found for edge in stretch), len(lane)]):
        if (start, end) in taken or not _is_short(page.shadow[start:end], decisions.bridge_chars):
            continue
        if sums[end] - sums[start] >= decisions.bridge_floor * (end - start):
            bridges.append((start, end))
    return bridges


def _is_short(gap: str, most_chars: int) -> bool:
    """Tell whether a gap is short (but not empty), or a few short lines, as frames have and documents have not."""
    lines = gap.strip("\n").split("\n")
    short_lines = len(lines) > 1 and len(gap) <= _GAP_LINES_CHARS and max(map(len, lines)) <= _GAP_LINE_CHARS
    return 0 < len(gap) <= most_chars or short_lines


def _on_pages(segments: Segments, pages: Collection[int], among: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return those of the segments `among` (indices) that lie on the given pages."""
    wanted = np.zeros(int(segments.page[-1]) + 1 if len(segments.page) else 0, np.bool_)
    wanted[sorted(pages)] = True
    return among[wanted[segments.page[among]]]


def _pages_with_spam(scores: CharacterScores, batch: FoldedBatch, decisions: Decisions) -> set[int]:
    """Return the pages on which the chain finds a stretch, or strings recur that are spam taken together."""
    excess = scores.lanes - decisions.thresholds
    pages = scores.regions.page.tolist()
    found: set[int] = set()
    for cost, together in _cost_groups(decisions):
        best = best_lane(excess[:, together])
        found.update(pages[region] for region, _ in _found_in_regions(scores, best, cost))
    return found | _pages_with_recurring_spam(scores, batch, decisions, but=found)


def _pages_with_recurring_spam(
    scores: CharacterScores, batch: FoldedBatch, decisions: Decisions, *, but: Collection[int]
) -> set[int]:
    """Return the pages, `but` some, on which strings recur that are spam taken together.

    What was not scored counts as neither spam nor clean, so that no page is passed over for what stands there.
    """
    excess = _spam_excess(scores.lanes, decisions)
    found = set()
    for page in _pages_with_weak_spam(excess, scores, decisions) - {*but}:
        start = int(batch.page_starts[page])
        on_page = np.zeros(int(batch.page_ends[page]) - start, np.int32)
        weak: list[Stretch] = []
        for region in range(*np.searchsorted(scores.regions.page, [page, page + 1]).tolist()):
            begin, end = int(scores.regions.starts[region]) - start, int(scores.regions.ends[region]) - start
            first = int(scores.first[region])
            on_page[begin:end] = excess[first : first + end - begin]
            weak += [(begin + s, begin + e) for s, e in _weak_stretches(on_page[begin:end], decisions)]
        if len(weak) > 1 and recurring(batch.shadow(page), weak, on_page):
            found.add(page)
    return found


def _pages_with_weak_spam(excess: NDArray[np.int32], scores: CharacterScores, decisions: Decisions) -> set[int]:
    """Return the pages that may hold two weak stretches, and in them a character that exceeds the threshold.

    A weak stretch takes positive scores of twice the switch cost, so a region of less holds none, and one of less than
    twice that holds one.
    """
    if not len(excess):
        return set()
    weak = np.maximum(excess + decisions.recurring_margin, 0)
    gains = np.add.reduceat(weak, scores.first, dtype=np.int64)
    stretches = np.minimum(gains // max(2 * decisions.switch_costs[_SPAM[0]], 1), 2)
    above = (np.maximum.reduceat(excess, scores.first) > 0) & (stretches > 0)
    pages = scores.regions.page
    return {*np.flatnonzero((np.bincount(pages, stretches) >= 2) & (np.bincount(pages, above) > 0)).tolist()}


def _found_in_regions(
    scores: CharacterScores, excess: NDArray[np.int32], cost: int
) -> Iterator[tuple[int, list[Stretch]]]:
    """Yield the regions in which the chain finds something, and what, in positions counted from the region's start.

    A stretch pays the switch cost twice, so a region whose positive scores sum to less holds none: most are passed
    over by that sum alone.
    """
    if not len(excess):
        return
    edges = [*scores.first.tolist(), len(excess)]
    gains = np.add.reduceat(np.maximum(excess, 0), scores.first, dtype=np.int64)
    for region in np.flatnonzero(gains >= 2 * cost).tolist():
        stretches = chain(excess[edges[region] : edges[region + 1]], cost)
        if stretches:
            yield region, stretches


def _outside(stretches: Sequence[Stretch], others: Sequence[Stretch]) -> list[Stretch]:
    """Return those of the stretches (sorted) that overlap none of the others (sorted by their starts)."""
    found = []
    behind, number = 0, 0  # the furthest end of the others that begin before the stretch ends
    for start, end in stretches:
        while number < len(others) and others[number][0] < end:
            behind = max(behind, others[number][1])
            number += 1
        if behind <= start:
            found.append((start, end))
    return found


def _spam_excess(lanes: NDArray[np.int32], decisions: Decisions) -> NDArray[np.int32]:
    """Return how far each character's best label, document-site text aside, exceeds its threshold."""
    excess: NDArray[np.int32] = best_lane((lanes - decisions.thresholds)[:, _SPAM])
    return excess


def _weak_stretches(excess: NDArray[np.int32], decisions: Decisions) -> list[Stretch]:
    """Return the stretches that the chain would find were every threshold lower by the margin for what recurs."""
    return chain(excess + decisions.recurring_margin, decisions.switch_costs[_SPAM[0]])


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
