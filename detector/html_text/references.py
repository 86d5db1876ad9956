"""A text with character references comes in; its runs, decoded and with their offsets, go out."""

from __future__ import annotations

import re
from functools import lru_cache
from html.entities import html5
from typing import Final

#: A run of the source: where it starts and ends, and what it says. As long as what it says, unless it is a reference.
Run = tuple[int, int, str]

#: The longest name of a reference has 31 letters.
_REFERENCE: Final = re.compile(r"&(?:#(?:[xX]([0-9a-fA-F]++)|([0-9]++));?|([a-zA-Z][a-zA-Z0-9]{0,31}+);?)")
#: The longest name that counts without a semicolon.
_LONGEST_BARE: Final = max(len(name) for name in html5 if not name.endswith(";"))
#: What browsers read numbers of the C1 controls as: bytes of windows-1252.
_C1: Final = {
    code: bytes([code]).decode("cp1252") for code in range(0x80, 0xA0) if code not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
}
#: So many references are remembered: a page in such spelling says the same letters again and again.
_KNOWN_REFERENCES: Final = 4096
_REPLACEMENT: Final = "\ufffd"
_DIGITS_READ: Final = 12


def decoded_runs(text: str, *, at: int = 0, in_attribute: bool = False) -> list[Run]:
    """Return the runs of a text that starts at the offset `at`: they tile it, each reference is a run of its own.

    >>> decoded_runs("a &amp; b")
    [(0, 2, 'a '), (2, 7, '&'), (7, 9, ' b')]
    """
    found: list[Run] = []
    last = 0
    for match in _REFERENCE.finditer(text):
        start, end = match.span()
        said = _whole(match[0])
        if said is None:
            decoded = _decoded(match, text, in_attribute=in_attribute)
            if decoded is None:
                continue
            said, end = decoded
        if start > last:
            found.append((at + last, at + start, text[last:start]))
        found.append((at + start, at + end, said))
        last = end
    if last < len(text):
        found.append((at + last, at + len(text), text[last:]))
    return found


def decode(text: str, *, in_attribute: bool = False) -> str:
    """Return the text with its references decoded.

    >>> decode("&lt;&#x41;&nosuch;&amp"), decode("?a=1&copy=2", in_attribute=True)
    ('<A&nosuch;&', '?a=1&copy=2')
    """
    if "&" not in text:
        return text
    return "".join(run[2] for run in decoded_runs(text, in_attribute=in_attribute))


@lru_cache(_KNOWN_REFERENCES)
def _whole(reference: str) -> str | None:
    """Return what a reference says that ends in a semicolon, None for others: it says so wherever it stands."""
    match = _REFERENCE.fullmatch(reference) if reference.endswith(";") else None
    found = _decoded(match, reference, in_attribute=False) if match else None
    return found[0] if found and found[1] == len(reference) else None


def _decoded(match: re.Match[str], text: str, *, in_attribute: bool) -> tuple[str, int] | None:
    """Return what a reference says and where it ends, None where it is none."""
    hexadecimal, decimal, name = match.groups()
    if name is None:
        digits = (hexadecimal or decimal).lstrip("0")
        code = int(digits or "0", 16 if hexadecimal else 10) if len(digits) <= _DIGITS_READ else 0
        return _character(code), match.end()
    if match[0].endswith(";") and (said := html5.get(name + ";")):
        return said, match.end()
    for chars in range(min(len(name), _LONGEST_BARE), 1, -1):
        if said := html5.get(name[:chars]):
            end = match.start() + 1 + chars
            following = text[end : end + 1]
            if in_attribute and (following == "=" or (following.isascii() and following.isalnum())):
                return None
            return said, end + (following == ";")
    return None


def _character(code: int) -> str:
    if code == 0 or code > 0x10FFFF or 0xD800 <= code < 0xE000:
        return _REPLACEMENT
    return _C1.get(code) or chr(code)
