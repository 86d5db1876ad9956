"""Third-party corpora: sources.toml and a folder in, documents and spam lines out, every file checked by its digest."""

from __future__ import annotations

import hashlib
import json
import lzma
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detector.datatypes import InputError, Label, LabelledPage, Span
from detector.synthesis.assembly import Document

ROLES = ("fit", "spam", "threshold", "noisy")


@dataclass(frozen=True)
class Corpora:
    """What training reads from third parties, by role; ``digests`` maps each file's path to its sha256."""

    fit: list[Document]
    spam: list[LabelledPage]
    threshold: list[Document]
    noisy: list[Document]
    digests: dict[str, str]


def read_corpora(sources: Path, folder: Path) -> Corpora:
    """Read every source that `sources` lists from `folder`.

    Raises InputError naming the file that is missing or whose digest differs.
    """
    try:
        listed = tomllib.loads(sources.read_text(encoding="utf-8"))["source"]
    except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
        raise InputError(f"{sources} lists no sources ({error}); see training_data/README.md") from error
    documents: dict[str, list[Document]] = {role: [] for role in ROLES}
    spam: list[LabelledPage] = []
    digests = {}
    for source in listed:
        path, role = folder / source["path"], source["role"]
        if role not in ROLES:
            raise InputError(f"{sources}: {source['path']} has the unknown role {role!r}; known are {', '.join(ROLES)}")
        digests[source["path"]] = _checked_digest(path, source["sha256"])
        for number, record in enumerate(_records(path)):
            name = f"{path.stem.removesuffix('.jsonl')}-{number}"
            if role == "spam":
                label = Label(record["label"])
                text = record["text"]
                spans = (Span(0, len(text), label, 1.0),) if text else ()
                spam.append(LabelledPage(name, text, spans, record["lang"], "spam_page", family=path.stem))
            else:
                documents[role].append(Document(name, record["text"], record["lang"], record.get("kind", "")))
    return Corpora(documents["fit"], spam, documents["threshold"], documents["noisy"], digests)


def _checked_digest(path: Path, wanted: str) -> str:
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}); give the folder of the corpora by --corpora"
        ) from error
    if found != wanted:
        raise InputError(f"{path} has sha256 {found}, sources.toml says {wanted}; fetch the pinned version")
    return found


def _records(path: Path) -> Iterator[dict[str, Any]]:
    with lzma.open(path, "rt", encoding="utf-8", errors="surrogatepass") as lines:
        for line in lines:
            yield json.loads(line)
