"""Settings, a scanner and a folder come in; the run is done, or gone on with, and its journal goes out."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType
from typing import IO, Any

from detector.datatypes import UsageError
from detector.formats import Inputs, Range, Skipped, Source, Unreadable, find_sources
from detector.formats.scanning import Scanner
from detector.runs.journal import JOURNAL, JOURNAL_FORMAT, Journal, PartDone, Problem
from detector.runs.plan import Input, Part, Settings, Task, parts_of
from detector.runs.progress import Progress
from detector.runs.work import Worker, piece_of, scratch_of
from detector.runs.workers import HereAlone, Processes, Workers

#: Of the outputs of the last parts the digest is checked before a run goes on, of all others the size: what a power
#: cut can harm is what was written last, and reading everything again would take as long as the run.
CHECKED_PARTS = 64
_READ_BYTES = 1 << 20


class Stopped(BaseException):
    """The process was told to end (SIGTERM)."""


def run(
    settings: Settings,
    scanner: Scanner,
    folder: str,
    *,
    jobs: int = 1,
    resume: bool = False,
    progress: Callable[[int], Progress] | None = None,
) -> Journal:
    """Do a run into the folder, or go on with the one in it, and return its journal.

    `progress` makes what is told of it from the bytes that are to be done. Raise UsageError where the output cannot be
    written, the folder is another run's, or a run is there and `resume` is not asked for; Stopped on SIGTERM.
    """
    with ExitStack() as stack:
        stack.enter_context(_told_to_end())
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot write {folder}: {error.strerror or error}") from error
        stack.enter_context(_alone(folder))
        journal = _open_journal(settings, folder, resume=resume)
        try:
            if not journal.is_planned:
                shutil.rmtree(scratch_of(folder), ignore_errors=True)
                _plan(journal, settings, folder)
            _check_outputs(journal, folder)
            os.makedirs(scratch_of(folder), exist_ok=True)
            _forget_unfinished(folder)
            worker = Worker(scanner, settings, folder)
            _work(journal, worker, jobs, progress)
            shutil.rmtree(scratch_of(folder), ignore_errors=True)
            journal.put_fact("finished", True)
        except BaseException as error:
            with suppress(UsageError):
                journal.close()
            if isinstance(error, OSError):
                raise UsageError(f"cannot write {folder}: {error.strerror or error}; go on with --resume") from error
            raise
        return journal


def _open_journal(settings: Settings, folder: str, *, resume: bool) -> Journal:
    """Open the folder's journal; raise UsageError where it is that of another run, or may not be gone on with."""
    there = os.path.exists(os.path.join(folder, JOURNAL))
    journal = Journal(folder)
    if there and journal.is_planned:
        try:
            _refuse_other(journal, settings, folder, resume=resume)
        except UsageError:
            journal.close()
            raise
    return journal


def _refuse_other(journal: Journal, settings: Settings, folder: str, *, resume: bool) -> None:
    if not resume:
        done = "is finished" if journal.fact("finished") else "was stopped"
        raise UsageError(f"{folder} holds a run that {done}; go on with --resume, or give another folder")
    if journal.fact("format") != JOURNAL_FORMAT:
        raise UsageError(f"the run in {folder} was begun by another version; give another folder")
    was, now = journal.fact("settings"), _plain(settings.as_json())
    changed = sorted(name for name in {*was, *now} - {"real_paths"} if was.get(name) != now.get(name))
    if was["real_paths"] != now["real_paths"]:
        changed.append("paths")
    if changed:
        told = "; ".join(f"{name}: {was.get(name)!r}, now {now.get(name)!r}" for name in dict.fromkeys(changed))
        raise UsageError(f"the run in {folder} was begun otherwise ({told}); give it the same, or another folder")


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    return {name: list(each) if isinstance(each, tuple) else each for name, each in value.items()}


def _plan(journal: Journal, settings: Settings, folder: str) -> None:
    """Find the inputs and plan the parts."""
    problems: list[Problem] = []
    skipped = 0

    def inputs() -> Iterator[tuple[Input, str | None]]:
        nonlocal skipped
        refuse, number = _refusal_inside(settings, folder), 0
        for found in find_sources(settings.paths):
            if isinstance(found, Unreadable):
                problems.append(Problem(None, found.source, found.reason))
            elif isinstance(found, Skipped):
                skipped += 1
            else:
                target = settings.target_of(found) if settings.mirrors else None
                if target is not None:
                    refuse(os.path.join(folder, *target.split("/")))
                yield _input(number, found), target
                number += 1

    parts = (part for each in (journal.inputs,) for part in parts_of(each(), join=settings.mirrors))
    journal.plan(settings, inputs(), problems, parts, lambda: {"skipped": skipped})


def _refusal_inside(settings: Settings, folder: str) -> Callable[[str], None]:
    """Return what raises UsageError for an output that would replace an input: possible only above an input."""
    inputs = Inputs(settings.paths)
    inputs.refuse_overwriting(folder)
    top = os.path.realpath(folder) + os.sep
    above = any(os.path.realpath(path).startswith(top) for path in settings.paths)
    return inputs.refuse_overwriting if above else lambda target: None


def _input(number: int, source: Source) -> Input:
    try:
        found = os.stat(source.path)
    except OSError:  # it has vanished, or cannot be reached: reading it says why
        return Input(number, source, 0, 0)
    return Input(number, source, found.st_size, found.st_mtime_ns)


def _check_outputs(journal: Journal, folder: str) -> None:
    """Do again the parts whose output is not there as the journal knows it."""
    latest = journal.latest_parts(CHECKED_PARTS)
    harmed = {
        part
        for part, path, size, digest in journal.outputs()
        if not _is_whole(os.path.join(folder, *path.split("/")), size, digest if part in latest else None)
    }
    for part in sorted(harmed):
        journal.undo(part)
        for stretch in journal.stretches_joined_by(part):
            journal.undo(stretch.number)


def _is_whole(path: str, size: int, digest: str | None) -> bool:
    try:
        if os.path.getsize(path) != size:
            return False
        if digest is None:
            return True
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == digest
    except OSError:
        return False


def _forget_unfinished(folder: str) -> None:
    """Remove what was being written when the run stopped; pieces that are whole stay."""
    for name in os.listdir(scratch_of(folder)):
        if name.endswith(".tmp"):
            os.unlink(os.path.join(scratch_of(folder), name))


def _work(journal: Journal, worker: Worker, jobs: int, progress: Callable[[int], Progress] | None) -> None:
    queue = _Queue(journal)
    workers: Workers = HereAlone(worker) if jobs <= 1 else Processes(worker, jobs)
    told = progress(queue.bytes_left) if progress else None
    try:
        for done in workers.results(queue.next_task):
            _flush_folders(worker.folder, done)
            queue.finish(done)
            if told:
                told.add(queue.bytes_of(done.part), sum(each.figures.pages for each in done.inputs))
    finally:
        workers.close()
        queue.close()
        if told:
            told.end()


def _flush_folders(folder: str, done: PartDone) -> None:
    """Make the new names durable before the journal says that they are there."""
    for name in {os.path.dirname(path) for path, _, _ in done.outputs}:
        handle = os.open(os.path.join(folder, *name.split("/")), os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


class _Queue:
    """The parts that are left, as tasks: in order, a join as soon as its stretches are there."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._left = journal.parts(done=False)
        self._begun: dict[int, Part] = {}
        self._sizes: dict[int, int] = {}
        self._open_stretches: dict[int, set[int]] = {}
        self._joins: dict[int, Part] = {}
        self._ready: deque[Task] = deque()
        self._cursor: _Lines | None = None
        self.bytes_left = journal.bytes_left()

    def next_task(self) -> Task | None:
        """Return the next task, None where there is none to begin now."""
        while True:
            if self._ready:
                return self._ready.popleft()
            part = next(self._left, None)
            if part is None:
                return None
            self._begun[part.number] = part
            if part.is_join:
                self._joins[part.first] = part
                self._look_at_join(part.first)
            else:
                return self._task_of(part)

    def finish(self, done: PartDone) -> None:
        """Keep what a task gave, and make ready what waited for it."""
        part = self._begun.pop(done.part)
        joined = self._journal.stretches(part.first) if part.is_join else []
        self._journal.commit(done, joined=joined)
        for piece in joined:
            with suppress(FileNotFoundError):
                os.unlink(os.path.join(self._journal.folder, *piece_of(piece.number).split("/")))
        if part.is_stretch:
            self._open_stretches[part.first].discard(part.number)
            self._look_at_join(part.first)

    def bytes_of(self, part: int) -> int:
        """Return how many bytes of input a part was."""
        return self._sizes.pop(part, 0)

    def close(self) -> None:
        """Close the file whose lines are being counted."""
        if self._cursor is not None:
            self._cursor.close()

    def _task_of(self, part: Part) -> Task:
        inputs = tuple(self._journal.inputs(part.first, part.last))
        if not part.is_stretch:
            self._sizes[part.number] = sum(each.size for each in inputs)
            return Task(part.number, inputs)
        self._sizes[part.number] = part.end - part.start
        self._open_stretches.setdefault(part.first, set()).add(part.number)
        if self._cursor is None or self._cursor.number != part.first:
            self.close()
            self._cursor = _Lines(part.first, inputs[0].source.path)
        first_line = self._cursor.line_at(part.start)
        if part.end >= inputs[0].size and (digest := self._cursor.digest()):
            self._journal.keep_digest(part.first, digest)
        return Task(part.number, inputs, Range(part.start, part.end, first_line))

    def _look_at_join(self, number: int) -> None:
        """Make the join of an input ready, or done with where a stretch could not be read."""
        join = self._joins.get(number)
        if join is None or self._open_stretches.get(number):
            return
        del self._joins[number]
        self._open_stretches.pop(number, None)
        inputs = tuple(self._journal.inputs(number, number))
        if self._journal.error_of(number) is not None:
            self.finish(PartDone(join.number, ()))
        else:
            pieces = tuple(piece_of(each.number) for each in self._journal.stretches(number))
            self._ready.append(Task(join.number, inputs, pieces=pieces))


class _Lines:
    """Counts a file's lines up to a place, and hashes it: one pass over it, ahead of the workers."""

    def __init__(self, number: int, path: str) -> None:
        self.number = number
        self._sha256 = hashlib.sha256()
        self._at, self._newlines, self._last = 0, 0, b"\n"
        self._file: IO[bytes] | None = None
        with suppress(OSError):  # the worker names what is wrong with it
            self._file = open(path, "rb", buffering=0)  # noqa: SIM115  # it stays open from call to call

    def line_at(self, offset: int) -> int:
        """Return the number of the first line that starts at the offset or behind it."""
        while self._file and self._at < offset:
            try:
                data = self._file.read(min(_READ_BYTES, offset - self._at))
            except OSError:
                self.close()
                self._file = None
                break
            if not data:
                break
            self._sha256.update(data)
            self._newlines += data.count(b"\n")
            self._at += len(data)
            self._last = data[-1:]
        return self._newlines + (1 if self._last == b"\n" else 2)

    def digest(self) -> str | None:
        """Return the digest of the whole file."""
        self.line_at(1 << 62)
        return self._sha256.hexdigest() if self._file else None

    def close(self) -> None:
        if self._file:
            self._file.close()


@contextmanager
def _told_to_end() -> Iterator[None]:
    """Turn SIGTERM into Stopped, so that nothing half-written stays; only the main thread can."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise Stopped

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _alone(folder: str) -> Iterator[None]:
    """Hold the folder for this process; raise UsageError where another one holds it."""
    try:
        import fcntl
    except ImportError:  # not on Windows: SQLite's own lock has to do
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"another process is doing the run in {folder}") from None
        except OSError:  # some network disks know no locks
            pass
        yield
    finally:
        os.close(handle)
