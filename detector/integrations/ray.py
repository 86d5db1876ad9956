"""Batches of a Ray dataset come in; the same batches with verdicts, spans and clean texts go out.

    dataset.map_batches(ScanBatch, batch_format="pyarrow", compute=ray.data.ActorPoolStrategy(size=1))

Ray makes the class once in each actor and pickles no detector.
"""

from __future__ import annotations

from typing import Any

from detector.integrations.columns import Columns, ColumnScan
from detector.integrations.loading import missing_engine


class ScanBatch(ColumnScan):
    """A callable class for ``map_batches`` with ``batch_format="pyarrow"``."""

    def __call__(self, batch: Any) -> Any:
        """Return an Arrow table with the added columns behind its own."""
        return with_columns(batch, self._columns)


def with_columns(table: Any, columns: Columns) -> Any:
    """Return an Arrow table with the added columns behind its own."""
    try:
        import pyarrow
    except ImportError:
        raise missing_engine("pyarrow", "ray") from None
    urls = None if columns.url is None else table.column(columns.url).to_pylist()
    found = columns.scan(table.column(columns.text).to_pylist(), urls)
    kinds = (pyarrow.string(), pyarrow.list_(_span_type(pyarrow)), pyarrow.string())
    for name, kind in zip(columns.names(), kinds, strict=True):
        table = table.append_column(pyarrow.field(name, kind), pyarrow.array(found[name], kind))
    return table


def _span_type(pyarrow: Any) -> Any:
    number = pyarrow.int64()
    return pyarrow.struct(
        [("start", number), ("end", number), ("label", pyarrow.string()), ("score", pyarrow.float64())]
    )
