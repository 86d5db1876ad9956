"""Fitting: training rows in, weights of the linear model out; scikit-learn does the learning."""

from __future__ import annotations

from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.linear_model import SGDClassifier

from detector.model import LANE_LABELS
from detector.ngrams import BUCKET_COUNT
from detector.training.examples import NO_BUCKET, Rows


def matrix_of(rows: Rows) -> csr_array[Any, Any]:
    """Return the rows as a sparse matrix of ones; a bucket met twice in a row counts twice, NO_BUCKET not at all."""
    there = rows.buckets != NO_BUCKET
    buckets = rows.buckets[there]
    starts = np.zeros(len(there) + 1, np.int32 if len(buckets) < 2**31 else np.int64)
    np.cumsum(there.sum(axis=1), out=starts[1:])
    return csr_array((np.ones(len(buckets), np.float32), buckets, starts), shape=(len(there), BUCKET_COUNT))


def classifier(alpha: float, epochs: int, seed: int, *, eta0: float = 0.02) -> SGDClassifier:
    """Return an unfitted logistic regression, fitted by averaged stochastic gradient descent."""
    return SGDClassifier(
        loss="log_loss",
        alpha=alpha,
        max_iter=epochs,
        tol=None,
        average=True,
        random_state=seed,
        learning_rate="adaptive",
        eta0=eta0,
    )


def fit_lanes(
    rows: Rows, *, alpha: float, epochs: int, seed: int, start: NDArray[np.float64] | None = None, jobs: int = 2
) -> NDArray[np.float64]:
    """Fit one logistic regression a label against everything else.

    Returns the weights, LANE_LABELS x (BUCKET_COUNT + 1), the last column being the bias; `start` are weights of the
    same shape to begin from.
    """
    matrix = matrix_of(rows)

    def fit(lane: int) -> NDArray[np.float64]:
        wanted = (rows.targets == 1 + lane).astype(np.int8)
        model = classifier(alpha, epochs, seed + lane)
        if not wanted.any():
            return np.append(np.zeros(BUCKET_COUNT), -6.0) if start is None else start[lane]
        if start is None:
            model.fit(matrix, wanted, sample_weight=rows.weights)
        else:
            model.fit(
                matrix, wanted, coef_init=start[lane, :-1], intercept_init=start[lane, -1:], sample_weight=rows.weights
            )
        return np.append(model.coef_.ravel(), model.intercept_).astype(np.float64)

    return np.stack(Parallel(n_jobs=jobs, prefer="threads")(delayed(fit)(lane) for lane in range(len(LANE_LABELS))))
