"""Ranges of a page's text come in; ranges of its source to cut go out, with the markup that would be left empty.

An element goes whole where all its text goes and it holds nothing else that shows; then its parent is asked the same.
What is cut is always text, attributes, or elements from the start of their tag to the end of their end tag, so markup
that was well nested stays so.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from detector.html_text.documents import ROOT, Document
from detector.html_text.extraction import Holder, HtmlText, Place
from detector.html_text.names import FORMATTING
from detector.html_text.stylesheets import selected_traits

#: Half-open range of the source and the number of the claim that it comes from.
Cut = tuple[int, int, int]

#: What may be left of an element's text where all of it is said to be cut: what only parts items.
_PARTING: Final = re.compile(
    r"(?:[\s|,;:·•、，。;/\\_\-–—~*\xa0\u3000]|&(?:nbsp|middot|bull|emsp|ensp|#160|#12288);?)*+"
)
#: Markup between two cuts that goes with them.
_BETWEEN: Final = re.compile(
    r"(?:[\s|,;:·•、，。/\\_\-–—~*\xa0\u3000]|&(?:nbsp|middot|bull|emsp|ensp|#160|#12288);?|<(?:br|wbr|hr)\s*/?>)*+",
    re.IGNORECASE,
)
_BREAK_BEHIND: Final = re.compile(r"[ \t]*<br\s*/?>", re.IGNORECASE)
_BREAK_BEFORE: Final = re.compile(
    r"<(?:br|hr|body|div|p|td|th|li|center|dd|blockquote|section|article|footer|header|main|aside|form)\b[^<>]*>\s*\Z"
    r"|</(?:div|p|ul|ol|table|dl|h\d|center|blockquote|section|article|header|form|script|style|nav)\s*>\s*\Z",
    re.IGNORECASE,
)
_LOOK_BACK: Final = 300
#: Titles and the like are lists of parts; what joined a part that goes to one that stays goes too.
_JOINT: Final = re.compile(r"\s*[|_\-–—,，、;；:：·/>»~]+\s*")
_TITLES: Final = frozenset(("title", "meta"))
#: From this share of its letters on a comment or a written string goes as a whole.
WHOLE_SHARE: Final = 0.8
#: Empty, these keep nothing they stand in.
_KEEPS_NOTHING: Final = (
    FORMATTING | frozenset(["br", "wbr", "hr", "span", "area", "bdo", "sub", "sup", "ins", "del"])
) - {"code"}
_PICTURES: Final = frozenset(["img", "picture", "video", "audio", "iframe", "embed", "object", "svg", "canvas"])
_NEVER_CUT: Final = frozenset(("html", "head", "body", "frameset", "#root"))
_WORD: Final = re.compile(r"""[^\s"'=<>]+""")
_WRITES_ONLY: Final = re.compile(
    r"(?:\s|;|document\s*\.\s*write(?:ln)?\s*\(|unescape\s*\(|\)|\+|<!--|//\s*-->|[\"'`])*+"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A range of the text that is to go."""

    start: int
    end: int


class _Cutter:
    def __init__(self, page: HtmlText, claims: Sequence[Claim]) -> None:
        self.page = page
        self.document: Document = page.document
        self.source = page.document.source
        self.claims = claims
        #: Per run of the flow that is cut at least in part: what goes of it.
        self.flow: dict[int, list[Cut]] = {}
        self.beside: dict[int, list[Cut]] = {}
        self.found: list[Cut] = []

    def cut(self) -> list[Cut]:
        self._collect()
        if self.flow:
            self._flow()
        if self.beside:
            self._all_beside()
        return self._tidied()

    def _all_beside(self) -> None:
        """Cut in what stands beside the flow, unless it goes with its element."""
        page = self.page
        gone = sorted(self.found)
        chars: dict[int, int] = {}
        strings: dict[int, int] = {}
        for run in range(page.flow_runs, len(page.offsets)):
            number = page.origins[run]
            chars[number] = chars.get(number, 0) + page.ends[run] - page.starts[run]
        for holder in page.holders:
            strings[holder.tag] = strings.get(holder.tag, 0) + (holder.place is Place.SCRIPT)
        for number, cuts in self.beside.items():
            holder = page.holders[number]
            if not _is_inside(gone, holder.start):
                self._beside(holder, cuts, chars[number], alone=strings[holder.tag] == 1)

    def _collect(self) -> None:
        """Part the claims into cuts of runs in the flow and of what stands beside it."""
        page = self.page
        for number, claim in enumerate(self.claims):
            for run, start, end in page.runs_between(claim.start, claim.end):
                if start < end:
                    if run < page.flow_runs:
                        self.flow.setdefault(run, []).append((start, end, number))
                    else:
                        self.beside.setdefault(page.origins[run], []).append((start, end, number))

    def _flow(self) -> None:
        """Find the elements that go whole, and what goes of the others' text."""
        kept, touched = self._kept(), self._touched()
        cuts = sorted(cut for each in self.flow.values() for cut in each)
        gone_until = 0
        whole: list[Cut] = []
        for number in sorted(touched - kept - {ROOT}):
            element = self.document.element(number)
            if element.start < gone_until or not self._may_go(number):
                continue
            gone_until = max(gone_until, element.end)
            first, last = bisect_left(cuts, (element.start,)), bisect_left(cuts, (element.end,))
            whole.append((element.start, element.end, self._claim_of(cuts[first:last])))
        self.found = whole + self._companions(whole)
        for start, end, claim in cuts:
            if not _is_inside(whole, start):
                self.found.append((*self._with_joints(start, end), claim))

    def _companions(self, whole: Sequence[Cut]) -> list[Cut]:
        """Return what has no use without the elements that go: empty ones of the same id, style elements for them."""
        document = self.document
        traits: dict[str, int] = {}
        for start, end, claim in whole:
            first, last = (bisect_left(document.opened, (at,)) for at in (start, end))
            for number in range(first, last):
                traits |= dict.fromkeys(self._names_of(number), claim)
        if not traits:
            return []
        left: set[str] = set()
        found, styles = [], []
        words = {trait[1:] for trait in traits}
        for number in range(ROOT + 1, len(document.opened)):
            start, inner, _, name, _ = document.opened[number]
            if name == "style":
                styles.append(document.element(number))
                continue
            written = self.source[start:inner]
            if "=" not in written or ("&" not in written and words.isdisjoint(_WORD.findall(written))):
                continue
            if _is_inside(whole, start):
                continue
            names = self._names_of(number)
            shared = {trait for trait in names & traits.keys() if trait[0] == "#"}
            element = document.element(number)
            if shared and element.inner == element.close and self._may_go(number):
                found.append((element.start, element.end, traits[min(shared)]))
            else:
                left |= names
        own = traits.keys() - left
        for element in styles if own else ():
            wanted = selected_traits(self.source[element.inner : element.close])
            if wanted and wanted <= own and not _is_inside(whole, element.start):
                found.append((element.start, element.end, traits[min(wanted)]))
        return found

    def _names_of(self, number: int) -> set[str]:
        """Return the id and the classes of an element, as selectors see them."""
        return {trait for trait in self.document.tag(number).traits if trait[0] != "<"}

    def _kept(self) -> set[int]:
        """Return the elements that hold text which stays, or something else that shows."""
        page, document = self.page, self.document
        kept: set[int] = set()
        for run in range(page.flow_runs):
            cuts = self.flow.get(run)
            start, end = page.starts[run], page.ends[run]
            if cuts is None:
                if not _PARTING.fullmatch(self.source, start, end):
                    kept.add(page.elements[run])
            elif not _covers(cuts, start, end) and not self._only_parts(cuts, start, end):
                kept.add(page.elements[run])
        touched = self._touched()
        for number in range(len(document.opened) - 1, ROOT, -1):
            parent, name = document.opened[number][2], document.opened[number][3]
            if number not in kept and number not in touched and self._stays(number, name, parent):
                kept.add(number)
            if number in kept:
                kept.add(parent)
        return kept

    def _only_parts(self, cuts: list[Cut], start: int, end: int) -> bool:
        at = start
        for left, right, _ in sorted(cuts):
            if at < left and not _PARTING.fullmatch(self.source, at, left):
                return False
            at = max(at, right)
        return at >= end or _PARTING.fullmatch(self.source, at, end) is not None

    def _stays(self, number: int, name: str, parent: int) -> bool:
        """Tell whether an element without text that is cut keeps what it stands in.

        Pictures do not, in a link or in what is hidden.
        """
        if name in _KEEPS_NOTHING:
            return False
        return name not in _PICTURES or (self.document.link_of(parent) < 0 and self.page.states.reason(parent) is None)

    def _touched(self) -> set[int]:
        """Return the elements that hold anything that is cut."""
        touched = {self.page.elements[run] for run in self.flow}
        for number in range(len(self.document.opened) - 1, ROOT, -1):
            if number in touched:
                touched.add(self.document.opened[number][2])
        return touched

    def _may_go(self, number: int) -> bool:
        """Tell whether an element may be cut from its start to its end: not where badly nested tags took it apart."""
        element = self.document.element(number)
        return element.name not in _NEVER_CUT and number not in self.document.torn and element.start < element.inner

    def _claim_of(self, cuts: Sequence[Cut]) -> int:
        """Return the claim that most of the cuts' characters come from."""
        chars: dict[int, int] = {}
        for start, end, claim in cuts:
            chars[claim] = chars.get(claim, 0) + end - start
        return max(chars, key=lambda claim: (chars[claim], -claim))

    def _with_joints(self, start: int, end: int) -> tuple[int, int]:
        """Return a cut in a title or a meta element with what joins it to what stays."""
        for run in self.page.runs_between_source(start):
            if self.document.opened[self.page.elements[run]][3] not in _TITLES:
                break
            low, high = self.page.starts[run], self.page.ends[run]
            if end >= high:
                text = self.source[low:start]
                if match := re.search(_JOINT.pattern + r"\Z", text[-8:]):
                    start -= len(match[0])
            elif start <= low and (match := _JOINT.match(self.source, end, high)):
                end = match.end()
        return start, end

    def _beside(self, holder: Holder, cuts: list[Cut], chars: int, *, alone: bool) -> None:
        """Cut in a value, a comment or a string; whole where (nearly) all of its `chars` go."""
        claim = self._claim_of(cuts)
        whole = sum(end - start for start, end, _ in cuts) >= WHOLE_SHARE * chars
        if holder.place is Place.ATTRIBUTE and self._only_parts(cuts, holder.start, holder.end):
            self.found.append((*self._attribute_at(holder), claim))
        elif holder.place is Place.COMMENT and whole:
            self.found.append((*self._comment_around(holder), claim))
        elif holder.place is Place.SCRIPT and whole:
            self.found.append((*self._script_around(holder, alone=alone), claim))
        else:
            self.found += cuts

    def _attribute_at(self, holder: Holder) -> tuple[int, int]:
        """Return the whole attribute whose value it is, with the blank before it."""
        start = int(self.document.tokens.starts[holder.tag])
        for attribute in self.document.start_tag(holder.tag).attributes().values():
            if start + attribute.value_start == holder.start and start + attribute.value_end == holder.end:
                at = start + attribute.start
                blank = self.source[at - 1] in " \t\n\f\r" and self.source[start + attribute.end] in " \t\n\f\r/>"
                return at - blank, start + attribute.end
        return holder.start, holder.end  # what looked like an attribute stands in the value of another one

    def _comment_around(self, holder: Holder) -> tuple[int, int]:
        start, end = holder.start, holder.end
        if self.source.startswith("<!--", start - 4) and self.source.startswith("-->", end):
            return start - 4, end + 3
        return start, end

    def _script_around(self, holder: Holder, *, alone: bool) -> tuple[int, int]:
        """Return the string, or the script that does nothing but say or write it."""
        if alone:
            tokens, tag = self.document.tokens, self.document.start_tag(holder.tag)
            begun, inner = int(tokens.starts[holder.tag]), int(tokens.ends[holder.tag])
            close = next(end for start, end, number in tokens.scripts if number == holder.tag)
            rest = self.source[inner : holder.start] + self.source[holder.end : close]
            if "ld+json" in (tag.get("type") or "") or _WRITES_ONLY.fullmatch(rest):
                end_tag = holder.tag + 1 < len(tokens.starts) and int(tokens.starts[holder.tag + 1]) == close
                return begun, int(tokens.ends[holder.tag + 1]) if end_tag else close
        return holder.start, holder.end

    def _tidied(self) -> list[Cut]:
        """Return the cuts sorted and disjoint, those that only joints part joined, and line breaks that they fill."""
        joined: list[Cut] = []
        for start, end, claim in sorted(self.found):
            if joined and start <= joined[-1][1]:
                left, right, earlier = joined[-1]
                joined[-1] = (left, max(right, end), earlier)
            elif joined and _BETWEEN.fullmatch(self.source, joined[-1][1], start) and self._in_text(joined[-1][1]):
                left, _, earlier = joined[-1]
                joined[-1] = (left, end, earlier)
            else:
                joined.append((start, end, claim))
        return [(start, self._with_break(start, end), claim) for start, end, claim in joined]

    def _in_text(self, at: int) -> bool:
        """Tell whether an offset lies outside of scripts, styles and comments, where markup may be joined."""
        tokens = self.document.tokens
        return not any(
            nth >= 0 and ranges[nth][0] <= at <= ranges[nth][1]
            for ranges in (tokens.scripts, tokens.comments, tokens.texts)
            for nth in (bisect_left(ranges, (at + 1,)) - 1,)
        )

    def _with_break(self, start: int, end: int) -> int:
        behind = _BREAK_BEHIND.match(self.source, end)
        if behind and _BREAK_BEFORE.search(self.source, max(0, start - _LOOK_BACK), start):
            return behind.end()
        return end


def cut_source(page: HtmlText, claims: Sequence[Claim]) -> list[Cut]:
    """Return what to cut of the source for claims on the text: sorted, disjoint, each with the number of its claim.

    >>> from detector.html_text.extraction import extract
    >>> page = extract("<p>good</p><div><p>spam</p></div>")
    >>> cut_source(page, [Claim(5, 9)])
    [(11, 33, 0)]
    """
    return _Cutter(page, claims).cut() if claims else []


def source_ranges(page: HtmlText, claims: Iterable[Claim]) -> list[list[tuple[int, int]]]:
    """Return where the text of each claim stands in the source, without any markup."""
    return [
        _joined((start, end, 0) for _, start, end in page.runs_between(claim.start, claim.end) if start < end)
        for claim in claims
    ]


def _joined(cuts: Iterable[Cut]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end, _ in sorted(cuts):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _covers(cuts: list[Cut], start: int, end: int) -> bool:
    return len(cuts) == 1 and cuts[0][0] <= start and cuts[0][1] >= end


def _is_inside(whole: Sequence[Cut], at: int) -> bool:
    nth = bisect_left(whole, (at + 1,)) - 1
    return nth >= 0 and whole[nth][0] <= at < whole[nth][1]
