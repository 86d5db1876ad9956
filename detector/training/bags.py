"""The segment model: labelled pages in, weights of the bag of n-grams that scores a segment as a whole out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy.sparse import csr_array

from detector.datatypes import LabelledPage
from detector.folding import FoldedBatch, fold_pages
from detector.model import LANE_LABELS, pack_steps, unpack_lanes
from detector.positions import ranges
from detector.segment_scores import (
    BAG_ENTRIES,
    BAG_ORDERS,
    WORD_KINDS,
    WORD_VALUE,
    bag_columns,
    bag_words,
    pack_bag,
)
from detector.segmentation import cut_segments
from detector.training.examples import UNUSED, batches_of, targets_of
from detector.training.fitting import classifier
from detector.words import words_of

#: A segment of which so much carries a label is an example of it; one with less, but some, is none of either.
LABEL_SHARE = 0.6
LEAST_CHARS = 3


def fit_bag(
    pages: Sequence[LabelledPage], *, alpha: float, epochs: int, seed: int, jobs: int = 2
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Fit one logistic regression a label over segments; return the packed weights and the biases."""
    columns: list[NDArray[np.int32]] = []
    values: list[NDArray[np.float32]] = []
    entries: list[NDArray[np.int64]] = []
    wanted: list[NDArray[np.int64]] = []
    for group in batches_of(pages):
        batch = fold_pages([page.text for page in group])
        segments = cut_segments(batch)
        targets = targets_of(group, batch)
        length = segments.ends - segments.starts
        row, positions = ranges(segments.starts, segments.ends)
        by_target = np.bincount(row * 256 + targets[positions], minlength=256 * len(length)).reshape(-1, 256)
        share = by_target[:, : len(LANE_LABELS) + 1] / length[:, None]
        label = np.where(share[:, 1:].max(1) >= LABEL_SHARE, 1 + share[:, 1:].argmax(1), 0)
        untouched = by_target[:, 1 : len(LANE_LABELS) + 1].sum(1) == 0
        keep = ((label > 0) | untouched) & (length >= LEAST_CHARS) & (by_target[:, UNUSED] == 0)
        of_group = _entries_of(batch, segments.starts[keep], segments.ends[keep])
        columns.append(of_group[0])
        values.append(of_group[1])
        entries.append(of_group[2])
        wanted.append(label[keep])
    counts = np.concatenate(entries)
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]).astype(np.int32)
    matrix = csr_array((np.concatenate(values), np.concatenate(columns), starts), shape=(len(counts), BAG_ENTRIES))
    labels = np.concatenate(wanted)

    def fit(lane: int) -> tuple[NDArray[np.float64], float]:
        model = classifier(alpha, epochs, seed + lane, eta0=1.0)
        model.fit(matrix, (labels == 1 + lane).astype(np.int8))
        return model.coef_.ravel().astype(np.float64), float(model.intercept_[0])

    fitted = Parallel(n_jobs=jobs, prefer="threads")(delayed(fit)(lane) for lane in range(len(LANE_LABELS)))
    return pack_bag(np.stack([weights for weights, _ in fitted])), np.array([bias for _, bias in fitted])


def mean_bag(bags: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the mean of packed bags, packed again."""
    steps = np.mean([unpack_lanes(bag).T for bag in bags], axis=0)
    return pack_steps(np.rint(steps).astype(np.int64))


def _entries_of(
    batch: FoldedBatch, starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int64]]:
    """Return the columns and values of segments, one segment after another, and how many each has."""
    row, positions = ranges(starts, ends)
    of_ngrams = np.stack(bag_columns(batch.codes, 0, int(batch.page_ends[-1])), axis=1)[positions]
    words = words_of(batch.codes, batch.classes, starts, ends)
    word_row, number = ranges(words.first, words.last)
    of_words = bag_words(words)[:, number].T
    rows = np.concatenate([np.repeat(row, len(BAG_ORDERS)), np.repeat(word_row, WORD_KINDS)])
    counted = np.concatenate([np.ones(of_ngrams.size), np.full(of_words.size, WORD_VALUE)])
    order = np.argsort(rows, kind="stable")
    columns = np.concatenate([of_ngrams.reshape(-1), of_words.reshape(-1)])[order]
    rows = rows[order]
    values = counted[order] / np.sqrt(len(BAG_ORDERS) * (ends - starts))[rows]
    return columns.astype(np.int32), values.astype(np.float32), np.bincount(rows, minlength=len(starts))
