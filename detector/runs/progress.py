"""How much of a run is done comes in; a line that a person can follow goes to stderr."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

#: A terminal's line is drawn again so often; a log gets a line a minute.
_DRAW_SECONDS = 0.2
_LOG_SECONDS = 60.0
_BAR_CHARS = 24
_MB = 1e6


class Progress:
    """Tells how far a run is, how fast it goes and how long it will take."""

    def __init__(self, bytes_left: int, stream: TextIO, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Tell it on `stream`: a bar that is drawn again on a terminal, a line a minute elsewhere."""
        self._total, self._stream, self._clock = bytes_left, stream, clock
        self._on_terminal = stream.isatty()
        self._done_bytes, self._pages = 0, 0
        self._began = clock()
        self._told = self._began if not self._on_terminal else 0.0
        self._drawn_chars = 0

    def add(self, done_bytes: int, pages: int) -> None:
        """Count what was done, and tell it when it is time to."""
        self._done_bytes += done_bytes
        self._pages += pages
        now = self._clock()
        if now - self._told >= (_DRAW_SECONDS if self._on_terminal else _LOG_SECONDS):
            self._told = now
            self._tell(self.line(now))

    def end(self) -> None:
        """Leave the terminal's line."""
        if self._on_terminal and self._drawn_chars:
            self._tell(self.line(self._clock()))
            self._stream.write("\n")
            self._stream.flush()

    def line(self, now: float) -> str:
        """Return what there is to tell."""
        seconds = max(now - self._began, 1e-9)
        rate = self._done_bytes / seconds
        share = 1.0 if not self._total else min(1.0, self._done_bytes / self._total)
        left = _duration((self._total - self._done_bytes) / rate) if rate and self._total else "?"
        figures = (
            f"{self._done_bytes / _MB:,.0f} of {self._total / _MB:,.0f} MB, {rate / _MB:,.1f} MB/s,"
            f" {self._pages:,} pages ({self._pages / seconds:,.0f}/s), {left} left"
        )
        if not self._on_terminal:
            return f"{share:4.0%} {figures}"
        filled = round(share * _BAR_CHARS)
        return f"[{'#' * filled}{'-' * (_BAR_CHARS - filled)}] {share:4.0%} {figures}"

    def _tell(self, line: str) -> None:
        if self._on_terminal:
            self._stream.write("\r" + line.ljust(self._drawn_chars))
            self._drawn_chars = len(line)
        else:
            self._stream.write(line + "\n")
        self._stream.flush()


def _duration(seconds: float) -> str:
    """Return a time as a person says it.

    >>> _duration(7), _duration(3700)
    ('0:07', '1:01:40')
    """
    whole = max(0, round(seconds))
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
