"""A Parquet file comes in, its pages go out; rows with their results come in, a file of the same schema goes out.

Rows are read in small batches, so that memory holds neither a file nor a row group. pyarrow is imported here alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from detector.datatypes import InputError, Page, ScanResult
from detector.formats.records import Fields, Passed, Record, missing_extra
from detector.formats.sources import Source, Unreadable

#: About so much of the table is held at a time: pages of a batch of the detector, with their other columns.
_BATCH_BYTES = 4 << 20
#: Row groups are written of about this size: what the format's makers advise, less what two workers can spare.
_GROUP_BYTES = 64 << 20
_MOST_ROWS = 10_000
_COLUMN_BUFFER_BYTES = 1 << 20


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise missing_extra("Parquet", "io") from None
    return pyarrow, pyarrow.parquet


@contextmanager
def _named_errors() -> Iterator[None]:
    """Turn what pyarrow says of a broken file into an error of an input."""
    pyarrow, _ = _pyarrow()
    try:
        yield
    except (pyarrow.ArrowException, OSError, OverflowError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.strerror:
            raise
        said = str(error).split("\n")[0][:200]
        raise InputError(f"is no Parquet file that can be read: {said}") from error


def read_parquet(
    source: Source, fields: Fields, *, keep: bool, limit_bytes: int
) -> Iterator[Record | Passed | Unreadable]:
    """Yield the pages of a Parquet file by its rows; with `keep` all columns stay with them, to be written again.

    Raise InputError where the file is broken or holds no text column; the pages before a broken place have been
    yielded by then.
    """
    with _named_errors():
        file = _open(source.path)
    try:
        with _named_errors():
            names = _columns(file.schema_arrow, fields)
            batches = file.iter_batches(_batch_rows(file.metadata), columns=None if keep else names)
        number = 0
        while True:
            with _named_errors():
                batch = next(batches, None)
            if batch is None:
                return
            yield from _rows(source, batch, fields, number, limit_bytes=limit_bytes, keep=keep)
            number += batch.num_rows
    finally:
        file.close()


def _open(path: str) -> Any:
    _, parquet = _pyarrow()
    return parquet.ParquetFile(path, buffer_size=_COLUMN_BUFFER_BYTES, pre_buffer=False)


def _columns(schema: Any, fields: Fields) -> list[str]:
    """Return the columns that pages are read from; raise InputError where the text's is missing or no text."""
    pyarrow, _ = _pyarrow()
    if schema.get_field_index(fields.text) < 0:
        raise InputError(f"has no column {fields.text!r}; --text-field names the one that holds the text")
    kind = schema.field(fields.text).type
    if not _is_string(kind):
        raise InputError(f"column {fields.text!r} holds {kind} where strings are expected")
    at = schema.get_field_index(fields.id)
    if at >= 0 and not (_is_string(schema.field(at).type) or pyarrow.types.is_integer(schema.field(at).type)):
        raise InputError(f"column {fields.id!r} holds {schema.field(at).type} where strings or integers are expected")
    return [name for name in (fields.text, fields.id, fields.url) if schema.get_field_index(name) >= 0]


def _is_string(kind: Any) -> bool:
    pyarrow, _ = _pyarrow()
    types = pyarrow.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _batch_rows(metadata: Any) -> int:
    """Return how many rows make a batch, from what the footer says of the table's size."""
    table_bytes = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    return int(max(1, min(_MOST_ROWS, metadata.num_rows * _BATCH_BYTES // max(1, table_bytes))))


def _rows(
    source: Source, batch: Any, fields: Fields, before: int, *, limit_bytes: int, keep: bool
) -> Iterator[Record | Unreadable]:
    texts, ids, urls = (_values(batch, name) for name in (fields.text, fields.id, fields.url))
    for row in range(batch.num_rows):
        number = before + row + 1
        text = texts[row]
        if not isinstance(text, str):
            reason = f"holds null, or what is not UTF-8, in column {fields.text!r}"
            yield Unreadable(f"{source.path}:{number}", reason, whole=False)
        elif len(text) > limit_bytes:
            reason = f"the text is longer than {limit_bytes >> 20} MB, the most that is read as one page"
            yield Unreadable(f"{source.path}:{number}", reason, whole=False)
        else:
            name = f"{source.id}:{number}" if ids[row] is None else str(ids[row])
            url = urls[row] if isinstance(urls[row], str) else None
            yield Record(source, Page(text, name, url), number, handle=(batch, row) if keep else None)


def _values(batch: Any, name: str) -> list[Any]:
    """Return a column's values, None for text that is not UTF-8."""
    at = batch.schema.get_field_index(name)
    if at < 0:
        return [None] * int(batch.num_rows)
    column = batch.column(at)
    try:
        values: list[Any] = column.to_pylist()
        return values
    except UnicodeDecodeError:
        return [_value(each) for each in column]


def _value(scalar: Any) -> Any:
    try:
        return scalar.as_py()
    except UnicodeDecodeError:
        return None


class ParquetRewriter:
    """Writes the rows of a Parquet file again under its schema: every other column, the order and the packing stay."""

    def __init__(self, sink: IO[bytes], path: str, text_field: str) -> None:
        """Write the rows of the file `path` to `sink`."""
        self._text_field = text_field
        self._batch: Any = None
        self._kept: list[int] = []
        self._changed: dict[int, str] = {}
        self._tables: list[Any] = []
        self._held_bytes = 0
        pyarrow, parquet = _pyarrow()
        with _named_errors():
            file = _open(path)
        try:
            self._schema = file.schema_arrow
            packing = _packing(file.metadata)
        finally:
            file.close()
        self._file = pyarrow.PythonFile(sink, mode="w")
        self._writer = parquet.ParquetWriter(self._file, self._schema, compression=packing)

    def page(self, record: Record, result: ScanResult) -> None:
        """Write the row of a page with the spans cut."""
        batch, row = record.handle
        if batch is not self._batch:
            self._turn_batch(batch)
        self._kept.append(row)
        if result.cut_spans:
            self._changed[row] = result.clean_text

    def passed(self, passed: Passed) -> None:
        """Raise TypeError: every row is a page."""
        raise TypeError(passed)

    def close(self) -> None:
        """Write what is held and the footer."""
        self._turn_batch(None)
        self._write_group()
        self._writer.close()
        self._file.flush()

    def _turn_batch(self, batch: Any) -> None:
        """Take the rows of the batch before with their new texts, without those that were left out."""
        if self._batch is not None and self._kept:
            pyarrow, _ = _pyarrow()
            table = pyarrow.Table.from_batches([self._batch], self._batch.schema)
            if self._changed:
                at = self._schema.get_field_index(self._text_field)
                texts = _values(self._batch, self._text_field)
                for row, text in self._changed.items():
                    texts[row] = text
                field = self._schema.field(at)
                table = table.set_column(at, field, pyarrow.array(texts, pyarrow.string()).cast(field.type))
            if len(self._kept) < table.num_rows:
                table = table.take(self._kept)
            self._tables.append(table.cast(self._schema))
            self._held_bytes += table.nbytes
            if self._held_bytes >= _GROUP_BYTES:
                self._write_group()
        self._batch, self._kept, self._changed = batch, [], {}

    def _write_group(self) -> None:
        if self._tables:
            pyarrow, _ = _pyarrow()
            self._writer.write_table(pyarrow.concat_tables(self._tables))
        self._tables, self._held_bytes = [], 0


def _packing(metadata: Any) -> dict[str, str] | str:
    """Return how each column is packed in a file; an empty table does not say."""
    if not metadata.num_row_groups:
        return "snappy"
    group = metadata.row_group(0)
    columns = (group.column(number) for number in range(group.num_columns))
    return {column.path_in_schema: _codec(column.compression) for column in columns}


def _codec(name: str) -> str:
    return "none" if name == "UNCOMPRESSED" else name
