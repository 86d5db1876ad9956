"""Columns of texts come in; columns of verdicts, spans and clean texts go out, as every table engine takes them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from detector.datatypes import Page, ScanResult
from detector.integrations.loading import Wanted, wanted

#: The columns that are added, in this order.
ADDED = ("verdict", "spans", "clean_text")


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns are read and how those that are added are called: ``<prefix>verdict`` and so on."""

    text: str = "text"
    url: str | None = None
    prefix: str = ""
    wanted: Wanted = field(default_factory=Wanted)

    def names(self) -> tuple[str, str, str]:
        """Return the names of the columns that are added."""
        verdict, spans, clean_text = (self.prefix + name for name in ADDED)
        return verdict, spans, clean_text

    def scan(self, texts: Sequence[Any], urls: Iterable[Any] | None = None) -> dict[str, list[Any]]:
        """Return the added columns for a column of texts; what is no text (null) gets null in all of them."""
        addresses = [None] * len(texts) if urls is None else list(urls)
        pages = [
            Page(text, "", url if isinstance(url, str) else None)
            for text, url in zip(texts, addresses, strict=True)
            if isinstance(text, str)
        ]
        results = self.wanted.load().scan_many(pages)
        rows = [_row(next(results)) if isinstance(text, str) else (None, None, None) for text in texts]
        return {name: [row[at] for row in rows] for at, name in enumerate(self.names())}


class ColumnScan:
    """What an engine calls for each of its batches; each engine's own says how a batch is read and what it gives."""

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
        """Read the columns `text` and `url`; the bundle is loaded where the first batch is scanned."""
        self._columns = Columns(text, url, prefix, wanted(model, labels, min_score))

    @property
    def columns(self) -> Columns:
        """Return which columns are read and added."""
        return self._columns


def _row(result: ScanResult) -> tuple[str, list[dict[str, Any]], str]:
    return result.verdict.value, spans_as_dicts(result), result.clean_text


def spans_as_dicts(result: ScanResult) -> list[dict[str, Any]]:
    """Return the spans of a result in plain values: start, end, label, score."""
    return [
        {"start": int(span.start), "end": int(span.end), "label": span.label.value, "score": round(span.score, 4)}
        for span in result.spans
    ]
