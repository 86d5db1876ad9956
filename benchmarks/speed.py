"""The documents of corpora/eval come in; megabytes a second of our scan and of others, and their ratio, go out.

usage: make bench, or PYTHONPATH=scripts python benchmarks/speed.py [--rounds 5] [--least 2]

All run on one thread of one process and take turns, so that a busy machine slows all of them alike: the ratio is the
figure to read. Megabytes are of UTF-8.

- detector: `Detector.scan_many` over batches of about 1 MB;
- fastText: character n-grams 1-4, dim 16, trained here on the same documents and the spam lines of corpora/spam;
  predicts a line at a time, the lines cut beforehand;
- hashing: scikit-learn's HashingVectorizer (character n-grams 1-4) and a linear SGD classifier, all lines of the first
  batch in one call;
- zlib: level 1 over each batch, a floor that hardly anything which reads every byte in C goes below.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import fasttext
from measuring_data import ABSENT, clean_pages, corpus_documents, shared_folder
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import SGDClassifier
from threadpoolctl import threadpool_limits

from detector.datatypes import DetectorError
from detector.pipeline import Detector

BATCH_BYTES = 1_000_000
HASHING_TRAINING_LINES = 4_000  # enough for a real classifier: its speed does not depend on the weights
GROUPS = {"Chinese": "zh", "English": "en", "all": ""}

Batches = Sequence[Sequence[str]]
# Takes batches of texts, prepares what is not measured, and returns what is, with the bytes that it goes through.
Contender = Callable[[Batches], tuple[Callable[[], object], int]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds, print a table for each group of documents and return the exit code."""
    parser = argparse.ArgumentParser(description="Measure our scan against fastText and others, on one thread.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--least", type=float, help="exit with 1 where the median ratio to fastText over all is lower")
    options = parser.parse_args(arguments)
    folder = shared_folder()
    if folder is None:
        print(f"speed: {ABSENT}", file=sys.stderr)
        return 2
    try:
        with threadpool_limits(1):
            ratio = compare(folder, rounds=max(1, options.rounds))
    except DetectorError as error:
        print(f"speed: {error}", file=sys.stderr)
        return 2
    if options.least is not None and ratio < options.least:
        print(f"speed: {ratio:.2f} times fastText, at least {options.least} is wanted", file=sys.stderr)
        return 1
    return 0


def compare(folder: Path, *, rounds: int) -> float:
    """Print each group's table and return the median ratio of our speed to fastText's over all documents."""
    pages = clean_pages(folder, "eval")
    spam_lines = lines_of([fields["text"] for _, fields in corpus_documents(folder, "spam")])
    clean_lines = lines_of([page.text for page in pages])
    contenders: dict[str, Contender] = {
        "detector": scanning(Detector.load()),
        "fastText": predicting_with_fasttext(clean_lines, spam_lines),
        "hashing": predicting_with_hashing(clean_lines, spam_lines),
        "zlib": compressing,
    }
    ratio = 0.0
    for group, lang in GROUPS.items():
        batches = list(batched([page.text for page in pages if page.lang.startswith(lang)]))
        speeds = run_rounds(contenders, batches, rounds=rounds)
        ratio = print_group(group, sum(utf8_bytes(batch) for batch in batches), speeds)
    return ratio


def batched(texts: Sequence[str]) -> Iterator[list[str]]:
    """Yield the texts in order, in lists of about BATCH_BYTES."""
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if utf8_bytes(batch) >= BATCH_BYTES:
            yield batch
            batch = []
    if batch:
        yield batch


def utf8_bytes(texts: Sequence[str]) -> int:
    """Return the length of all `texts` in UTF-8; a lone surrogate counts three."""
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)


def lines_of(texts: Sequence[str]) -> list[str]:
    """Return the lines of `texts` that are not blank; lone surrogates, which no other tool takes, become "?"."""
    return [line.encode("utf-8", "replace").decode() for text in texts for line in text.split("\n") if line.strip()]


def scanning(detector: Detector) -> Contender:
    """Return the contender that scans batch after batch."""

    def prepare(batches: Batches) -> tuple[Callable[[], object], int]:
        return lambda: [sum(1 for _ in detector.scan_many(batch)) for batch in batches], sum(map(utf8_bytes, batches))

    return prepare


def predicting_with_fasttext(clean: Sequence[str], spam: Sequence[str]) -> Contender:
    """Train fastText to part `spam` from `clean` lines and return the contender that predicts a line at a time."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "lines.txt"
        labelled = [f"__label__clean {line}\n" for line in clean] + [f"__label__spam {line}\n" for line in spam]
        path.write_text("".join(labelled), encoding="utf-8")
        model: Any = fasttext.train_supervised(str(path), minn=1, maxn=4, dim=16, epoch=1, thread=1, verbose=0)

    def prepare(batches: Batches) -> tuple[Callable[[], object], int]:
        lines = lines_of([text for batch in batches for text in batch])
        return lambda: [model.predict(line) for line in lines], sum(map(utf8_bytes, batches))

    return prepare


def predicting_with_hashing(clean: Sequence[str], spam: Sequence[str]) -> Contender:
    """Train a linear model on hashed n-grams and return the contender that predicts the first batch's lines."""
    vectorizer = HashingVectorizer(analyzer="char", ngram_range=(1, 4), n_features=2**18)
    some_clean, some_spam = clean[:: len(clean) // HASHING_TRAINING_LINES + 1], spam[:HASHING_TRAINING_LINES]
    classifier = SGDClassifier(random_state=0)
    classifier.fit(vectorizer.transform([*some_clean, *some_spam]), [0] * len(some_clean) + [1] * len(some_spam))

    def prepare(batches: Batches) -> tuple[Callable[[], object], int]:
        lines = lines_of(batches[0])
        return lambda: classifier.predict(vectorizer.transform(lines)), utf8_bytes(batches[0])

    return prepare


def compressing(batches: Batches) -> tuple[Callable[[], object], int]:
    """Return the contender that compresses each batch."""
    encoded = ["\n".join(batch).encode("utf-8", "surrogatepass") for batch in batches]
    return lambda: [len(zlib.compress(batch, 1)) for batch in encoded], sum(map(len, encoded))


def run_rounds(contenders: Mapping[str, Contender], batches: Batches, *, rounds: int) -> dict[str, list[float]]:
    """Let each contender go over `batches` once a round, in turn; return its megabytes a second of each round.

    A first round is not counted: it fills caches and scratch arrays.
    """
    prepared = {name: contender(batches) for name, contender in contenders.items()}
    speeds: dict[str, list[float]] = {name: [] for name in prepared}
    for number in range(rounds + 1):
        for name, (run, size) in prepared.items():
            start = time.perf_counter()
            run()
            if number:
                speeds[name].append(size / 1e6 / (time.perf_counter() - start))
    return speeds


def print_group(group: str, size: int, speeds: Mapping[str, Sequence[float]]) -> float:
    """Print the median speeds and how often faster we are than each other; return that for fastText."""
    print(f"\n{group}: {size / 1e6:.1f} MB, one thread, {len(speeds['detector'])} rounds")
    print(f"{'':12s} {'MB/s':>8s} {'slowest':>8s} {'fastest':>8s} {'detector is':>14s}")
    ratios = {}
    for name, each in speeds.items():
        ratios[name] = statistics.median(ours / theirs for ours, theirs in zip(speeds["detector"], each, strict=True))
        print(
            f"{name:12s} {statistics.median(each):8.1f} {min(each):8.1f} {max(each):8.1f} {ratios[name]:8.2f} times",
            flush=True,
        )
    return ratios["fastText"]


if __name__ == "__main__":
    sys.exit(main())
