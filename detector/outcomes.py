"""What became of the input comes in; what is said of it on stderr, and the exit code, go out."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from detector.datatypes import BAD_VERDICTS, Verdict

if TYPE_CHECKING:
    from detector.formats import Passed, Scanned, Skipped, Unreadable
    from detector.runs import Journal

SPAM_FOUND, SOME_UNREADABLE = 1, 3
#: Of the pages that were dropped in a run so many are said; the journal names all.
_DROPPED_SAID = 20


@dataclass
class Tally:
    """Counts what a command met, names on stderr what could not be read, and knows the exit code."""

    verdicts: Counter[Verdict] = field(default_factory=Counter)
    spans: int = 0
    skipped: int = 0
    unreadable: int = 0
    spam: bool = False

    def count(self, outcomes: Iterable[Scanned | Passed | Unreadable | Skipped]) -> Iterator[Scanned]:
        """Yield the scanned pages and count everything."""
        from detector.formats import Scanned, Skipped, Unreadable

        for outcome in outcomes:
            if isinstance(outcome, Scanned):
                result = outcome.result
                self.verdicts[result.verdict] += 1
                self.spans += len(result.spans)
                self.spam = self.spam or result.verdict in BAD_VERDICTS or bool(result.cut_spans)
                yield outcome
            elif isinstance(outcome, Unreadable):
                self.unreadable += 1
                say(f"unreadable: {outcome.source}: {outcome.reason}")
            elif isinstance(outcome, Skipped):
                self.skipped += 1

    def finish(self, *, quiet: bool, fail_on_spam: bool = False) -> int:
        """Print the summary and return the exit code."""
        if not quiet:
            verdicts = ", ".join(f"{self.verdicts[verdict]} {verdict}" for verdict in Verdict if self.verdicts[verdict])
            counts = [
                f"{self.verdicts.total()} pages" + (f" ({verdicts})" if verdicts else ""),
                f"{self.spans} spans",
                *([f"{self.skipped} skipped (no known suffix)"] if self.skipped else []),
                *([f"{self.unreadable} unreadable"] if self.unreadable else []),
            ]
            say("; ".join(counts))
        return exit_code(spam=self.spam and fail_on_spam, unreadable=self.unreadable)


def tell_run(journal: Journal, *, quiet: bool, fail_on_spam: bool) -> int:
    """Say what a run found and could not read, and return the exit code."""
    from detector.runs import dropped_of, problems_of, summary_of

    summary = summary_of(journal)
    for place, reason in problems_of(journal):
        say(f"unreadable: {place}: {reason}")
    for page, verdict, path in dropped_of(journal, _DROPPED_SAID):
        say(f"dropped: {page} ({verdict}) of {path}")
    if summary.dropped > _DROPPED_SAID:
        say(f"dropped: {summary.dropped - _DROPPED_SAID} more, named in the journal")
    if not quiet:
        for line in summary.lines():
            say(line)
    return exit_code(spam=bool(summary.bad) and fail_on_spam, unreadable=summary.unreadable)


def exit_code(*, spam: bool, unreadable: int) -> int:
    """Return the exit code: spam, where that is to fail, before what could not be read."""
    return SPAM_FOUND if spam else SOME_UNREADABLE if unreadable else 0


def say(message: str) -> None:
    """Print a message on stderr, safe for a terminal whatever name stands in it."""
    from detector.terminal import printable

    print(printable(message), file=sys.stderr)
