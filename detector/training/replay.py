"""Replay: training rows in, the compact sample of them that a bundle carries out, and back again.

A bundle carries hashed rows, no text, so that a user who has no corpus can teach it without it forgetting.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.datatypes import BundleError
from detector.features import BINS_PER_FEATURE, FEATURES
from detector.ngrams import PLACES, SEGMENT_BASE, SHAPE_BASE
from detector.training.examples import ROW_ENTRIES, Rows

_NGRAMS = sum(not place.shape for place in PLACES)
_FIRST_BINS = (SEGMENT_BASE + BINS_PER_FEATURE * np.arange(len(FEATURES))).astype(np.int32)
_WORDS = slice(len(PLACES) + len(FEATURES), ROW_ENTRIES)


def pack_replay(rows: Rows, most: int, seed: int) -> dict[str, NDArray[Any]]:
    """Draw at most `most` rows, as many of spam as of nothing where there are, in arrays that compress well."""
    draw = np.random.Generator(np.random.PCG64(seed))
    spam, nothing = np.flatnonzero(rows.targets > 0), np.flatnonzero(rows.targets == 0)
    take_spam = min(len(spam), most // 2)
    chosen = np.concatenate(
        [
            draw.choice(spam, take_spam, replace=False),
            draw.choice(nothing, min(len(nothing), most - take_spam), replace=False),
        ]
    )
    chosen.sort()
    buckets = rows.buckets[chosen]
    features = buckets[:, len(PLACES) : _WORDS.start] - _FIRST_BINS
    return {
        "replay_ngrams_low": (buckets[:, :_NGRAMS] & 0xFFFF).astype(np.uint16),
        "replay_ngrams_high": (buckets[:, :_NGRAMS] >> 16).astype(np.uint8),
        "replay_shapes": (buckets[:, _NGRAMS : len(PLACES)] - SHAPE_BASE).astype(np.uint16),
        "replay_features": features.astype(np.uint8),
        "replay_words": buckets[:, _WORDS],
        "replay_targets": rows.targets[chosen],
    }


def unpack_replay(arrays: dict[str, NDArray[Any]]) -> Rows:
    """Return the rows that pack_replay packed."""
    try:
        low, high = arrays["replay_ngrams_low"].astype(np.int32), arrays["replay_ngrams_high"].astype(np.int32)
        shapes = arrays["replay_shapes"].astype(np.int32) + SHAPE_BASE
        features = arrays["replay_features"].astype(np.int32) + _FIRST_BINS
        words: NDArray[np.int32] = arrays["replay_words"]
        targets: NDArray[np.uint8] = arrays["replay_targets"]
    except KeyError as error:
        raise BundleError(
            f"the base bundle carries nothing to retrain from ({error} is missing); use another"
        ) from error
    buckets = np.concatenate([low | (high << 16), shapes, features, words], axis=1)
    return Rows(buckets, targets, np.ones(len(targets)))
