"""The detector and five simple detectors come in; their figures on the same pages, by the same scorer, go out.

usage: make baselines, or PYTHONPATH=scripts python benchmarks/baselines.py [-o docs/baselines.md] [--pages N]

Every baseline judges whole lines, as they do where they are used:

- fastText: character n-grams 1-4, dim 16, one label a line;
- hashing: scikit-learn's HashingVectorizer (character n-grams 1-4) and a linear SGD classifier, one label a line;
- word list: lines that hold a term of the project's own lexicons of spam;
- C4: lines that do not end in a sentence mark, or have fewer than five words (ten characters of Han), go, and so do
  lines with "javascript" or a brace (the line rules of Raffel et al. 2020, section 2.2, with the sentence marks of
  other scripts);
- delimiters: lines with at least four of ``| _ ·`` or their full-width forms (commas and dashes would take much prose).

The two that are trained learn from lines of the material that the shipped bundle is trained on. Each is shown at two
thresholds: its own (the likeliest label) and the lowest at which it keeps to the bundle's budget of lost clean text.
Precision against recall, as thresholds move, goes into a picture beside the table.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import fasttext
import matplotlib
import numpy as np
import regex
from evaluate import measure
from matplotlib import pyplot
from measuring_data import ABSENT, PROJECT, labelled_set, shared_folder
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import SGDClassifier

from detector.datatypes import CUT_BY_DEFAULT, DetectorError, Label, LabelledPage, Page, ScanResult, Span, Verdict
from detector.evaluation import Scanner, evaluate_pages
from detector.folding import fold_text
from detector.model import load_bundle
from detector.pipeline import Detector
from detector.synthesis.grammar import load_grammars
from detector.synthesis.handwritten import read_handwritten
from detector.training.corpora import read_corpora
from detector.training.recipe import Recipe, heldout_pages, is_test_page, training_pages
from detector.training.tuning import with_settings

MATERIAL = PROJECT / "training_data"
SPAM = (Label.PORN, Label.GAMBLING, Label.OTHER_SPAM)
LABELS = (*SPAM, Label.REPOSITORY_BOILERPLATE)
#: A line of a training page is of the label that has at least this share of it.
LINE_SHARE = 0.5
#: Terms shorter than this are parts of ordinary words too often to stand alone in a word list.
LEAST_TERM_CHARS = 2
#: Of the lexicons those whose terms are spam by themselves; places, given names or trades are not.
WORD_LIST_KINDS = frozenset({"keyword", "brand", "query", "pharma", "drug", "replica"})
C4_LEAST_WORDS, C4_LEAST_HAN = 5, 10
LEAST_DELIMITERS = 4
#: The sets of the picture, and the thresholds that its curves go through.
DRAWN = ("dev", "held-out", "hand-written")
THRESHOLD_STEPS = (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0, 4.5, 6.0)
LEAST_SCORES = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)

_SENTENCE_END = regex.compile(r"[.!?\"。！？…”」』।؟۔][)）\"”」』]*$")
_WORDS = regex.compile(r"[\p{L}\p{N}]+")
_HAN = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]")
_DELIMITERS = regex.compile(r"[|_·｜＿•]")
_LINE = regex.compile(r"[^\n]+")

#: Takes lines and returns for each a label and how sure it is of it (0 to 1); no label: the line stays.
Judge = Callable[[Sequence[str]], Sequence[tuple[Label | None, float]]]


@dataclass(frozen=True)
class LineDetector:
    """A detector that cuts whole lines: those that `judge` gives a label, with at least the score `least`."""

    judge: Judge
    least: float = 0.0

    def scan_many(self, texts_or_pages: Iterable[str | Page], /) -> Iterator[ScanResult]:
        """Yield the result of each page: a span over every line that is cut, without the blanks at its ends."""
        for given in texts_or_pages:
            page = given if isinstance(given, Page) else Page(given)
            lines = [match for match in _LINE.finditer(page.text) if match.group().strip()]
            judged = self.judge([match.group().strip() for match in lines])
            spans = []
            for match, (label, score) in zip(lines, judged, strict=True):
                if label is not None and score >= self.least:
                    start = match.start() + len(match.group()) - len(match.group().lstrip())
                    spans.append(Span(start, match.start() + len(match.group().rstrip()), label, score, 0.0))
            verdict = Verdict.INJECTED if spans else Verdict.CLEAN
            yield ScanResult(page.id, len(page.text), verdict, tuple(spans), page.text, CUT_BY_DEFAULT)


#: The pages that the members of the shipped bundle are fitted on.
GENERATED = Recipe().pages * Recipe().members


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, measure, write the table and return the exit code."""
    parser = argparse.ArgumentParser(description="Measure the shipped bundle beside simple detectors of lines.")
    parser.add_argument("-o", "--output", type=Path, default=PROJECT / "docs" / "baselines.md")
    parser.add_argument("--pages", type=int, default=GENERATED, help="generated pages that baselines train on")
    options = parser.parse_args(arguments)
    folder = shared_folder()
    if folder is None:
        print(f"baselines: {ABSENT}", file=sys.stderr)
        return 2
    try:
        recipe = Recipe(pages=options.pages // Recipe().members)
        corpora = folder / "corpora"
        sets = measured_sets(recipe, corpora)
        detectors = {"detector": Detector.load(), **baselines(training_lines(recipe, corpora), sets["clean"], recipe)}
        results = {name: measure(detector, sets) for name, detector in detectors.items()}
    except DetectorError as error:
        print(f"baselines: {error}", file=sys.stderr)
        return 2
    table = "\n\n".join(f"## {name}\n\n{set_table(name, results)}" for name in sets)
    picture = options.output.with_suffix(".svg")
    draw_curves({name: curve(detectors, sets[name]) for name in DRAWN}, picture)
    shown = f"![Precision against recall]({picture.name})"
    head = HEAD.strip().format(pages=options.pages, recipe=GENERATED)
    options.output.write_text(f"{head}\n\n{shown}\n\n{table}\n", encoding="utf-8")
    print(table)
    return 0


def measured_sets(recipe: Recipe, corpora: Path) -> dict[str, list[LabelledPage]]:
    """Return the labelled sets, the clean documents, the held-out generated pages and the hand-written test pages."""
    sets = {name: labelled_set(name) for name in ("dev", "other", "seeds", "clean")}
    sets["held-out"] = heldout_pages(recipe, MATERIAL, read_corpora(MATERIAL / "sources.toml", corpora))
    sets["hand-written"] = [page for page in read_handwritten(MATERIAL / "pages") if is_test_page(page.id)]
    return sets


def training_lines(recipe: Recipe, corpora: Path) -> list[tuple[str, Label | None]]:
    """Return the lines of all pages that a bundle is trained on, each with the label of most of it, or none."""
    return [line for page in training_pages(recipe, MATERIAL, corpora) for line in labelled_lines(page)]


def labelled_lines(page: LabelledPage) -> Iterator[tuple[str, Label | None]]:
    """Yield the lines of a page with the label that has at least LINE_SHARE of it, or none."""
    for match in _LINE.finditer(page.text):
        if not match.group().strip():
            continue
        chars = dict.fromkeys(LABELS, 0)
        for span in page.spans:
            if span.label in chars:
                chars[span.label] += max(0, min(span.end, match.end()) - max(span.start, match.start()))
        label = max(LABELS, key=lambda label: chars[label])
        most = chars[label] >= LINE_SHARE * (match.end() - match.start())
        yield match.group().strip(), label if most else None


def baselines(
    lines: Sequence[tuple[str, Label | None]], clean: Sequence[LabelledPage], recipe: Recipe
) -> dict[str, Scanner]:
    """Return the baselines by name; the trained ones at their own threshold and at the budget of `recipe`."""
    found: dict[str, Scanner] = {}
    trained = {"fastText": fasttext_judge(lines), "hashing": hashing_judge(lines)}
    for name, judge in trained.items():
        least = least_within_budget(judge, clean, recipe.loss_budget)
        found[f"{name} a line"] = LineDetector(judge)
        found[f"{name} a line, score at least {least:.4f}"] = LineDetector(judge, least)
    found["word list"] = LineDetector(word_list_judge())
    found["C4 line rules"] = LineDetector(c4_judge)
    found["delimiter rule"] = LineDetector(delimiter_judge)
    return found


def fasttext_judge(lines: Sequence[tuple[str, Label | None]]) -> Judge:
    """Train fastText on labelled lines and return it as a judge."""
    shuffled = random.Random(0).sample(list(lines), len(lines))
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "lines.txt"
        with open(path, "w", encoding="utf-8", errors="replace") as file:
            file.writelines(f"__label__{label or 'clean'} {line}\n" for line, label in shuffled)
        model: Any = fasttext.train_supervised(
            str(path), minn=1, maxn=4, dim=16, epoch=3, bucket=500_000, thread=1, seed=1, verbose=0
        )
    by_name = {f"__label__{label}": label for label in LABELS}

    def judge(texts: Sequence[str]) -> list[tuple[Label | None, float]]:
        plain = [text.encode("utf-8", "replace").decode() for text in texts]
        if not plain:
            return []
        names, scores = model.predict(plain)
        return [(by_name.get(name[0]), float(score[0])) for name, score in zip(names, scores, strict=True)]

    return judge


def hashing_judge(lines: Sequence[tuple[str, Label | None]]) -> Judge:
    """Train a linear model over hashed character n-grams on labelled lines and return it as a judge."""
    vectorizer = HashingVectorizer(analyzer="char", ngram_range=(1, 4), n_features=2**20, dtype=np.float32)
    classifier = SGDClassifier(loss="log_loss", alpha=1e-6, average=True, random_state=0, max_iter=5, tol=None)
    targets = [0 if label is None else 1 + LABELS.index(label) for _, label in lines]
    classifier.fit(vectorizer.transform([line for line, _ in lines]), targets)

    def judge(texts: Sequence[str]) -> list[tuple[Label | None, float]]:
        if not texts:
            return []
        scores = classifier.predict_proba(vectorizer.transform(texts))
        return [
            (LABELS[best - 1] if best else None, float(row[best])) for row in scores for best in [int(row.argmax())]
        ]

    return judge


def least_within_budget(judge: Judge, clean: Sequence[LabelledPage], budget: float) -> float:
    """Return the lowest score at which clean pages lose no more than `budget` of their characters."""
    detector = LineDetector(judge)
    spans = [span for result in detector.scan_many([page.text for page in clean]) for span in result.spans]
    left = budget * sum(len(page.text) for page in clean)
    for span in sorted(spans, key=lambda span: -span.score):
        left -= span.end - span.start
        if left < 0:
            return float(np.nextafter(span.score, 2.0))
    return 0.0


def word_list_judge() -> Judge:
    """Return the judge that knows the terms of the lexicons, folded, and gives a line the label of the first found."""
    grammars = load_grammars(MATERIAL, "fit")
    owner: dict[str, Label] = {}
    for name in sorted(grammars.lexicons):
        label = name.split("/")[0]
        if label in SPAM and name.split(".")[-1] in WORD_LIST_KINDS:
            for term in grammars.terms(name):
                folded = fold_text(term)[0]
                if len(folded) >= LEAST_TERM_CHARS:
                    owner.setdefault(folded, Label(label))
    terms = sorted(owner, key=lambda term: (-len(term), term))
    latin = [term for term in terms if term.isascii()]
    pattern = regex.compile(r"\b(?:\L<latin>)\b|\L<other>", latin=latin, other=[t for t in terms if not t.isascii()])

    def judge(texts: Sequence[str]) -> list[tuple[Label | None, float]]:
        matches = [pattern.search(fold_text(text)[0]) for text in texts]
        return [(owner[match.group()], 1.0) if match else (None, 1.0) for match in matches]

    return judge


def c4_judge(texts: Sequence[str]) -> list[tuple[Label | None, float]]:
    """Judge lines by the rules of C4: what is not a sentence goes."""
    return [(None if _is_sentence(text) else Label.OTHER_SPAM, 1.0) for text in texts]


def _is_sentence(text: str) -> bool:
    words, han = len(_WORDS.findall(text)), len(_HAN.findall(text))
    long_enough = words >= C4_LEAST_WORDS or han >= C4_LEAST_HAN
    return long_enough and bool(_SENTENCE_END.search(text)) and "javascript" not in text.lower() and "{" not in text


def delimiter_judge(texts: Sequence[str]) -> list[tuple[Label | None, float]]:
    """Judge lines by how many delimiters stand in them."""
    return [(Label.OTHER_SPAM if len(_DELIMITERS.findall(t)) >= LEAST_DELIMITERS else None, 1.0) for t in texts]


def curve(detectors: Mapping[str, Scanner], pages: Sequence[LabelledPage]) -> dict[str, list[tuple[float, float]]]:
    """Return recall and precision of each detector that has scores, at thresholds from daring to strict."""
    found: dict[str, list[tuple[float, float]]] = {}
    for name, detector in detectors.items():
        if isinstance(detector, Detector):
            moved = [with_moved_thresholds(detector, step) for step in THRESHOLD_STEPS]
        elif isinstance(detector, LineDetector) and not detector.least and "a line" in name:
            moved = [replace(detector, least=least) for least in LEAST_SCORES]
        else:
            moved = [detector]
        removed = [evaluate_pages(one, pages)["removed"] for one in moved]
        found[name] = [(row["recall"], row["precision"]) for row in removed if row["predicted"]]
    return found


def with_moved_thresholds(detector: Detector, step: float) -> Scanner:
    """Return the detector with every threshold of its bundle moved by `step` log-odds, without the screen."""
    bundle = load_bundle()
    thresholds = {label: value + step for label, value in bundle.settings["thresholds"].items()}
    return Detector(with_settings(bundle, thresholds=thresholds), screen=False)


def draw_curves(curves: Mapping[str, Mapping[str, Sequence[tuple[float, float]]]], path: Path) -> None:
    """Draw precision against recall, a panel a set; detectors without scores are points."""
    matplotlib.rcParams["svg.hashsalt"] = "detector"  # the same figures give the same file
    figure, panels = pyplot.subplots(1, len(curves), figsize=(5 * len(curves), 4.5), sharey=True, squeeze=False)
    for panel, (name, by_detector) in zip(panels[0], curves.items(), strict=True):
        for detector, points in by_detector.items():
            if points and "score at least" not in detector:
                panel.plot(*zip(*points, strict=True), marker="o", markersize=3, label=detector)
        panel.set(title=name, xlabel="recall of characters to remove", xlim=(0, 1), ylim=(0, 1.02))
    panels[0][0].set_ylabel("precision")
    panels[0][0].legend(loc="lower left", fontsize="small")
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})


HEAD = """
# Baselines, side by side

Written by `make baselines`. All detectors judge the same pages and are scored by the same `detector.evaluation`; what
each one does is said at the top of `benchmarks/baselines.py`. The two that are trained learn from the corpora, the
hand-written pages and {pages:,} generated ones ({recipe:,} stand behind the shipped bundle). "Clean loss" is the share
of clean characters that go too; a page has an "alarm" when it is clean and loses anything. No baseline finds
`pinyin_noise` or gives page verdicts.
"""


def set_table(name: str, results: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Return the table of one set in Markdown, a row a detector."""
    rows = [
        "| detector | removed F1 | precision | recall | page F1 | short spans | clean loss | alarms | fully cleaned |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for detector, sets in results.items():
        figures = sets[name]
        removed = figures["removed"]
        rows.append(
            f"| {detector} | {removed['f1']:.3f} | {removed['precision']:.3f} | {removed['recall']:.3f} "
            f"| {figures['page_f1']:.3f} | {figures['short_span_recall']:.2f} | {100 * figures['clean_loss']:.3f} % "
            f"| {figures['false_alarm_pages']}/{figures['clean_pages']} "
            f"| {figures['fully_cleaned_pages']}/{figures['dirty_pages']} |"
        )
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
