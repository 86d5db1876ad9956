r"""A script comes in; the strings in it that people may come to read, decoded and with their offsets, go out.

These are the values of JSON-LD, and the strings of scripts that write markup into the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from detector.html_text.lexing import texts_of
from detector.html_text.references import Run, decode

#: How a script writes markup, by a word that is found fast; strings of others are none of a reader's business.
_WRITES: Final = {
    "write": re.compile(r"document\s*\.\s*write"),
    "HTML": re.compile(r"\.\s*(?:inner|outer)HTML|insertAdjacentHTML"),
    "createContextualFragment": re.compile("createContextualFragment"),
    "html": re.compile(r"\.\s*html\s*\("),
}
#: What a string is made of, quotes aside, that is a word of the program for sure.
_CODE: Final = r"!#$&(-;=-\[\]-~"
#: The next string and what stands before it: comments, strings that are words of the program, all that is no string.
_STRING: Final = re.compile(
    rf"""(?:[^"'`/]++|"[{_CODE}'`]*+"|'[{_CODE}"`]*+'|//[^\n]*+|/\*(?:[^*]++|\*(?!/))*+(?:\*/)?|/)*+"""
    r"""(?:"((?:[^"\\\n]++|\\.)*+)"|'((?:[^'\\\n]++|\\.)*+)'|`((?:[^`\\]++|\\.)*+)`)?+""",
    re.DOTALL,
)
_JSON_STRING: Final = re.compile(r'"((?:[^"\\]++|\\.)*+)"(\s*+:)?', re.DOTALL)
_ESCAPE: Final = re.compile(
    r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\r\n|.))|%u([0-9a-fA-F]{4})|((?:%[0-9a-fA-F]{2})+)",
    re.DOTALL,
)
_NAMED: Final = {"n": "\n", "r": "\n", "t": " ", "b": " ", "f": " ", "v": " ", "0": "", "\n": "", "\r\n": ""}
#: A value of JSON-LD that is text has a blank or a letter beyond ASCII in it, and is no address.
_TEXT: Final = re.compile(r"\A(?!https?:)(?=.*(?:\s|[^\x00-\x7f]|\\u))", re.DOTALL)
_LEAST_CHARS: Final = 6

#: Where the content of a string starts and ends in the source, and the text that a reader would see.
StringText = tuple[int, int, list[Run]]


def writes_markup(source: str, start: int, end: int) -> bool:
    """Tell whether the script from `start` to `end` writes markup."""
    return any(source.find(word, start, end) >= 0 and way.search(source, start, end) for word, way in _WRITES.items())


def strings_of(source: str, start: int, end: int, kind: str) -> Iterator[StringText]:
    """Yield the strings of the script from `start` to `end` that hold text for people; `kind` is its tag."""
    if "json" in kind:
        if "ld+json" in kind:
            yield from _json_strings(source, start, end)
    elif writes_markup(source, start, end):
        yield from _markup_strings(source, start, end)


def _json_strings(source: str, start: int, end: int) -> Iterator[StringText]:
    for match in _JSON_STRING.finditer(source, start, end):
        value = match[1]
        if not match[2] and len(value) >= _LEAST_CHARS and _TEXT.match(value):
            yield match.start(1), match.end(1), list(_unescaped(value, match.start(1), percent=False))


def _markup_strings(source: str, start: int, end: int) -> Iterator[StringText]:
    behind = start
    while behind < end and (match := _STRING.match(source, behind, end)):
        group = match.lastindex
        if group is None:  # behind the last one, or at a quote that no other one closes
            behind = match.end() + 1
            continue
        behind, said = match.end(), match[group]
        if len(said) < _LEAST_CHARS or _is_code(said):
            continue
        at, until = match.span(group)
        runs = [(at, until, said)]
        if "\\" in said or "%" in said:
            percent = "%" in said and source[max(start, at - 13) : at - 1].rstrip().endswith("(")
            runs = list(_unescaped(said, at, percent=percent))
        markup = "".join([run[2] for run in runs])
        if "<" not in markup and markup.isascii() and " " not in markup.strip():
            continue
        if texts := list(_texts(markup, runs)):
            yield at, until, texts


def _is_code(said: str) -> bool:
    """Tell whether a string is a word of the program for sure: it says nothing, and writes nothing."""
    return said.isascii() and " " not in said.strip() and "<" not in said and "\\" not in said and "%" not in said


def _texts(markup: str, runs: list[Run]) -> Iterator[Run]:
    """Yield the text in a piece of markup, its offsets led back by the runs that it was put together from."""
    places, sources = [], []
    at = 0
    for start, end, said in runs:
        places.append((at, at + len(said)))
        sources.append((start, end))
        at += len(said)
    number = 0
    first = True
    for offset, text, _ in texts_of(markup):
        if not first:
            yield sources[number][0], sources[number][0], "\n"  # a line end of no length in the source
        first = False
        stop = offset + len(text)
        while number < len(places) and places[number][1] <= offset:
            number += 1
        nth = number
        while nth < len(places) and places[nth][0] < stop:
            left, right = max(offset, places[nth][0]), min(stop, places[nth][1])
            start, end = sources[nth]
            if end - start == places[nth][1] - places[nth][0]:
                start, end = start + left - places[nth][0], start + right - places[nth][0]
            yield start, end, decode(markup[left:right]) if "&" in markup[left:right] else markup[left:right]
            nth += 1


def _unescaped(text: str, at: int, *, percent: bool) -> Iterator[Run]:
    r"""Yield the runs of a string literal's content; an escape is a run of its own.

    >>> list(_unescaped(r"a\x41", 5, percent=False))
    [(5, 6, 'a'), (6, 10, 'A')]
    """
    last = 0
    for match in _ESCAPE.finditer(text):
        braced, four, two, named, percent_four, percents = match.groups()
        if (percent_four or percents) and not percent:
            continue
        if match.start() > last:
            yield at + last, at + match.start(), text[last : match.start()]
        last = match.end()
        if percents:
            said = bytes.fromhex(percents.replace("%", "")).decode("utf-8", "replace")
        elif digits := braced or four or two or percent_four:
            said = _character(int(digits, 16))
        else:
            said = _NAMED.get(named, named)
        yield at + match.start(), at + last, said
    if last < len(text):
        yield at + last, at + len(text), text[last:]


def _character(code: int) -> str:
    return "\ufffd" if code > 0x10FFFF or 0xD800 <= code < 0xE000 else chr(code)
