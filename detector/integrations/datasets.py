"""Batches of a Hugging Face dataset come in; columns of verdicts, spans and clean texts go out, with their features.

    dataset.map(ScanBatch(), batched=True, features=features_of(dataset))

What ``map`` pickles, and what it takes the fingerprint of, holds names only; each process loads the bundle once.
"""

from __future__ import annotations

from typing import Any

from detector.integrations.columns import Columns, ColumnScan
from detector.integrations.loading import missing_engine


class ScanBatch(ColumnScan):
    """A callable for ``map`` with ``batched=True``."""

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
