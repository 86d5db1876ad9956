"""A page's text and what the text model thinks of its segments come in; lines that are spam by all their words go out.

In HTML a line has a place: the title, a keyword list, an attribute, the text of one block. Where the segment model is
sure of such a line as a whole, its characters need no context to be judged in. Titles and the like mix what is real
with what was put in; there the items are read one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from detector.html_text.documents import ROOT
from detector.html_text.extraction import HtmlText
from detector.html_text.names import BREAKS_LINE
from detector.html_text.suspicion import Claimed, Suspicion

#: The log-odds from which a segment is spam by its words; on clean real pages hardly any reaches 2.
SURE: Final = 3.0
#: What stands beside it in the same place goes with it from here on, if all of it together is as sure as this.
BESIDE: Final = -0.5
TOGETHER: Final = 2.5
#: What is nearly all found needs no second look.
_FOUND: Final = 0.95
_LEAST_LETTERS: Final = 8
_LETTER_SHARE: Final = 0.5
_MOST_CLIMB: Final = 8
_JOINT: Final = re.compile(r"\s*(?:[|_，、,;；]|\s[-–—/·]\s|[-–—]{1,3})+\s*")
#: A list has so many items.
_LEAST_ITEMS: Final = 3
#: An item is spam from these log-odds on, and cannot be from those down; between them its neighbours decide.
_ITEM_SPAM: Final = 0.5
_ITEM_REAL: Final = -1.5
_LISTS: Final = frozenset(("title", "meta"))


@dataclass(frozen=True, slots=True)
class WordBlock:
    """A range of the text that is spam by its words, and their log-odds."""

    start: int
    end: int
    log_odds: float


def find_word_blocks(page: HtmlText, suspicion: Suspicion, claimed: Claimed) -> list[WordBlock]:
    """Return the ranges of the text that are spam by their words and not found yet: sorted and disjoint."""
    blocks: list[WordBlock] = []
    for start, end in zip(*(each.tolist() for each in suspicion.at_least(SURE)), strict=True):
        if (
            (blocks and start < blocks[-1].end)
            or claimed.share(start, end) >= _FOUND
            or not _says(page.text[start:end])
        ):
            continue
        low, high, is_list = _place_of(page, start)
        left, right = suspicion.run(start, end, low=low, high=high, floor=BESIDE)
        log_odds = suspicion.mean(left, right)
        if log_odds < TOGETHER:
            left, right = max(low, start), min(high, end)
            log_odds = suspicion.mean(left, right)
        ranges = _items(page.text, left, right, suspicion) if is_list else [(left, right)]
        for first, last in ranges:
            while last > first and page.text[last - 1] in " \n":
                last -= 1
            if last > first and (not blocks or first >= blocks[-1].end):
                blocks.append(WordBlock(first, last, log_odds))
    return blocks


def _says(text: str) -> bool:
    """Tell whether a segment is made of words: rules and the like are not."""
    letters = sum(map(str.isalpha, text))
    return letters >= _LEAST_LETTERS and letters >= _LETTER_SHARE * len(text.strip())


def _place_of(page: HtmlText, at: int) -> tuple[int, int, bool]:
    """Return the range of the text that stands in the same place as an offset, and whether it may be a mixed list."""
    first = last = page.run_at(at)
    if first >= page.flow_runs:
        holder = page.origins[first]
        while first > page.flow_runs and page.origins[first - 1] == holder:
            first -= 1
        while last + 1 < len(page.offsets) and page.origins[last + 1] == holder:
            last += 1
        return page.offsets[first], page.offsets[last] + page.lengths[last], True
    block = _block_of(page, page.elements[first])
    while first > 0 and _block_of(page, page.elements[first - 1]) == block:
        first -= 1
    while last + 1 < page.flow_runs and _block_of(page, page.elements[last + 1]) == block:
        last += 1
    is_list = page.document.opened[block][3] in _LISTS
    return page.offsets[first], page.offsets[last] + page.lengths[last], is_list


def _block_of(page: HtmlText, number: int) -> int:
    """Return the nearest element around a run that breaks the line."""
    opened = page.document.opened
    for _ in range(_MOST_CLIMB):
        if number <= ROOT or opened[number][3] in BREAKS_LINE or opened[number][3] in _LISTS:
            break
        number = opened[number][2]
    return number


def real_parts(page: HtmlText, suspicion: Suspicion, ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the parts of found ranges that are real: items of titles and the like which are no spam read alone.

    Where all items are spam, or a title is no list, nothing is real.
    """
    real: list[tuple[int, int]] = []
    places: dict[tuple[int, int, bool], None] = {}
    for start, end in ranges:
        for run, _, _ in page.runs_between(start, end):
            if run < page.flow_runs and page.document.opened[page.elements[run]][3] in _LISTS:
                places[_place_of(page, page.offsets[run])] = None
    for low, high, _ in places:
        items = list(_split(page.text, low, high))
        spam = _spam_items(page.text, items, suspicion)
        if len(items) >= _LEAST_ITEMS and any(spam):
            first, last = spam.index(True), len(spam) - 1 - spam[::-1].index(True)
            real += [(items[0][0], items[first - 1][1])] if first else []
            real += [(items[last + 1][0], items[-1][1])] if last + 1 < len(items) else []
    return real


def _items(text: str, start: int, end: int, suspicion: Suspicion) -> list[tuple[int, int]]:
    """Return the items of a list that are spam, as one range; all of it where it is no list."""
    items = list(_split(text, start, end))
    if len(items) < _LEAST_ITEMS:
        return [(start, end)]
    spam = _spam_items(text, items, suspicion)
    if not any(spam):
        return []
    return [(items[spam.index(True)][0], items[len(spam) - 1 - spam[::-1].index(True)][1])]


def _spam_items(text: str, items: Sequence[tuple[int, int]], suspicion: Suspicion) -> list[bool]:
    """Return which items are spam: from the first to the last that reads like it; real ones stand at the ends.

    What is in doubt follows its neighbour.
    """
    values = suspicion.of([text[left:right] for left, right in items])
    spam = [value >= _ITEM_SPAM for value in values]
    for order in (range(len(items)), range(len(items) - 1, -1, -1)):
        before = False
        for nth in order:
            spam[nth] = spam[nth] or (before and values[nth] > _ITEM_REAL)
            before = spam[nth]
    if any(spam):
        first, last = spam.index(True), len(spam) - 1 - spam[::-1].index(True)
        spam[first : last + 1] = [True] * (last + 1 - first)
    return spam


def _split(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    last = start
    for match in _JOINT.finditer(text, start, end):
        if match.start() > last:
            yield last, match.start()
        last = match.end()
    if last < end:
        yield last, end
