"""Page verdicts: what was found on a page in, one of spam_page, spun_page, injected and clean out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from detector.datatypes import SPAM_LABELS, Span, Verdict

#: Prose: a line with a sentence in it. Lists, menus and headings are no reason to keep a page.
_PROSE_LINE = re.compile(r"[^\n]{20,}")
_SENTENCE_MARK = re.compile(r"[。！？，、]|[.!?,;:](?=\s|$)|[।؟۔]")


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What the verdict is judged by.

    Characters that are not blank, counted where there is spam: ``solid_chars`` all of them, ``spam_chars`` those in
    spans of porn, gambling or other_spam, ``prose_left`` those on lines of prose outside them. ``cut_spans``: spans of
    any cut label; ``spun``: whether a machine spun the page.
    """

    solid_chars: int
    spam_chars: int
    prose_left: int
    cut_spans: int
    spun: bool


def facts_of(text: str, spans: Sequence[Span], spun: bool) -> PageFacts:
    """Gather the facts of a page."""
    spam = [span for span in spans if span.label in SPAM_LABELS]
    if not spam:
        return PageFacts(0, 0, 0, len(spans), spun)
    kept, at = [], 0
    for span in spam:
        kept.append(text[at : span.start])
        at = span.end
    rest = "".join([*kept, text[at:]])
    prose = sum(_solid(line) for line in _PROSE_LINE.findall(rest) if _SENTENCE_MARK.search(line))
    solid = _solid(text)
    return PageFacts(solid, solid - _solid(rest), prose, len(spans), spun)


def _solid(text: str) -> int:
    return len("".join(text.split()))


def judge(facts: PageFacts, settings: dict[str, Any]) -> Verdict:
    """Return the verdict.

    A page is a spam page where most of it is spam and little prose is left: a page with an article keeps it, however
    long the list that was put under it.
    """
    if facts.spun:
        return Verdict.SPUN_PAGE
    mostly_spam = facts.spam_chars >= max(settings["spam_least_chars"], settings["spam_cut_share"] * facts.solid_chars)
    if mostly_spam and facts.prose_left < settings["spam_prose_left_share"] * facts.solid_chars:
        return Verdict.SPAM_PAGE
    return Verdict.INJECTED if facts.cut_spans else Verdict.CLEAN
