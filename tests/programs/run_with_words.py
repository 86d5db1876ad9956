"""A command line comes in; it is run with a detector that looks for words, in small parts: a run to be stopped."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

if __name__ in ("__main__", "__mp_main__"):  # as a script, also in the workers it starts
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from detector import cli
from detector.datatypes import Label, Page, ScanResult, Span, Verdict
from detector.runs import plan

_WORD = re.compile("SPAM")


class WordScanner:
    """Finds SPAM; a page that begins with BAD is a spam page, one with DIE kills its process."""

    bundle_name = "words@1"

    def scan_many(self, pages: Iterable[str | Page], /) -> Iterator[ScanResult]:
        """Yield the result of each page, after the time that PAGE_SECONDS says."""
        for page in pages:
            assert isinstance(page, Page)
            time.sleep(float(os.environ.get("PAGE_SECONDS", "0")))
            if "DIE" in page.text:
                os._exit(9)
            spans = tuple(Span(found.start(), found.end(), Label.PORN, 0.9) for found in _WORD.finditer(page.text))
            verdict = Verdict.SPAM_PAGE if page.text.startswith("BAD") else Verdict.INJECTED if spans else Verdict.CLEAN
            yield ScanResult(page.id, len(page.text), verdict, spans, page.text)


def small_parts() -> None:
    """Make parts so small that a run of a few kilobytes has many, or as large as the environment says."""
    part_bytes = int(os.environ.get("PART_BYTES", "2000"))
    plan.PART_BYTES, plan.SPLIT_BYTES, plan.PART_FILES = part_bytes, 2 * part_bytes, 5


if __name__ == "__main__":
    small_parts()
    setattr(cli, "load_detector", lambda *options, **named: WordScanner())  # noqa: B010  # mypy knows it as a function
    cli.main(prog_name="detector")
