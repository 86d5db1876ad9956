"""Page numbers cut into sentences: a document-site page's text in, the numbers that its converter left in it out.

Some document sites put the number of the next page before the first words of that page ("…the old road\n\n3、was
closed"). An ordinary list counts too, but its entries begin where the one before has ended.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import regex

#: So many numbers must follow one another by ones.
LEAST_NUMBERS = 3
#: Share of them that must stand in the middle of a sentence.
LEAST_SHARE = 0.6

_SENTENCE_END = frozenset('。！？：；.!?:;…—)）】》”’"')


@cache
def _mark() -> regex.Pattern[str]:
    """Return the pattern of a page number; `regex` is imported here, since few pages are of document sites."""
    import regex

    return regex.compile(r"(?<=\n[ \t\u3000]*)(\d{1,3})[、.．](?=\p{Han}|[。，、；：？！])")


def cut_in_page_numbers(text: str) -> list[tuple[int, int]]:
    """Return the sorted `[start, end)` of the page numbers cut into a text that a document site wrapped.

    >>> text = "甲路通到\\n\\n2、山下的村子，再往\\n\\n3、北走就是\\n\\n4、河边。"
    >>> [text[start:end] for start, end in cut_in_page_numbers(text)]
    ['2、', '3、', '4、']
    """
    best: list[regex.Match[str]] = []
    run: list[regex.Match[str]] = []
    for mark in _mark().finditer(text):
        number = int(mark.group(1))
        if run and number == int(run[-1].group(1)) + 1:
            run.append(mark)
        elif not run or number <= int(run[-1].group(1)):
            run = [mark] if number in (1, 2) else []
        if len(run) > len(best):
            best = list(run)
    # The first page's number stands before the text, not in it.
    inside = [mark for mark in best if mark.group(1) != "1" and _stands_inside_a_sentence(text, mark.start())]
    if len(inside) < LEAST_NUMBERS or len(inside) < LEAST_SHARE * (len(best) - 1):
        return []
    return [mark.span() for mark in inside]


def _stands_inside_a_sentence(text: str, at: int) -> bool:
    before = text[max(at - 200, 0) : at].rstrip()
    return bool(before) and before[-1] not in _SENTENCE_END
