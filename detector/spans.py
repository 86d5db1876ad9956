"""Spans: what was found on a page in, spans with exact edges, labels, offsets and scores out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.context import PageStretches
from detector.datatypes import Label, Reason, Span, probability
from detector.folding import FoldedBatch
from detector.merging import merge, split_by_label
from detector.model import LANE_LABELS, WEIGHT_SCALE
from detector.page_numbers import cut_in_page_numbers
from detector.recurrence import Stretch

#: The uncalibrated log-odds of what a rule found: a page number in a sentence, a line of a spun page.
PAGE_NUMBER_LOG_ODDS = 4.0
SPUN_LOG_ODDS = 2.2


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a span stands in its page's shadow, and the lane of its label."""

    stretch: Stretch
    lane: int


#: Adds to a span what explaining it takes: the span, its batch, its place, what was added to the lanes of the page.
Annotate = Callable[[Span, FoldedBatch, Placed, NDArray[np.int32]], Span]


def spans_of(
    batch: FoldedBatch,
    page: int,
    found: PageStretches,
    calibration: tuple[float, float],
    annotate: Annotate | None = None,
) -> list[Span]:
    """Give the stretches of a page of the batch exact edges, labels, offsets and scores."""
    first, last = int(batch.page_starts[page]), int(batch.page_ends[page])
    classes = batch.classes[first:last]
    sums = np.zeros((len(classes) + 1, len(LANE_LABELS)), np.int64)
    np.cumsum(found.lanes, axis=0, out=sums[1:])
    votes = _votes(found)
    slope, offset = calibration
    spans = []
    for stretch in merge([*found.stretches, *found.repeats], classes):
        for (start, end), lane in split_by_label(stretch, votes, classes):
            log_odds = float(sums[end, lane] - sums[start, lane]) / (WEIGHT_SCALE * (end - start))
            left, right = _offsets(batch, page, start, end)
            span = Span(left, right, LANE_LABELS[lane], probability(slope * log_odds + offset), log_odds)
            spans.append(annotate(span, batch, Placed((start, end), lane), found.bonus) if annotate else span)
    if found.of_document_site:
        spans = _with_page_numbers(batch, page, spans, explained=annotate is not None)
    return spans


def _votes(found: PageStretches) -> NDArray[np.int64]:
    """Return running sums of what labels are chosen by: the lanes, but one step for document-site text in its gaps."""
    votes = np.zeros((len(found.lanes) + 1, len(LANE_LABELS)), np.int64)
    votes[1:] = found.lanes
    in_gap = np.zeros(len(votes), np.bool_)
    for start, end in found.bridges:
        in_gap[start + 1 : end + 1] = True
    for start, end in {*found.stretches, *found.repeats} - {*found.bridges}:
        in_gap[start + 1 : end + 1] = False
    votes[in_gap] = 0
    votes[in_gap, LANE_LABELS.index(Label.REPOSITORY_BOILERPLATE)] = 1
    return np.cumsum(votes, axis=0, out=votes)


def _offsets(batch: FoldedBatch, page: int, start: int, end: int) -> tuple[int, int]:
    """Return the half-open offsets in the page's text of a stretch of its shadow."""
    first = int(batch.page_starts[page])
    offsets = batch.offsets(np.array([first + start, first + end - 1]), page)
    return int(offsets[0]), int(offsets[1]) + 1


def _with_page_numbers(batch: FoldedBatch, page: int, spans: list[Span], *, explained: bool) -> list[Span]:
    """Add the page numbers that a document site's converter cut into sentences, outside the spans found."""
    reason = Reason("page numbers counted on in the middle of sentences", PAGE_NUMBER_LOG_ODDS)
    score = probability(PAGE_NUMBER_LOG_ODDS)
    added = []
    for start, end in cut_in_page_numbers(batch.shadow(page)):
        left, right = _offsets(batch, page, start, end)
        if not any(span.start < right and left < span.end for span in spans):
            reasons = (reason,) if explained else ()
            label = Label.REPOSITORY_BOILERPLATE
            added.append(Span(left, right, label, score, PAGE_NUMBER_LOG_ODDS, 0.0, reasons))
    return sorted([*spans, *added], key=lambda span: span.start)


def with_spun(text: str, spans: list[Span], *, explained: bool) -> list[Span]:
    """Add spans of the label spun over every line of a spun page that no span touches."""
    taken = bytearray(len(text))
    for span in spans:
        taken[span.start : span.end] = b"\x01" * (span.end - span.start)
    reason = Reason("words that spinning machines put in, all through the page", SPUN_LOG_ODDS)
    score = probability(SPUN_LOG_ODDS)
    added, start = [], 0
    for line in text.splitlines(keepends=True):
        end = start + len(line.rstrip())
        begin = start + len(line) - len(line.lstrip())
        if begin < end and not any(taken[begin:end]):
            added.append(Span(begin, end, Label.SPUN, score, SPUN_LOG_ODDS, 0.0, (reason,) if explained else ()))
        start += len(line)
    return sorted([*spans, *added], key=lambda span: span.start)
