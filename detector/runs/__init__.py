"""Folders of files come in; a run over all of them, which can be stopped at any moment and gone on with, goes out."""

from detector.runs.journal import JOURNAL, Journal, open_finished
from detector.runs.plan import Settings
from detector.runs.progress import Progress
from detector.runs.running import Stopped, run
from detector.runs.summary import Summary, dropped_of, problems_of, summary_of

__all__ = [
    "JOURNAL",
    "Journal",
    "Progress",
    "Settings",
    "Stopped",
    "Summary",
    "dropped_of",
    "open_finished",
    "problems_of",
    "run",
    "summary_of",
]
