"""Training: the same inputs give the same bundle, and what is served is what scikit-learn fitted."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from measuring_data import clean_pages
from numpy.typing import NDArray
from sklearn.linear_model import SGDClassifier

from detector import Detector
from detector.datatypes import InputError, Label, LabelledPage, Span, UsageError
from detector.features import Lookups, keyword_table, segment_features
from detector.folding import fold_pages
from detector.model import Bundle, accumulate, find_bundle, pack_lanes, whole_scores
from detector.ngrams import BUCKET_COUNT
from detector.scoring import gather, segment_rows, touching
from detector.segmentation import cut_segments
from detector.synthesis import PageWriter, load_grammars
from detector.synthesis.assembly import Document
from detector.training import train_bundle
from detector.training.bags import fit_bag
from detector.training.examples import Rows, rows_of
from detector.training.fitting import classifier, fit_lanes, matrix_of
from detector.training.recipe import generate
from detector.training.replay import pack_replay, unpack_replay
from detector.training.tuning import quantising_changes, tune_thresholds, with_settings

MATERIAL = Path(__file__).resolve().parents[1] / "training_data"
CLEAN = (
    "市图书馆本周起延长开放时间，周末到晚上九点。\n读者可以在二楼自习，也可以预约讨论室。\n服务台提醒大家带好证件。",
    "这座桥建成于上世纪五十年代，今年进行了全面检修。\n工程师说，桥面的承重能力没有下降。\n修好以后，公交车又可以通过了。",
    "The library opens at nine on weekdays. Bring a card if you want to borrow books.\nTea is served at four.",
    "春天到了，学校组织学生去郊外植树。\n老师讲解了怎样挖坑、浇水，同学们分成小组一起动手。\n下午大家带着铁锹回家。",
)


@pytest.fixture(scope="session")
def pages() -> list[LabelledPage]:
    """Some generated pages over documents written here."""
    documents = [Document(f"d{n}", text, "en" if text.isascii() else "zh-Hans") for n, text in enumerate(CLEAN)]
    writer = PageWriter(load_grammars(MATERIAL), documents, 7)
    return generate(writer, random.Random(7), 160, 0.8, (0.7, 0.25, 0.05))


@pytest.fixture(scope="session")
def lookups(pages: list[LabelledPage]) -> Lookups:
    """A keyword table and a segment model fitted on those pages."""
    return Lookups(
        keyword_table({"gambling": ["娱乐城", "casino"]}), *fit_bag(pages, alpha=1e-5, epochs=3, seed=1, jobs=1)
    )


@pytest.fixture(scope="session")
def rows(pages: list[LabelledPage], lookups: Lookups) -> Rows:
    """Their training rows."""
    return rows_of(pages, lookups, seed=3)


def served(table: NDArray[np.float64], pages: Sequence[LabelledPage], lookups: Lookups) -> NDArray[np.float64]:
    """Return the sums that serving makes of a table for every character of the pages."""
    batch = fold_pages([page.text for page in pages])
    segments = cut_segments(batch)
    chosen = np.arange(len(segments.starts))
    codes, classes, places, _ = gather(batch, touching(segments, chosen))
    features = segment_features(batch, segments, chosen, lookups, whole_scores(lookups, batch, segments))
    sums = accumulate(table, codes, classes)[places]
    of_segment = table[features.buckets].sum(axis=1)[segment_rows(segments, chosen)]
    served_sums: NDArray[np.float64] = sums + of_segment + table[BUCKET_COUNT]
    return served_sums


def test_served_scores_equal_the_decision_function_before_quantising(
    pages: list[LabelledPage], lookups: Lookups
) -> None:
    matrix = matrix_of(rows_of(pages[:40], lookups, seed=3))
    model: SGDClassifier = classifier(1e-6, 3, 1)
    model.fit(matrix, (rows_of(pages[:40], lookups, seed=3).targets > 0).astype(np.int8))
    table = np.append(model.coef_.ravel(), model.intercept_).astype(np.float64)
    one = LabelledPage("one", CLEAN[0], ())
    whole = rows_of([one], lookups, seed=1, clean_rate=1.0)
    assert len(whole.targets) == len(CLEAN[0])
    assert np.abs(model.decision_function(matrix_of(whole)) - served(table, [one], lookups)).max() < 1e-4


def test_quantising_changes_hardly_any_segment_label(
    rows: Rows, pages: list[LabelledPage], lookups: Lookups, shared: Path, make_bundle: Callable[..., Bundle]
) -> None:
    weights = fit_lanes(rows, alpha=1e-5, epochs=4, seed=1, jobs=1)
    arrays = {"lanes": pack_lanes(weights), "keywords": lookups.keywords, "bag": lookups.bag}
    bundle = make_bundle(arrays={**arrays, "bag_bias": lookups.bag_bias})
    clean = clean_pages(shared, "eval")[::6]
    # As in the recipe: labels are given above thresholds that clean text seldom passes.
    thresholds = tune_thresholds(bundle, clean[::5], low=[0.0] * 4, loss_budget=0.0005, alarm_budget=0.02)
    changed, segments = quantising_changes(weights, with_settings(bundle, thresholds=thresholds), [*pages, *clean])
    assert segments > 10_000
    assert changed <= 0.001 * segments


def test_the_same_rows_give_the_same_weights(rows: Rows) -> None:
    first = fit_lanes(rows, alpha=1e-6, epochs=2, seed=5, jobs=1)
    assert (first == fit_lanes(rows, alpha=1e-6, epochs=2, seed=5, jobs=2)).all()


def test_the_same_seed_writes_the_same_pages(pages: list[LabelledPage]) -> None:
    documents = [Document(f"d{n}", text, "en" if text.isascii() else "zh-Hans") for n, text in enumerate(CLEAN)]
    again = generate(PageWriter(load_grammars(MATERIAL), documents, 7), random.Random(7), 160, 0.8, (0.7, 0.25, 0.05))
    assert again == pages


def test_replayed_rows_come_back_as_they_were(rows: Rows) -> None:
    packed = pack_replay(rows, 500, 1)
    back = unpack_replay(packed)
    assert back.buckets.shape == (500, rows.buckets.shape[1])
    known = {(int(t), *map(int, row)) for t, row in zip(rows.targets, rows.buckets, strict=True)}
    assert all((int(t), *map(int, row)) in known for t, row in zip(back.targets, back.buckets, strict=True))


NEW_BRAND = "枫桥夜泊俱乐部"
TAUGHT = [
    LabelledPage(
        f"taught-{n}",
        f"{text}\n{NEW_BRAND}官方入口",
        (Span(len(text) + 1, len(text) + 1 + len(NEW_BRAND) + 4, Label.GAMBLING, 1.0),),
        "zh",
        "injected",
    )
    for n, text in enumerate(CLEAN * 6)
]


def inside(sentence: str, number: int) -> LabelledPage:
    """Return a page with the brand and its call where the sentence has a |, in the middle of what people wrote."""
    start = sentence.index("|")
    called = NEW_BRAND + "官方入口"
    span = Span(start, start + len(called), Label.GAMBLING, 1.0)
    return LabelledPage(f"inside-{number}", sentence.replace("|", called), (span,), "zh", "injected")


# Lines of its own alone would teach that the brand stands between line ends: what stands in sentences is taught too.
TAUGHT += [
    inside(sentence, number)
    for number, sentence in enumerate(
        (
            "市图书馆本周起延长开放时间，|周末到晚上九点。\n读者可以在二楼自习。",
            "这座桥建成于上世纪五十年代，|今年进行了全面检修。\n公交车又可以通过了。",
            "春天到了，|学校组织学生去郊外植树。\n下午大家带着铁锹回家。",
            "老师讲解了怎样挖坑、浇水，|同学们分成小组一起动手。\n天气很好。",
            "菜市场搬到了新的地方，|买菜的人比以前更多。\n摊位都编了号。",
            "爷爷每天早上打太极拳，|下雨天就在屋檐下练。\n他说身体好多了。",
        )
        * 4
    )
]


def write_labelled(path: Path, pages: Sequence[LabelledPage]) -> Path:
    with open(path, "w", encoding="utf-8") as file:
        for page in pages:
            spans = [{"start": s.start, "end": s.end, "label": str(s.label)} for s in page.spans]
            file.write(json.dumps({"id": page.id, "text": page.text, "spans": spans, "kind": page.kind}) + "\n")
    return path


@pytest.mark.slow
def test_a_bundle_can_be_taught_without_any_corpus_and_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    labelled = write_labelled(tmp_path / "new.jsonl", TAUGHT)
    figures = train_bundle([labelled], tmp_path / "a")
    train_bundle([labelled], tmp_path / "b")
    for name in ("manifest.json", "weights.npz", "training.npz"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert figures["removed_recall"] > 0.9
    unseen = f"河边的小路重新铺好了，{NEW_BRAND}官方入口散步的人多了起来。\n孩子们在树下玩耍。"
    assert any(NEW_BRAND[:4] in unseen[s.start : s.end] for s in Detector.load(tmp_path / "a").scan(unseen).spans)
    # What it knew before it still knows: clean pages stay clean.
    assert not any(result.cut_spans for result in Detector.load(tmp_path / "a").scan_many(CLEAN))
    # And it can be taught again.
    assert train_bundle([labelled], tmp_path / "c", base=str(tmp_path / "a"), dry_run=True)["pages"] == len(TAUGHT)
    assert not (tmp_path / "c").exists()


def test_training_from_scratch_without_corpora_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--corpora"):
        train_bundle([], tmp_path / "out", from_scratch=True)
    with pytest.raises(InputError, match="cannot be read"):
        train_bundle([], tmp_path / "out", from_scratch=True, corpora=tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_no_bundle_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(UsageError, match="is no bundle"):
        train_bundle([write_labelled(tmp_path / "new.jsonl", TAUGHT)], tmp_path / "mine")
    assert (tmp_path / "mine" / "notes.txt").read_text(encoding="utf-8") == "keep"


def test_labelled_pages_without_text_teach_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no text"):
        train_bundle([write_labelled(tmp_path / "empty.jsonl", [LabelledPage("e", "", ())])], tmp_path / "out")


@pytest.mark.slow
def test_the_shipped_bundle_is_small_and_carries_what_retraining_needs() -> None:
    folder = find_bundle("default")
    assert sum(path.stat().st_size for path in folder.rglob("*")) <= 8_000_000
