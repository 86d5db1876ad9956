"""Pinyin noise: a page's text in, the toned readings in parentheses that a converter left in it out.

Some mirrors of document sites put a reading behind every character that their conversion to traditional characters
changed. Teaching material does the same on purpose, so the page decides: noise stands behind everyday characters in
the middle of running prose, one syllable at a time, again and again behind the same ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detector.datatypes import Label, Reason, Span, probability
from detector.folding import HAN, CharClass, FoldedBatch, character_tables, fold_pages

if TYPE_CHECKING:
    import regex

#: The uncalibrated log-odds of a reading on a page judged noisy: a rule, not a model, decided.
READING_LOG_ODDS = 6.0
#: Readings a page must hold before any of them is noise.
LEAST_READINGS = 5
#: Share of the readings that stand behind a character which already had one: prose repeats itself, a vocabulary list
#: does not. Short pages are let off by the share of readings behind traditional-only characters.
LEAST_REPEATED_SHARE = 0.25
LEAST_TRADITIONAL_SHARE = 0.6
#: Of the characters that have readings more than once, this share may have different ones.
MOST_POLYPHONE_SHARE = 0.4

_TONED = "āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜńňǹḿ"
_SYLLABLE = f"(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?[a-zü]{{0,3}}[{_TONED}][a-zü]{{0,3}}"


class _Patterns(NamedTuple):
    """A toned reading (its base is group 1, the syllable group 3), a toneless one, and words of teaching material."""

    reading: regex.Pattern[str]
    plain: regex.Pattern[str]
    teaching: regex.Pattern[str]


@cache
def _patterns() -> _Patterns:
    """Return the patterns; `regex` is imported here, since most runs of a few pages see no toned letter."""
    import regex

    return _Patterns(
        regex.compile(
            rf"(?<=([\p{{Han}}\p{{Co}}?])([\p{{Po}}”’」』]?))[(（]\s?({_SYLLABLE})\s?[)）]", regex.IGNORECASE
        ),
        regex.compile(r"(?<=\p{Han})[(（](?:men|de|le|zi|ma|ge|me|li|tou|shi|bo|guo|bu|ne|ba|zhe)[)）]"),
        regex.compile("拼音|读音|讀音|注音|生字|声母|韵母|聲母|韻母|声调|聲調|多音字|近义词|反义词|词语解释|字词"),
    )


def pinyin_noise(text: str) -> list[tuple[int, int]]:
    """Return the sorted, disjoint `[start, end)` offsets of the readings to cut; none where the page teaches pinyin.

    >>> pinyin_noise("他去北京(jīng)。")
    []
    """
    readings = list(_patterns().reading.finditer(text))
    if len(readings) < LEAST_READINGS or not _is_noise(text, readings):
        return []
    spans = [match.span() for match in readings]
    spans += [match.span() for match in _patterns().plain.finditer(text)]
    return sorted(spans)


def _is_noise(text: str, readings: list[regex.Match[str]]) -> bool:
    bases = Counter(match.group(1) for match in readings)
    repeated = (len(readings) - len(bases)) / len(readings)
    _, classes = character_tables()
    traditional = sum(
        count
        for base, count in bases.items()
        if ord(base) < len(classes) and classes[ord(base)] == CharClass.HAN_TRADITIONAL
    )
    teaching = len(_patterns().teaching.findall(text))
    if teaching * 4 > len(readings):
        return False
    # A converter gives a character one reading; who teaches a character gives it several.
    by_base: dict[str, set[str]] = {}
    for match in readings:
        by_base.setdefault(match.group(1), set()).add(match.group(3).lower())
    again = [readings_of for base, readings_of in by_base.items() if bases[base] > 1]
    if again and sum(len(readings_of) > 1 for readings_of in again) > MOST_POLYPHONE_SHARE * len(again):
        return False
    # A reading in the middle of prose is followed by the sentence, a gloss by a break or an explanation.
    in_prose = sum(_goes_on(text, match.end()) for match in readings) / len(readings)
    if in_prose < 0.5:
        return False
    return traditional / len(readings) >= LEAST_TRADITIONAL_SHARE or repeated >= LEAST_REPEATED_SHARE


def _goes_on(text: str, end: int) -> bool:
    return end < len(text) and (text[end].isalpha() or text[end] in "，。、；,;”")


@dataclass(frozen=True, slots=True)
class Readings:
    """Pinyin readings taken out of a page before it was folded: they part words that belong together."""

    spans: list[tuple[int, int]]
    kept: NDArray[np.int64]

    def restore(self, found: list[Span], *, explained: bool) -> list[Span]:
        """Return the spans with offsets of the page as given, and a span for every reading outside them."""
        moved = [self._moved(span) for span in found]
        taken = bytearray(self.spans[-1][1])
        for span in moved:
            length = len(taken[span.start : span.end])
            taken[span.start : span.start + length] = b"\x01" * length
        score = probability(READING_LOG_ODDS)
        reason = Reason("toned readings behind everyday characters all through the page", READING_LOG_ODDS)
        readings = [
            Span(start, end, Label.PINYIN_NOISE, score, READING_LOG_ODDS, 0.0, (reason,) if explained else ())
            for start, end in self.spans
            if not any(taken[start:end])
        ]
        return sorted([*moved, *readings], key=lambda span: span.start)

    def _moved(self, span: Span) -> Span:
        reasons = tuple(
            reason
            if reason.start < 0
            else replace(reason, start=int(self.kept[reason.start]), end=int(self.kept[reason.end - 1]) + 1)
            for reason in span.reasons
        )
        return replace(span, start=int(self.kept[span.start]), end=int(self.kept[span.end - 1]) + 1, reasons=reasons)


def fold_without_readings(texts: list[str]) -> tuple[FoldedBatch, dict[int, Readings]]:
    """Fold the texts, those with pinyin noise without its readings; return these by the text's number."""
    batch = fold_pages(texts)
    found: dict[int, Readings] = {}
    for number in batch.pages_at(np.flatnonzero(batch.classes == int(CharClass.TONED))).tolist():
        inside = slice(int(batch.page_starts[number]), int(batch.page_ends[number]))
        # Most pages with toned letters are in European languages: only Han has readings.
        spans = pinyin_noise(texts[number]) if HAN[batch.classes[inside]].any() else []
        if spans:
            keep = np.ones(len(texts[number]), np.bool_)
            for start, end in spans:
                keep[start:end] = False
            found[number] = Readings(spans, np.flatnonzero(keep))
    if not found:
        return batch, found
    stripped = ["".join(_without(text, found[n].spans)) if n in found else text for n, text in enumerate(texts)]
    return fold_pages(stripped), found


def _without(text: str, spans: list[tuple[int, int]]) -> Iterator[str]:
    at = 0
    for start, end in spans:
        yield text[at:start]
        at = end
    yield text[at:]
