r"""Pages with their results come in; text for a terminal goes out: spans marked, reasons in plain words.

A page may come from an attacker: whatever could steer a terminal or reorder its text is shown as an escape (``\x1b``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import IO

import click

from detector.datatypes import Label, Reason, ScanResult, Span

#: How each label is marked where it is cut; where it is only reported its colour stands in the letters.
COLOURS = {
    Label.PORN: "magenta",
    Label.GAMBLING: "red",
    Label.OTHER_SPAM: "yellow",
    Label.REPOSITORY_BOILERPLATE: "cyan",
    Label.PINYIN_NOISE: "blue",
    Label.SPUN: "green",
    Label.SITE_BOILERPLATE: "bright_black",
}
REASONS_SHOWN = 5
_QUOTE_CHARS = 40
#: What is shown of the source around a span and, at most, of the span itself.
_AROUND_CHARS = 60
_EXCERPT_CHARS = 600
#: Controls (but tab and newline), bidirectional and zero-width marks, tag characters, lone surrogates.
_UNSAFE = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ud800-\\udfff\\ufeff"
    "\\U000e0000-\\U000e007f]"
)


def wants_colour(stream: IO[str], environment: Mapping[str, str] = os.environ) -> bool:
    """Tell whether the stream is a terminal that takes colour, and NO_COLOR does not forbid it."""
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def printable(text: str) -> str:
    r"""Return the text with everything that could steer a terminal shown as an escape; line ends become ``\n``.

    >>> printable("a\r\nb\x1b[31m")
    'a\nb\\x1b[31m'
    """
    return _UNSAFE.sub(_escape, text.replace("\r\n", "\n"))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def show_page(result: ScanResult, *, colour: bool, excerpts: bool = False) -> str:
    """Return a page for people: a heading, the text with its spans marked, and each span with its reasons.

    With `excerpts`, as for the source of HTML, only what stands around the spans is shown, each with line and column.
    """
    if not excerpts:
        marked = mark_spans(result, colour=colour).rstrip("\n")
        parts = [heading(result, colour=colour), "", marked, ""]
        for number, span in enumerate(result.spans, 1):
            parts.append(describe_span(result, span, number, colour=colour))
        return "\n".join(parts) + "\n"
    parts = [heading(result, colour=colour), ""]
    for number, span in enumerate(result.spans, 1):
        line, column = place_of(result.text, span.start)
        parts += [f"line {line}, column {column}:", excerpt(result, span, colour=colour)]
        parts += [describe_span(result, span, number, colour=colour), ""]
    return "\n".join(parts)


def place_of(text: str, offset: int) -> tuple[int, int]:
    r"""Return line and column of an offset, both counted from 1; ``\n`` ends a line.

    >>> place_of("ab\ncd", 4)
    (2, 2)
    """
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def excerpt(result: ScanResult, span: Span, *, colour: bool) -> str:
    """Return a span marked in what stands around it in its lines; the middle of a long one is left out."""
    text = result.text
    first = max(text.rfind("\n", 0, span.start) + 1, span.start - _AROUND_CHARS)
    end = text.find("\n", span.end)
    last = min(len(text) if end < 0 else end, span.end + _AROUND_CHARS)
    inside = text[span.start : span.end]
    if len(inside) > _EXCERPT_CHARS:
        inside = f"{inside[: _EXCERPT_CHARS // 2]} … {inside[-_EXCERPT_CHARS // 2 :]}"
    marked = _mark(printable(inside), span.label, result, colour=colour)
    return f"  {printable(text[first : span.start])}{marked}{printable(text[span.end : last])}"


def heading(result: ScanResult, *, colour: bool) -> str:
    """Return one line that names the page, its verdict and how much is cut."""
    cut = sum(span.end - span.start for span in result.cut_spans)
    counted = f"{_count(len(result.spans), 'span')}, {cut} of {_count(result.chars, 'character')} cut"
    line = f"== {printable(result.id) or 'page'}: {result.verdict}, {counted} =="
    return click.style(line, bold=True) if colour else line


def mark_spans(result: ScanResult, *, colour: bool) -> str:
    """Return the text with its spans marked: in colour, or as ``[label: ...]``.

    >>> from detector.datatypes import Verdict
    >>> text = "good spam"
    >>> page = ScanResult("", 9, Verdict.INJECTED, (Span(5, 9, Label.PORN, 0.9),), text)
    >>> mark_spans(page, colour=False)
    'good [porn: spam]'
    """
    spans = result.spans
    edges = [0, *(edge for span in spans for edge in (span.start, span.end)), len(result.text)]
    pieces = [printable(result.text[start:end]) for start, end in pairwise(edges)]
    for span, at in zip(spans, range(1, len(pieces), 2), strict=True):
        pieces[at] = _mark(pieces[at], span.label, result, colour=colour)
    return "".join(pieces)


def _mark(shown: str, label: Label, result: ScanResult, *, colour: bool) -> str:
    if not colour:
        return f"[{label}: {shown}]"
    # Line by line, so that the colour does not run on to the edge of the window.
    lines = (_paint(line, label, cut=label in result.cut_labels) if line else "" for line in shown.split("\n"))
    return "\n".join(lines)


def _paint(text: str, label: Label, *, cut: bool) -> str:
    if cut:
        return click.style(text, fg="white" if label is Label.PINYIN_NOISE else "black", bg=COLOURS[label])
    return click.style(text, fg=COLOURS[label], underline=True)


def describe_span(result: ScanResult, span: Span, number: int, *, colour: bool) -> str:
    """Return what a span is and the strongest of its reasons, one a line."""
    cut = span.label in result.cut_labels
    label = _paint(f" {span.label} ", span.label, cut=cut) if colour else str(span.label)
    lines = [
        f"{number}. {label} {span.score:.0%} sure, {'cut' if cut else 'reported, not cut'}, "
        f"characters {span.start} to {span.end}: {_quote(result.text[span.start : span.end])}"
    ]
    reasons = sorted(span.reasons, key=lambda reason: -abs(reason.log_odds))
    lines += [f"   {describe_reason(reason, result.text)}" for reason in reasons[:REASONS_SHOWN]]
    rest = sum(reason.log_odds for reason in reasons[REASONS_SHOWN:])
    if len(reasons) > REASONS_SHOWN:
        lines.append(f"   {rest:+.2f} {_count(len(reasons) - REASONS_SHOWN, 'weaker reason')} together")
    if reasons:
        lines.append(f"   {span.bias:+.2f} where every text starts; in sum {span.log_odds:+.2f} log-odds")
    return "\n".join(lines)


def describe_reason(reason: Reason, text: str) -> str:
    """Return a reason in plain words: what it counts, for or against, what was seen and where it stands.

    >>> describe_reason(Reason("porn keyword density", 2.5, 5, 9), "good spam")
    '+2.50 speaks for it: porn keyword density, at “spam”'
    """
    side = "for" if reason.log_odds >= 0 else "against"
    place = f", at {_quote(text[reason.start : reason.end])}" if 0 <= reason.start < reason.end else ""
    return f"{reason.log_odds:+.2f} speaks {side} it: {printable(reason.feature)}{place}"


def _quote(text: str) -> str:
    if len(text) > _QUOTE_CHARS:
        text = f"{text[: _QUOTE_CHARS // 2]} … {text[-_QUOTE_CHARS // 2 :]}"
    shown = printable(text).replace("\n", "⏎")
    return f"“{shown}”"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
