"""A name and a folder of corpora come in; that contender answers commands on the standard input, one JSON line each.

usage: python benchmarks/contenders.py NAME FOLDER

Every contender is a process of its own, in whatever environment it needs, so that they take turns without sharing
memory, threads or imports. Commands: {"do": "scan", "corpus": ..., "bytes": ...} answers {"seconds", "bytes", "pages"};
{"do": "page", "text": ...} answers {"seconds"} for one page, warm; {"do": "memory"} answers {"mb"}, what loading and
scanning 1 MB added. This file imports nothing but the standard library and, inside each loader, that contender's own.
"""

from __future__ import annotations

import json
import os
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

#: Goes over pages, doing its own job; what it finds is thrown away.
Run = Callable[[Sequence[str]], object]
BATCH_BYTES = 1_000_000
_PAGE_ROUNDS = 30


def lines_of(texts: Sequence[str]) -> list[str]:
    return [line for text in texts for line in text.split("\n") if line.strip()]


def batched(texts: Sequence[str]) -> Iterator[list[str]]:
    """Yield the texts in lists of about BATCH_BYTES."""
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text.encode())
        if size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def load_detector(_: Path) -> Run:
    from detector import Detector

    detector = Detector.load()
    return lambda texts: [sum(1 for _ in detector.scan_many(batch)) for batch in batched(texts)]


def load_full_pass(_: Path) -> Run:
    from detector import Detector

    detector = Detector.load(screen=False)
    return lambda texts: [sum(1 for _ in detector.scan_many(batch)) for batch in batched(texts)]


def load_detector_of_html(_: Path) -> Run:
    from detector import Detector, Page

    detector = Detector.load()
    return lambda texts: sum(1 for _ in detector.scan_many(Page(text, html=True) for text in texts))


def load_fasttext(folder: Path) -> Run:
    import fasttext

    path = folder / "fasttext.bin"
    if not path.is_file():
        lines = json.loads((folder / "lines.json").read_text(encoding="utf-8"))
        scratch = folder / "fasttext.txt"
        scratch.write_text("".join(f"__label__{spam} {line}\n" for line, spam in lines), encoding="utf-8")
        settings = {"minn": 1, "maxn": 4, "dim": 16, "epoch": 1, "bucket": 500_000, "thread": 1, "verbose": 0}
        fasttext.train_supervised(str(scratch), **settings).save_model(str(path))
    model: Any = fasttext.load_model(str(path))
    return lambda texts: [model.predict(line) for line in lines_of(texts)]


def load_hashing(folder: Path) -> Run:
    import numpy as np
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import SGDClassifier

    vectorizer = HashingVectorizer(analyzer="char", ngram_range=(1, 4), n_features=2**18)
    classifier, path = SGDClassifier(random_state=0), folder / "hashing.npz"
    if not path.is_file():
        lines = json.loads((folder / "lines.json").read_text(encoding="utf-8"))[::3]
        classifier.fit(vectorizer.transform([line for line, _ in lines]), [spam for _, spam in lines])
        np.savez(path, coef=classifier.coef_, intercept=classifier.intercept_)
    with np.load(path) as weights:
        classifier.coef_, classifier.intercept_ = weights["coef"], weights["intercept"]
    classifier.classes_ = np.array([0, 1])
    return lambda texts: classifier.predict(vectorizer.transform(lines_of(texts)))


def load_hyperscan(folder: Path) -> Run:
    import hyperscan

    terms = [term.encode() for term in json.loads((folder / "terms.json").read_text(encoding="utf-8"))]
    database = hyperscan.Database()
    flags = [hyperscan.HS_FLAG_SINGLEMATCH] * len(terms)
    database.compile(expressions=terms, ids=list(range(len(terms))), elements=len(terms), flags=flags, literal=True)

    def run(texts: Sequence[str]) -> int:
        found: list[int] = []

        def matched(number: int, _start: int, _end: int, _flags: int, _context: object) -> None:
            found.append(number)

        for text in texts:
            database.scan(text.encode(), match_event_handler=matched)
        return len(found)

    return run


def load_ftfy(_: Path) -> Run:
    import ftfy

    return lambda texts: [ftfy.fix_text(text) for text in texts]


def load_c4_bad_words(folder: Path) -> Run:
    import re

    from datatrove.data import Document
    from datatrove.pipeline.filters import C4BadWordsFilter

    # Its list is downloaded; here it is given our lexicon, compiled as it compiles its own.
    terms = json.loads((folder / "terms.json").read_text(encoding="utf-8"))
    judge: Any = C4BadWordsFilter()
    judge._badwords_regex["zh"] = re.compile("|".join(map(re.escape, terms)))
    document = {"language": "zh"}
    return lambda texts: [judge.filter(Document(text, "", metadata=document)) for text in texts]


def load_c4_quality(_: Path) -> Run:
    from datatrove.data import Document
    from datatrove.pipeline.filters import C4QualityFilter

    judge: Any = C4QualityFilter(split_paragraph=True, filter_no_terminal_punct=True)
    return lambda texts: [judge.filter(Document(text, "")) for text in texts]


def load_gopher_repetition(_: Path) -> Run:
    from datatrove.data import Document
    from datatrove.pipeline.filters import GopherRepetitionFilter

    judge: Any = GopherRepetitionFilter()
    return lambda texts: [judge.filter(Document(text, "")) for text in texts]


def dolma_tagger(name: str) -> Callable[[Path], Run]:
    def load(_: Path) -> Run:
        import dolma  # noqa: F401  # registers the taggers
        from dolma.core.data_types import Document
        from dolma.core.registry import TaggerRegistry

        tagger: Any = TaggerRegistry.get(name)()
        return lambda texts: [tagger.predict(Document(source="", version="", id="", text=text)) for text in texts]

    return load


def load_trafilatura(_: Path) -> Run:
    import logging

    import trafilatura

    logging.disable(logging.CRITICAL)
    return lambda texts: [trafilatura.extract(text) for text in texts]


def load_justext(_: Path) -> Run:
    import justext

    words = justext.get_stoplist("English")
    return lambda texts: [justext.justext(text, words) for text in texts]


def load_resiliparse(_: Path) -> Run:
    from resiliparse.extract.html2text import extract_plain_text

    return lambda texts: [extract_plain_text(text, main_content=True) for text in texts]


def load_zlib(_: Path) -> Run:
    return lambda texts: [len(zlib.compress("\n".join(batch).encode(), 1)) for batch in batched(texts)]


def load_json(_: Path) -> Run:
    return lambda texts: [json.loads(json.dumps({"text": text}, ensure_ascii=False)) for text in texts]


LOADERS: dict[str, Callable[[Path], Run]] = {
    "detector": load_detector,
    "detector, full pass": load_full_pass,
    "detector, HTML": load_detector_of_html,
    "fastText": load_fasttext,
    "hashing + SGD": load_hashing,
    "hyperscan": load_hyperscan,
    "ftfy": load_ftfy,
    "datatrove C4 bad words": load_c4_bad_words,
    "datatrove C4 quality": load_c4_quality,
    "datatrove Gopher repetition": load_gopher_repetition,
    "dolma c4_v2": dolma_tagger("c4_v2"),
    "dolma gopher_v1": dolma_tagger("gopher_v1"),
    "trafilatura": load_trafilatura,
    "jusText": load_justext,
    "resiliparse": load_resiliparse,
    "zlib level 1": load_zlib,
    "json": load_json,
}


def resident_mb(field: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"/proc/self/status has no {field}")


class Contender:
    """One contender with its corpora; it answers commands."""

    def __init__(self, name: str, folder: Path) -> None:
        self._folder = folder
        self._corpora: dict[str, list[str]] = {}
        sample = self._texts("html-zh-3" if name in HTML_CONTENDERS else "zh-3", BATCH_BYTES)
        Path("/proc/self/clear_refs").write_text("5")  # the peak is counted anew
        before = resident_mb("VmRSS")
        self._run = LOADERS[name](folder)
        self._run(sample)
        self._added_mb = resident_mb("VmHWM") - before

    def answer(self, asked: dict[str, Any]) -> dict[str, float]:
        if asked["do"] == "memory":
            return {"mb": self._added_mb}
        if asked["do"] == "page":
            page = [asked["text"]]
            return {"seconds": min(self._time(page) for _ in range(_PAGE_ROUNDS))}
        texts = self._texts(asked["corpus"], asked["bytes"])
        return {"seconds": self._time(texts), "bytes": sum(len(t.encode()) for t in texts), "pages": len(texts)}

    def _time(self, texts: Sequence[str]) -> float:
        start = time.perf_counter()
        self._run(texts)
        return time.perf_counter() - start

    def _texts(self, corpus: str, size: int) -> list[str]:
        if corpus not in self._corpora:
            self._corpora[corpus] = json.loads((self._folder / f"{corpus}.json").read_text(encoding="utf-8"))
        found, total = [], 0
        for text in self._corpora[corpus]:
            found.append(text)
            total += len(text.encode())
            if total >= size:
                break
        return found


HTML_CONTENDERS = ("detector, HTML", "trafilatura", "jusText", "resiliparse")


def main(name: str, folder: Path) -> None:
    """Answer commands until the input ends; what libraries print goes to stderr."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    contender = Contender(name, folder)
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(contender.answer(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
