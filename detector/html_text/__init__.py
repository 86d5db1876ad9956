"""The source of a page comes in; its text, with the way back to the source, and cuts that leave markup whole go out."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from detector.html_text.cutting import Claim, Cut, cut_source, source_ranges
    from detector.html_text.encoding import Decoded, decode_page, is_stateful, known_encoding
    from detector.html_text.extraction import HtmlText, extract, extract_visible
    from detector.html_text.link_blocks import LinkBlock, find_blocks
    from detector.html_text.parsing import parse
    from detector.html_text.sites import OwnLinks
    from detector.html_text.styles import Hidden
    from detector.html_text.suspicion import Claimed, Suspicion
    from detector.html_text.word_blocks import WordBlock, find_word_blocks, real_parts

__all__ = [
    "Claim",
    "Claimed",
    "Cut",
    "Decoded",
    "Hidden",
    "HtmlText",
    "LinkBlock",
    "OwnLinks",
    "Suspicion",
    "WordBlock",
    "cut_source",
    "decode_page",
    "extract",
    "extract_visible",
    "find_blocks",
    "find_word_blocks",
    "is_stateful",
    "known_encoding",
    "parse",
    "real_parts",
    "source_ranges",
]

_ROOMS = {
    "cutting": ("Claim", "Cut", "cut_source", "source_ranges"),
    "encoding": ("Decoded", "decode_page", "is_stateful", "known_encoding"),
    "extraction": ("HtmlText", "extract", "extract_visible"),
    "link_blocks": ("LinkBlock", "find_blocks"),
    "parsing": ("parse",),
    "sites": ("OwnLinks",),
    "styles": ("Hidden",),
    "suspicion": ("Claimed", "Suspicion"),
    "word_blocks": ("WordBlock", "find_word_blocks", "real_parts"),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a name's module when it is first asked for: what decodes a file needs no parser of HTML."""
    if name not in _ROOM_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_ROOM_OF[name]}"), name)
    return found
