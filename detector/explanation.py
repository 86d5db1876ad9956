"""Why a span stands: a scored stretch of a page in, its reasons out, which sum with the bias to its log-odds."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from detector.datatypes import Reason, Span
from detector.features import FEATURES, segment_features
from detector.folding import CharClass, FoldedBatch
from detector.model import WEIGHT_SCALE, Bundle, unpack_lanes, whole_scores
from detector.ngrams import BUCKET_COUNT, MARGIN_CHARS, bucket_columns
from detector.segmentation import cut_segments
from detector.spans import Placed
from detector.words import WORD_PLACES, word_buckets, words_of

#: So many single reasons are named; the rest are summed up in one.
NAMED_REASONS = 12
_CLASS_NAMES = {
    CharClass.DIGIT: "digit",
    CharClass.LATIN_LOWER: "letter",
    CharClass.LATIN_UPPER: "capital",
    CharClass.HAN: "Han",
    CharClass.HAN_SIMPLIFIED: "Han",
    CharClass.HAN_TRADITIONAL: "Han",
    CharClass.HAN_FUNCTION: "Han particle",
    CharClass.EDGE: "page edge",
    CharClass.NEWLINE: "line end",
    CharClass.SPACE: "space",
}


def explained(bundle: Bundle, span: Span, batch: FoldedBatch, place: Placed, bonus: NDArray[np.int32]) -> Span:
    """Return the span with its bias and reasons; the batch holds its page alone.

    A reason's log-odds is its mean part over the span's characters. Its place is where the n-gram stands first, or
    -1 for what belongs to no single place.
    """
    page_start, page_end = int(batch.page_starts[0]), int(batch.page_ends[0])
    start, end = place.stretch[0] + page_start, place.stretch[1] + page_start
    parts: dict[str, float] = defaultdict(float)
    places: dict[str, tuple[int, int]] = {}
    codes = batch.codes[start - MARGIN_CHARS : end + MARGIN_CHARS]
    classes = batch.classes[start - MARGIN_CHARS : end + MARGIN_CHARS]
    for around, buckets in bucket_columns(codes, classes):
        for nth, weight in enumerate(_weights(bundle, buckets, place.lane).tolist()):
            if weight:
                at = start + nth + around.shift
                name = (_shape if around.shape else _text)(batch, at, around.order)
                parts[name] += weight / (WEIGHT_SCALE * (end - start))
                places.setdefault(name, (max(at, page_start), min(at + around.order, page_end)))
    _add_words(bundle, batch, start, end, place.lane, parts, places)
    _add_segment_features(bundle, batch, start, end, place.lane, parts)
    added = float(bonus[slice(*place.stretch), place.lane].mean())
    if added:
        parts["what else stands on the page"] += added / WEIGHT_SCALE
    bias = float(_weights(bundle, np.array([BUCKET_COUNT]), place.lane)[0]) / WEIGHT_SCALE
    in_text = {name: _offsets(batch, *positions) for name, positions in places.items()}
    return replace(span, bias=bias, reasons=_named(parts, in_text))


def _add_words(
    bundle: Bundle,
    batch: FoldedBatch,
    start: int,
    end: int,
    lane: int,
    parts: dict[str, float],
    places: dict[str, tuple[int, int]],
) -> None:
    segments = cut_segments(batch)
    words = words_of(batch.codes, batch.classes, segments.starts, segments.ends)
    chars = np.minimum(words.reach, end) - np.maximum(words.starts, start)
    for word in np.flatnonzero(chars > 0).tolist():
        share = int(chars[word]) / (WEIGHT_SCALE * (end - start))
        at = int(words.starts[word]), int(words.ends[word])
        shown = batch.codes[slice(*at)].astype("<u2").tobytes().decode("utf-16-le", "surrogatepass")
        weights = _weights(bundle, word_buckets(words)[:, word], lane).tolist()
        for kind, weight in zip(WORD_PLACES, weights, strict=True):
            if weight:
                name = f"“{shown}”: {kind}"
                parts[name] += weight * share
                places.setdefault(name, at)


def _offsets(batch: FoldedBatch, start: int, end: int) -> tuple[int, int]:
    """Return the offsets in the page's text of positions of the batch."""
    if start >= end:
        return -1, -1
    offsets = batch.offsets(np.array([start, end - 1]), 0)
    return int(offsets[0]), int(offsets[1]) + 1


def _weights(bundle: Bundle, buckets: NDArray[np.int64], lane: int) -> NDArray[np.int32]:
    found: NDArray[np.int32] = unpack_lanes(bundle.lanes[buckets])[:, lane]
    return found


def _add_segment_features(
    bundle: Bundle, batch: FoldedBatch, start: int, end: int, lane: int, parts: dict[str, float]
) -> None:
    segments = cut_segments(batch)
    chosen = np.flatnonzero((segments.starts < end) & (segments.ends > start))
    table = segment_features(batch, segments, chosen, bundle.lookups, whole_scores(bundle.lookups, batch, segments))
    inside = np.minimum(segments.ends[chosen], end) - np.maximum(segments.starts[chosen], start)
    for row, chars in zip(table.buckets, inside.tolist(), strict=True):
        for name, weight in zip(FEATURES, _weights(bundle, row, lane).tolist(), strict=True):
            parts[name] += weight * chars / (WEIGHT_SCALE * (end - start))


def _named(parts: dict[str, float], places: dict[str, tuple[int, int]]) -> tuple[Reason, ...]:
    """Return the strongest parts by name and the sum of the others."""
    ranked = sorted(parts.items(), key=lambda part: (-abs(part[1]), part[0]))
    reasons = [Reason(name, value, *places.get(name, (-1, -1))) for name, value in ranked[:NAMED_REASONS]]
    rest = sum(value for _, value in ranked[NAMED_REASONS:])
    if len(ranked) > NAMED_REASONS:
        reasons.append(Reason(f"{len(ranked) - NAMED_REASONS} smaller reasons together", rest))
    return tuple(reasons)


def _text(batch: FoldedBatch, start: int, order: int) -> str:
    codes = batch.codes[start : start + order]
    shown = "".join("⏎" if c == 10 else "▏" if c == 3 else chr(c) for c in codes.tolist())
    return f"characters “{shown}”"


def _shape(batch: FoldedBatch, start: int, order: int) -> str:
    kinds = [CharClass(kind) for kind in batch.classes[start : start + order].tolist()]
    names = [_CLASS_NAMES.get(kind, kind.name.lower().replace("_", " ")) for kind in kinds]
    return f"shape {' · '.join(names)}"
