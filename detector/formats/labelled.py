"""A file of labelled pages comes in; the pages, checked, go out, or an error that names the line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from detector.datatypes import InputError, Label, LabelledPage, Span, Verdict
from detector.formats.packing import read_errors
from detector.formats.reading import decode_line, json_lines, open_bytes, parse_object
from detector.formats.sources import reason_of

#: What a page as a whole may be called: a verdict, or that no reader could tell.
KINDS = frozenset({*Verdict, "unclear"})


def read_labelled(path: str | os.PathLike[str]) -> Iterator[LabelledPage]:
    """Yield the labelled pages of a JSON-lines file (also ``.gz`` and ``.zst``).

    A line is ``{"id", "text", "spans": [{"start", "end", "label"}], "lang"?, "kind"?, "url"?}``; spans may come in any
    order and leave it sorted. Raise InputError, with the number of the line, where a page is malformed: a span out of
    bounds or over another one, an unknown label or kind, a missing field.
    """
    name = os.fspath(path)
    try:
        with open_bytes(name) as stream:
            for number, line in json_lines(stream):
                try:
                    text = decode_line(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)
                    if text.strip():
                        yield labelled_page(parse_object(text))
                except ValueError as error:
                    raise InputError(f"{name}:{number}: {error}") from None
    except read_errors() as error:
        raise InputError(f"{name}: {reason_of(error)}") from error


def labelled_page(found: dict[str, Any]) -> LabelledPage:
    """Return the labelled page of a JSON object; raise ValueError that says what is wrong with it.

    >>> labelled_page({"id": "a", "text": "good spam", "spans": [{"start": 5, "end": 9, "label": "porn"}]}).spans[0].end
    9
    """
    page_id, text, spans = (_field(found, name, kind) for name, kind in (("id", str), ("text", str), ("spans", list)))
    optional = {name: found.get(name) for name in ("lang", "kind", "url", "pattern", "family")}
    for name, value in optional.items():
        if value is not None and not isinstance(value, str):
            raise ValueError(f"field {name!r} holds {value!r} where a string is expected")
    if optional["kind"] and optional["kind"] not in KINDS:
        raise ValueError(f"unknown kind {optional['kind']!r}; the kinds are {', '.join(sorted(KINDS))}")
    return LabelledPage(
        page_id,
        text,
        _spans(spans, len(text)),
        lang=optional["lang"] or "",
        kind=optional["kind"] or "",
        url=optional["url"],
        pattern=optional["pattern"] or "",
        family=optional["family"] or "",
    )


def _field(found: dict[str, Any], name: str, kind: type) -> Any:
    if name not in found:
        raise ValueError(f"a labelled page needs the field {name!r}")
    if not isinstance(found[name], kind):
        raise ValueError(f"field {name!r} needs a {'list' if kind is list else 'string'}")
    return found[name]


def _spans(found: list[Any], chars: int) -> tuple[Span, ...]:
    spans = sorted((_span(each, chars) for each in found), key=lambda span: span.start)
    for left, right in pairwise(spans):
        if right.start < left.end:
            raise ValueError(
                f"spans [{left.start}, {left.end}) and [{right.start}, {right.end}) overlap; a character has one label"
            )
    return tuple(spans)


def _span(found: Any, chars: int) -> Span:
    if not isinstance(found, dict) or not {"start", "end", "label"} <= found.keys():
        raise ValueError(f"a span needs start, end and label, got {found!r}")
    start, end, label = found["start"], found["end"], found["label"]
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= chars:
        raise ValueError(f"span [{start!r}, {end!r}) does not fit a text of {chars} characters")
    if label not in tuple(Label):
        raise ValueError(f"unknown label {label!r}; the labels are {', '.join(Label)}")
    return Span(start, end, Label(label), 1.0)
