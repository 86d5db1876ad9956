"""What a segment says as a whole: segments of a batch in, the log-odds of each label for each segment out.

A bag of hashed bigrams and trigrams, one gather each, and of words where there are letters, summed over the segment in
packed lanes. The character model reads the scores of a segment and its neighbours as features: a line of a download
form is known by all its words, not by the few characters around one of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detector.ngrams import bases, hash_columns, longer
from detector.segmentation import MAX_SEGMENT_CHARS
from detector.words import BEGINNING_CHARS, Words, words_of

BAG_BITS = 17
BAG_ORDERS = (2, 3)
#: Entries of the table: those of bigrams, of trigrams, of words with their beginnings, of pairs of words.
BAG_ENTRIES = (len(BAG_ORDERS) + 2) << BAG_BITS
_WORD_BASE, _PAIR_BASE = len(BAG_ORDERS) << BAG_BITS, (len(BAG_ORDERS) + 1) << BAG_BITS
#: What counts of a word: itself, its beginnings, and the pair with the word before it. The keys give a short word and
#: its beginnings, which are the same string, buckets of their own.
WORD_KINDS = 2 + len(BEGINNING_CHARS)
_WORD_KEYS = (0x00000, 0x15555, 0x0CCCC)
#: How much a word counts next to an n-gram, of which a text has some six times as many.
WORD_VALUE = 2
#: Steps of the integer weights to a unit. Neither the n-grams of a segment (MAX_SEGMENT_CHARS of two orders) nor its
#: words (half as many, each parted from the next, of WORD_KINDS) overflow a lane.
BAG_SCALE = 8
BAG_LIMIT = 32767 // (MAX_SEGMENT_CHARS * max(len(BAG_ORDERS), WORD_KINDS // 2))
#: Positions worked on at once, to stay in cache.
_PIECE = 1 << 15


def bag_columns(codes: NDArray[np.uint16], start: int, end: int) -> list[NDArray[np.int64]]:
    """Return the buckets of the bigrams and of the trigrams (BAG_ORDERS) that begin at positions start to end."""
    units = codes[start : end + 2].astype(np.uint32)
    pairs = hash_columns([units[:-2], units[1:-1]])
    triples = longer(pairs, units[2:])
    return [bases(pairs, BAG_BITS), bases(triples, BAG_BITS) + (1 << BAG_BITS)]


def bag_words(words: Words) -> NDArray[np.int64]:
    """Return the buckets of words, a row for each of WORD_KINDS (the pairs last) and a column a word."""
    buckets = np.empty((WORD_KINDS, len(words.whole)), np.int64)
    for row, (hashed, key) in enumerate(zip((words.whole, *words.beginnings), _WORD_KEYS, strict=True)):
        np.bitwise_xor(bases(hashed, BAG_BITS), key, out=buckets[row])
    buckets[:-1] += _WORD_BASE
    buckets[-1] = bases(longer(words.before, words.whole), BAG_BITS) + _PAIR_BASE
    return buckets


def pack_bag(weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Quantise weights (labels x BAG_ENTRIES) and pack them, a signed 16-bit lane a label."""
    steps = np.clip(np.rint(weights * BAG_SCALE), -BAG_LIMIT, BAG_LIMIT).astype(np.int64)
    packed = np.zeros(weights.shape[1], np.int64)
    for lane, row in enumerate(steps):
        packed += row << np.int64(16 * lane)
    return packed


def segment_scores(
    codes: NDArray[np.uint16],
    classes: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    bag: NDArray[np.int64],
    bias: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return log-odds (segments x labels): the weights summed, over the root of the number of n-grams, plus the bias.

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
    of_words = _sums_of_words(words_of(codes, classes, starts, ends), bag)
    return _log_odds(sums, of_words, ends - starts, bias)


def _sums_of_words(words: Words, bag: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the packed sum over the words of each segment: a difference of running sums, which wrap around."""
    running = np.zeros(len(words.whole) + 1, np.int64)
    np.cumsum(bag.take(bag_words(words)).sum(axis=0), out=running[1:])
    found: NDArray[np.int64] = running[words.last] - running[words.first]
    return found


def _log_odds(
    sums: NDArray[np.int64], of_words: NDArray[np.int64], length: NDArray[np.int64], bias: NDArray[np.float64]
) -> NDArray[np.float64]:
    out = np.empty((len(sums), len(bias)))
    root = np.sqrt(len(BAG_ORDERS) * length) * BAG_SCALE
    for lane in range(len(bias)):
        low, low_of_words = (sums << 48) >> 48, (of_words << 48) >> 48
        out[:, lane] = (low + WORD_VALUE * low_of_words) / root + bias[lane]
        sums, of_words = (sums - low) >> 16, (of_words - low_of_words) >> 16
    return out
