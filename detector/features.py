"""Segment features: chosen segments of a folded batch in, a FeatureTable of binned values out.

Each feature is one column, cut into at most BINS_PER_FEATURE bins; a bin is a bucket of the weight table, so that
training, serving and explaining read the same integers. A value never depends on another page of the batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.folding import CLASS_COUNT, HAN, CharClass, FoldedBatch, class_mask
from detector.ngrams import SEGMENT_BASE, bases, hash_columns, longer, ngram_hashes
from detector.positions import distinct, ranges
from detector.segmentation import Segments

BINS_PER_FEATURE = 64
FEATURES = (
    "han share",
    "latin share",
    "digit share",
    "delimiter share",
    "function character share",
    "symbol share",
    "simplified or traditional against the page",
    "script against the page",
    "segment length",
    "delimiter and number of items",
    "delimiter and mean item length",
    "spread of item lengths",
    "delimiter share of the line",
    "line length",
    "sentence punctuation in the line",
    "lines from the top",
    "lines from the end",
    "porn keyword density",
    "gambling keyword density",
    "other_spam keyword density",
    "repository_boilerplate keyword density",
    "repeated on the page",
    "characters found nowhere else on the page",
    "the segment as a whole: porn",
    "the segment as a whole: gambling",
    "the segment as a whole: other_spam",
    "the segment as a whole: repository_boilerplate",
    "the segment before",
    "the segment behind",
)
#: The columns that look every n-gram of a segment up, and those that compare it with its whole page: what remains
#: without them is a segment's outline.
KEYWORD_DENSITIES = slice(17, 21)
PAGE_RELATIONS = slice(21, 23)
#: Labels whose lexicons the keyword table marks, a bit each, in this order.
KEYWORD_LABELS = ("porn", "gambling", "other_spam", "repository_boilerplate")
KEYWORD_ORDERS = (2, 3, 4, 5)
KEYWORD_BITS = 18

DELIMITERS = (
    CharClass.PIPE,
    CharClass.UNDERSCORE,
    CharClass.COMMA,
    CharClass.DASH,
    CharClass.MIDDLE_DOT,
    CharClass.SPACE,
)
_LATIN = class_mask(CharClass.LATIN_LOWER, CharClass.LATIN_UPPER, CharClass.TONED)
#: The kinds of character whose shares of a segment are features.
_SHARES = (
    HAN,
    _LATIN,
    class_mask(CharClass.DIGIT),
    class_mask(*DELIMITERS[:5]),
    class_mask(CharClass.HAN_FUNCTION),
    class_mask(CharClass.SYMBOL, CharClass.PRIVATE, CharClass.STYLED),
)
_SPELLINGS = (class_mask(CharClass.HAN_SIMPLIFIED), class_mask(CharClass.HAN_TRADITIONAL))
_SCRIPTS = (
    HAN,
    _LATIN,
    class_mask(CharClass.HIRAGANA, CharClass.KATAKANA),
    class_mask(CharClass.HANGUL),
    class_mask(CharClass.CYRILLIC),
    class_mask(CharClass.THAI),
    class_mask(CharClass.OTHER_LETTER),
)
#: The classes of each kind. Matrix products would do, but their threads wait for each other longer than they work.
_KINDS = tuple(np.flatnonzero(kind) for kind in (*_SHARES, *_SPELLINGS, *_SCRIPTS))
_SPELLING = slice(len(_SHARES), len(_SHARES) + len(_SPELLINGS))
_SCRIPT = slice(_SPELLING.stop, None)
_SHARE_EDGES = np.array([1e-9, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97])
_LENGTH_EDGES = np.array([2, 4, 6, 9, 13, 18, 25, 35, 50, 70, 100, 150, 200, 239])
_LINE_LENGTH_EDGES = np.array([3, 6, 10, 15, 22, 32, 45, 65, 100, 150, 250, 500, 1000])
_ITEM_COUNT_EDGES = np.array([2, 3, 4, 6, 9, 15, 30])
_ITEM_LENGTH_EDGES = np.array([2.5, 4.0, 5.5, 7.5, 10.0, 14.0, 20.0])
_SPREAD_EDGES = np.array([0.05, 0.15, 0.25, 0.35, 0.5, 0.7, 1.0, 1.5])
_SCORE_EDGES = np.arange(-8.0, 8.5, 1.0)
_NEIGHBOUR_EDGES = np.array([-6.0, -4.5, -3.0, -1.5, 0.0, 1.5, 3.0])
#: A segment of fewer characters (a blank line, a number) is passed over in looking for a neighbour.
_NEIGHBOUR_CHARS = 4
_PLACE_EDGES = np.array([1, 2, 3, 5, 8, 15, 30, 100])


@dataclass(frozen=True, slots=True)
class Lookups:
    """Learned tables that features read: ``keywords`` uint8 (see keyword_table), ``bag`` int64 and ``bag_bias``
    float64 (see detector.segment_scores)."""

    keywords: NDArray[np.uint8]
    bag: NDArray[np.int64]
    bag_bias: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """Binned features: ``bins`` is uint8, a row for each chosen segment and a column for each of FEATURES."""

    bins: NDArray[np.uint8]

    @property
    def buckets(self) -> NDArray[np.int64]:
        """Return the indices into the weight table, of the shape of ``bins``."""
        first = SEGMENT_BASE + BINS_PER_FEATURE * np.arange(len(FEATURES), dtype=np.int64)
        return self.bins.astype(np.int64) + first


def bins_of(column: int) -> slice:
    """Return where the bins of a column stand in the weight table."""
    first = SEGMENT_BASE + BINS_PER_FEATURE * column
    return slice(first, first + BINS_PER_FEATURE)


def keyword_table(keywords: dict[str, list[str]]) -> NDArray[np.uint8]:
    """Return the table that marks n-grams of folded characters which are (or begin) a keyword, a bit a label.

    `keywords` maps a label of KEYWORD_LABELS to folded strings; one longer than the longest order is marked by its
    beginning, one shorter than the shortest is left out.
    """
    table = np.zeros(1 << KEYWORD_BITS, np.uint8)
    for bit, label in enumerate(KEYWORD_LABELS):
        for keyword in keywords.get(label, []):
            order = min(len(keyword), KEYWORD_ORDERS[-1])
            if order >= KEYWORD_ORDERS[0]:
                codes = np.frombuffer(keyword[:order].encode("utf-16-le", "surrogatepass"), "<u2")
                table[bases(ngram_hashes(codes, order), KEYWORD_BITS)] |= 1 << bit
    return table


def segment_features(
    batch: FoldedBatch,
    segments: Segments,
    chosen: NDArray[np.int64],
    lookups: Lookups,
    whole: NDArray[np.float64],
    *,
    page_relations: bool = True,
) -> FeatureTable:
    """Return the features of the segments whose indices `chosen` (int64, sorted) names.

    `whole` holds the scores of all segments of the batch (see detector.segment_scores). Without `page_relations` the
    PAGE_RELATIONS columns, which take a count over the whole page, are left at bin 0.
    """
    table = with_keywords(outline_features(batch, segments, chosen, whole), batch, segments, chosen, lookups)
    if page_relations and len(chosen):
        table.bins[:, PAGE_RELATIONS] = _page_relations(batch, segments, chosen)
    return table


def outline_features(
    batch: FoldedBatch, segments: Segments, chosen: NDArray[np.int64], whole: NDArray[np.float64]
) -> FeatureTable:
    """Return the features that need no look-up of n-grams; KEYWORD_DENSITIES and PAGE_RELATIONS are left at bin 0."""
    bins = np.zeros((len(chosen), len(FEATURES)), np.uint8)
    if not len(chosen):
        return FeatureTable(bins)
    starts, ends = segments.starts[chosen], segments.ends[chosen]
    length = ends - starts
    counts = _class_counts(batch.classes, *ranges(starts, ends), len(chosen))
    kinds = np.stack([counts[:, classes].sum(axis=1) for classes in _KINDS], axis=1)
    pages, page_row = distinct(segments.page[chosen])
    page_kinds = _page_kinds(batch, pages)
    bins[:, :6] = _bins(kinds[:, : len(_SHARES)] / length[:, None], _SHARE_EDGES)
    bins[:, 6] = 4 * _spelling(page_kinds[:, :2])[page_row] + _spelling(kinds[:, _SPELLING])
    bins[:, 7] = 8 * _script(page_kinds[:, 2:])[page_row] + _script(kinds[:, _SCRIPT])
    bins[:, 8] = _bins(length, _LENGTH_EDGES)
    bins[:, 9:17] = _line_features(batch, segments, segments.line[chosen])
    bins[:, 23:29] = _whole_segments(segments, chosen, whole)
    return FeatureTable(bins)


def with_keywords(
    outlines: FeatureTable, batch: FoldedBatch, segments: Segments, chosen: NDArray[np.int64], lookups: Lookups
) -> FeatureTable:
    """Return the outlines of the chosen segments with their KEYWORD_DENSITIES filled in."""
    bins = outlines.bins.copy()
    bins[:, KEYWORD_DENSITIES] = _keyword_densities(
        batch.codes, segments.starts[chosen], segments.ends[chosen], lookups.keywords
    )
    return FeatureTable(bins)


def _bins(values: NDArray[Any], edges: NDArray[Any]) -> NDArray[np.uint8]:
    """Return for each value how many of the edges it reaches: `np.digitize` for few edges, in a tenth of the time."""
    found = np.zeros(values.shape, np.uint8)
    for edge in edges.tolist():
        found += values >= edge
    return found


def _class_counts(
    classes: NDArray[np.uint8], row: NDArray[np.int64], positions: NDArray[np.int64], rows: int
) -> NDArray[np.int64]:
    flat = np.bincount(row * CLASS_COUNT + classes[positions], minlength=rows * CLASS_COUNT)
    return flat.reshape(rows, CLASS_COUNT)


def _page_kinds(batch: FoldedBatch, pages: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many characters of _SPELLINGS and of _SCRIPTS pages have, a row a page.

    Counted a kind at a time, eight characters in a byte: the gaps around a page make room for the rest of its bytes.
    """
    starts, ends = batch.page_starts[pages] & -8, (batch.page_ends[pages] + 8) & -8
    classes = np.concatenate([batch.classes[s:e] for s, e in zip(starts.tolist(), ends.tolist(), strict=True)])
    size = (ends - starts) >> 3
    counts = np.empty((len(pages), len(_SPELLINGS) + len(_SCRIPTS)), np.int64)
    for column, kind in enumerate(_KINDS[_SPELLING] + _KINDS[_SCRIPT]):
        first, *others = kind.tolist()  # Python's integers: those of NumPy would widen the array
        held = classes == first
        for other in others:
            held |= classes == other
        ones = np.bitwise_count(np.packbits(held))
        counts[:, column] = np.add.reduceat(ones, np.cumsum(size) - size, dtype=np.int64)
    return counts


def _spelling(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return, from counts of _SPELLINGS, 0 where neither spelling shows, 1 simplified, 2 traditional, 3 mixed."""
    simplified, traditional = counts.T
    mixed = np.where(simplified > 4 * traditional, 1, np.where(traditional > 4 * simplified, 2, 3))
    return np.where(simplified + traditional == 0, 0, mixed)


def _script(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the script with the most characters, as an index into _SCRIPTS, or 7 where there is no letter."""
    return np.where(counts.any(axis=1), counts.argmax(axis=1), len(_SCRIPTS))


def _line_features(batch: FoldedBatch, segments: Segments, line: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the eight columns that a segment has from its line: delimiters, items, length, place."""
    lines, back = distinct(line)
    starts, ends = segments.line_starts[lines], segments.line_ends[lines]
    row, positions = ranges(starts, ends)
    classes = batch.classes[positions]
    counts = _class_counts(batch.classes, row, positions, len(lines))
    length = np.maximum(ends - starts, 1)
    by_kind = counts[:, DELIMITERS].astype(np.float64)
    by_kind[:, -1] *= 0.5  # spaces stand around other delimiters, and between Latin words
    kind = by_kind.argmax(1)
    found = counts[np.arange(len(lines)), np.asarray(DELIMITERS)[kind]]
    kind = np.where(found == 0, len(DELIMITERS), kind)
    items = found + 1
    mean = (length - found) / items
    out = np.zeros((len(lines), 8), np.int64)
    out[:, 0] = 8 * kind + _bins(items, _ITEM_COUNT_EDGES)
    out[:, 1] = 8 * kind + _bins(mean, _ITEM_LENGTH_EDGES)
    out[:, 2] = _bins(_item_spread(classes, row, positions, starts, ends, kind, mean), _SPREAD_EDGES)
    out[:, 3] = _bins(found / length, _SHARE_EDGES)
    out[:, 4] = _bins(length, _LINE_LENGTH_EDGES)
    ends_seen = counts[:, CharClass.SENTENCE_END] + counts[:, CharClass.PERIOD]
    out[:, 5] = np.minimum(ends_seen, 3) + 4 * np.minimum(counts[:, CharClass.COMMA], 3)
    first_line = np.searchsorted(segments.line_page, segments.line_page[lines], side="left")
    last_line = np.searchsorted(segments.line_page, segments.line_page[lines], side="right") - 1
    out[:, 6] = _bins(lines - first_line, _PLACE_EDGES)
    out[:, 7] = _bins(last_line - lines, _PLACE_EDGES)
    return out[back]


def _item_spread(
    classes: NDArray[np.uint8],
    row: NDArray[np.int64],
    positions: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    kind: NDArray[np.int64],
    mean: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the coefficient of variation of the lengths of each line's items."""
    delimiter = np.append(np.asarray(DELIMITERS), -1)[kind]
    is_cut = np.flatnonzero(classes == delimiter[row])
    # The cuts of a line, its start before them and its end behind them, line after line.
    cut_row = row[is_cut]
    number = np.bincount(cut_row, minlength=len(starts))
    last = np.cumsum(number + 2) - 1
    cuts = np.empty(len(is_cut) + 2 * len(starts), np.int64)
    cuts[last - number - 1], cuts[last] = starts - 1, ends
    cuts[np.arange(len(is_cut)) + 2 * cut_row + 1] = positions[is_cut]
    lengths = np.delete(np.diff(cuts) - 1, last[:-1]).astype(np.float64)
    of_row = np.repeat(np.arange(len(starts)), number + 1)
    squared = np.bincount(of_row, (lengths - mean[of_row]) ** 2, len(starts))
    variance = squared / (number + 1)
    spread: NDArray[np.float64] = np.sqrt(variance) / np.maximum(mean, 1.0)
    return spread


def _keyword_densities(
    codes: NDArray[np.uint16], starts: NDArray[np.int64], ends: NDArray[np.int64], keywords: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Return the bin of the share of characters that lie in keywords, a column for each of KEYWORD_LABELS."""
    longest = KEYWORD_ORDERS[-1]
    row, positions = ranges(starts, ends + longest - 1)  # the gap behind every page makes room
    laid_out = codes[positions]
    laid_out[positions >= ends[row]] = 0  # a keyword ends with its segment
    length = np.maximum(ends - starts, 1)
    covered = np.zeros((len(starts), len(KEYWORD_LABELS)))
    units = laid_out.astype(np.uint32)
    hashed = hash_columns([units])
    for order in KEYWORD_ORDERS:
        hashed = longer(hashed[:-1], units[order - 1 :])
        marks = keywords.take(bases(hashed, KEYWORD_BITS))
        hits = np.flatnonzero(marks)
        hits = hits[positions[hits] + order <= ends[row[hits]]]  # what is laid out next is another segment
        for bit in range(len(KEYWORD_LABELS)):
            of_label = hits[(marks[hits] >> bit) & 1 == 1]
            covered[:, bit] += order * np.bincount(row[of_label], minlength=len(starts))
    density: NDArray[np.uint8] = _bins(np.minimum(covered / length[:, None], 1.0), _SHARE_EDGES)
    return density


def _page_relations(batch: FoldedBatch, segments: Segments, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the bins of how much of a segment stands again on its page, and of how much stands only here."""
    pages, page_row = distinct(segments.page[chosen])
    length = segments.ends[chosen] - segments.starts[chosen]
    row, positions = ranges(segments.starts[chosen], segments.ends[chosen])
    page_of, page_positions = ranges(batch.page_starts[pages], batch.page_ends[pages])
    page_chars = np.bincount(page_of)
    # At least four slots a 4-gram, and 4,096 for the few hundred different characters of a page: few collisions.
    of_4grams = np.ceil(np.log2(np.maximum(page_chars, 64))).astype(np.int64) + 2
    out = np.zeros((len(length), 2), np.int64)
    for column, (order, wanted, bits) in enumerate(((4, True, of_4grams), (1, False, np.full_like(of_4grams, 12)))):
        slots = np.int64(1) << bits
        first_slot = np.cumsum(slots) - slots
        # Four characters reach over a page's end into the gap at most.
        last = len(batch.codes) - order
        hashed = ngram_hashes(batch.codes, order) if len(page_positions) > len(batch.codes) // 8 else None
        seen = _slots_of(batch.codes, hashed, np.minimum(page_positions, last), order, bits[page_of])
        counts = np.bincount(seen + first_slot[page_of], minlength=int(slots.sum()))
        which = page_row[row]
        mine = _slots_of(batch.codes, hashed, np.minimum(positions, last), order, bits[which]) + first_slot[which]
        hit = counts[mine] > 1 if wanted else counts[mine] == 1
        out[:, column] = _bins(np.bincount(row, hit, len(length)) / np.maximum(length, 1), _SHARE_EDGES)
    return out


def _slots_of(
    codes: NDArray[np.uint16],
    hashed: NDArray[np.uint32] | None,
    positions: NDArray[np.int64],
    order: int,
    bits: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the slot, below 2^bits, of the n-gram at each position."""
    columns = [codes[positions + step] for step in range(order)] if hashed is None else []
    found = hash_columns(columns) if hashed is None else hashed[positions]
    return (bases(found, 32) >> (32 - bits)).astype(np.int64)


def _whole_segments(segments: Segments, chosen: NDArray[np.int64], whole: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the bins of the segment's own scores, a column a label, and of the best label of its neighbours."""
    out = np.empty((len(chosen), 6), np.int64)
    out[:, :4] = _bins(whole[chosen], _SCORE_EDGES)
    for column, neighbour in zip((4, 5), _neighbours(segments, chosen), strict=True):
        scores = whole[np.maximum(neighbour, 0)]
        best = 8 * scores.argmax(1) + _bins(scores.max(1), _NEIGHBOUR_EDGES)
        out[:, column] = np.where(neighbour >= 0, best, BINS_PER_FEATURE - 1)
    return out


def _neighbours(segments: Segments, chosen: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the nearest segments before and behind that are long enough, on the same page; -1 where there is none."""
    count = len(segments.starts)
    index = np.arange(count)
    solid = segments.ends - segments.starts >= _NEIGHBOUR_CHARS
    last = np.maximum.accumulate(np.where(solid, index, -1))
    following = np.minimum.accumulate(np.where(solid, index, count)[::-1])[::-1]
    before = np.where(chosen > 0, last[np.maximum(chosen - 1, 0)], -1)
    behind = np.where(chosen < count - 1, following[np.minimum(chosen + 1, count - 1)], count)
    behind = np.where(behind == count, -1, behind)
    for neighbour in (before, behind):
        neighbour[(neighbour >= 0) & (segments.page[np.maximum(neighbour, 0)] != segments.page[chosen])] = -1
    return before, behind
