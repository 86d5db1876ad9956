"""The folder of measuring data comes in, found through DETECTOR_SHARED; its labelled pages and documents go out.

This is the one place that names the variable. Users have no such folder: whatever needs it asks `shared_folder` first
and says so where it is absent.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from detector.datatypes import InputError, LabelledPage
from detector.formats import read_labelled

VARIABLE = "DETECTOR_SHARED"
PROJECT = Path(__file__).resolve().parent.parent
ABSENT = f"the measuring data is absent: set {VARIABLE} to its folder (default: ../shared beside the project)"
GATE_PAGES = PROJECT / "training_data" / "gate.jsonl"
LABELLED_SETS = {"seeds": "seeds/gold.jsonl", "dev": "dev/real_zh.jsonl", "other": "dev/real_other.jsonl"}
EXPECTED = (*LABELLED_SETS.values(), "corpora/train", "corpora/spam", "corpora/eval", "tools/score.py")


def shared_folder() -> Path | None:
    """Return the folder of measuring data, or None where there is none; a relative path starts at the project."""
    folder = (PROJECT / os.environ.get(VARIABLE, "../shared")).resolve()
    return folder if folder.is_dir() else None


def unreadable_parts(folder: Path) -> list[str]:
    """Return the expected parts of `folder` that are missing or cannot be read."""
    return [part for part in EXPECTED if not _is_readable(folder / part)]


def _is_readable(path: Path) -> bool:
    try:
        if path.is_dir():
            return any(path.rglob("*.xz"))
        with open(path, "rb") as file:
            return bool(file.read(1))
    except OSError:
        return False


def labelled_set(name: str) -> list[LabelledPage]:
    """Return the pages of "seeds", "dev", "other", "clean" (the documents of corpora/eval) or "gate".

    Return none where the set's file is absent.
    """
    if name == "gate":
        return list(read_labelled(GATE_PAGES)) if GATE_PAGES.exists() else []
    folder = shared_folder()
    if folder is None:
        return []
    if name == "clean":
        return clean_pages(folder, "eval")
    path = folder / LABELLED_SETS[name]
    return list(read_labelled(path)) if path.exists() else []


def data_digest(name: str) -> str:
    """Return the start of the SHA-256 over the texts, spans and kinds of a labelled set."""
    digest = hashlib.sha256()
    for page in labelled_set(name):
        spans = [(span.start, span.end, str(span.label)) for span in page.spans]
        digest.update(json.dumps([page.id, page.text, spans, page.kind]).encode("ascii"))
    return digest.hexdigest()[:16]


def clean_pages(folder: Path, part: str) -> list[LabelledPage]:
    """Return the clean documents of corpora/`part` ("train" or "eval") as pages without spans.

    The id starts with the name of the document's subfolder, the pattern is the kind of text that the corpus names.
    """
    return [
        LabelledPage(
            id=f"{path.parent.name}/{document['id']}",
            text=document["text"],
            spans=(),
            lang=document.get("lang", ""),
            kind="clean",
            pattern=path.name.split(".")[0],
        )
        for path, document in corpus_documents(folder, part)
    ]


def corpus_documents(folder: Path, part: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the file and the fields of each document of corpora/`part` ("train", "eval", "spam" or "noisy"), in order.

    Raise InputError where a file cannot be read.
    """
    for path in sorted((folder / "corpora" / part).rglob("*.jsonl.xz")):
        try:
            with lzma.open(path, "rt", encoding="utf-8", errors="surrogatepass") as lines:
                for line in lines:
                    yield path, json.loads(line)
        except (OSError, EOFError, lzma.LZMAError, ValueError) as error:
            raise InputError(f"{path} cannot be read ({error}); fetch the measuring data again") from error
