"""What the text model thinks of each segment of a page's text comes in; what it thinks of any range of it goes out."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Final

import numpy as np
from numpy.typing import NDArray

#: A range that touches so many segments is asked about too often to look at each of them.
_MOST_SEGMENTS: Final = 2000

#: Gives the text model's log-odds that each of some short texts, read alone, is spam.
Read = Callable[[Sequence[str]], list[float]]


class Claimed:
    """Ranges of the text that are known as spam: sorted and disjoint."""

    def __init__(self, ranges: Sequence[tuple[int, int]]) -> None:
        self._starts = [start for start, _ in ranges]
        self._ends = [end for _, end in ranges]
        self._sums = list(accumulate((end - start for start, end in ranges), initial=0))

    def share(self, start: int, end: int) -> float:
        """Return the share of a range that is claimed."""
        return (self._before(end) - self._before(start)) / (end - start) if end > start else 0.0

    def touches(self, start: int, end: int) -> bool:
        """Tell whether anything of a range is claimed."""
        return self._before(end) > self._before(start)

    def _before(self, at: int) -> int:
        nth = bisect_right(self._starts, at) - 1
        return self._sums[nth] + min(at, self._ends[nth]) - self._starts[nth] if nth >= 0 else 0


class Suspicion:
    """The text model's log-odds that each segment is spam, and the label that it would have: a number of the caller's.

    >>> page = Suspicion([0, 4], [4, 10], [-3.0, 2.0], [0, 1])
    >>> page.mean(0, 10), page.label(0, 10), page.mean(20, 30)
    (0.0, 1, -inf)
    """

    def __init__(
        self,
        starts: Sequence[int] | NDArray[np.int64],
        ends: Sequence[int] | NDArray[np.int64],
        log_odds: Sequence[float] | NDArray[np.float64],
        labels: Sequence[int] | NDArray[np.int64],
        read: Read | None = None,
    ) -> None:
        self._given = (np.asarray(starts), np.asarray(ends), np.asarray(log_odds))
        self._labels = labels
        self._read = read

    # Most pages are only asked how suspicious they are at most: lists and sums are made when they are needed.
    @cached_property
    def _starts(self) -> list[int]:
        found: list[int] = self._given[0].tolist()
        return found

    @cached_property
    def _ends(self) -> list[int]:
        found: list[int] = self._given[1].tolist()
        return found

    @cached_property
    def _log_odds(self) -> list[float]:
        found: list[float] = self._given[2].tolist()
        return found

    @cached_property
    def _sums(self) -> list[float]:
        lengths = (end - start for start, end in zip(self._starts, self._ends, strict=True))
        weighted = (value * length for value, length in zip(self._log_odds, lengths, strict=True))
        return list(accumulate(weighted, initial=0.0))

    @cached_property
    def _chars(self) -> list[int]:
        return list(accumulate((end - start for start, end in zip(self._starts, self._ends, strict=True)), initial=0))

    def mean(self, start: int, end: int, *, outside: Claimed | None = None) -> float:
        """Return the mean, by characters, of the segments that a range touches; minus infinity where it touches none.

        With `outside`, only segments that are mostly outside of what is claimed count; infinity where there are none.
        """
        first, last = self._touched(start, end)
        if outside is not None and first == last:
            return math.inf
        if outside is not None and outside.touches(start, end) and last - first <= _MOST_SEGMENTS:
            left = [nth for nth in range(first, last) if outside.share(self._starts[nth], self._ends[nth]) < 0.5]
            chars = sum(self._ends[nth] - self._starts[nth] for nth in left)
            total = sum(self._log_odds[nth] * (self._ends[nth] - self._starts[nth]) for nth in left)
            return total / chars if chars else math.inf
        chars = self._chars[last] - self._chars[first]
        return (self._sums[last] - self._sums[first]) / chars if chars else -math.inf

    def means(self, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the mean of every range, as `mean` does of one."""
        begins, stops, _ = self._given
        first = stops.searchsorted(starts, "right")
        last = np.maximum(first, begins.searchsorted(ends))
        sums, lengths = np.array(self._sums), np.array(self._chars)
        chars = lengths[last] - lengths[first]
        return np.where(chars > 0, (sums[last] - sums[first]) / np.maximum(chars, 1), -np.inf)

    def label(self, start: int, end: int) -> int | None:
        """Return the label of the most suspicious segment that a range touches."""
        first, last = self._touched(start, end)
        if first == last:
            return None
        return int(self._labels[max(range(first, last), key=lambda nth: self._log_odds[nth])])

    def at_least(self, log_odds: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where the segments from these log-odds on start and end."""
        starts, ends, values = self._given
        chosen = np.flatnonzero(values >= log_odds)
        return starts[chosen], ends[chosen]

    def run(self, start: int, end: int, *, low: int, high: int, floor: float) -> tuple[int, int]:
        """Return a segment's range with those beside it, inside ``[low, high)``, whose log-odds reach `floor`."""
        first, last = self._touched(start, end)
        while first > 0 and self._starts[first - 1] >= low and self._log_odds[first - 1] >= floor:
            first -= 1
        while last < len(self._ends) and self._ends[last] <= high and self._log_odds[last] >= floor:
            last += 1
        return max(low, self._starts[first]), min(high, self._ends[last - 1])

    def of(self, texts: Sequence[str]) -> list[float]:
        """Return the log-odds of texts that are read alone; minus infinity each where nobody can read them."""
        return self._read(texts) if self._read is not None else [-math.inf] * len(texts)

    def _touched(self, start: int, end: int) -> tuple[int, int]:
        first, last = bisect_right(self._ends, start), bisect_left(self._starts, end)
        return first, max(first, last)
