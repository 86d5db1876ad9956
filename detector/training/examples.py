"""Training rows: labelled pages in, bucket indices and targets of sampled characters out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.datatypes import LabelledPage
from detector.features import FEATURES, Lookups, segment_features
from detector.folding import FoldedBatch, fold_pages
from detector.model import LANE_LABELS, whole_scores
from detector.ngrams import MARGIN_CHARS, PLACES, bucket_columns
from detector.scoring import segment_rows
from detector.segmentation import Segments, cut_segments
from detector.words import WORD_PLACES, word_buckets, words_of

#: Entries of a row: one for each place an n-gram can stand in, each segment feature, and each of WORD_PLACES.
ROW_ENTRIES = len(PLACES) + len(FEATURES) + len(WORD_PLACES)
#: Stands in a row where no word counts for the character.
NO_BUCKET = -1
#: Target of a character that no cut label claims.
NOTHING = 0
#: Target of a character that teaches nothing either way (a reading in parentheses, spun text).
UNUSED = 255
#: Characters taken from a long span, beside those near its edges.
SPAN_SAMPLE = 24
EDGE_CHARS = 8
CLEAN_RATE = 0.06


@dataclass(frozen=True)
class Rows:
    """``buckets`` int32 (rows x ROW_ENTRIES), ``targets`` uint8 (0 nothing, else 1 + lane), ``weights`` float64."""

    buckets: NDArray[np.int32]
    targets: NDArray[np.uint8]
    weights: NDArray[np.float64]

    @classmethod
    def joined(cls, parts: Sequence[Rows]) -> Rows:
        """Return the rows of all parts, one after another."""
        if not parts:
            return cls(np.empty((0, ROW_ENTRIES), np.int32), np.empty(0, np.uint8), np.empty(0))
        return cls(
            np.concatenate([part.buckets for part in parts]),
            np.concatenate([part.targets for part in parts]),
            np.concatenate([part.weights for part in parts]),
        )


def batches_of(pages: Iterable[LabelledPage], chars: int = 1 << 18) -> Iterator[list[LabelledPage]]:
    """Group pages into lists of about so many characters."""
    waiting: list[LabelledPage] = []
    size = 0
    for page in pages:
        waiting.append(page)
        size += len(page.text)
        if size >= chars:
            yield waiting
            waiting, size = [], 0
    if waiting:
        yield waiting


def targets_of(pages: Sequence[LabelledPage], batch: FoldedBatch) -> NDArray[np.uint8]:
    """Return the target of every position of the batch; gaps are UNUSED."""
    targets = np.full(len(batch.codes), UNUSED, np.uint8)
    lanes = {label: 1 + lane for lane, label in enumerate(LANE_LABELS)}
    for number, page in enumerate(pages):
        in_text = np.zeros(len(page.text), np.uint8)
        for span in page.spans:
            if span.label in lanes:
                in_text[span.start : span.end] = lanes[span.label]
            elif str(span.label) in ("pinyin_noise", "spun"):
                in_text[span.start : span.end] = UNUSED
        start, end = int(batch.page_starts[number]), int(batch.page_ends[number])
        offsets = batch.offsets(np.arange(start, end), number)
        targets[start:end] = in_text[offsets]
    return targets


def sample(targets: NDArray[np.uint8], draw: np.random.Generator, clean_rate: float) -> NDArray[np.int64]:
    """Return the positions to learn from: all near the edges of spans, some of the rest."""
    used = targets != UNUSED
    spam = used & (targets != NOTHING)
    edges = np.flatnonzero(np.diff(targets.astype(np.int16)) != 0)
    near = np.zeros(len(targets), np.bool_)
    for shift in range(-EDGE_CHARS, EDGE_CHARS + 1):
        near[np.clip(edges + shift, 0, len(targets) - 1)] = True
    luck = draw.random(len(targets))
    run_starts = np.flatnonzero(np.diff(spam.astype(np.int8), prepend=0) == 1)
    run_ends = np.flatnonzero(np.diff(spam.astype(np.int8), append=0) == -1) + 1
    rate = np.zeros(len(targets))
    for start, end in zip(run_starts, run_ends, strict=True):
        rate[start:end] = SPAN_SAMPLE / (end - start)
    rate[~spam] = clean_rate
    return np.flatnonzero(used & (near | (luck < rate)))


def rows_at(batch: FoldedBatch, positions: NDArray[np.int64], targets: NDArray[np.uint8], lookups: Lookups) -> Rows:
    """Return the rows of the given positions of a batch: the same buckets that serving looks up."""
    segments = cut_segments(batch)
    everything = np.arange(len(segments.starts))
    table = segment_features(batch, segments, everything, lookups, whole_scores(lookups, batch, segments)).buckets
    buckets = np.empty((len(positions), ROW_ENTRIES), np.int32)
    for column, (_, found) in enumerate(bucket_columns(batch.codes, batch.classes)):
        buckets[:, column] = found[positions - MARGIN_CHARS]
    of_position = np.full(len(batch.codes), -1, np.int64)
    row = segment_rows(segments, everything)
    starts = np.repeat(segments.starts, segments.ends - segments.starts)
    lengths = segments.ends - segments.starts
    first = np.cumsum(lengths) - lengths
    of_position[starts + np.arange(len(row)) - np.repeat(first, lengths)] = row
    of_words = len(PLACES) + len(FEATURES)
    buckets[:, len(PLACES) : of_words] = table[of_position[positions]]
    buckets[:, of_words:] = _word_entries(batch, segments, positions)
    return Rows(buckets, targets[positions], np.ones(len(positions)))


def _word_entries(batch: FoldedBatch, segments: Segments, positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the buckets of the words that count for characters, a row each and a column for each of WORD_PLACES."""
    words = words_of(batch.codes, batch.classes, segments.starts, segments.ends)
    entries = np.full((len(positions), len(WORD_PLACES)), NO_BUCKET, np.int64)
    word = np.searchsorted(words.starts, positions, side="right") - 1
    within = np.flatnonzero(word >= 0)
    within = within[positions[within] < words.reach[word[within]]]
    entries[within] = word_buckets(words).T[word[within]]
    return entries


def rows_of(pages: Iterable[LabelledPage], lookups: Lookups, *, seed: int, clean_rate: float = CLEAN_RATE) -> Rows:
    """Return sampled rows of labelled pages."""
    draw = np.random.Generator(np.random.PCG64(seed))
    parts = []
    for group in batches_of(pages):
        batch = fold_pages([page.text for page in group])
        targets = targets_of(group, batch)
        parts.append(rows_at(batch, sample(targets, draw, clean_rate), targets, lookups))
    return Rows.joined(parts)
