"""The evidence of spinning: clean texts and what spinners made of them in, a weight for each bigram bucket out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression

from detector.folding import HAN, fold_pages
from detector.spun import BIGRAM_BITS, han_bigrams


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
        shape=(len(texts), 1 << BIGRAM_BITS),
    )
    model = LogisticRegression(C=strength, solver="liblinear", max_iter=300, random_state=0)
    model.fit(matrix, wanted)
    weights = model.coef_.ravel()
    steps = round(127 / float(np.abs(weights).max()), 3)
    table: NDArray[np.int8] = np.clip(np.rint(weights * steps), -127, 127).astype(np.int8)
    return table, steps, round(float(model.intercept_[0]), 4)
