"""The source of a page comes in; its text, with the way back to the source, and cuts that leave markup whole go out."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from detector.html_text.encoding import Decoded, decode_page, is_stateful, known_encoding
from detector.html_text.styles import Hidden

if TYPE_CHECKING:
    from detector.html_text.cutting import Claim, Cut, cut_source, source_ranges
    from detector.html_text.extraction import HtmlText, extract, extract_visible
    from detector.html_text.link_blocks import LinkBlock, find_blocks
    from detector.html_text.parsing import parse
    from detector.html_text.sites import OwnLinks
    from detector.html_text.suspicion import Claimed, Suspicion
    from detector.html_text.word_blocks import WordBlock, find_word_blocks, real_parts

#: What needs NumPy is imported when it is first asked for: commands that only read files start without it.
_MODULES: Final = {
    "Claim": "cutting",
    "Cut": "cutting",
    "cut_source": "cutting",
    "source_ranges": "cutting",
    "HtmlText": "extraction",
    "extract": "extraction",
    "extract_visible": "extraction",
    "LinkBlock": "link_blocks",
    "find_blocks": "link_blocks",
    "parse": "parsing",
    "OwnLinks": "sites",
    "Claimed": "suspicion",
    "Suspicion": "suspicion",
    "WordBlock": "word_blocks",
    "find_word_blocks": "word_blocks",
    "real_parts": "word_blocks",
}
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


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
