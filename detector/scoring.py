"""Character scores where a span is possible: segments of a batch in, log-odds lanes of their characters out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.features import FEATURES, PAGE_RELATIONS, FeatureTable, bins_of, segment_features
from detector.folding import FoldedBatch
from detector.model import Bundle, accumulate, pack_steps, unpack_lanes
from detector.ngrams import BUCKET_COUNT, MARGIN_CHARS
from detector.positions import ranges
from detector.segmentation import Segments
from detector.words import word_sums, words_of


@dataclass(frozen=True, slots=True)
class Regions:
    """Runs of candidate segments that touch, each on one page: int64 ``starts``, ``ends`` (positions), ``page``."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    page: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CharacterScores:
    """Scores of the characters of `regions`, laid end to end: ``lanes`` int32, a column a label of LANE_LABELS, in
    steps of 1 / WEIGHT_SCALE; ``first`` int64 is where each region begins in them."""

    regions: Regions
    lanes: NDArray[np.int32]
    first: NDArray[np.int64]


def touching(segments: Segments, chosen: NDArray[np.int64]) -> Regions:
    """Return the regions that the chosen segments (indices, sorted) form."""
    starts, ends, page = segments.starts[chosen], segments.ends[chosen], segments.page[chosen]
    if not len(chosen):
        return Regions(starts, ends, page)
    fresh = np.append(True, (starts[1:] != ends[:-1]) | (page[1:] != page[:-1]))
    last = np.append(fresh[1:], True)
    return Regions(starts[fresh], ends[last], page[fresh])


def gather(
    batch: FoldedBatch, regions: Regions
) -> tuple[NDArray[np.uint16], NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """Return codes and classes of the regions with their margins laid end to end, and for every character of the
    regions themselves its place in them (less one margin) and its position in the batch."""
    row, positions = ranges(regions.starts - MARGIN_CHARS, regions.ends + MARGIN_CHARS)
    inside = (positions >= regions.starts[row]) & (positions < regions.ends[row])
    places = np.flatnonzero(inside)
    return batch.codes[positions], batch.classes[positions], places - MARGIN_CHARS, positions[places]


def segment_rows(segments: Segments, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return, for every character of the chosen segments in order, the row of its segment among them."""
    return np.repeat(np.arange(len(chosen)), segments.ends[chosen] - segments.starts[chosen])


def score_segments(
    bundle: Bundle, batch: FoldedBatch, segments: Segments, chosen: NDArray[np.int64], whole: NDArray[np.float64]
) -> CharacterScores:
    """Score every character of the chosen segments (indices, int64, sorted); `whole` scores all segments as a whole."""
    table = segment_features(batch, segments, chosen, bundle.lookups, whole)
    return _score(bundle, batch, segments, chosen, segment_sums(table, bundle.lanes))


def bound_segments(
    bundle: Bundle, batch: FoldedBatch, segments: Segments, chosen: NDArray[np.int64], table: FeatureTable
) -> CharacterScores:
    """Return upper bounds of the scores, from the features (`table`) that take no count over the whole page.

    Those that do (PAGE_RELATIONS) are assumed to speak for spam as much as they ever do. A page without spam by the
    bounds has none.
    """
    return _score(bundle, batch, segments, chosen, bounded_sums(table, bundle.lanes))


def _score(
    bundle: Bundle,
    batch: FoldedBatch,
    segments: Segments,
    chosen: NDArray[np.int64],
    of_segment: NDArray[np.int64],
) -> CharacterScores:
    """Add what each character's n-grams say to what its segment says."""
    regions = touching(segments, chosen)
    codes, classes, places, _ = gather(batch, regions)
    sums = accumulate(bundle.lanes, codes, classes)[places]
    sums += sums_of_words(bundle.lanes, codes, classes, places, segments, chosen)
    sums += (of_segment + bundle.lanes[BUCKET_COUNT])[segment_rows(segments, chosen)]
    length = regions.ends - regions.starts
    return CharacterScores(regions, unpack_lanes(sums), np.cumsum(length) - length)


def sums_of_words(
    table: NDArray[Any],
    codes: NDArray[np.uint16],
    classes: NDArray[np.uint8],
    places: NDArray[np.int64],
    segments: Segments,
    chosen: NDArray[np.int64],
) -> NDArray[Any]:
    """Return what the words around each character of the chosen segments weigh; `gather` gave the arrays."""
    chars = segments.ends[chosen] - segments.starts[chosen]
    starts = places[np.cumsum(chars) - chars] + MARGIN_CHARS
    return word_sums(table, words_of(codes, classes, starts, starts + chars), starts, starts + chars)


def segment_sums(table: FeatureTable, lanes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the packed sum of each segment's features."""
    sums: NDArray[np.int64] = lanes[table.buckets].sum(axis=1)
    return sums


def bounded_sums(table: FeatureTable, lanes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the packed sum of each segment's features with PAGE_RELATIONS, which take a count over the whole page, at
    their highest weights: no sum of the whole table is higher."""
    known = np.delete(table.buckets, PAGE_RELATIONS, axis=1)
    columns = range(*PAGE_RELATIONS.indices(len(FEATURES)))
    highest = sum(unpack_lanes(lanes[bins_of(column)]).max(axis=0).astype(np.int64) for column in columns)
    bound: NDArray[np.int64] = lanes[known].sum(axis=1) + pack_steps(np.asarray(highest)[:, None])
    return bound
