"""The source of a page comes in; its text, with the way back to the source, and cuts that leave markup whole go out."""

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
