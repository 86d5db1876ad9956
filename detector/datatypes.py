"""The values that flow from page to result, the offset convention, and the errors users meet.

Offsets are half-open ``[start, end)`` in Unicode code points of the text as it was given.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Label(StrEnum):
    """What a span is. Where two would claim a character, the earlier in this order wins.

    >>> Label.PORN.precedence < Label.SPUN.precedence
    True
    """

    PORN = "porn"
    GAMBLING = "gambling"
    OTHER_SPAM = "other_spam"
    REPOSITORY_BOILERPLATE = "repository_boilerplate"
    PINYIN_NOISE = "pinyin_noise"
    SPUN = "spun"
    SITE_BOILERPLATE = "site_boilerplate"

    @property
    def precedence(self) -> int:
        """Return the label's place in the order of precedence, 0 first."""
        return tuple(Label).index(self)


class Verdict(StrEnum):
    """What a page is as a whole."""

    SPAM_PAGE = "spam_page"
    SPUN_PAGE = "spun_page"
    INJECTED = "injected"
    CLEAN = "clean"


CUT_BY_DEFAULT: frozenset[Label] = frozenset(
    {
        Label.PORN,
        Label.GAMBLING,
        Label.OTHER_SPAM,
        Label.REPOSITORY_BOILERPLATE,
        Label.PINYIN_NOISE,
    }
)
#: Injected spam proper: what document sites and converters leave behind is none.
SPAM_LABELS = (Label.PORN, Label.GAMBLING, Label.OTHER_SPAM)
BAD_VERDICTS: frozenset[Verdict] = frozenset({Verdict.SPAM_PAGE, Verdict.SPUN_PAGE})


class DetectorError(Exception):
    """Base of every error this package raises on purpose; its message says what to do next."""


class BundleError(DetectorError):
    """A bundle is missing, truncated, altered or of an unknown format."""


class InputError(DetectorError):
    """An input cannot be read: missing, binary, undecodable or malformed."""


class UsageError(DetectorError):
    """A call or an option makes no sense (unknown label, bad threshold)."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for a span: its part of the span's log-odds and where the model saw it.

    ``start`` and ``end`` are offsets in the page, or -1 where the reason belongs to no single place.
    """

    feature: str
    log_odds: float
    start: int = -1
    end: int = -1


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a page under one label; ``score`` is a calibrated probability.

    ``log_odds`` is the uncalibrated log-odds that ``score`` is the calibrated value of; the
    ``reasons`` and the ``bias`` sum to it. Reasons are filled only where they were asked for.
    """

    start: int
    end: int
    label: Label
    score: float
    log_odds: float = 0.0
    bias: float = 0.0
    reasons: tuple[Reason, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"a span needs 0 <= start < end, got [{self.start}, {self.end})")


@dataclass(frozen=True, slots=True)
class Page:
    """One page to scan: its text, and optionally its id and address; with `html`, the text is the source of HTML."""

    text: str
    id: str = ""
    url: str | None = None
    html: bool = False


@dataclass(frozen=True, slots=True)
class LabelledPage:
    """A page with gold spans, as in training and evaluation files."""

    id: str
    text: str
    spans: tuple[Span, ...]
    lang: str = ""
    kind: str = ""
    url: str | None = None
    pattern: str = ""
    family: str = ""


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What a scan says of one page.

    ``spans`` are sorted, disjoint and never empty; ``cut_labels`` are those whose spans go.
    """

    id: str
    chars: int
    verdict: Verdict
    spans: tuple[Span, ...]
    text: str = field(repr=False)
    cut_labels: frozenset[Label] = CUT_BY_DEFAULT

    @property
    def cut_spans(self) -> tuple[Span, ...]:
        """Return the spans that cutting takes out."""
        return tuple(span for span in self.spans if span.label in self.cut_labels)

    @property
    def clean_text(self) -> str:
        """Return the text without the spans whose label is cut."""
        from detector.cleaning import cut_spans  # a value may ask a later room, lazily

        return cut_spans(self.text, self.cut_spans)


def probability(log_odds: float) -> float:
    """Return the probability of log-odds, to four places.

    >>> probability(0.0), probability(1000.0)
    (0.5, 1.0)
    """
    return round(1 / (1 + math.exp(-max(-30.0, min(30.0, log_odds)))), 4)


def parse_labels(names: str | Iterable[str]) -> frozenset[Label]:
    """Return the labels named in a comma-separated string or an iterable.

    >>> sorted(parse_labels("porn, gambling"))
    [<Label.GAMBLING: 'gambling'>, <Label.PORN: 'porn'>]
    """
    wanted = names.split(",") if isinstance(names, str) else list(names)
    labels = set()
    for name in wanted:
        cleaned = str(name).strip()
        if not cleaned:
            continue
        try:
            labels.add(Label(cleaned))
        except ValueError:
            known = ", ".join(Label)
            raise UsageError(f"unknown label {cleaned!r}; the labels are {known}") from None
    if not labels:
        raise UsageError(f"no label given; the labels are {', '.join(Label)}")
    return frozenset(labels)
