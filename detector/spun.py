"""Machine-spun text: a page's folded codes in, the log-odds that a spinner's substitutions run through it out.

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

from detector.folding import CharClass, class_mask
from detector.screen import screen_buckets

HAN = class_mask(CharClass.HAN, CharClass.HAN_SIMPLIFIED, CharClass.HAN_TRADITIONAL, CharClass.HAN_FUNCTION)


@dataclass(frozen=True, slots=True)
class SpunRule:
    """The learned numbers: ``steps`` of the table to a unit, the ``bias``, what log-odds must exceed (``threshold``),
    how far below it the screen's coarse estimate may lie (``slack``), the fewest Han characters and the least share
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

    def may_be_spun(self, evidence: int, chars: int) -> bool:
        """Tell from the screen's sum over all bigrams whether a page is worth the exact look."""
        if chars < self.least_han:
            return False
        return evidence / (self.steps * math.sqrt(chars)) + self.bias >= self.threshold - self.slack


def han_bigrams(codes: NDArray[np.uint16], classes: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return the buckets of the page's bigrams of two Han characters."""
    han = HAN[classes]
    found: NDArray[np.uint16] = screen_buckets(codes)[han[:-1] & han[1:]]
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
    """Tell whether a page was spun: the screen's estimate first, then the exact look."""
    if not rule.may_be_spun(evidence, len(codes)):
        return False
    return spun_log_odds(codes, classes, table, rule) > rule.threshold
