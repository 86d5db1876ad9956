"""A source and an open file come in; what writes the source's pages into it again, spans cut, goes out."""

from __future__ import annotations

from typing import IO, Protocol

from detector.cleaning import cut_ranges
from detector.datatypes import ScanResult
from detector.formats.records import Fields, Passed, Record
from detector.formats.sources import Kind, Source
from detector.formats.writing import replace_text

_BOM = "\ufeff"


class Rewriter(Protocol):
    """Writes one file again, page after page, in the order in which they were read."""

    def page(self, record: Record, result: ScanResult) -> None: ...

    def passed(self, passed: Passed) -> None: ...

    def close(self) -> None: ...


def rewriter_for(source: Source, sink: IO[bytes], fields: Fields, target: str) -> Rewriter:
    """Return what writes the pages of the source to `sink`, packed as the name `target` says.

    Raise InputError where the library for it is missing or the source is broken.
    """
    if source.kind is Kind.PARQUET:
        from detector.formats.parquet import ParquetRewriter

        return ParquetRewriter(sink, source.path, fields.text)
    if source.kind is Kind.WARC:
        from detector.formats.warc import WarcRewriter

        return WarcRewriter(sink, target)
    return LinesRewriter(sink, fields.text) if source.kind is Kind.JSON_LINES else TextRewriter(sink)


def packs_itself(source: Source) -> bool:
    """Tell whether the rewriter packs what it writes, as WARC files are packed record by record."""
    return source.kind is Kind.WARC


class TextRewriter:
    """Writes a text in its encoding; every byte that is not cut stays as it was."""

    def __init__(self, sink: IO[bytes]) -> None:
        self._sink = sink

    def page(self, record: Record, result: ScanResult) -> None:
        self._sink.write(cleaned_bytes(record, result))

    def passed(self, passed: Passed) -> None:
        passed.copy(self._sink)

    def close(self) -> None:
        """Write nothing more."""


class LinesRewriter(TextRewriter):
    """Writes lines of JSON, of which only the text's value changes."""

    def __init__(self, sink: IO[bytes], text_field: str) -> None:
        super().__init__(sink)
        self._text_field = text_field

    def page(self, record: Record, result: ScanResult) -> None:
        line = record.data
        if result.cut_spans:
            line = replace_text(record.raw, self._text_field, result.clean_text).encode(record.encoding)
            line = _BOM.encode() + line if record.bom else line
        self._sink.write(line)


def cleaned_bytes(record: Record, result: ScanResult) -> bytes:
    """Return the bytes of a page that is a file or a body of its own, without those of the spans that are cut."""
    if record.decoded is None:
        raise TypeError(f"page {record.page.id!r} is no file or body of its own")
    return record.decoded.cut(cut_ranges(record.page.text, result.cut_spans))
