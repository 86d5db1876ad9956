"""What a detector is asked for comes in; the process's one detector of that kind goes out."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from detector.datatypes import UsageError, Verdict

if TYPE_CHECKING:
    from detector.pipeline import Detector


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to load: small, and so what engines send to their workers."""

    model: str | None = None
    labels: tuple[str, ...] | None = None
    min_score: float | None = None

    def load(self) -> Detector:
        """Return the detector; a second call in the same process returns the same one."""
        return _load(self)


def wanted(
    model: str | os.PathLike[str] | None = None,
    labels: str | Iterable[str] | None = None,
    min_score: float | None = None,
) -> Wanted:
    """Return what `Detector.load` would be asked for."""
    names = labels.split(",") if isinstance(labels, str) else labels
    return Wanted(None if model is None else os.fspath(model), None if names is None else tuple(names), min_score)


@lru_cache(maxsize=8)
def _load(what: Wanted) -> Detector:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # workers share the cores, and no matrix is multiplied
    from detector.pipeline import Detector

    return Detector.load(what.model, labels=what.labels, min_score=what.min_score)


def verdicts_named(names: str | Iterable[str]) -> frozenset[Verdict]:
    """Return the verdicts of these names; raise UsageError for one that does not exist.

    >>> sorted(verdicts_named("spam_page, spun_page"))
    [<Verdict.SPAM_PAGE: 'spam_page'>, <Verdict.SPUN_PAGE: 'spun_page'>]
    """
    wanted_names = [name.strip() for name in (names.split(",") if isinstance(names, str) else names)]
    try:
        return frozenset(Verdict(name) for name in wanted_names if name)
    except ValueError as error:
        raise UsageError(f"{error}; the verdicts are {', '.join(Verdict)}") from None


def missing_engine(engine: str, extra: str) -> ImportError:
    """Return the error for an engine that is not installed; it names the extra that brings it."""
    return ImportError(f"{engine} is not installed: pip install 'spam-span-detector[{extra}]'")
