"""The cheap look at all text: a folded batch in, the positions near which a span is possible and page evidence out.

One table of bigrams serves two questions in one gather and one running sum. Its low half screens: a position is a hit
where the WINDOW bigrams from there on sum to the threshold. Its high half holds the evidence that text was
machine-spun, summed over the page. The windows stand beside the segment model, which lets segments through as a whole;
what neither lets through is never scored, so their thresholds trade weak finds for speed (docs/experiments.md, 16-21).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.folding import FoldedBatch

SCREEN_BITS = 16
#: Bigrams summed for one decision: a brand of five characters and what touches it.
WINDOW = 6
#: So many positions are worked on at once, to stay in cache; the number does not change a result.
_PIECE = 1 << 14
_FIRST, _SECOND = np.uint16(0x9E37), np.uint16(0x79B1)


@dataclass(frozen=True, slots=True)
class Screened:
    """``hits``: int64 positions, sorted, at whose WINDOW a span is possible; ``spun``: int64 evidence a page."""

    hits: NDArray[np.int64]
    spun: NDArray[np.int64]


def pack_screen(screen: NDArray[np.int16], spun: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return the table that holds both weights of each bigram bucket."""
    return screen.astype(np.int64) + (spun.astype(np.int64) << 32)


def screen_buckets(codes: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Return the bucket of the bigram at each position (one fewer than there are codes).

    Two 16-bit multiplications and a sum, wrapping around: a fifth of the cost of the hash that the model uses.
    """
    buckets = codes[:-1] * _FIRST
    buckets += codes[1:] * _SECOND
    return buckets


def screen_batch(batch: FoldedBatch, packed: NDArray[np.int64], threshold: int) -> Screened:
    """Look at every character of the batch; `packed` is what pack_screen returned."""
    codes = batch.codes
    count = len(codes) - 1
    running = np.empty(count + 1, np.int64)
    running[0] = 0
    index = np.empty(min(count, _PIECE), np.intp)
    weights = np.empty(min(count, _PIECE), np.int64)
    found = []
    for start in range(0, count, _PIECE):
        end = min(start + _PIECE, count)
        size = end - start
        index[:size] = screen_buckets(codes[start : end + 1])
        np.take(packed, index[:size], out=weights[:size], mode="clip")
        weights[0] += running[start]
        np.cumsum(weights[:size], out=running[start + 1 : end + 1])
        # Differences of packed sums: the low half is small, so a 32-bit view of it is exact.
        first = max(start - WINDOW + 1, 0)
        low = running[first : end + 1].view(np.int32)[::2]
        found.append(np.flatnonzero(low[WINDOW:] - low[:-WINDOW] >= threshold) + first)
    hits = np.concatenate(found) if found else np.empty(0, np.int64)
    totals = running[batch.page_ends] - running[batch.page_starts]
    return Screened(hits, (totals - totals.astype(np.int32)) >> 32)
