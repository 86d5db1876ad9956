"""Labelled pages, or the corpora, come in; a bundle goes out: `detector train` with the measuring data as corpora.

usage: retrain.py [LABELLED...] -o BUNDLE [--base NAME] [--from-scratch] [--corpora DIR] [--dry-run]
"""

from __future__ import annotations

import sys

from measuring_data import shared_folder

from detector.cli import main


def arguments(given: list[str]) -> list[str]:
    """Return the arguments of `detector train`, the corpora filled in where they are needed and present."""
    folder = shared_folder()
    wanted = "--from-scratch" in given and "--corpora" not in given
    return ["train", *given, *(["--corpora", str(folder / "corpora")] if wanted and folder else [])]


if __name__ == "__main__":
    main(arguments(sys.argv[1:]), prog_name="detector")
