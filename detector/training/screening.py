"""The screen's tables: pages and what the full pass finds on them in, bigram weights and a threshold out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression

from detector.context import find_stretches
from detector.datatypes import LabelledPage
from detector.folding import fold_pages
from detector.model import Bundle, Decisions
from detector.screen import SCREEN_BITS, WINDOW, screen_buckets
from detector.segmentation import cut_segments
from detector.spun import HAN, han_bigrams
from detector.training.examples import NOTHING, UNUSED, batches_of, targets_of
from detector.training.fitting import classifier

#: Integer weights of the screen: steps to a unit of log-odds.
SCREEN_SCALE = 64


def fit_screen(pages: Sequence[LabelledPage], *, seed: int, clean_rate: float = 0.12) -> NDArray[np.int16]:
    """Fit the weight of each bigram bucket: is a character in the middle of these WINDOW bigrams spam?"""
    draw = np.random.Generator(np.random.PCG64(seed))
    rows, wanted = [], []
    for group in batches_of(pages):
        batch = fold_pages([page.text for page in group])
        targets = targets_of(group, batch)
        buckets = screen_buckets(batch.codes)
        middle = np.arange(len(buckets) - WINDOW) + (WINDOW + 1) // 2
        spam = (targets[middle] != NOTHING) & (targets[middle] != UNUSED)
        take = np.flatnonzero(
            (draw.random(len(middle)) < np.where(spam, 0.4, clean_rate)) & (targets[middle] != UNUSED)
        )
        rows.append(buckets[take[:, None] + np.arange(WINDOW)].astype(np.int32))
        wanted.append(spam[take])
    buckets = np.concatenate(rows)
    starts = np.arange(0, buckets.size + 1, WINDOW, dtype=np.int32)
    ones = np.ones(buckets.size, np.float32)
    matrix = csr_array((ones, buckets.reshape(-1), starts), shape=(len(buckets), 1 << SCREEN_BITS))
    model = classifier(1e-6, 6, seed)
    model.fit(matrix, np.concatenate(wanted).astype(np.int8))
    weights = np.rint(model.coef_.ravel() * SCREEN_SCALE)
    clipped: NDArray[np.int16] = np.clip(weights, -4000, 4000).astype(np.int16)
    return clipped


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


def highest_safe_threshold(found: Callable[[int], Sequence[bool]], low: int, high: int, *, margin: float = 0.15) -> int:
    """Return a screen threshold at which nothing is lost, `margin` of the way back from the highest such.

    `found(threshold)` tells for each page that the full pass finds spam on whether the screened pass gives the same.
    """
    while high - low > 4:
        middle = (low + high) // 2
        if all(found(middle)):
            low = middle
        else:
            high = middle
    return int(low - margin * abs(low))


def bump(bundle: Bundle, pages: Sequence[LabelledPage], *, target: int = 64) -> NDArray[np.int16]:
    """Return the screen with the bigrams raised that the full pass's finds on `pages` need to reach `target`.

    Of every find the best window is raised, a little for each of its bigrams.
    """
    screen = bundle.screen.astype(np.int32)
    decisions = Decisions.of(bundle.settings)
    for group in batches_of(pages):
        batch = fold_pages([page.text for page in group])
        segments = cut_segments(batch)
        found = find_stretches(bundle, decisions, batch, segments, np.arange(len(segments.starts)))
        buckets = screen_buckets(batch.codes)
        for number, on_page in found.items():
            first = int(batch.page_starts[number])
            for start, end in on_page.stretches:
                inside = buckets[first + start : max(first + end - 1, first + start + WINDOW)]
                sums = np.convolve(screen[inside], np.ones(WINDOW, np.int32), "valid")
                best = int(sums.argmax())
                if sums[best] < target:
                    screen[inside[best : best + WINDOW]] += -(-(target - int(sums[best])) // WINDOW)
    return np.clip(screen, -4000, 4000).astype(np.int16)
