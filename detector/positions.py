"""Positions: ranges of them in, one flat array of what they hold out; sorted ones joined."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Where no more than one value in so many is dropped, copying what lies between is faster than a mask.
_FEW = 200


def ranges(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return, for half-open ranges laid end to end, the range each place belongs to and the position it holds.

    >>> ranges(np.array([2, 7]), np.array([4, 8]))
    (array([0, 0, 1]), array([2, 3, 7]))
    """
    length = ends - starts
    row = np.repeat(np.arange(len(starts)), length)
    first = np.cumsum(length) - length
    return row, np.arange(len(row)) + (starts - first)[row]


def union(some: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the positions of both arrays, sorted, each once.

    `np.union1d` does the same, but its first call imports a room of NumPy that serving has no other use for.

    >>> union(np.array([2, 5]), np.array([1, 5]))
    array([1, 2, 5])
    """
    both = np.sort(np.concatenate([some, others]))
    return both[np.append(True, both[1:] != both[:-1])] if len(both) else both


def without(values: NDArray[Any], at: NDArray[np.int64]) -> NDArray[Any]:
    """Return the values but those at some positions (sorted, each once): `np.delete`, faster where few are dropped.

    >>> without(np.array([5, 6, 7, 8]), np.array([1, 3]))
    array([5, 7])
    """
    if len(at) * _FEW > len(values):
        return np.delete(values, at)
    starts, ends = [0, *(at + 1).tolist()], [*at.tolist(), len(values)]
    return np.concatenate([values[start:end] for start, end in zip(starts, ends, strict=True)])


def distinct(values: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct ones of sorted values, and the index of each value among them.

    >>> distinct(np.array([3, 3, 7]))
    (array([3, 7]), array([0, 0, 1]))
    """
    fresh = np.append(True, values[1:] != values[:-1])[: len(values)]
    return values[fresh], np.cumsum(fresh) - 1
