"""The bytes of a page come in; its decoded source, and the way from its offsets to those of the bytes, go out."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from detector.datatypes import UsageError

#: Browsers look so far for a declaration.
_HEAD_BYTES: Final = 1024
#: Pages whose head is long declare their encoding later; so far is looked where the head's start says nothing.
_LONG_HEAD_BYTES: Final = 16384
_DECLARED: Final = re.compile(rb"<meta[^>]{1,400}?charset\s*=\s*[\"']?\s*([-\w:.]{2,40})", re.IGNORECASE)
_XML: Final = re.compile(rb"\A\s*<\?xml[^>]{1,200}?encoding\s*=\s*[\"']([-\w:.]{2,40})", re.IGNORECASE)
_COMMENT: Final = re.compile(rb"<!--.*?-->", re.DOTALL)
_BOMS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
#: What browsers take a name for: the larger set of characters that pages under it use.
_READ_AS: Final = {
    "gb2312": "gb18030", "gbk": "gb18030", "gb_2312-80": "gb18030", "x-gbk": "gb18030", "chinese": "gb18030",
    "gb18030": "gb18030", "iso-8859-1": "cp1252", "latin1": "cp1252", "ascii": "cp1252", "us-ascii": "cp1252",
    "windows-1252": "cp1252", "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932",
    "windows-31j": "cp932", "euc-kr": "cp949", "ks_c_5601-1987": "cp949", "ksc5601": "cp949", "windows-949": "cp949",
    "big5": "big5hkscs", "big5-hkscs": "big5hkscs", "x-x-big5": "big5hkscs", "cn-big5": "big5hkscs",
    "iso-8859-9": "cp1254", "tis-620": "cp874", "windows-874": "cp874", "iso-8859-11": "cp874", "utf8": "utf-8",
    "iso8859-1": "cp1252", "iso8859-9": "cp1254", "euc_kr": "cp949",
    "unicode-1-1-utf-8": "utf-8", "utf-16": "utf-8", "utf-16le": "utf-8", "utf-16be": "utf-8",
}  # fmt: skip
#: Encodings whose escapes change what the bytes behind them mean; in most of them all text looks like ASCII.
_STATEFUL: Final = ("iso2022", "hz", "utf-7")
#: Tried in this order on pages that say nothing and are no UTF-8.
_GUESSES: Final = ("gb18030", "big5hkscs", "cp932", "cp949")
#: Letters, and common characters of each encoding: what a guess must bring forth to be believed. Strings, since most
#: files need no guess, and ranges of letters are slow to compile.
_LETTER: Final = "[\u3041-\u30fe\u4e00-\u9fff\uac00-\ud7a3]"
_COMMON: Final = {
    "gb18030": "[的一是不了在人有我他这中大来上国个到说们为]",
    "big5hkscs": "[的一是不了在人有我他這中大來上國個到說們為]",
    "cp932": "[のにはをたがでとしれいるなかもっ]",
    "cp949": "[이다는을의에고가한은로하지도사]",
}
_BLOCK_BYTES: Final = 4096


@dataclass(frozen=True)
class Decoded:
    """A page's source; ``bom_bytes`` in front of it are no part of it. Bytes that cannot be read became U+FFFD."""

    text: str
    encoding: str
    bom_bytes: int
    data: bytes

    def cut(self, ranges: Iterable[tuple[int, int]]) -> bytes:
        """Return the bytes without the given ranges of the source: sorted, disjoint. All other bytes stay as they
        are, but in a stateful encoding, which is written anew.

        >>> decode_page("a好b".encode("gbk"), "gbk").cut([(1, 2)])
        b'ab'
        """
        edges = [edge for start, end in ranges for edge in (start, end)]
        if edges and is_stateful(self.encoding):
            parts = zip([0, *edges[1::2]], [*edges[::2], len(self.text)], strict=True)
            return "".join(self.text[start:end] for start, end in parts).encode(self.encoding, "replace")
        places = self._byte_offsets(edges)
        kept, last = [], 0
        for start, end in zip(places[::2], places[1::2], strict=True):
            kept.append(self.data[last:start])
            last = end
        return b"".join([*kept, self.data[last:]])

    def _byte_offsets(self, edges: list[int]) -> list[int]:
        """Return where in the bytes the characters at sorted offsets start.

        Where the text, written again, is what stands there, its length says it; nearly always.
        """
        found: list[int] = []
        at, chars = self.bom_bytes, 0
        for edge in edges:
            try:
                piece = self.text[chars:edge].encode(self.encoding)
            except UnicodeEncodeError:
                return self._stepped_offsets(edges)
            if not self.data.startswith(piece, at):
                return self._stepped_offsets(edges)
            at, chars = at + len(piece), edge
            found.append(at)
        return found

    def _stepped_offsets(self, edges: list[int]) -> list[int]:
        """Return the same from reading the bytes again, one by one where an edge is near."""
        decoder = codecs.getincrementaldecoder(self.encoding)("replace")
        found: list[int] = []
        at, chars = self.bom_bytes, 0
        wanted = iter(edges)
        edge = next(wanted, None)
        while edge is not None:
            block = self.data[at : at + _BLOCK_BYTES]
            state = decoder.getstate()
            said = len(decoder.decode(block, final=at + _BLOCK_BYTES >= len(self.data)))
            if chars + said < edge and block:
                at, chars = at + len(block), chars + said
                continue
            decoder.setstate(state)
            while edge is not None and edge <= chars + said:
                at, chars, said = self._step(decoder, at, chars, edge, said)
                found.append(at if chars <= edge or not found else found[-1])
                edge = next(wanted, None)
                if at >= len(self.data):
                    while edge is not None:
                        found.append(len(self.data))
                        edge = next(wanted, None)
        return found

    def _step(
        self, decoder: codecs.IncrementalDecoder, at: int, chars: int, edge: int, said: int
    ) -> tuple[int, int, int]:
        """Read byte by byte until the characters before `edge` are complete."""
        limit = chars + said
        while chars < edge and at < len(self.data):
            at += 1
            chars += len(decoder.decode(self.data[at - 1 : at], final=at == len(self.data)))
        return at, chars, limit - chars


def decode_page(data: bytes, encoding: str | None = None) -> Decoded:
    """Return the source of a page: by its byte order mark, else `encoding`, what its meta says, or its content.

    Raise UsageError where `encoding` is given and unknown.

    >>> decode_page(b"<meta charset=gbk>\\xc4\\xe3").text
    '<meta charset=gbk>你'
    """
    for bom, name in _BOMS:
        if data.startswith(bom):
            return Decoded(data[len(bom) :].decode(name, "replace"), name, len(bom), data)
    if encoding is not None:
        known = known_encoding(encoding)
        if known is None:
            raise UsageError(f"unknown encoding {encoding!r}; give the name of a codec such as utf-8 or gb18030")
        return Decoded(data.decode(known, "replace"), known, 0, data)
    try:
        return Decoded(data.decode(), "utf-8", 0, data)  # what is valid UTF-8 is nothing else, whatever it says
    except UnicodeDecodeError as error:
        broken = error
    declared = _declared(data)
    if declared is None or (declared == "utf-8" and _mostly_broken(data, broken)):
        declared = _guess(data) or declared or "cp1252"
    return Decoded(data.decode(declared, "replace"), declared, 0, data)


@lru_cache(maxsize=256)
def known_encoding(name: str) -> str | None:
    """Return the codec that a name in a header or a page stands for, None where there is none for text."""
    wanted = name.strip().strip("\"'").lower()
    wanted = _READ_AS.get(wanted, wanted.removeprefix("x-"))
    try:
        found = codecs.lookup(wanted)
        "".encode(found.name)
    except (LookupError, ValueError):
        return None
    known = _READ_AS.get(found.name, found.name)
    return known if _is_text(known) else None


def is_stateful(encoding: str) -> bool:
    """Tell whether the bytes of a codec mean what the escapes before them say."""
    return encoding.startswith(_STATEFUL)


def _is_text(name: str) -> bool:
    """Tell whether a codec keeps markup readable: of those for other things, none does."""
    try:
        return b"<a>".decode(name) == "<a>"
    except (LookupError, ValueError):
        return False


def _declared(data: bytes) -> str | None:
    for size in (_HEAD_BYTES, _LONG_HEAD_BYTES):
        head = _COMMENT.sub(b"", data[:size])
        if (match := _XML.search(head) or _DECLARED.search(head)) and (
            known := known_encoding(match[1].decode("ascii", "replace"))
        ):
            return known
    return None


def _mostly_broken(data: bytes, broken: UnicodeDecodeError) -> bool:
    """Tell whether so much is no UTF-8 that the page must be wrong about itself."""
    beyond_ascii = sum(byte >= 0x80 for byte in data[broken.start : broken.start + _BLOCK_BYTES])
    replaced = data[broken.start : broken.start + _BLOCK_BYTES].decode("utf-8", "replace").count("\ufffd")
    return replaced * 3 > beyond_ascii


def _guess(data: bytes) -> str | None:
    """Return the encoding under which the page reads most like text, None where none does."""
    best, best_share = None, 0.1
    for name in _GUESSES:
        text = data[: 16 * _BLOCK_BYTES].decode(name, "replace")
        letters = len(re.findall(_LETTER, text))
        if not letters or text.count("\ufffd") * 20 > letters:
            continue
        share = (len(re.findall(_COMMON[name], text)) - 5 * text.count("\ufffd")) / letters
        if share > best_share:
            best, best_share = name, share
    return best
