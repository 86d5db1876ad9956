"""Documents of a datatrove pipeline come in; those worth keeping, or all of them with the spam cut out, go out.

    pipeline = [reader, SpamFilter(), SpamCutter(), writer]

Both scan in batches, and pickle as what is to be loaded; each process of an executor loads the bundle once.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from detector.datatypes import Page, ScanResult
from detector.integrations.columns import spans_as_dicts
from detector.integrations.loading import missing_engine, verdicts_named, wanted

try:
    from datatrove.pipeline.filters.base_filter import BaseFilter
    from datatrove.pipeline.formatters.base import BaseFormatter
except ImportError:
    raise missing_engine("datatrove", "datatrove") from None

#: Documents of a batch: enough for the detector's own batches at the length of usual pages.
BATCH_DOCUMENTS = 500


class SpamFilter(BaseFilter):  # type: ignore[misc]  # its types are not known here
    """Drops documents by the page's verdict and notes the verdict and the spans in the metadata of all others."""

    name = "detector: spam pages"

    def __init__(
        self,
        drop: str | Iterable[str] = ("spam_page", "spun_page"),
        *,
        model: str | os.PathLike[str] | None = None,
        labels: str | Iterable[str] | None = None,
        min_score: float | None = None,
        exclusion_writer: Any = None,
        batch_size: int = BATCH_DOCUMENTS,
    ) -> None:
        super().__init__(exclusion_writer, batch_size)
        self._drop = verdicts_named(drop)
        self._wanted = wanted(model, labels, min_score)

    def filter(self, doc: Any) -> bool | tuple[bool, str]:
        """Return whether the document is kept, or False and its verdict."""
        return self.filter_batch([doc])[0]

    def filter_batch(self, batch: list[Any]) -> list[bool | tuple[bool, str]]:
        """Return for each document whether it is kept, or False and its verdict."""
        answers: list[bool | tuple[bool, str]] = []
        for doc, result in zip(batch, self._wanted.load().scan_many(_pages(batch)), strict=True):
            note(doc, result)
            answers.append((False, result.verdict.value) if result.verdict in self._drop else True)
        return answers


class SpamCutter(BaseFormatter):  # type: ignore[misc]  # its types are not known here
    """Cuts the spans out of every document's text and notes in its metadata what they were."""

    name = "detector: cut spam"

    def __init__(
        self,
        *,
        model: str | os.PathLike[str] | None = None,
        labels: str | Iterable[str] | None = None,
        min_score: float | None = None,
        batch_size: int = BATCH_DOCUMENTS,
    ) -> None:
        super().__init__()
        self._wanted = wanted(model, labels, min_score)
        self._batch_size = batch_size

    def format(self, text: str) -> str:
        """Return a text without its spans."""
        return self._wanted.load().scan(text).clean_text

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[Any]:
        """Yield the documents, cut; whole batches are scanned at once."""
        rest = iter(data or ())
        while batch := list(islice(rest, self._batch_size)):
            with self.track_time("batch"):
                results = list(self._wanted.load().scan_many(_pages(batch)))
            for doc, result in zip(batch, results, strict=True):
                self.stat_update("total")
                if result.cut_spans:
                    self.stat_update("cut")
                note(doc, result)
                doc.text = result.clean_text
                yield doc


def note(doc: Any, result: ScanResult) -> None:
    """Put what was found into a document's metadata; spans count characters of the text as it was scanned."""
    doc.metadata["detector_verdict"] = result.verdict.value
    doc.metadata["detector_spans"] = spans_as_dicts(result)


def _pages(batch: Sequence[Any]) -> list[Page]:
    return [Page(doc.text, str(doc.id), doc.metadata.get("url")) for doc in batch]
