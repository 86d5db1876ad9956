"""Labelled pages by injection: lexicons, grammars and clean documents in, pages with exact gold spans out."""

from __future__ import annotations

from detector.synthesis.assembly import PageWriter
from detector.synthesis.grammar import Family, Grammars, load_grammars
from detector.synthesis.handwritten import read_handwritten

__all__ = ["Family", "Grammars", "PageWriter", "load_grammars", "read_handwritten"]
