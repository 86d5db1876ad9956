"""The bytes of a page of HTML come in, its decoded source goes out: one way for files and for responses in WARC files.

A page of HTML is a `Page` that says so; whatever scans pages takes it among the others.
"""

from __future__ import annotations

from detector.html_text import Decoded, decode_page, is_stateful, known_encoding

SUFFIXES = (".html", ".htm", ".xhtml")
#: What servers call HTML.
MEDIA_TYPES = frozenset({"text/html", "application/xhtml+xml"})


def decode_markup(data: bytes, *, said_by_user: str | None = None, said_by_server: str | None = None) -> Decoded:
    """Return the source of a page, decoded as browsers do, but that others are believed less.

    What is valid UTF-8 is nothing else, whatever is said of it: servers call every page Latin-1. What the user says
    holds for all other pages, what a server says for those that can be read so to the end.

    >>> decode_markup("好".encode(), said_by_server="iso-8859-1").text
    '好'
    >>> decode_markup("<meta charset=gbk>好人".encode("gbk"), said_by_server="euc-kr", said_by_user="gbk").text
    '<meta charset=gbk>好人'
    """
    said = known_encoding(said_by_user or said_by_server or "")
    if said is None or (_is_utf8(data) and not is_stateful(said)):
        return decode_page(data)
    found = decode_page(data, said)
    return found if said_by_user or "\ufffd" not in found.text else decode_page(data)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
