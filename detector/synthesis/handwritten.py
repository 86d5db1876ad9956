"""Pages written by hand: files with marked text in, labelled pages out (format: training_data/README.md)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import regex

from detector.datatypes import InputError, Label, LabelledPage, Span, Verdict
from detector.synthesis.grammar import Pieces, split_marks

_HEADER = regex.compile(r'=== id=(\S+) lang=(\S+) kind=(\S+)(?: pattern="([^"]*)")?\s*')


def read_handwritten(folder: Path) -> Iterator[LabelledPage]:
    """Yield the pages of every .txt file in `folder`, in order."""
    for path in sorted(folder.glob("*.txt")):
        header: regex.Match[str] | None = None
        lines: list[str] = []
        for line in path.read_text(encoding="utf-8").split("\n"):
            if line.startswith("=== "):
                if header:
                    yield _page(path, header, lines)
                header, lines = _HEADER.fullmatch(line), []
                if header is None:
                    raise InputError(f"{path}: this line opens no page: {line[:80]!r}")
            elif header:
                lines.append(line)
        if header:
            yield _page(path, header, lines)


def _page(path: Path, header: regex.Match[str], lines: list[str]) -> LabelledPage:
    name, lang, kind, pattern = header.groups()
    if kind not in {str(verdict) for verdict in Verdict}:
        raise InputError(f"{path}: page {name} has the unknown kind {kind!r}")
    text, spans = assemble(split_marks("\n".join(lines).strip("\n"), "clean"))
    return LabelledPage(name, text, spans, lang, kind, pattern=pattern or "", family=f"pages/{path.stem}")


def assemble(pieces: Pieces) -> tuple[str, tuple[Span, ...]]:
    """Join pieces to a text and the spans of those that carry a label; neighbours of one label are one span."""
    spans: list[Span] = []
    out: list[str] = []
    at = 0
    for text, label in pieces:
        end = at + len(text)
        if label is not None and text:
            if spans and spans[-1].label == label and spans[-1].end == at:
                spans[-1] = Span(spans[-1].start, end, Label(label), 1.0)
            else:
                spans.append(Span(at, end, Label(label), 1.0))
        out.append(text)
        at = end
    return "".join(out), tuple(spans)
