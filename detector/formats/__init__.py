"""Files of pages and labelled pages come in, and cleaned files go out: everything that reads or writes pages."""

from detector.formats.encodings import encoding_named
from detector.formats.labelled import labelled_page, read_labelled
from detector.formats.reading import Range, read_source, read_sources
from detector.formats.records import Fields, Passed, Read, Record
from detector.formats.scanning import Copy, Scanned, clean_copies, is_run, plan_copies, scan_records
from detector.formats.sources import Kind, Skipped, Source, Unreadable, find_sources, kind_of, packing_of, reason_of
from detector.formats.writing import Batch, Inputs, NewFile, json_string

__all__ = [
    "Batch",
    "Copy",
    "Fields",
    "Inputs",
    "Kind",
    "NewFile",
    "Passed",
    "Range",
    "Read",
    "Record",
    "Scanned",
    "Skipped",
    "Source",
    "Unreadable",
    "clean_copies",
    "encoding_named",
    "find_sources",
    "is_run",
    "json_string",
    "kind_of",
    "labelled_page",
    "packing_of",
    "plan_copies",
    "read_labelled",
    "read_source",
    "read_sources",
    "reason_of",
    "scan_records",
]
