"""Gold pages and scan results come in; the figures that say how good the results are go out.

Every figure counts characters that are not white space, unless it says otherwise.

- The labels that a user wants cut out are porn, gambling, other_spam and repository_boilerplate. Gold site_boilerplate
  and spun text is ignored: cutting it or leaving it is neither right nor wrong. Gold pinyin_noise has its own line, by
  its own label; readings inside text of a label that goes are not counted there.
- ``removed``: was a character that should go cut, whatever label it was cut under? ``labels``: under the right one?
- ``clean_loss``: the share of clean characters that were cut. ``false_alarm_pages``: pages with nothing to remove, of
  which anything clean was cut. ``fully_cleaned_pages``: pages of which at least 98 % of what should go was cut.
- ``page_f1``: the mean over pages with something to remove of the page's own F1. ``page_f1_interval`` and
  ``removed_interval`` hold 95 % bootstrap intervals over pages.
- ``short_span_recall``, ``long_span_recall``: gold spans (up to 15 characters, and longer ones; white space included)
  of which at least half was cut.
- Pages that are bad from end to end count by their verdict alone (``bad_pages_found``, ``good_pages_condemned``), pages
  of kind "unclear" not at all; ``verdicts`` counts every pair of kind and predicted verdict.
- ``boundary_error``: characters between an edge of gold text that goes and the same edge of what was cut there, ignored
  text left out, over the gold stretches at least half cut; spans that touch are one stretch.
- ``calibration``: characters of predicted spans in ten bins by score; its error is the mean over characters of the
  distance between a bin's mean score and its share of characters that gold gives the same label.
- ``by_language`` and ``by_pattern`` hold the same figures for the pages of each ``lang`` and ``pattern``.

Empty cases: with nothing predicted precision is 1, with nothing in gold recall is 1, a mean over no page is 1, a loss
or an error over no character is 0.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from detector.datatypes import BAD_VERDICTS, InputError, Label, LabelledPage, Page, ScanResult, Span

REMOVED: tuple[Label, ...] = (Label.PORN, Label.GAMBLING, Label.OTHER_SPAM, Label.REPOSITORY_BOILERPLATE)
SCORED: tuple[Label, ...] = (*REMOVED, Label.PINYIN_NOISE)
IGNORED: tuple[Label, ...] = (Label.SITE_BOILERPLATE, Label.SPUN)
SHORT_SPAN_CHARS = 15
FULLY_CLEANED_SHARE = 0.98
BINS = 10
RESAMPLES = 1000
UNCLEAR = "unclear"

Mask = NDArray[np.bool_]


class Scanner(Protocol):
    """What `evaluate_pages` needs of a detector."""

    def scan_many(self, texts_or_pages: Iterable[str | Page], /) -> Iterator[ScanResult]:
        """Return one result a page, in order."""
        ...


@dataclass(frozen=True, slots=True)
class PageCount:
    """What one scored page adds to the figures; `row` is (hit, predicted, gold) in characters of text that goes."""

    lang: str
    pattern: str
    kind: str
    verdict: str
    missing: bool
    row: tuple[int, int, int] = (0, 0, 0)
    label_rows: tuple[tuple[int, int, int], ...] = ((0, 0, 0),) * len(SCORED)
    clean_chars: int = 0
    lost_chars: int = 0
    spans_found: tuple[tuple[bool, bool], ...] = ()  # (is short, was found) of each gold span that goes
    edge_errors: tuple[int, ...] = ()
    bins: NDArray[np.float64] = field(default_factory=lambda: np.zeros((BINS, 3)))  # characters, sum of scores, right

    @property
    def is_bad(self) -> bool:
        """Tell whether gold calls the page bad from end to end."""
        return self.kind in BAD_VERDICTS

    @property
    def is_condemned(self) -> bool:
        """Tell whether the scan calls the page bad from end to end."""
        return self.verdict in BAD_VERDICTS


def evaluate_pages(detector: Scanner, pages: Sequence[LabelledPage]) -> dict[str, Any]:
    """Scan `pages` with `detector` and return the figures of `score_pages`.

    Raise InputError where two pages share an id.
    """
    for id_, times in Counter(page.id for page in pages).items():
        if times > 1:
            raise InputError(f"{times} pages have the id {id_!r}; give each labelled page an id of its own")
    results = detector.scan_many([Page(page.text, page.id, page.url) for page in pages])
    return score_pages(pages, {result.id: result for result in results})


def score_pages(gold: Sequence[LabelledPage], results: Mapping[str, ScanResult]) -> dict[str, Any]:
    """Return every figure described at the top of this module; a page without a result counts as predicted empty.

    Raise InputError where a span does not fit its page's text.
    """
    counts = [count_page(page, results.get(page.id)) for page in gold if page.kind != UNCLEAR]
    return {
        **_figures(counts, pages=len(gold)),
        "by_language": {key: _figures(group) for key, group in _groups(counts, "lang").items()},
        "by_pattern": {key: _figures(group) for key, group in _groups(counts, "pattern").items()},
    }


def count_page(page: LabelledPage, result: ScanResult | None) -> PageCount:
    """Return what `page` adds to the figures when `result` is what was predicted for it."""
    verdict = str(result.verdict) if result is not None else ""
    missing = result is None
    if page.kind in BAD_VERDICTS:
        return PageCount(page.lang, page.pattern, page.kind, verdict, missing)
    found = result.spans if result is not None else ()
    solid = ~white_space_mask(page.text)
    gold, ignored, pinyin = (_cover(page, page.spans, labels) for labels in (REMOVED, IGNORED, (Label.PINYIN_NOISE,)))
    cut, cut_at_all = _cover(page, found, REMOVED), _cover(page, found, SCORED)
    counted = solid & (gold | ~(ignored | pinyin))
    clean = counted & ~gold
    hits, lost = _size(counted & gold & cut), _size(clean & cut_at_all)
    label_rows, bins = _count_labels(page, found, solid=solid, gold=gold, ignored=ignored)
    return PageCount(
        page.lang,
        page.pattern,
        page.kind,
        verdict,
        missing,
        row=(hits, hits + lost, _size(counted & gold)),
        label_rows=label_rows,
        clean_chars=_size(clean),
        lost_chars=lost,
        spans_found=tuple(_spans_found(page.spans, cut)),
        edge_errors=tuple(_edge_errors(gold[counted], cut[counted])),
        bins=bins,
    )


def white_space_mask(text: str) -> Mask:
    """Return a mask of the characters for which `str.isspace` holds, lone surrogates included.

    >>> white_space_mask("a b").tolist()
    [False, True, False]
    """
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    table = _white_space()
    mask: Mask = table[np.minimum(codes, len(table) - 1)]
    return mask


@cache
def _white_space() -> Mask:
    """Return a table over code points up to one past IDEOGRAPHIC SPACE, the last white space that Unicode has."""
    return np.array([chr(code).isspace() for code in range(ord("\N{IDEOGRAPHIC SPACE}") + 2)])


def _cover(page: LabelledPage, spans: Sequence[Span], labels: Sequence[Label]) -> Mask:
    """Return a mask over the page's text, set wherever a span of one of `labels` stands."""
    mask = np.zeros(len(page.text), dtype=np.bool_)
    for span in spans:
        if span.label in labels:
            if span.end > len(mask):
                raise InputError(
                    f"page {page.id!r}: span [{span.start}, {span.end}) does not fit its text of {len(mask)} "
                    "characters; offsets count Unicode code points of the text as given"
                )
            mask[span.start : span.end] = True
    return mask


def _size(mask: Mask) -> int:
    return int(np.count_nonzero(mask))


def _count_labels(
    page: LabelledPage, found: Sequence[Span], *, solid: Mask, gold: Mask, ignored: Mask
) -> tuple[tuple[tuple[int, int, int], ...], NDArray[np.float64]]:
    """Return (hit, predicted, gold) for each scored label, and the calibration bins of the spans predicted under it."""
    rows = []
    bins = np.zeros((BINS, 3))
    for label in SCORED:
        expected, predicted = _cover(page, page.spans, (label,)), _cover(page, found, (label,))
        counted = solid & (expected | ~ignored)
        if label is Label.PINYIN_NOISE:
            counted &= ~gold
        rows.append((_size(counted & expected & predicted), _size(counted & predicted), _size(counted & expected)))
        for span in found:
            if span.label is label:
                here = counted[span.start : span.end]
                chars, right = _size(here), _size(here & expected[span.start : span.end])
                bins[min(int(span.score * BINS), BINS - 1)] += (chars, chars * span.score, right)
    return tuple(rows), bins


def _spans_found(spans: Sequence[Span], cut: Mask) -> Iterator[tuple[bool, bool]]:
    """Yield, for each gold span that should go, whether it is short and whether at least half of it was cut."""
    for span in spans:
        if span.label in REMOVED:
            size = span.end - span.start
            yield size <= SHORT_SPAN_CHARS, 2 * _size(cut[span.start : span.end]) >= size


def _edge_errors(gold: Mask, cut: Mask) -> Iterator[int]:
    """Yield the distances of both edges of each stretch of `gold` of which `cut` holds at least half."""
    cut_starts, cut_ends = _runs(cut)
    for start, end in zip(*_runs(gold), strict=True):
        if 2 * _size(cut[start:end]) >= end - start:
            first = int(np.searchsorted(cut_ends, start, side="right"))
            last = int(np.searchsorted(cut_starts, end, side="left")) - 1
            yield abs(int(cut_starts[first] - start))
            yield abs(int(cut_ends[last] - end))


def _runs(mask: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the starts and the ends of the stretches where `mask` holds."""
    edges = np.diff(mask.astype(np.int8), prepend=np.int8(0), append=np.int8(0))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)


def _groups(counts: Sequence[PageCount], key: str) -> dict[str, list[PageCount]]:
    """Return the counts by the value of their attribute `key`, sorted, those without one left out."""
    groups: dict[str, list[PageCount]] = {}
    for count in counts:
        groups.setdefault(getattr(count, key), []).append(count)
    return {name: groups[name] for name in sorted(groups) if name}


def _figures(counts: Sequence[PageCount], *, pages: int | None = None) -> dict[str, Any]:
    """Return the figures over `counts`; `pages` is told where unscored pages were left out of them."""
    bad = [count for count in counts if count.is_bad]
    good = [count for count in counts if not count.is_bad]
    dirty = [count for count in good if count.row[2]]
    rows = np.array([count.row for count in good], dtype=np.int64).reshape(-1, 3)
    label_rows = np.array([count.label_rows for count in good], dtype=np.int64).reshape(-1, len(SCORED), 3).sum(axis=0)
    clean_chars, lost_chars = sum(count.clean_chars for count in good), sum(count.lost_chars for count in good)
    page_f1 = [ratios(*count.row)["f1"] for count in dirty]
    short, long = (_span_recall(good, short=wanted) for wanted in (True, False))
    return {
        "pages": len(counts) if pages is None else pages,
        "missing": sum(count.missing for count in counts),
        "removed": ratios(*rows.sum(axis=0).tolist()),
        "removed_interval": f1_interval(rows),
        "labels": {label.value: ratios(*row) for label, row in zip(SCORED, label_rows.tolist(), strict=True)},
        "clean_loss": lost_chars / clean_chars if clean_chars else 0.0,
        "clean_chars": clean_chars,
        "false_alarm_pages": sum(count.lost_chars > 0 for count in good if not count.row[2]),
        "clean_pages": len(good) - len(dirty),
        "fully_cleaned_pages": sum(count.row[0] >= FULLY_CLEANED_SHARE * count.row[2] for count in dirty),
        "dirty_pages": len(dirty),
        "page_f1": sum(page_f1) / len(page_f1) if page_f1 else 1.0,
        "page_f1_interval": mean_interval(page_f1),
        "short_span_recall": short,
        "long_span_recall": long,
        "bad_pages_found": sum(count.is_condemned for count in bad),
        "bad_pages": len(bad),
        "good_pages_condemned": sum(count.is_condemned for count in good),
        "good_pages": len(good),
        "verdicts": _verdicts(counts),
        "boundary_error": _boundary_error([error for count in good for error in count.edge_errors]),
        "calibration": _calibration(sum((count.bins for count in good), np.zeros((BINS, 3)))),
    }


def ratios(hit: int, predicted: int, gold: int) -> dict[str, float]:
    """Return precision, recall and F1 from counts of characters, and the counts.

    >>> ratios(0, 0, 4)["precision"], ratios(0, 4, 0)["recall"], ratios(1, 2, 2)["f1"]
    (1.0, 1.0, 0.5)
    """
    precision = hit / predicted if predicted else 1.0
    recall = hit / gold if gold else 1.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {"precision": precision, "recall": recall, "f1": f1, "gold": gold, "predicted": predicted}


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the mean of `values`, from draws with a fixed seed; (1, 1) of none."""
    if not values:
        return (1.0, 1.0)
    draw = random.Random(0)
    return _middle([sum(draw.choices(values, k=len(values))) / len(values) for _ in range(RESAMPLES)])


def f1_interval(rows: NDArray[np.int64]) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of F1 over pages, each a row (hit, predicted, gold); (1, 1) of none."""
    if not len(rows):
        return (1.0, 1.0)
    times_drawn = np.random.default_rng(0).multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=RESAMPLES)
    return _middle([ratios(*row)["f1"] for row in (times_drawn @ rows).tolist()])


def _middle(draws: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the middle 95 % of RESAMPLES draws."""
    ordered = sorted(draws)
    return ordered[RESAMPLES // 40], ordered[RESAMPLES - RESAMPLES // 40 - 1]


def _span_recall(counts: Sequence[PageCount], *, short: bool) -> float:
    found = [was_found for count in counts for is_short, was_found in count.spans_found if is_short == short]
    return sum(found) / len(found) if found else 1.0


def _verdicts(counts: Sequence[PageCount]) -> dict[str, dict[str, int]]:
    """Return how often each predicted verdict met each kind that gold names, both sorted."""
    pairs = Counter((count.kind, count.verdict) for count in counts if count.kind and count.verdict)
    kinds = sorted({kind for kind, _ in pairs})
    return {kind: {verdict: pairs[k, verdict] for k, verdict in sorted(pairs) if k == kind} for kind in kinds}


def _boundary_error(errors: Sequence[int]) -> dict[str, float]:
    return {
        "median": float(np.median(errors)) if errors else 0.0,
        "mean": float(np.mean(errors)) if errors else 0.0,
        "edges": len(errors),
    }


def _calibration(bins: NDArray[np.float64]) -> dict[str, Any]:
    """Return the calibration error and, for each bin that holds characters, its bounds, mean score and share right."""
    chars, scores, right = bins.T
    total = float(chars.sum())
    bounds = [(low / BINS, high / BINS) for low, high in pairwise(range(BINS + 1))]
    return {
        "error": float(np.abs(scores - right).sum()) / total if total else 0.0,
        "chars": int(total),
        "bins": [
            {"from": low, "to": high, "chars": int(n), "score": float(s / n), "right": float(r / n)}
            for (low, high), n, s, r in zip(bounds, chars, scores, right, strict=True)
            if n
        ],
    }


def format_figures(figures: Mapping[str, Any]) -> str:
    """Return the figures of `score_pages` as a table for people, without a line break at its end."""
    boundary, calibration = figures["boundary_error"], figures["calibration"]
    lines = [
        f"{figures['pages']} pages, {figures['missing']} without a prediction",
        f"{'':24s} {'precision':>9s} {'recall':>7s} {'F1':>7s} {'gold':>9s} {'predicted':>9s}",
        _row("removed", figures["removed"]),
        *(_row(label, row) for label, row in figures["labels"].items()),
        f"removed F1 {_with_interval(figures['removed']['f1'], figures['removed_interval'])}, "
        f"page F1 {_with_interval(figures['page_f1'], figures['page_f1_interval'])}",
        f"span recall: short {figures['short_span_recall']:.3f}, long {figures['long_span_recall']:.3f}",
        f"boundary error: median {boundary['median']:.1f}, mean {boundary['mean']:.1f} characters "
        f"over {boundary['edges']} edges",
        f"calibration error {calibration['error']:.3f} over {calibration['chars']} characters",
        f"clean loss {100 * figures['clean_loss']:.3f} % of {figures['clean_chars']} characters, "
        f"false-alarm pages {figures['false_alarm_pages']} of {figures['clean_pages']}",
        f"fully cleaned {figures['fully_cleaned_pages']} of {figures['dirty_pages']}, bad pages found "
        f"{figures['bad_pages_found']} of {figures['bad_pages']}, good pages condemned "
        f"{figures['good_pages_condemned']} of {figures['good_pages']}",
    ]
    for title, key in (("language", "by_language"), ("pattern", "by_pattern")):
        if figures.get(key):
            lines += ["", *_group_table(title, figures[key])]
    return "\n".join(lines)


def _row(name: str, row: Mapping[str, float]) -> str:
    rates = f"{row['precision']:9.4f} {row['recall']:7.4f} {row['f1']:7.4f}"
    return f"{name:24s} {rates} {row['gold']:9d} {row['predicted']:9d}"


def _with_interval(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.4f} [{interval[0]:.3f}, {interval[1]:.3f}]"


def _group_table(title: str, groups: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield one line for each group of pages."""
    yield f"{title:24s} {'pages':>6s} {'precision':>9s} {'recall':>7s} {'F1':>7s} {'clean loss':>10s} {'alarms':>11s}"
    for name, figures in groups.items():
        removed = figures["removed"]
        alarms = f"{figures['false_alarm_pages']}/{figures['clean_pages']}"
        yield (
            f"{name:24s} {figures['pages']:6d} {removed['precision']:9.4f} {removed['recall']:7.4f} "
            f"{removed['f1']:7.4f} {100 * figures['clean_loss']:8.3f} % {alarms:>11s}"
        )
