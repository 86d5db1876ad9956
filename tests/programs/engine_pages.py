"""A number comes in; as many pages for engines go out, and how much memory an engine takes for them."""

from __future__ import annotations

import os
import subprocess
import threading
from types import TracebackType

from made_pages import made_pages

from detector.datatypes import Page

SPAM_PAGE = "\n".join(
    f"slot gacor hari ini | judi online terpercaya | agen bola resmi | togel online | casino bonus {number}"
    for number in range(30)
)


def engine_pages(count: int) -> list[Page]:
    """Return made pages; every hundredth is nothing but spam."""
    pages = list(made_pages(count, spam_share=0.2))
    return [Page(SPAM_PAGE, page.id, page.url) if number % 100 == 99 else page for number, page in enumerate(pages)]


class PeakMemory:
    """Watches this process and all that it starts, directly or not; ``mb`` is the most they took together."""

    def __init__(self) -> None:
        self.mb = 0
        self._ended = threading.Event()
        self._watching = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._watching.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._watching.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.3):
            listed = subprocess.run(["ps", "-e", "-o", "pid=,ppid=,rss="], capture_output=True, check=False).stdout
            rows = [tuple(map(int, line.split())) for line in listed.splitlines()]
            family = {os.getpid()}
            for pid, parent, _ in sorted(rows):  # parents have the lower numbers, nearly always
                if parent in family:
                    family.add(pid)
            self.mb = max(self.mb, sum(kilobytes for pid, _, kilobytes in rows if pid in family) // 1024)
