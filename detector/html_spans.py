"""Spans of a page's text come in; with blocks of spam links added, spans of its HTML source go out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from typing import Final

from detector.datatypes import SPAM_LABELS, Label, Reason, Span, probability
from detector.html_text import (
    Claim,
    Claimed,
    HtmlText,
    OwnLinks,
    Suspicion,
    cut_source,
    find_blocks,
    find_word_blocks,
    real_parts,
    source_ranges,
)

#: A site's own menu may read a little like spam, say that of a page of lottery results. Where spam is put into links
#: that stay on the site, some of it is stronger than this.
_WEAK_LOG_ODDS: Final = 3.5


def with_blocks(
    page: HtmlText, url: str | None, spans: Sequence[Span], suspicion: Suspicion, *, explained: bool
) -> list[Span]:
    """Return the spans of the text with those that the page's structure tells: lines of spam words, blocks of links.

    They take the place of the spans inside them. Weak spans in a site's own menu are left out.
    """
    found = list(spans)
    for word_block in find_word_blocks(page, suspicion, Claimed(_spam(found))):
        signs: tuple[tuple[str, float], ...] = (("a line of words that are spam", word_block.log_odds),)
        found = _with(found, _Block(word_block.start, word_block.end, word_block.log_odds, signs), suspicion, explained)
    for link_block in find_blocks(page, url, suspicion, _spam(found)):
        signs = tuple((f"a block of links: {name}", value) for name, value in link_block.signs)
        block = _Block(link_block.start, link_block.end, link_block.log_odds, signs)
        found = _with(found, block, suspicion, explained)
    for start, end in real_parts(page, suspicion, _spam(found)):
        found = [part for span in found for part in _around(span, start, end)]
    return _without_menu(page, url, found) if found else []


def _without_menu(page: HtmlText, url: str | None, spans: Sequence[Span]) -> list[Span]:
    """Return the spans without those in links to the page's own site, where all of these are weak."""
    own = OwnLinks(page, url)
    menu = [span for span in spans if span.label in SPAM_LABELS and own.hold(span.start, span.end)]
    is_strong = any(span.log_odds >= _WEAK_LOG_ODDS for span in menu)
    return list(spans) if is_strong else [span for span in spans if span not in menu]


@dataclass(frozen=True, slots=True)
class _Block:
    """A range of the text that structure tells is spam, and the signs by which it does."""

    start: int
    end: int
    log_odds: float
    signs: tuple[tuple[str, float], ...]


def _spam(spans: Iterable[Span]) -> list[tuple[int, int]]:
    return [(span.start, span.end) for span in spans if span.label in SPAM_LABELS]


def _with(spans: Sequence[Span], block: _Block, suspicion: Suspicion, explained: bool) -> list[Span]:
    """Return the spans with a block put over those inside it."""
    inside = [span for span in spans if block.start < span.end and span.start < block.end]
    label = _label_of(block, inside, suspicion)
    reasons = tuple(Reason(name, value) for name, value in block.signs) if explained else ()
    bias = block.log_odds - sum(reason.log_odds for reason in reasons) if explained else 0.0
    added = Span(block.start, block.end, label, probability(block.log_odds), block.log_odds, bias, reasons)
    rest = [part for span in spans for part in _around(span, block.start, block.end)]
    return sorted([*rest, added], key=lambda span: span.start)


def _label_of(block: _Block, inside: Iterable[Span], suspicion: Suspicion) -> Label:
    """Return the label of most of the spans in a block, else the one that its words would have."""
    chars = dict.fromkeys(SPAM_LABELS, 0)
    for span in inside:
        if span.label in chars:
            chars[span.label] += min(span.end, block.end) - max(span.start, block.start)
    if any(chars.values()):
        return max(chars, key=lambda each: chars[each])
    number = suspicion.label(block.start, block.end)
    return Label.OTHER_SPAM if number is None else SPAM_LABELS[number]


def _around(span: Span, start: int, end: int) -> list[Span]:
    """Return what of a span lies outside of a range."""
    if end <= span.start or span.end <= start:
        return [span]
    parts = [(span.start, min(span.end, start)), (max(span.start, end), span.end)]
    return [_placed(span, left, right) for left, right in parts if left < right]


def to_source(page: HtmlText, spans: Sequence[Span], cut_labels: Set[Label]) -> tuple[Span, ...]:
    """Return the spans over the source: what is cut with the markup that goes along, the rest as its text alone."""
    cut = [span for span in spans if span.label in cut_labels]
    claims = [Claim(span.start, span.end) for span in cut]
    found = [_placed(cut[number], start, end) for start, end, number in cut_source(page, claims)]
    reported = [span for span in spans if span.label not in cut_labels]
    ranges = source_ranges(page, [Claim(span.start, span.end) for span in reported])
    for span, places in zip(reported, ranges, strict=True):
        for start, end in places:
            found += [_placed(span, left, right) for left, right in _without(start, end, found)]
    return tuple(sorted(found, key=lambda span: span.start))


def _without(start: int, end: int, spans: Sequence[Span]) -> list[tuple[int, int]]:
    """Return the parts of a range that no span covers."""
    parts = [(start, end)]
    for span in spans:
        parts = [
            part
            for left, right in parts
            for part in ((left, min(right, span.start)), (max(left, span.end), right))
            if part[0] < part[1]
        ]
    return parts


def _placed(span: Span, start: int, end: int) -> Span:
    """Return the span at another place; what its reasons saw has no place there."""
    reasons = tuple(Reason(reason.feature, reason.log_odds) for reason in span.reasons)
    return Span(start, end, span.label, span.score, span.log_odds, span.bias, reasons)
