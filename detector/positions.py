"""Half-open ranges of positions in, one flat array of the positions they hold out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def ranges(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return, for half-open ranges laid end to end, the range each place belongs to and the position it holds.

    >>> ranges(np.array([2, 7]), np.array([4, 8]))
    (array([0, 0, 1]), array([2, 3, 7]))
    """
    length = ends - starts
    row = np.repeat(np.arange(len(starts)), length)
    first = np.cumsum(length) - length
    return row, np.arange(len(row)) + (starts - first)[row]
