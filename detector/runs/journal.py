"""What a run has planned and done comes in; a SQLite file that outlives any stop, and answers about the run, goes out.

Everything about a part is written in one transaction, after its output is on the disk: a part is done or it is not.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from detector.datatypes import InputError, UsageError
from detector.formats import Kind, Source
from detector.runs.plan import Input, Part, Settings

JOURNAL = "journal.sqlite"
#: The form of the tables; a journal of another form is refused.
JOURNAL_FORMAT = 1
_ROWS_AT_ONCE = 10_000
_TABLES = """
create table facts (name text primary key, value text not null);
create table inputs (
  number integer primary key, path, id, kind text not null, size integer not null, mtime_ns integer not null,
  target text unique, state text not null, digest text, pages integer not null default 0,
  chars integer not null default 0, spans integer not null default 0, bad integer not null default 0, error text);
create table parts (
  number integer primary key, first integer not null, last integer not null, start integer not null,
  end integer not null, done integer not null default 0);
create table outputs (part integer not null, path text not null, size integer not null, digest text not null);
create table problems (part integer, input integer, place, reason text not null);
create table dropped (part integer not null, input integer not null, id text not null, verdict text not null);
create table tallies (
  part integer not null, site text not null, what text not null, name text not null, number integer not null,
  chars integer not null);
create table figures (
  part integer not null, input integer not null, pages integer not null, chars integer not null,
  spans integer not null, bad integer not null);
create index parts_first on parts (first);
create index outputs_part on outputs (part);
create index problems_part on problems (part);
create index dropped_part on dropped (part);
create index tallies_part on tallies (part);
create index figures_part on figures (part);
create index figures_input on figures (input);
"""
_SUM_OF_STRETCHES = "select sum(pages), sum(chars), sum(spans), sum(bad) from figures where input = ?"


@dataclass(frozen=True, slots=True)
class Problem:
    """What could not be read: the input (None before it was one), the place as it is shown, and why."""

    input: int | None
    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class Figures:
    """What was found in an input, or in a stretch of it; ``bad`` counts the pages that hold something to cut."""

    pages: int = 0
    chars: int = 0
    spans: int = 0
    bad: int = 0


@dataclass(frozen=True, slots=True)
class InputDone:
    """What became of an input, or of a stretch of it: what was found, size and digest of what was read, an error."""

    number: int
    figures: Figures = Figures()
    size: int | None = None
    digest: str | None = None
    error: str | None = None
    is_stretch: bool = False


@dataclass(frozen=True, slots=True)
class PartDone:
    """What a part gave; ``outputs`` are paths in the run's folder with their size and digest.

    ``tallies`` are site, what is counted (``verdict``, ``label``, ``skipped``), which, how many, and characters.
    """

    part: int
    inputs: tuple[InputDone, ...]
    outputs: tuple[tuple[str, int, str], ...] = ()
    problems: tuple[Problem, ...] = ()
    dropped: tuple[tuple[int, str, str], ...] = ()
    tallies: tuple[tuple[str, str, str, int, int], ...] = ()


class Journal:
    """The journal of one run; one process writes it, any number may read it meanwhile."""

    def __init__(self, folder: str) -> None:
        """Open the journal in the folder, making it if it is not there; raise UsageError where that cannot be."""
        self.folder = folder
        self._path = os.path.join(folder, JOURNAL)
        self._base = sqlite3.connect(self._path, isolation_level=None, timeout=30)
        with self._errors():
            self._base.execute("pragma journal_mode=wal")
            self._base.execute("pragma synchronous=full")

    def close(self) -> None:
        """Close the journal and fold its log into the one file."""
        with self._errors(), closing(self._base):
            self._base.execute("pragma wal_checkpoint(truncate)")

    def fact(self, name: str) -> Any:
        """Return a fact of the run, None where it is not known."""
        found = self._rows("select value from facts where name = ?", name)
        return json.loads(found[0][0]) if found else None

    def put_fact(self, name: str, value: Any) -> None:
        """Keep a fact of the run."""
        with self._transaction():
            self._put_fact(name, value)

    @property
    def is_planned(self) -> bool:
        """Tell whether the run's inputs and parts are known."""
        return bool(self._rows("select 1 from sqlite_master where name = 'facts'")) and bool(self.fact("planned"))

    def plan(
        self,
        settings: Settings,
        inputs: Iterable[tuple[Input, str | None]],
        problems: Iterable[Problem],
        parts: Iterable[Part],
        facts: Callable[[], dict[str, Any]],
    ) -> None:
        """Keep what is to be done, all or nothing: inputs with their targets, what is unreadable already, and parts.

        The iterators are taken one after the other, parts when the inputs can be asked for, facts last. Raise
        UsageError where two inputs would share a target.
        """
        with self._transaction():
            for name in ("facts", "inputs", "parts", "outputs", "problems", "dropped", "tallies", "figures"):
                self._base.execute(f"drop table if exists {name}")
            for statement in _TABLES.split(";"):
                self._base.execute(statement)
            self._put_fact("format", JOURNAL_FORMAT)
            self._put_fact("settings", settings.as_json())
            self._base.executemany(
                "insert into inputs (number, path, id, kind, size, mtime_ns, target, state)"
                " values (?, ?, ?, ?, ?, ?, ?, 'waiting')",
                (_input_row(each, target) for each, target in inputs),
            )
            self._many("problems", ((None, each.input, _kept(each.place), each.reason) for each in problems))
            self._base.executemany(
                "insert into parts (number, first, last, start, end) values (?, ?, ?, ?, ?)",
                ((part.number, part.first, part.last, part.start, part.end) for part in parts),
            )
            for name, value in {**facts(), "planned": True}.items():
                self._put_fact(name, value)

    def inputs(self, first: int = 0, last: int | None = None) -> Iterator[Input]:
        """Yield the inputs of these numbers, in order, holding few of them."""
        while True:
            upto = first + _ROWS_AT_ONCE - 1 if last is None else min(last, first + _ROWS_AT_ONCE - 1)
            rows = self._rows(
                "select number, path, id, kind, size, mtime_ns from inputs"
                " where number between ? and ? order by number",
                first,
                upto,
            )
            for number, path, name, kind, size, mtime_ns in rows:
                yield Input(number, Source(_name(path), _name(name), Kind(kind)), size, mtime_ns)
            if not rows or upto == last:
                return
            first = upto + 1

    def parts(self, *, done: bool) -> Iterator[Part]:
        """Yield the parts that are done, or that are not, in order, holding few of them."""
        after = -1
        while rows := self._rows(
            f"select number, first, last, start, end from parts where done = ? and number > ?"
            f" order by number limit {_ROWS_AT_ONCE}",
            int(done),
            after,
        ):
            yield from (Part(*row) for row in rows)
            after = rows[-1][0]

    def stretches_joined_by(self, part: int) -> list[Part]:
        """Return the stretches that a part joins; none for another part."""
        rows = self._rows("select first from parts where number = ? and end < 0", part)
        return self.stretches(rows[0][0]) if rows else []

    def stretches(self, number: int) -> list[Part]:
        """Return the parts of an input that is done in stretches, in order; none for another."""
        rows = self._rows(
            "select number, first, last, start, end from parts where first = ? and end > 0 order by number", number
        )
        return [Part(*row) for row in rows]

    def commit(self, done: PartDone, *, joined: Iterable[Part] = ()) -> None:
        """Keep what a part gave; pieces of the parts `joined` are no outputs any more."""
        part = done.part
        with self._transaction():
            self._forget(part)
            for piece in joined:
                self._base.execute("delete from outputs where part = ?", (piece.number,))
            self._many("outputs", ((part, _kept(path), size, digest) for path, size, digest in done.outputs))
            self._many("problems", ((part, each.input, _kept(each.place), each.reason) for each in done.problems))
            self._many("dropped", ((part, number, _kept(name), verdict) for number, name, verdict in done.dropped))
            self._many("tallies", ((part, *row) for row in done.tallies))
            self._base.execute("update parts set done = 1 where number = ?", (part,))
            for each in done.inputs:
                self._keep_input(part, each)

    def bytes_left(self) -> int:
        """Return how much input there is in the parts that are not done."""
        [(found,)] = self._rows(
            "select coalesce(sum(case when end > 0 then end - start when end < 0 then 0 else"
            " (select sum(size) from inputs where number between first and last) end), 0) from parts where not done"
        )
        return int(found)

    def error_of(self, number: int) -> str | None:
        """Return why an input could not be read, None where it could."""
        [(found,)] = self._rows("select error from inputs where number = ?", number)
        return None if found is None else str(found)

    def latest_parts(self, count: int) -> frozenset[int]:
        """Return the parts that were done last, or rather those that stand last: parts are done nearly in order."""
        rows = self._rows("select number from parts where done order by number desc limit ?", count)
        return frozenset(number for (number,) in rows)

    def outputs(self) -> Iterator[tuple[int, str, int, str]]:
        """Yield part, path, size and digest of every output that the journal knows, newest part last."""
        for part, path, size, digest in self._base.execute("select * from outputs order by part, rowid"):
            yield part, _name(path), size, digest

    def undo(self, part: int) -> None:
        """Forget what a part gave: it is to be done again."""
        with self._transaction():
            self._forget(part)
            self._base.execute("update parts set done = 0 where number = ?", (part,))
            self._base.execute(
                "update inputs set state = 'waiting', error = null where number between"
                " (select first from parts where number = ?) and (select last from parts where number = ?)",
                (part, part),
            )

    def keep_digest(self, number: int, digest: str) -> None:
        """Keep the digest of an input that is done in stretches."""
        with self._transaction():
            self._base.execute("update inputs set digest = ? where number = ?", (digest, number))

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return what the journal answers to a query: for summaries and reports."""
        return self._rows(query, *values)

    def _keep_input(self, part: int, done: InputDone) -> None:
        found = done.figures
        if done.is_stretch:
            self._many("figures", [(part, done.number, found.pages, found.chars, found.spans, found.bad)])
            found = Figures(*self._rows(_SUM_OF_STRETCHES, done.number)[0])
        self._base.execute(
            "update inputs set error = coalesce(?, error), size = coalesce(?, size), digest = coalesce(?, digest),"
            " pages = ?, chars = ?, spans = ?, bad = ? where number = ?",
            (done.error, done.size, done.digest, found.pages, found.chars, found.spans, found.bad, done.number),
        )
        self._base.execute(
            "update inputs set state = case when error is not null then 'unreadable' when ? and exists"
            " (select 1 from parts where first = inputs.number and not done) then 'waiting' else 'done' end"
            " where number = ?",
            (done.is_stretch, done.number),
        )

    def _many(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        places = {"outputs": 4, "problems": 4, "dropped": 4, "tallies": 6, "figures": 6}[table]
        self._base.executemany(f"insert into {table} values ({', '.join('?' * places)})", rows)

    def _forget(self, part: int) -> None:
        for table in ("outputs", "problems", "dropped", "tallies", "figures"):
            self._base.execute(f"delete from {table} where part = ?", (part,))

    def _put_fact(self, name: str, value: Any) -> None:
        self._base.execute("insert or replace into facts values (?, ?)", (name, json.dumps(value)))

    def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._errors():
            return self._base.execute(query, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._errors():
            self._base.execute("begin immediate")
            try:
                yield
            except BaseException:
                self._base.execute("rollback")
                raise
            self._base.execute("commit")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError as error:
            raise UsageError("two inputs would be written to the same file; give one folder at a time") from error
        except sqlite3.OperationalError as error:
            raise UsageError(f"cannot write {self._path}: {error}; the run goes on with --resume") from error
        except sqlite3.DatabaseError as error:
            raise UsageError(
                f"{self._path} is no journal that can be read ({error}); give another folder,"
                " or remove it to begin anew"
            ) from error


def open_finished(folder: str) -> Journal:
    """Return the journal of a run that is there; raise InputError where the folder holds none."""
    if not os.path.isfile(os.path.join(folder, JOURNAL)):
        raise InputError(f"{folder} holds no run: there is no {JOURNAL} in it")
    return Journal(folder)


def _input_row(each: Input, target: str | None) -> tuple[Any, ...]:
    source = each.source
    name = (each.number, _kept(source.path), _kept(source.id), source.kind.value)
    return (*name, each.size, each.mtime_ns, None if target is None else _kept(target))


def _kept(name: str) -> str | bytes:
    """Return a name as SQLite can keep it: text, or bytes where it has no UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return name.encode(errors="surrogatepass")
    return name


def _name(kept: str | bytes) -> str:
    return kept.decode(errors="surrogatepass") if isinstance(kept, bytes) else kept
