"""The detector: pages in, results with spans and verdict out; the only room that knows the order of the others."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from detector.candidates import every_segment, likely_segments
from detector.context import find_stretches
from detector.datatypes import (
    CUT_BY_DEFAULT,
    SPAM_LABELS,
    Page,
    ScanResult,
    Span,
    UsageError,
    Verdict,
    parse_labels,
)
from detector.folding import FoldedBatch
from detector.model import LANE_LABELS, Bundle, Decisions, load_bundle, whole_scores
from detector.pinyin import fold_without_readings
from detector.segmentation import Segments, cut_segments
from detector.spans import Annotate, spans_of, with_spun
from detector.spun import spun_pages
from detector.verdicts import facts_of, judge

# The rooms of HTML are imported where a page of it comes: they take 30 ms, and many scans see none.
if TYPE_CHECKING:
    from detector.html_text import HtmlText, Suspicion

#: Pages are scanned in batches of about so many characters; the size changes no result.
BATCH_CHARS = 1 << 19
_SPAM_LANES = [LANE_LABELS.index(label) for label in SPAM_LABELS]


class Detector:
    """Finds the spans to remove. Scanning is pure: it may be shared by threads, and pickles as its bundle's path."""

    def __init__(
        self,
        bundle: Bundle,
        *,
        labels: str | Iterable[str] | None = None,
        min_score: float | None = None,
        screen: bool = True,
        visible_only: bool = False,
    ) -> None:
        """Scan with `bundle`; `labels` and `min_score` choose which spans are kept and cut.

        ``visible_only=True`` judges of HTML only what a visitor sees.

        ``screen=False`` scores every character instead of those of likely segments: slower, and it keeps the few weak
        finds that are passed over otherwise.
        """
        if min_score is not None and not 0 <= min_score <= 1:
            raise UsageError(f"min_score is a probability from 0 to 1, got {min_score}")
        self._bundle = bundle
        self._labels = None if labels is None else parse_labels(labels)
        self._min_score = min_score or 0.0
        self._screen = screen
        self._visible_only = visible_only
        self._decisions = Decisions.of(bundle.settings)

    @classmethod
    def load(
        cls,
        name_or_path: str | os.PathLike[str] | None = None,
        *,
        labels: str | Iterable[str] | None = None,
        min_score: float | None = None,
        screen: bool = True,
        visible_only: bool = False,
    ) -> Detector:
        """Load the shipped bundle, or another by name or path; raise BundleError if it cannot be used."""
        bundle = load_bundle(name_or_path)
        return cls(bundle, labels=labels, min_score=min_score, screen=screen, visible_only=visible_only)

    def __reduce__(self) -> tuple[Any, ...]:
        names = None if self._labels is None else tuple(sorted(self._labels))
        return _reload, (
            str(self._bundle.path.resolve()),
            names,
            self._min_score,
            self._screen,
            self._visible_only,
        )

    @property
    def bundle_name(self) -> str:
        """Return the bundle's name and the start of its digest."""
        return self._bundle.name

    def scan(self, text: str, url: str | None = None, *, id: str = "") -> ScanResult:
        """Scan one text. `url`, the page's own address, is never needed."""
        return next(self.scan_many([Page(text, id, url)]))

    def scan_many(self, pages: Iterable[str | Page], *, batch_chars: int = BATCH_CHARS) -> Iterator[ScanResult]:
        """Scan texts or pages in large batches: results in order, ids carried; the batch size changes no result."""
        waiting: list[_Prepared] = []
        chars = 0
        for page in pages:
            waiting.append(self._prepared(page if isinstance(page, Page) else Page(page)))
            chars += waiting[-1].weight
            if chars >= batch_chars:
                yield from self._scan_batch(waiting)
                waiting, chars = [], 0
        if waiting:
            yield from self._scan_batch(waiting)

    def scan_html(
        self, source: str | bytes, url: str | None = None, encoding: str | None = None, *, id: str = ""
    ) -> ScanResult:
        """Scan one page of HTML; spans are over the decoded source, which is the result's text.

        Of bytes a byte order mark says the encoding, else `encoding` (as a header gives it), the page, or its content.
        For many pages, give ``Page(source, html=True)`` to `scan_many`.
        """
        from detector.html_text import decode_page

        text = source if isinstance(source, str) else decode_page(source, encoding).text
        return next(self.scan_many([Page(text, id, url, html=True)]))

    def explain(self, text: str | Page, url: str | None = None, *, id: str = "") -> ScanResult:
        """Scan one text or page and fill every span's reasons: what was read there, and how much it counted."""
        from detector.explanation import explained

        page = text if isinstance(text, Page) else Page(text, id, url)
        return next(self._scan_batch([self._prepared(page)], partial(explained, self._bundle)))

    def _prepared(self, page: Page) -> _Prepared:
        if not page.html:
            return _Prepared(page, page.text)
        from detector.html_text import extract, extract_visible

        html = (extract_visible if self._visible_only else extract)(page.text)
        return _Prepared(page, html.text, html)

    def _scan_batch(self, pages: Sequence[_Prepared], annotate: Annotate | None = None) -> Iterator[ScanResult]:
        """Take a batch the whole way: fold, segment, screen, score, decide, then a page at a time: merge and judge."""
        batch, readings = fold_without_readings([page.text for page in pages])
        spun = spun_pages(batch, self._bundle.spun, self._decisions.spun)
        segments = cut_segments(batch)
        whole = whole_scores(self._bundle.lookups, batch, segments)
        candidates = (
            likely_segments(self._bundle, self._decisions, batch, segments, whole)
            if self._screen
            else every_segment(self._bundle, batch, segments, whole)
        )
        found = find_stretches(self._bundle, self._decisions, batch, segments, candidates, whole, spun)
        for number, page in enumerate(pages):
            spans = (
                spans_of(batch, number, found[number], self._decisions.calibration, annotate) if number in found else []
            )
            if number in readings:
                spans = readings[number].restore(spans, explained=annotate is not None)
            elif page.html is not None:
                from detector.html_spans import with_blocks

                suspicion = self._suspicion(batch, number, segments, whole)
                spans = with_blocks(page.html, page.page.url, spans, suspicion, explained=annotate is not None)
            yield self._result(page, spans, number in spun, explained=annotate is not None)

    def _suspicion(self, batch: FoldedBatch, number: int, segments: Segments, whole: NDArray[np.float64]) -> Suspicion:
        """Return what the segment model thinks of a page, at the offsets of its text."""
        from detector.html_text import Suspicion

        first, last = (int(at) for at in np.searchsorted(segments.page, [number, number + 1]))
        starts = batch.offsets(segments.starts[first:last], number)
        ends = batch.offsets(segments.ends[first:last], number)
        spam = whole[first:last, _SPAM_LANES]
        return Suspicion(starts, ends, spam.max(axis=1), spam.argmax(axis=1), self._read_alone)

    def _read_alone(self, texts: Sequence[str]) -> list[float]:
        """Return the segment model's log-odds that each of some short texts is spam."""
        batch, _ = fold_without_readings(list(texts))
        segments = cut_segments(batch)
        spam = whole_scores(self._bundle.lookups, batch, segments)[:, _SPAM_LANES].max(axis=1)
        chars = (segments.ends - segments.starts).astype(np.float64)
        totals = np.bincount(segments.page, chars, len(texts))
        means: list[float] = (np.bincount(segments.page, spam * chars, len(texts)) / np.maximum(totals, 1)).tolist()
        return means

    def _result(self, prepared: _Prepared, spans: list[Span], spun: bool, *, explained: bool) -> ScanResult:
        """Judge the page, then keep the spans that were asked for."""
        page, labels = prepared.page, self._labels or CUT_BY_DEFAULT
        if not spans and not spun:  # nearly every page
            return ScanResult(page.id, len(page.text), Verdict.CLEAN, (), page.text, labels)
        facts = facts_of(prepared.text, spans, spun)
        verdict = judge(facts, self._decisions.verdicts)
        if verdict is Verdict.SPUN_PAGE:
            spans = with_spun(prepared.text, spans, explained=explained)
        kept = tuple(
            span
            for span in spans
            if span.score >= self._min_score and (self._labels is None or span.label in self._labels)
        )
        if prepared.html is not None:
            from detector.html_spans import to_source

            kept = to_source(prepared.html, kept, labels)
        return ScanResult(page.id, len(page.text), verdict, kept, page.text, labels)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A page and the text of it that is scanned: of HTML what stands in it."""

    page: Page
    text: str
    html: HtmlText | None = None

    @property
    def weight(self) -> int:
        """Return how much of a batch it fills; parsed HTML takes memory by its source."""
        return max(len(self.text), len(self.page.text) // 8)


def _reload(path: str, labels: tuple[str, ...] | None, min_score: float, screen: bool, visible_only: bool) -> Detector:
    return Detector.load(path, labels=labels, min_score=min_score, screen=screen, visible_only=visible_only)
