"""Records with their results come in; the text of scan's output goes out, in the format that was asked for.

Nothing of a page's own text is written, only ids, places, labels and scores.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Protocol
from urllib.parse import quote

from detector.datatypes import BAD_VERDICTS, Label, ScanResult, Span, Verdict
from detector.formats import Record, json_string

#: Scores are calibrated to about two digits; four keep the order and the lines short.
SCORE_DIGITS = 4

_WHAT = {
    Label.PORN: "injected adult keywords",
    Label.GAMBLING: "injected gambling keywords, brands or adverts",
    Label.OTHER_SPAM: "other injected spam",
    Label.REPOSITORY_BOILERPLATE: "what a document-sharing site wrapped around the document",
    Label.PINYIN_NOISE: "a pinyin reading put after a character",
    Label.SPUN: "machine-spun text",
    Label.SITE_BOILERPLATE: "ordinary navigation and site text",
    Verdict.SPAM_PAGE: "the page holds no text of its own worth keeping",
    Verdict.SPUN_PAGE: "the page's body is machine-spun",
}


class Output(Protocol):
    """A format: what stands before the first page, for each page, for one that cannot be read, and after the last."""

    def head(self) -> str: ...

    def page(self, record: Record, result: ScanResult) -> str: ...

    def unread(self, place: str) -> str: ...

    def tail(self) -> str: ...


class JsonLines:
    """One object a page: id, source, chars, verdict, spans, bundle."""

    def __init__(self, bundle: str) -> None:
        self._bundle = bundle

    def head(self) -> str:
        return ""

    def page(self, record: Record, result: ScanResult) -> str:
        spans = [
            {"start": int(span.start), "end": int(span.end), "label": span.label.value, "score": _score(span)}
            for span in result.spans
        ]
        line = {
            "id": result.id,
            "source": record.source.path,
            "chars": result.chars,
            "verdict": result.verdict.value,
            "spans": spans,
            "bundle": self._bundle,
        }
        return json_string(line) + "\n"

    def unread(self, place: str) -> str:
        return ""

    def tail(self) -> str:
        return ""


class DolmaAttributes:
    """One Dolma attribute line a page: ``<bundle>__detector__<label>`` -> ``[[start, end, score], ...]``.

    The bundle's name, in word characters, is the experiment. Every label has its key: all lines have the same columns.
    """

    def __init__(self, bundle: str) -> None:
        experiment = re.sub(r"\W+", "_", bundle)  # so that it may stand in a path expression without quotes
        self._keys = {label: f"{experiment}__detector__{label.value}" for label in Label}

    def head(self) -> str:
        return ""

    def page(self, record: Record, result: ScanResult) -> str:
        attributes: dict[str, list[list[float]]] = {key: [] for key in self._keys.values()}
        for span in result.spans:
            attributes[self._keys[span.label]].append([int(span.start), int(span.end), _score(span)])
        return json_string({"id": result.id, "attributes": attributes}) + "\n"

    def unread(self, place: str) -> str:
        """Return a line without spans: the lines stay beside those of the documents."""
        return json_string({"id": place, "attributes": {key: [] for key in self._keys.values()}}) + "\n"

    def tail(self) -> str:
        return ""


class Sarif:
    """One SARIF 2.1.0 log: a result for each span and for each bad page.

    A span of a text file has its place in the file, in code points. In JSON lines the place is the line of the page;
    the span's offsets in the page's text stand in the properties.
    """

    def __init__(self, bundle: str) -> None:
        self._bundle = bundle
        self._separator = ""

    def head(self) -> str:
        rules = [{"id": rule.value, "shortDescription": {"text": what}} for rule, what in _WHAT.items()]
        driver = {"name": "detector", "properties": {"bundle": self._bundle}, "rules": rules}
        run = json_string({"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": []})
        log = json_string({"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0"})
        return log.removesuffix("}") + ', "runs": [' + run.removesuffix("]}")

    def page(self, record: Record, result: ScanResult) -> str:
        written = []
        for found in _sarif_results(record, result):
            written.append(f"{self._separator}\n{json_string(found)}")
            self._separator = ","
        return "".join(written)

    def unread(self, place: str) -> str:
        return ""

    def tail(self) -> str:
        return "\n]}]}\n"


def _sarif_results(record: Record, result: ScanResult) -> Iterator[dict[str, Any]]:
    uri = quote(record.source.path, safe="/", errors="surrogatepass")
    page = {"logicalLocations": [{"fullyQualifiedName": result.id}]}
    if result.verdict in BAD_VERDICTS:
        place: dict[str, Any] = {"artifactLocation": {"uri": uri}}
        if record.line:
            place["region"] = {"startLine": record.line}
        yield _sarif_result(result.verdict, "error", {"physicalLocation": place, **page}, {})
    at = _Lines(result.text)
    for span in result.spans:
        region = {"startLine": record.line} if record.line else at.region(span)
        place = {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}, **page}
        level = "warning" if span.label in result.cut_labels else "note"
        properties = {"start": int(span.start), "end": int(span.end), "score": _score(span)}
        yield _sarif_result(span.label, level, place, properties)


def _sarif_result(
    rule: Label | Verdict, level: str, place: dict[str, Any], properties: dict[str, Any]
) -> dict[str, Any]:
    found = {
        "ruleId": rule.value,
        "ruleIndex": list(_WHAT).index(rule),
        "level": level,
        "message": {"text": _WHAT[rule]},
        "locations": [place],
    }
    return {**found, "properties": properties} if properties else found


class _Lines:
    r"""Lines and columns of rising offsets in a text, in one pass over it; ``\n`` ends a line."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._offset, self._line, self._line_start = 0, 1, 0

    def region(self, span: Span) -> dict[str, int]:
        start_line, start_column = self._place(int(span.start))
        end_line, end_column = self._place(int(span.end))
        return {
            "startLine": start_line,
            "startColumn": start_column,
            "endLine": end_line,
            "endColumn": end_column,
            "charOffset": int(span.start),
            "charLength": int(span.end) - int(span.start),
        }

    def _place(self, offset: int) -> tuple[int, int]:
        self._line += self._text.count("\n", self._offset, offset)
        self._line_start = max(self._line_start, self._text.rfind("\n", self._offset, offset) + 1)
        self._offset = offset
        return self._line, offset - self._line_start + 1


def _score(span: Span) -> float:
    return round(float(span.score), SCORE_DIGITS)


OUTPUTS: dict[str, Callable[[str], Output]] = {"jsonl": JsonLines, "dolma": DolmaAttributes, "sarif": Sarif}
