"""An offset in the source where markup starts comes in; the token that stands there, and where it ends, goes out.

The grammar is that of the WHATWG tokenizer, written as patterns that never give back what they took: every character
is looked at a bounded number of times, whatever the input.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

from detector.html_text.names import BLANKS, ESCAPABLE_RAW_TEXT, RAW_TEXT, VERBATIM
from detector.html_text.references import decode

_VALUE: Final = rf"""(?:"[^"]*+"?|'[^']*+'?|[^{BLANKS}>"'][^{BLANKS}>]*+)"""
_NAME: Final = rf"(?:=[^{BLANKS}/>=]*+|[^{BLANKS}/>=]++)"
_ATTRIBUTES: Final = rf"(?:[{BLANKS}/]++|{_NAME}(?:[{BLANKS}]*+=[{BLANKS}]*+{_VALUE}?+)?+)*+"
#: A whole tag; it ends at the end of the source where nothing closes it.
TAG: Final = re.compile(rf"<(/?+)([a-zA-Z][^{BLANKS}/>]*+)({_ATTRIBUTES})(>?)")
_ATTRIBUTE: Final = re.compile(
    rf"""({_NAME})(?:[{BLANKS}]*+=[{BLANKS}]*+(?:"([^"]*+)"?|'([^']*+)'?|([^{BLANKS}>"'][^{BLANKS}>]*+))?+)?+"""
)
_ELEMENT_NAME: Final = re.compile(rf"[^{BLANKS}/>]*+")
_RENAMED: Final = {"image": "img"}
#: Values that people read; shorter than two characters they say too little.
_LEAST_READ: Final = 2
_READ: Final = re.compile(r"""=\s*+(?:"([^"]{2,}+)"|'([^']{2,}+)'|([^\s>"'][^\s>]++))""")
_IS_READ: Final = re.compile(r"""[\s"'/](?:alt|title)\s*+\Z""", re.IGNORECASE)
_USUALLY_READ: Final = (" alt", " title")
_LOOK_BACK: Final = 32
_META_READ: Final = re.compile(r"keywords|(?:\w+:)?(?:description|title)\Z", re.IGNORECASE)
_IS_RAW: Final = RAW_TEXT | ESCAPABLE_RAW_TEXT
_BEGINS_RAW: Final = frozenset(letter for name in _IS_RAW for letter in (name[0], name[0].upper()))
#: What is no text: blanks, and control characters, which nobody sees either.
INVISIBLE: Final = "".join(map(chr, range(33)))
_EMPTY_COMMENT: Final = re.compile(r"-?>")
_SCRIPT_MARK: Final = re.compile(rf"<!--|-->|<(/?)script(?=[{BLANKS}/>])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute: its name in lower case, its decoded value, and where it stands, counted from the ``<`` of its tag.

    ``value_start`` and ``value_end`` are those of the value without quotes, both ``end`` where there is none.
    """

    name: str
    value: str
    start: int
    end: int
    value_start: int
    value_end: int


class Comment(NamedTuple):
    """What is no tag and no text: a comment, a doctype, a CDATA section; its content ends at ``inner_end``."""

    kind: str
    inner: int
    inner_end: int
    end: int


def attributes_of(written: str, *, at: int) -> Iterator[Attribute]:
    """Yield the attributes of a tag; `written` is what stands behind its name, `at` where that starts in the tag.

    >>> [(each.name, each.value) for each in attributes_of(' href=/a TITLE="x &gt; y" hidden', at=2)]
    [('href', '/a'), ('title', 'x > y'), ('hidden', '')]
    """
    seen = set()
    for match in _ATTRIBUTE.finditer(written):
        name = match[1].lower()
        if name in seen:  # the first of a name counts
            continue
        seen.add(name)
        group = match.lastindex or 1
        start, end = match.span(group) if group > 1 else (match.end(), match.end())
        value = decode(written[start:end], in_attribute=True)
        yield Attribute(name, value, at + match.start(), at + match.end(), at + start, at + end)


def element_name(source: str, at: int) -> str:
    """Return the name of the element whose tag says it from an offset on.

    >>> element_name("</DIV >", 2), element_name("<image>", 1)
    ('div', 'img')
    """
    match = _ELEMENT_NAME.match(source, at)
    name = match[0].lower().replace("\0", "\ufffd") if match else ""
    return _RENAMED.get(name, name)


def read_value(source: str, sign: int, stop: int) -> tuple[int, int] | None:
    """Return where the value behind a ``=`` in a tag stands if people read it: that of alt and title."""
    is_read = source.endswith(_USUALLY_READ, 0, sign)
    if not is_read and not _IS_READ.search(source[max(0, sign - _LOOK_BACK) : sign]):
        return None
    quote = source[sign + 1 : sign + 2]
    if quote in ('"', "'"):
        end = source.find(quote, sign + 2, stop)
        return (sign + 2, end) if end - sign - 2 >= _LEAST_READ else None
    match = _READ.match(source, sign, stop)
    return match.span(match.lastindex or 0) if match else None


def meta_value(tag: str) -> tuple[int, int] | None:
    """Return where in a meta tag its content stands, if that is read: keywords, a description or a title."""
    match = TAG.match(tag)
    if match is None:
        return None
    values: dict[str, tuple[int, int]] = {}
    for attribute in _ATTRIBUTE.finditer(tag, *match.span(3)):
        group = attribute.lastindex or 1
        values.setdefault(attribute[1].lower(), attribute.span(group) if group > 1 else (0, 0))
    what, content = values.get("name") or values.get("property"), values.get("content")
    if what is None or content is None:
        return None
    said, value = (decode(tag[start:end], in_attribute=True).strip() for start, end in (what, content))
    return content if value and _META_READ.match(said) else None


def texts_of(source: str) -> Iterator[tuple[int, str, bool]]:
    """Yield the pieces of text in a short source, tag by tag: offset, text, and whether references mean nothing in it.

    Good for what scripts write and comments hold: that there may be svg or math is not looked at.

    >>> list(texts_of("a <b title='>'>b</b><!-- c --> &amp; d"))
    [(0, 'a', False), (15, 'b', False), (31, '&amp; d', False)]
    """
    begun = at = 0
    while (start := source.find("<", at)) >= 0:
        name = ""
        if match := TAG.match(source, start):
            end = until = match.end()
            if source[start + 1] in _BEGINS_RAW and match[4]:
                name = element_name(source, start + 1)
                until = max(end, raw_text_end(source, name, end)) if name in _IS_RAW else end
        elif found := markup_at(source, start, foreign=False):
            end = until = found.end
        else:
            at = start + 1
            continue
        yield from _stripped(source, begun, start)
        if name in VERBATIM or name in ESCAPABLE_RAW_TEXT:
            yield from _stripped(source, end, until, verbatim=name in VERBATIM)
        begun = at = until
        if match and not match[4]:
            return
    yield from _stripped(source, begun, len(source))


def _stripped(source: str, start: int, end: int, *, verbatim: bool = False) -> list[tuple[int, str, bool]]:
    text = source[start:end].lstrip(INVISIBLE)
    said = text.rstrip(INVISIBLE)
    return [(end - len(text), said, verbatim)] if said and not said.isspace() else []


def markup_at(source: str, start: int, *, foreign: bool) -> Comment | None:
    """Return the comment, doctype, CDATA section or bogus comment that starts at a ``<``, None where it is text."""
    following = source[start + 1 : start + 2]
    if following == "!":
        if source.startswith("--", start + 2):
            return _comment(source, start)
        if foreign and source.startswith("[CDATA[", start + 2):
            end = source.find("]]>", start + 9)
            return Comment("cdata", start + 9, *((len(source),) * 2 if end < 0 else (end, end + 3)))
        return _to_bracket("doctype" if source[start + 2 : start + 9].lower() == "doctype" else "bogus", source, start)
    if following == "?" or (following == "/" and start + 2 < len(source)):
        return _to_bracket("bogus", source, start)
    return None


def _comment(source: str, start: int) -> Comment:
    if source[start + 4 : start + 5] in ("-", ">") and (abrupt := _EMPTY_COMMENT.match(source, start + 4)):
        return Comment("comment", start + 4, start + 4, abrupt.end())
    end = source.find("-->", start + 4)
    stop = len(source) if end < 0 else end
    if (bang := source.find("--!>", start + 4, stop)) >= 0:
        return Comment("comment", start + 4, bang, bang + 4)
    return Comment("comment", start + 4, stop, stop if end < 0 else stop + 3)


def _to_bracket(kind: str, source: str, start: int) -> Comment:
    end = source.find(">", start + 2)
    return Comment(kind, start + 2, *((len(source),) * 2 if end < 0 else (end, end + 1)))


def raw_text_end(source: str, name: str, start: int) -> int:
    """Return where the raw text of an element called `name` ends: at its end tag, or at the end of the source."""
    if name == "plaintext":
        return len(source)
    if name == "script":
        return _script_end(source, start)
    match = _end_tag(name).search(source, start)
    return match.start() if match else len(source)


@cache
def _end_tag(name: str) -> re.Pattern[str]:
    # Without a flag to ignore case: what begins with two plain characters is found fast.
    letters = "".join(f"[{letter.lower()}{letter.upper()}]" for letter in name)
    return re.compile(rf"</{letters}(?=[{BLANKS}/>])")


def _script_end(source: str, start: int) -> int:
    """Return the end of a script: an end tag inside ``<!-- <script`` does not close it."""
    first = _end_tag("script").search(source, start)
    if first is not None and source.find("<!--", start, first.start()) < 0:  # nearly every script
        return first.start()
    escaped = doubly = False
    at = start
    while match := _SCRIPT_MARK.search(source, at):
        mark, at = match[0], match.end()
        if mark == "<!--":
            escaped = True
            at = match.start() + 2  # its dashes may already be those of an end: <!-->
        elif mark == "-->":
            escaped = doubly = False
        elif match[1]:
            if not doubly:
                return match.start()
            doubly = False
        elif escaped:
            doubly = True
    return len(source)
