"""Files of pages and labelled pages come in, and cleaned files go out: everything that reads or writes pages."""

from detector.formats.labelled import labelled_page, read_labelled
from detector.formats.reading import Fields, Record, read_source, read_sources
from detector.formats.scanning import Copy, Scanned, clean_copies, plan_copies, scan_records
from detector.formats.sources import Kind, Skipped, Source, Unreadable, find_sources, kind_of
from detector.formats.writing import Inputs, NewFile, json_string

__all__ = [
    "Copy",
    "Fields",
    "Inputs",
    "Kind",
    "NewFile",
    "Record",
    "Scanned",
    "Skipped",
    "Source",
    "Unreadable",
    "clean_copies",
    "find_sources",
    "json_string",
    "kind_of",
    "labelled_page",
    "plan_copies",
    "read_labelled",
    "read_source",
    "read_sources",
    "scan_records",
]
