"""What a run was asked for and the files found come in; the parts that it is done in go out.

A part is a few small files, one larger file, or the lines of a stretch of a very large file of JSON lines. Parts follow
from the files and their sizes alone, so that they are the same whatever the number of workers, and after any stop.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from detector.formats import Fields, Kind, Range, Source, packing_of

#: A part holds about so much: a second of work or less, which is what a stop loses for each worker.
PART_BYTES = 16 << 20
#: And no more files than that, however small: each is opened, and in a clean written and flushed.
PART_FILES = 1000
#: A file of JSON lines from this size on is done in stretches of PART_BYTES.
SPLIT_BYTES = 2 * PART_BYTES
JOIN = -1


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run was asked for: with the same settings and files it gives the same output."""

    command: str
    paths: tuple[str, ...]
    bundle: str
    format: str = "jsonl"
    labels: str | None = None
    min_score: float | None = None
    visible_only: bool = False
    drop: tuple[str, ...] = ()
    fields: Fields = field(default_factory=Fields)

    def as_json(self) -> dict[str, Any]:
        """Return the settings as a journal keeps them; paths also as they lead from here."""
        return {**asdict(self), "real_paths": [os.path.realpath(path) for path in self.paths]}

    @property
    def mirrors(self) -> bool:
        """Tell whether every input gets an output of its own, under its own name, instead of a place in a shard."""
        return self.command == "clean" or self.format == "dolma"

    def target_of(self, source: Source) -> str:
        """Return the name inside the output folder of what an input gets, with ``/``.

        Dolma's attributes stand under the name of their documents; other kinds get a suffix that says what they are.
        """
        if self.command == "clean" or source.kind is Kind.JSON_LINES:
            return source.id
        return source.id + ".jsonl"


@dataclass(frozen=True, slots=True)
class Input:
    """A file of the run: its number in their order, and its size and time when it was found."""

    number: int
    source: Source
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Part:
    """The inputs of the numbers ``[first, last]``, or the stretch ``[start, end)`` of a single one.

    With `JOIN` as its end it joins what the stretches of its input gave, and comes behind them.
    """

    number: int
    first: int
    last: int
    start: int = 0
    end: int = 0

    @property
    def is_stretch(self) -> bool:
        """Tell whether the part is a stretch of a file."""
        return self.end > 0

    @property
    def is_join(self) -> bool:
        """Tell whether the part joins what stretches gave."""
        return self.end == JOIN


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker does in one go: a part with its inputs, their stretch, or (`pieces`) what is to be joined."""

    part: int
    inputs: tuple[Input, ...]
    lines: Range | None = None
    pieces: tuple[str, ...] = ()


def parts_of(inputs: Iterable[Input], *, join: bool) -> Iterator[Part]:
    """Yield the parts of the inputs, in order; with `join` stretches of a file are joined behind them."""
    number, first, held, held_bytes = 0, 0, 0, 0
    for each in inputs:
        alone = _is_split(each)
        if held and (alone or held_bytes + each.size > PART_BYTES or held == PART_FILES):
            yield Part(number, first, each.number - 1)
            number, held, held_bytes = number + 1, 0, 0
        if alone:
            for start in range(0, each.size, PART_BYTES):
                yield Part(number, each.number, each.number, start, min(start + PART_BYTES, each.size))
                number += 1
            if join:
                yield Part(number, each.number, each.number, 0, JOIN)
                number += 1
            continue
        first = first if held else each.number
        held, held_bytes = held + 1, held_bytes + each.size
    if held:
        yield Part(number, first, first + held - 1)


def _is_split(each: Input) -> bool:
    path = each.source.path  # a .json may turn out to be one value over many lines, which its first line tells
    is_lines = each.source.kind is Kind.JSON_LINES and not path.lower().endswith(".json") and not packing_of(path)
    return is_lines and each.size >= SPLIT_BYTES
