"""The screen's tables: pages and what the full pass finds on them in, bigram weights and a threshold out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression

from detector.datatypes import LabelledPage
from detector.features import Lookups
from detector.folding import fold_pages
from detector.model import whole_scores
from detector.screen import SCREEN_BITS, WINDOW, pack_screen, screen_batch, screen_buckets
from detector.segmentation import cut_segments
from detector.spun import HAN, han_bigrams
from detector.training.examples import NOTHING, UNUSED, batches_of, targets_of
from detector.training.fitting import classifier

#: Integer weights of the screen: steps to a unit of log-odds.
SCREEN_SCALE = 64
#: Share of the windows of clean text that teach the screen.
CLEAN_WINDOW_RATE = 0.12


def fit_screen(
    parts: Sequence[tuple[Sequence[LabelledPage], Lookups]], *, segment_threshold: float, seed: int
) -> NDArray[np.int16]:
    """Fit the weight of each bigram bucket: is a character in the middle of these WINDOW bigrams spam?

    Each part of the pages comes with the segment model to read it with. Only segments that do not reach
    `segment_threshold` as a whole teach the screen: the others are scored anyway, and what the windows are for is the
    brand inside an ordinary sentence.
    """
    draw = np.random.Generator(np.random.PCG64(seed))
    sampled = [
        _window_rows(group, lookups, segment_threshold, draw) for pages, lookups in parts for group in batches_of(pages)
    ]
    rows, wanted = [rows for rows, _ in sampled], [spam for _, spam in sampled]
    buckets = np.concatenate(rows)
    starts = np.arange(0, buckets.size + 1, WINDOW, dtype=np.int32)
    ones = np.ones(buckets.size, np.float32)
    matrix = csr_array((ones, buckets.reshape(-1), starts), shape=(len(buckets), 1 << SCREEN_BITS))
    model = classifier(1e-6, 6, seed)
    model.fit(matrix, np.concatenate(wanted).astype(np.int8))
    weights = np.rint(model.coef_.ravel() * SCREEN_SCALE)
    clipped: NDArray[np.int16] = np.clip(weights, -4000, 4000).astype(np.int16)
    return clipped


def _window_rows(
    pages: Sequence[LabelledPage], lookups: Lookups, segment_threshold: float, draw: np.random.Generator
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Return the buckets of sampled windows, and whether their middle is spam."""
    batch = fold_pages([page.text for page in pages])
    targets = targets_of(pages, batch)
    segments = cut_segments(batch)
    scores = whole_scores(lookups, batch, segments)
    passed = scores.max(axis=1, initial=-np.inf) >= segment_threshold
    for start, end in zip(segments.starts[passed].tolist(), segments.ends[passed].tolist(), strict=True):
        targets[start:end] = UNUSED
    buckets = screen_buckets(batch.codes)
    middle = np.arange(len(buckets) - WINDOW) + (WINDOW + 1) // 2
    spam = (targets[middle] != NOTHING) & (targets[middle] != UNUSED)
    lucky = spam | (draw.random(len(middle)) < CLEAN_WINDOW_RATE)
    take = np.flatnonzero(lucky & (targets[middle] != UNUSED))
    return buckets[take[:, None] + np.arange(WINDOW)].astype(np.int32), spam[take]


def fit_spun(
    pairs: Sequence[tuple[str, str]], others: Sequence[str], *, strength: float = 10.0
) -> tuple[NDArray[np.int8], float, float]:
    """Fit the evidence of each bigram bucket that a text was spun, from (clean, spun) pairs and other clean texts.

    Returns the table in integer steps, the steps to a unit, and the bias.
    """
    texts = [text for pair in pairs for text in pair] + list(others)
    wanted = np.array([number % 2 for number in range(2 * len(pairs))] + [0] * len(others), np.int8)
    columns, values, starts = [], [], [0]
    for text in texts:
        batch = fold_pages([text])
        codes = batch.codes[batch.page_starts[0] : batch.page_ends[0]]
        classes = batch.classes[batch.page_starts[0] : batch.page_ends[0]]
        columns.append(han_bigrams(codes, classes).astype(np.int32))
        values.append(np.full(len(columns[-1]), 1 / np.sqrt(max(int(HAN[classes].sum()), 1)), np.float64))
        starts.append(starts[-1] + len(columns[-1]))
    matrix = csr_array(
        (np.concatenate(values), np.concatenate(columns), np.array(starts, np.int32)),
        shape=(len(texts), 1 << SCREEN_BITS),
    )
    model = LogisticRegression(C=strength, solver="liblinear", max_iter=300, random_state=0)
    model.fit(matrix, wanted)
    weights = model.coef_.ravel()
    steps = round(127 / float(np.abs(weights).max()), 3)
    table: NDArray[np.int8] = np.clip(np.rint(weights * steps), -127, 127).astype(np.int8)
    return table, steps, round(float(model.intercept_[0]), 4)


def threshold_for_share(
    screen: NDArray[np.int16], pages: Sequence[LabelledPage], most_share: float, *, low: int = -2000, high: int = 2000
) -> int:
    """Return the lowest threshold, to 4 steps, at which the windows let through no more than `most_share` of the
    characters of clean pages, counting whole segments."""
    table = pack_screen(screen, np.zeros(1 << SCREEN_BITS, np.int8))
    batches = [fold_pages([page.text for page in group]) for group in batches_of(pages)]
    cut = [cut_segments(batch) for batch in batches]
    total = sum(int((segments.ends - segments.starts).sum()) for segments in cut)
    while high - low > 4:
        middle = (low + high) // 2
        passed = 0
        for batch, segments in zip(batches, cut, strict=True):
            chosen = segments.near(screen_batch(batch, table, middle).hits, WINDOW)
            passed += int((segments.ends[chosen] - segments.starts[chosen]).sum())
        if passed <= most_share * total:
            high = middle
        else:
            low = middle
    return high
