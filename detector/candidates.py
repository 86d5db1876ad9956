"""Where a span is possible: the segments of a batch in, those out that are worth scoring character by character.

Three looks follow one another, each dearer than the one before and at less text: what the words of a segment say, its
outline, and a few of its characters. The thresholds are part of the bundle; what they pass over that scoring everything
would find is measured when a bundle is made (docs/experiments.md, 43-44).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.features import FeatureTable, outline_features, segment_features, with_keywords
from detector.folding import FoldedBatch
from detector.model import Bundle, Decisions, accumulate_at, best_lane, unpack_lanes
from detector.ngrams import BUCKET_COUNT
from detector.scoring import bounded_sums, gather, sums_of_words, touching
from detector.segmentation import Segments

#: One character in so many is scored to see whether a segment may hold spam. Scores change slowly, since every
#: character is judged by those around it; a spam of a few characters still meets a sample or comes close to one.
SAMPLE_STEP = 4


@dataclass(frozen=True, slots=True)
class Candidates:
    """Segments that are worth scoring: their indices ``chosen`` (int64, sorted), and ``table``, their features but for
    those that take a count over the whole page."""

    chosen: NDArray[np.int64]
    table: FeatureTable


def every_segment(bundle: Bundle, batch: FoldedBatch, segments: Segments, whole: NDArray[np.float64]) -> Candidates:
    """Return all segments of the batch: nothing is passed over."""
    chosen = np.arange(len(segments.starts))
    return Candidates(chosen, segment_features(batch, segments, chosen, bundle.lookups, whole, page_relations=False))


def likely_segments(
    bundle: Bundle, decisions: Decisions, batch: FoldedBatch, segments: Segments, whole: NDArray[np.float64]
) -> Candidates:
    """Return the segments in which a span is possible, of pages on which one is likely; `whole` scores all segments.

    On a page where one segment passes, others pass with weaker samples: what recurs is judged together.
    """
    chosen = np.flatnonzero(best_lane(whole) >= decisions.segment_threshold)
    outlines = outline_features(batch, segments, chosen, whole)
    passed = outline_excess(bundle, decisions, outlines) >= decisions.outline_threshold
    chosen, outlines = chosen[passed], FeatureTable(outlines.bins[passed])
    table = with_keywords(outlines, batch, segments, chosen, bundle.lookups)
    samples = sampled_excess(bundle, decisions, batch, segments, chosen, table)
    on_page = np.zeros(len(batch.page_starts), np.bool_)
    on_page[segments.page[chosen[samples >= decisions.sample_threshold]]] = True
    recurring = samples >= decisions.sample_threshold - decisions.recurring_margin
    kept = recurring & on_page[segments.page[chosen]]
    return Candidates(chosen[kept], FeatureTable(table.bins[kept]))


def outline_excess(bundle: Bundle, decisions: Decisions, outlines: FeatureTable) -> NDArray[np.int32]:
    """Return how far the best label of each segment exceeds its threshold by the outline alone."""
    sums = bounded_sums(outlines, bundle.lanes) + bundle.lanes[BUCKET_COUNT]
    excess: NDArray[np.int32] = best_lane(unpack_lanes(sums) - decisions.thresholds)
    return excess


def sampled_excess(
    bundle: Bundle,
    decisions: Decisions,
    batch: FoldedBatch,
    segments: Segments,
    chosen: NDArray[np.int64],
    table: FeatureTable,
) -> NDArray[np.int32]:
    """Return how far the best label of each chosen segment exceeds its threshold at the best of its samples.

    What takes a count over the page (PAGE_RELATIONS) is assumed to speak for spam as much as it ever does.
    """
    if not len(chosen):
        return np.empty(0, np.int32)
    codes, classes, places, _ = gather(batch, touching(segments, chosen))
    chars = segments.ends[chosen] - segments.starts[chosen]
    samples = (chars + SAMPLE_STEP - 1) // SAMPLE_STEP
    row = np.repeat(np.arange(len(chosen)), samples)
    first = np.cumsum(samples) - samples
    nth = np.arange(len(row)) - first[row]
    # In the middle of its step, so that the ends of a segment are seen as well as they may.
    within = np.minimum(nth * SAMPLE_STEP + SAMPLE_STEP // 2, chars[row] - 1)
    of_sample = (np.cumsum(chars) - chars)[row] + within
    at = places[of_sample]
    of_segment = bounded_sums(table, bundle.lanes) + bundle.lanes[BUCKET_COUNT]
    sums = accumulate_at(bundle.lanes, codes, classes, at) + of_segment[row]
    sums += sums_of_words(bundle.lanes, codes, classes, places, segments, chosen)[of_sample]
    lanes = unpack_lanes(sums)
    best: NDArray[np.int32] = np.maximum.reduceat(best_lane(lanes - decisions.thresholds), first)
    return best
