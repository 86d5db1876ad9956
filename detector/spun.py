"""Machine-spun text: folded pages in, the log-odds that a spinner's substitutions run through each out.

Spinners replace words from fixed tables, so their output holds pairs of characters that ordinary prose does not. The
evidence is a logistic regression over hashed bigrams of Han characters, each weighted by the root of their number.
Perplexity and out-of-vocabulary shares were measured elsewhere and found useless (AUC 0.56-0.60).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.folding import HAN, FoldedBatch

BIGRAM_BITS = 16
#: So many positions are worked on at once, to stay in cache; the number does not change a result.
_PIECE = 1 << 15
_FIRST, _SECOND = np.uint16(0x9E37), np.uint16(0x79B1)


@dataclass(frozen=True, slots=True)
class SpunRule:
    """The learned numbers: ``steps`` of the table to a unit, the ``bias``, what log-odds must exceed (``threshold``),
    how far below it the estimate by all bigrams may lie (``slack``), the fewest Han characters and the least share
    of Han that a page must have to be judged at all."""

    steps: float
    bias: float
    threshold: float
    slack: float
    least_han: int
    least_han_share: float

    @classmethod
    def of(cls, settings: dict[str, Any]) -> SpunRule:
        """Read them from a bundle's settings."""
        return cls(
            float(settings["steps"]),
            float(settings["bias"]),
            float(settings["threshold"]),
            float(settings["slack"]),
            int(settings["least_han"]),
            float(settings["least_han_share"]),
        )

    def may_be_spun(self, evidence: NDArray[np.int64] | int, chars: NDArray[np.int64] | int) -> NDArray[np.bool_]:
        """Tell from the evidence of all bigrams of pages, and their lengths, which are worth the exact look."""
        log_odds = np.asarray(evidence) / (self.steps * np.sqrt(np.maximum(chars, 1))) + self.bias
        worth: NDArray[np.bool_] = (np.asarray(chars) >= self.least_han) & (log_odds >= self.threshold - self.slack)
        return worth


def bigram_buckets(codes: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Return the bucket of the bigram at each position (one fewer than there are codes).

    Two 16-bit multiplications and a sum, wrapping around: a fifth of the cost of the hash that the model uses.
    """
    buckets = codes[:-1] * _FIRST
    buckets += codes[1:] * _SECOND
    return buckets


def spun_evidence(batch: FoldedBatch, table: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return the sum of the evidence (`table`, a weight a bucket) of all bigrams of each page: a cheap estimate."""
    count = len(batch.codes) - 1
    weights = np.empty(count, np.int8)
    index = np.empty(min(count, _PIECE), np.intp)
    for start in range(0, count, _PIECE):
        end = min(start + _PIECE, count)
        index[: end - start] = bigram_buckets(batch.codes[start : end + 1])
        np.take(table, index[: end - start], out=weights[start:end], mode="clip")
    if not len(batch.page_starts):
        return np.empty(0, np.int64)
    bounds = np.stack([batch.page_starts, batch.page_ends], axis=1).reshape(-1)
    sums = np.add.reduceat(weights, bounds, dtype=np.int64)[::2]
    return np.where(batch.page_ends > batch.page_starts, sums, 0)


def han_bigrams(codes: NDArray[np.uint16], classes: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return the buckets of the page's bigrams of two Han characters."""
    han = HAN[classes]
    found: NDArray[np.uint16] = bigram_buckets(codes)[han[:-1] & han[1:]]
    return found


def spun_log_odds(
    codes: NDArray[np.uint16], classes: NDArray[np.uint8], table: NDArray[np.int8], rule: SpunRule
) -> float:
    """Return the log-odds that the page was spun; minus infinity where it has too little Han to be judged."""
    han = int(HAN[classes].sum())
    if han < rule.least_han or han < rule.least_han_share * len(codes):
        return -math.inf
    evidence = int(table[han_bigrams(codes, classes)].sum(dtype=np.int64))
    return evidence / (rule.steps * math.sqrt(han)) + rule.bias


def is_spun(
    evidence: int,
    codes: NDArray[np.uint16],
    classes: NDArray[np.uint8],
    table: NDArray[np.int8],
    rule: SpunRule,
) -> bool:
    """Tell whether a page was spun: the estimate by all bigrams (`evidence`) first, then the exact look."""
    if not rule.may_be_spun(evidence, len(codes)):
        return False
    return spun_log_odds(codes, classes, table, rule) > rule.threshold


def spun_pages(batch: FoldedBatch, table: NDArray[np.int8], rule: SpunRule) -> set[int]:
    """Return the numbers of the pages of a batch that a machine spun."""
    evidence = spun_evidence(batch, table)
    found = set()
    for page in np.flatnonzero(rule.may_be_spun(evidence, batch.page_ends - batch.page_starts)).tolist():
        inside = slice(int(batch.page_starts[page]), int(batch.page_ends[page]))
        if is_spun(int(evidence[page]), batch.codes[inside], batch.classes[inside], table, rule):
            found.add(page)
    return found
