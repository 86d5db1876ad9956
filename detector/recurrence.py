"""What stands again on a page: stretches on its shadow in, the places where their strings stand again out.

What was injected once is mostly injected again: a brand in place of a word stands in many sentences of an article.
What was cut once is cut wherever it stands; and a string that stands twice in weak stretches need not be sure in any.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Stretch = tuple[int, int]
#: So many strings of a page are looked for, so that a page of nothing but spam costs no more than its length.
MOST_STRINGS = 200
#: Fewest and most characters of a string that makes weak stretches strong: a brand with its trade word.
BRAND_CHARS = (3, 16)
#: So many characters of a page's weak stretches are looked through.
MOST_WEAK_CHARS = 4000


def repeated(shadow: str, cut: Sequence[Stretch], *, chars: tuple[int, int]) -> list[Stretch]:
    """Return where the strings that were cut from a page's shadow stand again on it, outside `cut`.

    Strings of other lengths than `chars` (least, most; blanks around them aside) are not looked for. A Latin or digit
    string must not stand inside a longer word.

    >>> repeated("a 金球娱乐 b 金球娱乐", [(2, 6)], chars=(4, 40))
    [(9, 13)]
    """
    least_chars, most_chars = chars
    texts = {shadow[start:end].strip() for start, end in cut}
    texts = {text for text in texts if least_chars <= len(text) <= most_chars}
    used = _marked(len(shadow), cut)
    found = []
    for text in sorted(texts, key=lambda text: (-len(text), text))[:MOST_STRINGS]:
        found += _take_places(shadow, text, used)
    return sorted(found)


def recurring(shadow: str, weak: Sequence[Stretch], excess: NDArray[np.integer]) -> list[Stretch]:
    """Return where strings stand that stand twice or more in `weak`, two or more stretches, and are spam together.

    `excess` holds for every character of the shadow how far its score exceeds the threshold; a string is spam where
    that is not negative on the average of all its places on the page.

    >>> recurring("去金球城玩，来金球城看", [(0, 4), (6, 10)], np.array([-9, 1, 1, 1, -9, -9, -9, -1, 0, 0, -9]))
    [(1, 4), (7, 10)]
    """
    if len(weak) < 2:
        return []
    places_in_weak = _recurring_in(shadow, weak)
    if not places_in_weak:
        return []
    sums = np.concatenate([np.zeros(1, np.int64), np.cumsum(excess, dtype=np.int64)]).tolist()
    gains = {text: sum(sums[at + len(text)] - sums[at] for at in places) for text, places in places_in_weak.items()}
    hopeful = sorted((text for text in gains if gains[text] >= 0), key=lambda text: (-gains[text], -len(text), text))
    used = bytearray(len(shadow))
    found: list[Stretch] = []
    for text in hopeful[:MOST_STRINGS]:
        places = _take_places(shadow, text, used)
        if len(places) > 1 and sum(sums[end] - sums[start] for start, end in places) >= 0:
            found += places
        else:
            for start, end in places:
                used[start:end] = bytes(end - start)
    return sorted(found)


def _recurring_in(shadow: str, weak: Sequence[Stretch]) -> dict[str, list[int]]:
    """Return the strings of BRAND_CHARS that stand more than once in the stretches, and where.

    They begin and end in a letter or digit and lie on one line. Longer ones begin like shorter ones, so that only the
    places where a shortest one recurs are followed.
    """
    least, most = BRAND_CHARS
    starts: dict[str, list[tuple[int, int]]] = {}
    left = MOST_WEAK_CHARS
    for start, end in weak:
        end = min(end, start + left)
        left -= end - start
        for first in range(start, end - least + 1):
            if shadow[first].isalnum():
                starts.setdefault(shadow[first : first + least], []).append((first, end))
    found: dict[str, list[int]] = {}
    for places in starts.values():
        if len(places) > 1:
            for first, end in places:
                for last in range(first + least, min(first + most, end) + 1):
                    if shadow[last - 1] == "\n":
                        break
                    if shadow[last - 1].isalnum():
                        found.setdefault(shadow[first:last], []).append(first)
    return {text: places for text, places in found.items() if len(places) > 1}


def _marked(chars: int, stretches: Iterable[Stretch]) -> bytearray:
    """Return a byte for every character of a page, 1 in the stretches."""
    used = bytearray(chars)
    for start, end in stretches:
        used[start:end] = b"\x01" * (end - start)
    return used


def _take_places(shadow: str, text: str, used: bytearray) -> list[Stretch]:
    """Return where a text stands as whole words on nothing that is used, and mark these places as used."""
    found = []
    at = shadow.find(text)
    while at >= 0:
        end = at + len(text)
        if used.find(1, at, end) < 0 and not _inside_word(shadow, at, end):
            found.append((at, end))
            used[at:end] = b"\x01" * (end - at)
        at = shadow.find(text, end)
    return found


def _inside_word(shadow: str, start: int, end: int) -> bool:
    def word(char: str) -> bool:
        return char.isascii() and char.isalnum()

    left = start > 0 and word(shadow[start - 1]) and word(shadow[start])
    return left or (end < len(shadow) and word(shadow[end]) and word(shadow[end - 1]))
