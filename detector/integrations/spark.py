"""Partitions of a Spark data frame come in, as pandas; the same rows with verdicts, spans and clean texts go out.

    frame.mapInPandas(ScanPartition(), schema=schema_of(frame))

Spark pickles the callable, which holds names only; each Python worker loads the bundle once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from detector.integrations.columns import Columns, ColumnScan
from detector.integrations.loading import missing_engine

_ADDED_TYPES = ("string", "array<struct<start:bigint,end:bigint,label:string,score:double>>", "string")


class ScanPartition(ColumnScan):
    """A callable for ``mapInPandas``: frames of a partition in, frames with the added columns out."""

    def __call__(self, frames: Iterable[Any]) -> Iterator[Any]:
        columns = self._columns
        for frame in frames:
            urls = None if columns.url is None else frame[columns.url].tolist()
            found = columns.scan(frame[columns.text].tolist(), urls)
            yield frame.assign(**found)


def schema_of(frame: Any, scan: ScanPartition | None = None) -> Any:
    """Return the schema of a data frame with the columns that `scan` adds."""
    try:
        from pyspark.sql.types import StructType, _parse_datatype_string
    except ImportError:
        raise missing_engine("pyspark", "spark") from None
    names = (scan.columns if scan else Columns()).names()
    schema = StructType(list(frame.schema.fields))
    for name, kind in zip(names, _ADDED_TYPES, strict=True):
        schema = schema.add(name, _parse_datatype_string(kind))
    return schema
