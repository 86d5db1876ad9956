"""What a segment says as a whole: segments of a batch in, the log-odds of each label for each segment out.

A bag of hashed bigrams and trigrams, one gather each, summed over the segment in packed lanes. The character model
reads the scores of a segment and its neighbours as features: a line of a download form is known by all its words,
not by the few characters around one of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detector.ngrams import bases, hash_columns
from detector.positions import ranges

BAG_BITS = 17
BAG_ORDERS = (2, 3)
BAG_ENTRIES = len(BAG_ORDERS) << BAG_BITS
#: Steps of the integer weights to a unit; with at most MAX_SEGMENT_CHARS positions and two orders no lane overflows.
BAG_SCALE = 8
BAG_LIMIT = 32767 // (240 * len(BAG_ORDERS))


def bag_columns(codes: NDArray[np.uint16], positions: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return, for each of BAG_ORDERS, the buckets of the n-grams that begin at the positions."""
    columns = [codes[positions + step] for step in range(BAG_ORDERS[-1])]
    return [
        bases(hash_columns(columns[:order]), BAG_BITS) + (number << BAG_BITS) for number, order in enumerate(BAG_ORDERS)
    ]


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
    """Return log-odds (segments x labels): the sum of the weights over the root of their number, plus the bias."""
    out = np.empty((len(starts), len(bias)))
    if not len(starts):
        return out
    length = ends - starts
    _, positions = ranges(starts, ends)
    first = np.cumsum(length) - length
    sums = np.zeros(len(starts), np.int64)
    for buckets in bag_columns(codes, positions):
        sums += np.add.reduceat(bag[buckets], first)
    root = np.sqrt(len(BAG_ORDERS) * length) * BAG_SCALE
    for lane in range(len(bias)):
        low = (sums << 48) >> 48
        out[:, lane] = low / root + bias[lane]
        sums = (sums - low) >> 16
    return out
