"""Batches of a Hugging Face dataset come in; columns of verdicts, spans and clean texts go out, with their features.

    dataset.map(ScanBatch(), batched=True, features=features_of(dataset))

What ``map`` pickles, and what it takes the fingerprint of, holds names only; each process loads the bundle once.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from detector.integrations.columns import Columns
from detector.integrations.loading import missing_engine, wanted


class ScanBatch:
    """A callable for ``map`` with ``batched=True``."""

    def __init__(
        self,
        *,
        text: str = "text",
        url: str | None = None,
        prefix: str = "",
        model: str | os.PathLike[str] | None = None,
        labels: str | Iterable[str] | None = None,
        min_score: float | None = None,
    ) -> None:
        self._columns = Columns(text, url, prefix, wanted(model, labels, min_score))

    @property
    def columns(self) -> Columns:
        """Return which columns are read and added."""
        return self._columns

    def __call__(self, batch: Any) -> dict[str, list[Any]]:
        columns = self._columns
        return columns.scan(batch[columns.text], None if columns.url is None else batch[columns.url])


def features_of(dataset: Any, scan: ScanBatch | None = None) -> Any:
    """Return a dataset's features with those of the columns that `scan` adds."""
    try:
        from datasets import Features, Value
    except ImportError:
        raise missing_engine("datasets", "datasets") from None
    verdict, spans, clean_text = (scan.columns if scan else Columns()).names()
    number, string = Value("int64"), Value("string")
    span = {"start": number, "end": number, "label": string, "score": Value("float64")}
    return Features({**dataset.features, verdict: string, spans: [span], clean_text: string})
