"""Deciding numbers: a fitted model and clean or held-out pages in, thresholds, calibration and verdict rates out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from detector.context import ScoredPage, decide_page, pages_of
from detector.datatypes import LabelledPage, ScanResult
from detector.features import segment_features
from detector.folding import fold_pages
from detector.model import LANE_LABELS, WEIGHT_SCALE, Bundle, Decisions, accumulate, whole_scores
from detector.scoring import gather, score_segments, segment_rows, sums_of_words, touching
from detector.segmentation import cut_segments
from detector.spun import spun_log_odds
from detector.training.examples import batches_of

#: How far a threshold is raised at a time, in log-odds.
STEP = 0.25
#: How many steps at once a threshold may sink again: single documents make the harm rise and fall.
LOOK_BACK = 3


def score_pages(bundle: Bundle, pages: Sequence[LabelledPage]) -> list[ScoredPage]:
    """Score every character of the pages that have any; lanes are int16, for many pages at once."""
    found: list[ScoredPage] = []
    for group in batches_of(pages):
        batch = fold_pages([page.text for page in group])
        segments = cut_segments(batch)
        scores = score_segments(
            bundle, batch, segments, np.arange(len(segments.starts)), whole_scores(bundle.lookups, batch, segments)
        )
        for _, page in pages_of(batch, segments, scores):
            found.append(replace(page, lanes=page.lanes.astype(np.int16)))
    return found


def lost_by_label(pages: Sequence[ScoredPage], decisions: Decisions) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return, for each of LANE_LABELS, the characters cut from clean pages and the pages with such a cut."""
    chars = np.zeros(len(LANE_LABELS), np.int64)
    alarms = np.zeros(len(LANE_LABELS), np.int64)
    for page in pages:
        if int((page.lanes - decisions.thresholds).max()) <= 0:
            continue
        found = decide_page(page, decisions)
        by_lane = np.zeros(len(LANE_LABELS), np.int64)
        for start, end in [*found.stretches, *found.repeats]:
            by_lane[int((found.lanes[start:end] - decisions.thresholds).sum(axis=0).argmax())] += end - start
        chars += by_lane
        alarms += by_lane > 0
    return chars, alarms


def tune_thresholds(
    bundle: Bundle, pages: Sequence[LabelledPage], *, low: Sequence[float], loss_budget: float, alarm_budget: float
) -> dict[str, float]:
    """Return low thresholds at which clean pages lose no more than the budgets (shares of characters, pages).

    Every label of LANE_LABELS starts at its own `low`; the one that does the most harm is raised, until both budgets
    hold. Then what others were raised for in vain is taken back: the one that can sink furthest sinks, until none can.
    """
    scored = score_pages(bundle, pages)
    most_chars = loss_budget * max(sum(len(page.shadow) for page in scored), 1)
    most_alarms = alarm_budget * len(pages)

    def lost(thresholds: dict[str, float]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return lost_by_label(scored, Decisions.of({**bundle.settings, "thresholds": thresholds}))

    def hold(thresholds: dict[str, float]) -> bool:
        chars, alarms = lost(thresholds)
        return bool(chars.sum() <= most_chars and alarms.sum() <= most_alarms)

    lowest = dict(zip(map(str, LANE_LABELS), low, strict=True))
    thresholds = dict(lowest)
    while not hold(thresholds):
        chars, alarms = lost(thresholds)
        worst = str(LANE_LABELS[int((chars / most_chars + alarms / most_alarms).argmax())])
        thresholds[worst] += STEP
    while True:
        lower = [
            {**thresholds, label: thresholds[label] - steps * STEP}
            for steps in range(LOOK_BACK, 0, -1)
            for label in thresholds
            if thresholds[label] - steps * STEP >= lowest[label]
        ]
        found = next(filter(hold, lower), None)
        if found is None:
            return thresholds
        thresholds = found


def fit_calibration(results: Sequence[ScanResult], gold: Sequence[LabelledPage]) -> tuple[float, float]:
    """Return slope and offset from a span's log-odds to those of one of its characters being of its label (Platt)."""
    log_odds, right, weights = [], [], []
    for result, page in zip(results, gold, strict=True):
        owner = np.zeros(len(page.text), np.int8)
        for span in page.spans:
            if span.label in LANE_LABELS:
                owner[span.start : span.end] = 1 + LANE_LABELS.index(span.label)
        for span in result.spans:
            if span.label in LANE_LABELS:
                good = int((owner[span.start : span.end] == 1 + LANE_LABELS.index(span.label)).sum())
                log_odds += [span.log_odds, span.log_odds]
                right += [1, 0]
                weights += [good, span.end - span.start - good]
    if not sum(weights[1::2]) or not sum(weights[::2]):
        return 1.0, 0.0
    model = LogisticRegression(C=1e3)
    model.fit(np.array(log_odds)[:, None], np.array(right), sample_weight=np.array(weights, float))
    return round(float(model.coef_[0, 0]), 4), round(float(model.intercept_[0]), 4)


def spun_scores(bundle: Bundle, pages: Sequence[LabelledPage]) -> NDArray[np.float64]:
    """Return the log-odds of having been spun of every page, minus infinity where it cannot be judged."""
    rule = Decisions.of(bundle.settings).spun
    scores = []
    for page in pages:
        batch = fold_pages([page.text])
        inside = slice(int(batch.page_starts[0]), int(batch.page_ends[0]))
        scores.append(spun_log_odds(batch.codes[inside], batch.classes[inside], bundle.spun, rule))
    return np.array(scores)


def with_settings(bundle: Bundle, **changes: Any) -> Bundle:
    """Return the bundle with some settings changed."""
    manifest = {**bundle.manifest, "settings": {**bundle.settings, **changes}}
    return replace(bundle, manifest=manifest)


def quantising_changes(weights: NDArray[np.float64], bundle: Bundle, pages: Sequence[LabelledPage]) -> tuple[int, int]:
    """Return how many segments get another label from the packed integers than from the weights they were made of,
    and how many segments there are.

    A segment's label is the one whose mean over its characters exceeds its threshold by most, or none.
    """
    thresholds = Decisions.of(bundle.settings).thresholds / WEIGHT_SCALE
    changed = total = 0
    for group in batches_of(pages):
        batch = fold_pages([page.text for page in group])
        segments = cut_segments(batch)
        chosen = np.arange(len(segments.starts))
        codes, classes, places, _ = gather(batch, touching(segments, chosen))
        row = segment_rows(segments, chosen)
        whole = whole_scores(bundle.lookups, batch, segments)
        buckets = segment_features(batch, segments, chosen, bundle.lookups, whole).buckets
        exact = [
            accumulate(lane[:-1], codes, classes)[places]
            + sums_of_words(lane[:-1], codes, classes, places, segments, chosen)
            + lane[:-1][buckets].sum(axis=1)[row]
            + lane[-1]
            for lane in weights
        ]
        packed = score_segments(bundle, batch, segments, chosen, whole).lanes.T / WEIGHT_SCALE
        labels = [_labels_of(scores, row, len(chosen), thresholds) for scores in (exact, packed)]
        changed += int((labels[0] != labels[1]).sum())
        total += len(chosen)
    return changed, total


def _labels_of(
    scores: Sequence[NDArray[np.float64]] | NDArray[np.float64],
    row: NDArray[np.int64],
    segments: int,
    thresholds: NDArray[np.float64],
) -> NDArray[np.int64]:
    chars = np.maximum(np.bincount(row, minlength=segments), 1)
    excess = np.stack([np.bincount(row, lane, segments) / chars for lane in scores], axis=1) - thresholds
    return np.where(excess.max(axis=1) > 0, excess.argmax(axis=1), -1)
