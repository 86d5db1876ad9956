"""What a segment says as a whole: segments of a batch in, the log-odds of each label for each segment out.

A bag of hashed bigrams and trigrams, one gather each, summed over the segment in packed lanes. The character model
reads the scores of a segment and its neighbours as features: a line of a download form is known by all its words,
not by the few characters around one of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detector.ngrams import bases, hash_columns, longer
from detector.segmentation import MAX_SEGMENT_CHARS

BAG_BITS = 17
BAG_ORDERS = (2, 3)
BAG_ENTRIES = len(BAG_ORDERS) << BAG_BITS
#: Steps of the integer weights to a unit; with at most MAX_SEGMENT_CHARS positions and two orders no lane overflows.
BAG_SCALE = 8
BAG_LIMIT = 32767 // (MAX_SEGMENT_CHARS * len(BAG_ORDERS))
#: Positions worked on at once, to stay in cache.
_PIECE = 1 << 15


def bag_columns(codes: NDArray[np.uint16], start: int, end: int) -> list[NDArray[np.int64]]:
    """Return the buckets of the bigrams and of the trigrams (BAG_ORDERS) that begin at positions start to end."""
    units = codes[start : end + 2].astype(np.uint32)
    pairs = hash_columns([units[:-2], units[1:-1]])
    triples = longer(pairs, units[2:])
    return [bases(pairs, BAG_BITS), bases(triples, BAG_BITS) + (1 << BAG_BITS)]


def pack_bag(weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Quantise weights (labels x BAG_ENTRIES) and pack them, a signed 16-bit lane a label."""
    steps = np.clip(np.rint(weights * BAG_SCALE), -BAG_LIMIT, BAG_LIMIT).astype(np.int64)
    packed = np.zeros(weights.shape[1], np.int64)
    for lane, row in enumerate(steps):
        packed += row << np.int64(16 * lane)
    return packed


def segment_scores(
    codes: NDArray[np.uint16],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    bag: NDArray[np.int64],
    bias: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return log-odds (segments x labels): the sum of the weights over the root of their number, plus the bias.

    The segments are sorted and disjoint, as those of a batch are.
    """
    sums = np.empty(len(starts), np.int64)
    size = _PIECE + MAX_SEGMENT_CHARS
    weights, scratch = np.empty(size, np.int64), np.empty(size, np.int64)
    first = 0
    while first < len(starts):  # pieces that end where a segment ends, so that its sum is taken while it is in cache
        start = int(starts[first])
        last = int(np.searchsorted(ends, start + size, side="right"))
        end = int(ends[last - 1])
        into, more = weights[: end - start], scratch[: end - start]
        pairs, triples = bag_columns(codes, start, end)
        np.take(bag, pairs, out=into, mode="clip")
        np.take(bag, triples, out=more, mode="clip")
        into += more
        # Sums from each start to its end, and (passed over) from there to the next start.
        bounds = np.stack([starts[first:last], ends[first:last]], axis=1).reshape(-1) - start
        sums[first:last] = np.add.reduceat(into, bounds[:-1])[::2]
        first = last
    return _log_odds(sums, ends - starts, bias)


def _log_odds(sums: NDArray[np.int64], length: NDArray[np.int64], bias: NDArray[np.float64]) -> NDArray[np.float64]:
    out = np.empty((len(sums), len(bias)))
    root = np.sqrt(len(BAG_ORDERS) * length) * BAG_SCALE
    for lane in range(len(bias)):
        low = (sums << 48) >> 48
        out[:, lane] = low / root + bias[lane]
        sums = (sums - low) >> 16
    return out
