"""Hard negatives: a bundle and clean texts in, training rows of the characters it nearly took for spam out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detector.candidates import every_segment
from detector.context import find_stretches
from detector.datatypes import LabelledPage
from detector.folding import fold_pages
from detector.model import WEIGHT_SCALE, Bundle, Decisions, whole_scores
from detector.ngrams import MARGIN_CHARS
from detector.positions import ranges
from detector.scoring import score_segments
from detector.segmentation import cut_segments
from detector.training.examples import NOTHING, Rows, batches_of, rows_at, targets_of

#: Characters whose best label comes this near (in log-odds) are taken.
NEAR = -1.5


def hard_rows(bundle: Bundle, pages: Sequence[LabelledPage], *, most: int, seed: int) -> Rows:
    """Return rows (target nothing) of at most `most` characters outside gold spans that score above NEAR."""
    draw = np.random.Generator(np.random.PCG64(seed))
    parts: list[Rows] = []
    for group in batches_of(pages):
        batch = fold_pages([page.text for page in group])
        segments = cut_segments(batch)
        scores = score_segments(
            bundle, batch, segments, np.arange(len(segments.starts)), whole_scores(bundle.lookups, batch, segments)
        )
        _, positions = ranges(scores.regions.starts, scores.regions.ends)
        targets = targets_of(group, batch)
        near = positions[(scores.lanes.max(axis=1) > NEAR * WEIGHT_SCALE) & (targets[positions] == NOTHING)]
        # A page must not drown the others: its share is drawn.
        if len(near) > 4000:
            near = np.sort(draw.choice(near, 4000, replace=False))
        near = near[(near >= MARGIN_CHARS) & (near < len(batch.codes) - MARGIN_CHARS)]
        parts.append(rows_at(batch, near, targets, bundle.lookups))
    rows = Rows.joined(parts)
    if len(rows.targets) <= most:
        return rows
    keep = np.sort(draw.choice(len(rows.targets), most, replace=False))
    return Rows(rows.buckets[keep], rows.targets[keep], rows.weights[keep])


def without_finds(bundle: Bundle, pages: Sequence[LabelledPage]) -> list[LabelledPage]:
    """Return the pages on which the bundle finds nothing at all: unlabelled pages that may serve as clean ones."""
    decisions = Decisions.of(bundle.settings)
    kept: list[LabelledPage] = []
    for group in batches_of(pages):
        batch = fold_pages([page.text for page in group])
        segments = cut_segments(batch)
        whole = whole_scores(bundle.lookups, batch, segments)
        candidates = every_segment(bundle, batch, segments, whole)
        found = find_stretches(bundle, decisions, batch, segments, candidates, whole)
        kept.extend(page for number, page in enumerate(group) if number not in found)
    return kept
