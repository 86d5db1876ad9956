"""Tasks come in, what they gave goes out: done in this process, or by worker processes that may die at any moment.

A worker gets tasks, not texts: it reads and writes files itself. It loads the bundle once, as a scanner pickles as its
bundle's path. Workers are started afresh (`spawn`), so that none holds an end of another's pipe: a worker whose parent
is gone reads the end of its pipe and ends too.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Protocol

from detector.datatypes import DetectorError
from detector.runs.journal import InputDone, PartDone, Problem
from detector.runs.plan import Task
from detector.runs.work import Worker

#: Tasks that wait at a worker, so that it need not wait for the next one.
_IN_HAND = 2
#: So many deaths over one task, and its inputs are named instead: what kills a worker kills the next one too.
MOST_DEATHS = 3

Next = Callable[[], Task | None]


class Workers(Protocol):
    """Does the tasks that a function gives."""

    def results(self, next_task: Next) -> Iterator[PartDone]:
        """Yield what each task gave, in any order; `next_task` gives None while there is nothing to begin.

        A result is yielded before the next task is asked for. It ends when nothing is being done and `next_task` has
        nothing more. Raise UsageError where the output cannot be written.
        """

    def close(self) -> None:
        """End at once, whatever is being done."""


class HereAlone:
    """Does the tasks in this process."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def results(self, next_task: Next) -> Iterator[PartDone]:
        while (task := next_task()) is not None:
            yield self._worker.do(task)

    def close(self) -> None:
        """Have nothing to end."""


@dataclass
class _Hand:
    """A worker process, the end of its pipe, and the tasks it has, the one it does first."""

    process: SpawnProcess
    pipe: Connection
    tasks: deque[Task] = field(default_factory=deque)


class Processes:
    """Does the tasks in worker processes; the death of one costs no more than the time that its task took."""

    def __init__(self, worker: Worker, jobs: int) -> None:
        self._worker = worker
        self._context = multiprocessing.get_context("spawn")
        self._hands = [self._start() for _ in range(jobs)]
        self._again: deque[Task] = deque()
        self._deaths: Counter[int] = Counter()

    @property
    def process_ids(self) -> list[int]:
        """Return the ids of the worker processes."""
        return [hand.process.pid or 0 for hand in self._hands]

    def results(self, next_task: Next) -> Iterator[PartDone]:
        while True:
            self._hand_out(next_task)
            if not any(hand.tasks for hand in self._hands):
                return
            ready = wait([hand.pipe for hand in self._hands if hand.tasks])
            for number, hand in enumerate(self._hands):
                if hand.pipe in ready:
                    yield from self._receive(number, hand)

    def close(self) -> None:
        for hand in self._hands:
            hand.process.kill()  # nothing is lost: what is not whole has no name yet
        for hand in self._hands:
            hand.process.join()
            hand.pipe.close()

    def _start(self) -> _Hand:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=serve, args=(theirs, self._worker), daemon=True)
        process.start()
        theirs.close()
        return _Hand(process, ours)

    def _hand_out(self, next_task: Next) -> None:
        """Give tasks to whoever has fewest, until all have enough or there is none."""
        while (hand := min(self._hands, key=lambda hand: len(hand.tasks))) and len(hand.tasks) < _IN_HAND:
            task = self._again.popleft() if self._again else next_task()
            if task is None:
                return
            hand.tasks.append(task)
            try:
                hand.pipe.send(task)
            except OSError:
                return  # it has died: receiving from it says so

    def _receive(self, number: int, hand: _Hand) -> Iterator[PartDone]:
        try:
            found = hand.pipe.recv()
        except (EOFError, OSError):
            yield from self._replace(number, hand)
            return
        if isinstance(found, BaseException):
            raise found
        hand.tasks.popleft()
        yield found

    def _replace(self, number: int, hand: _Hand) -> Iterator[PartDone]:
        """Start another worker for one that died; name the inputs of a task that has killed too many."""
        hand.pipe.close()
        hand.process.join()
        task = hand.tasks[0]
        self._deaths[task.part] += 1
        if self._deaths[task.part] >= MOST_DEATHS:
            hand.tasks.popleft()
            yield _given_up(task, hand.process.exitcode)
        self._again.extendleft(reversed(hand.tasks))
        self._hands[number] = self._start()


def serve(pipe: Connection, worker: Worker) -> None:
    """Do the tasks that come through the pipe until its other end is closed; what cannot be done goes back as error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets it too, and ends its workers
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        try:
            found: PartDone | Exception = worker.do(task)
        except DetectorError as error:
            found = error
        except Exception as error:
            error.add_note(f"in a worker, while it did part {task.part}: {task.inputs[0].source.path}")
            found = error
        try:
            pipe.send(found)
        except OSError:  # nobody waits for it: the run was killed
            return


def _given_up(task: Task, code: int | None) -> PartDone:
    reason = f"a worker died {MOST_DEATHS} times while it read this (exit code {code}), or a file beside it"
    is_stretch = task.lines is not None
    return PartDone(
        task.part,
        tuple(InputDone(each.number, error=reason, is_stretch=is_stretch) for each in task.inputs),
        problems=tuple(Problem(each.number, each.source.path, reason) for each in task.inputs),
    )
