"""The recipe of the shipped bundle: training material and corpora in, a fitted bundle's arrays and settings out.

Families and documents are dealt into two halves. The segment model that a half's rows are read with was fitted on the
other half, so that the character model learns how far to trust it on families it has never seen.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.datatypes import Label, LabelledPage, Verdict
from detector.features import KEYWORD_LABELS, Lookups, keyword_table
from detector.folding import fold_text
from detector.model import LANE_LABELS, Bundle, pack_lanes
from detector.pipeline import Detector
from detector.spun import BIGRAM_BITS
from detector.synthesis import Grammars, PageWriter, load_grammars, read_handwritten
from detector.synthesis.assembly import Document
from detector.synthesis.spinning import Spinner
from detector.training.bags import fit_bag, mean_bag
from detector.training.corpora import Corpora, read_corpora
from detector.training.examples import Rows, rows_of
from detector.training.fitting import fit_lanes
from detector.training.mining import hard_rows, without_finds
from detector.training.spinning import fit_spun
from detector.training.tuning import (
    fit_calibration,
    quantising_changes,
    spun_scores,
    tune_thresholds,
    with_settings,
)

Report = Callable[[str], None]
CLEAN_DOCUMENT_CHARS = 8000
#: How far the seeds of members lie apart: a half takes one each.
_MEMBER_STEP = 4


@dataclass(frozen=True)
class Recipe:
    """The numbers of training; docs/experiments.md says how they were chosen."""

    seed: int = 1
    members: int = 2
    pages: int = 30000
    chinese_share: float = 0.74
    kinds: tuple[float, float, float] = (0.62, 0.30, 0.08)  # injected, clean, spam pages
    keyword_share: float = 0.6
    handwritten_repeats: int = 3
    clean_rate: float = 0.03
    rare_clean_rate: float = 0.1
    common_langs: tuple[str, ...] = ("zh", "en")
    most_spam_lines: int = 150
    bag_alpha: float = 1e-6
    bag_epochs: int = 8
    alpha: float = 1e-6
    epochs: int = 4
    mining_rounds: int = 2
    mining_most: int = 220_000
    spinners: int = 120
    spun_pairs: int = 4000
    least_put_in: float = 0.015
    spun_margin: float = 1.0
    heldout_pages: int = 1500
    switch_cost: float = 3.0
    repository_switch_cost: float = 6.0
    page_bonus: float = 1.0
    repository_bonus: float = 5.0
    bonus_floor: float = -3.0
    lowest_bonus_floor: float = -5.0
    growth: tuple[float, int, float] = (0.5, 2, 2.0)
    growth_floor: float = -2.0
    spun_bonus: float = 3.0
    confident_chars: int = 6
    repository_confident_chars: int = 40
    repeat_chars: tuple[int, int] = (4, 40)
    recurring_margin: float = 1.5
    bridge_chars: int = 50
    bridge_floor: float = -2.5
    lowest_thresholds: tuple[float, ...] = (0.9, 1.0, 2.25, 2.0)  # by LANE_LABELS
    loss_budget: float = 0.0002
    alarm_budget: float = 0.0098
    segment_threshold: float = -3.25
    outline_threshold: float = -5.5
    sample_threshold: float = 0.5
    replay_rows: int = 14_000


@dataclass(frozen=True)
class Half:
    """One half of the training pages, with documents and families of its own."""

    generated: list[LabelledPage]
    handwritten: list[LabelledPage]
    spam_lines: list[LabelledPage]
    clean: list[LabelledPage]
    noisy: list[LabelledPage]

    @property
    def all_labelled(self) -> list[LabelledPage]:
        """Return every page whose labels are known."""
        return [*self.generated, *self.handwritten, *self.spam_lines, *self.clean]


@dataclass(frozen=True)
class Member:
    """What was learned from one spin of the generator: the ``rows`` that the character model was fitted on, its
    ``weights`` (LANE_LABELS x BUCKET_COUNT + 1), and the segment model's packed ``bag`` and ``bag_bias``."""

    rows: Rows
    weights: NDArray[np.float64]
    bag: NDArray[np.int64]
    bag_bias: NDArray[np.float64]


@dataclass(frozen=True)
class Fitted:
    """A bundle in memory, the rows it was fitted on, and the held-out pages that its figures come from."""

    bundle: Bundle
    rows: Rows
    heldout: list[LabelledPage]
    digests: dict[str, str]
    quantising: tuple[int, int]


def checksum(name: str) -> int:
    """Return a stable number for a name, to deal things out by."""
    return zlib.crc32(name.encode("utf-8", "surrogatepass"))


def fit_from_scratch(
    recipe: Recipe, material: Path, corpora: Path, extra: Sequence[LabelledPage], report: Report
) -> Fitted:
    """Fit a bundle on the training material, the corpora and `extra` labelled pages.

    Its weights are the mean of several members', each fitted on pages of its own: one alone owes much to chance
    (docs/experiments.md, 42 and 58).
    """
    sources = read_corpora(material / "sources.toml", corpora)
    grammars = load_grammars(material, "fit")
    handwritten = [*_pages_to_fit(material), *extra]
    keywords = keyword_table(_keywords(grammars, recipe.keyword_share))
    first = _fit_member(recipe, grammars, sources, handwritten, keywords, report)
    members = [first]
    for other in _others(recipe):
        member = _fit_member(other, grammars, sources, handwritten, keywords, report)
        members.append(replace(member, rows=Rows.joined([])))  # the rows of one fill a gigabyte
    weights = np.mean([member.weights for member in members], axis=0)
    lookups = Lookups(
        keywords, mean_bag([member.bag for member in members]), np.mean([m.bag_bias for m in members], axis=0)
    )
    spun, spun_settings = fit_spinning(recipe, grammars, sources)
    settings = _first_settings(recipe)
    settings["spun"].update(spun_settings)
    bundle = _in_memory(weights, lookups, spun, settings)
    heldout = heldout_pages(recipe, material, sources)
    bundle = _decide(recipe, bundle, sources, heldout, report)
    clean = [LabelledPage(d.id, d.text, (), d.lang) for d in sources.threshold]
    changed = quantising_changes(weights, bundle, [*heldout, *clean])
    report(f"quantising changes {changed[0]} of {changed[1]} segment labels")
    return Fitted(bundle, first.rows, heldout, sources.digests, changed)


def _others(recipe: Recipe) -> list[Recipe]:
    """Return the recipes of the other members: the same with other seeds."""
    return [replace(recipe, seed=recipe.seed + _MEMBER_STEP * number) for number in range(1, recipe.members)]


def _fit_member(
    recipe: Recipe,
    grammars: Grammars,
    sources: Corpora,
    handwritten: Sequence[LabelledPage],
    keywords: NDArray[np.uint8],
    report: Report,
) -> Member:
    """Fit the segment model and the character model on pages that the recipe's seed draws."""
    halves = [_half(recipe, number, grammars, sources, handwritten) for number in (0, 1)]
    report(f"{sum(len(half.generated) for half in halves)} pages generated, {len(handwritten)} written by hand")
    fit = partial(fit_bag, alpha=recipe.bag_alpha, epochs=recipe.bag_epochs)
    bags = [fit(half.all_labelled, seed=number) for number, half in enumerate(halves)]
    bag, bag_bias = fit([page for half in halves for page in half.all_labelled], seed=2)
    report("segment model fitted")
    crossed = [Lookups(keywords, *bags[1 - number]) for number in (0, 1)]
    return Member(*_fit_characters(recipe, halves, crossed, report), bag, bag_bias)


def training_pages(recipe: Recipe, material: Path, corpora: Path) -> list[LabelledPage]:
    """Return every labelled page that a bundle is fitted on (hand-written ones once)."""
    sources, grammars = read_corpora(material / "sources.toml", corpora), load_grammars(material, "fit")
    handwritten = _pages_to_fit(material)
    halves = (
        _half(member, number, grammars, sources, handwritten)
        for member in (recipe, *_others(recipe))
        for number in (0, 1)
    )
    return [page for half in halves for page in half.all_labelled]


def _pages_to_fit(material: Path) -> list[LabelledPage]:
    return [page for page in read_handwritten(material / "pages") if not is_test_page(page.id)]


def is_test_page(name: str) -> bool:
    """Tell whether a page written by hand is kept for testing (three of ten)."""
    return checksum(name) % 10 >= 7


def _half(
    recipe: Recipe, number: int, grammars: Grammars, sources: Corpora, handwritten: Sequence[LabelledPage]
) -> Half:
    def mine(name: str) -> bool:
        return checksum(name) % 2 == number

    documents = [document for document in sources.fit if mine(document.id)]
    writer = PageWriter(grammars, documents, recipe.seed + number, families=lambda family: mine(family.name))
    draw = random.Random(recipe.seed + number)
    generated = generate(writer, draw, recipe.pages // 2, recipe.chinese_share, recipe.kinds)
    clean = [_as_clean(document.id, document.text, document.lang) for document in documents]
    noisy = [_as_clean(document.id, document.text, document.lang) for document in sources.noisy if mine(document.id)]
    spam_lines = capped([page for page in sources.spam if mine(page.id)], recipe.most_spam_lines, draw)
    return Half(generated, [page for page in handwritten if mine(page.id)], spam_lines, clean, noisy)


def capped(pages: Sequence[LabelledPage], most: int, draw: random.Random) -> list[LabelledPage]:
    """Return at most so many pages of each family, drawn, so that one large source does not stand for a language."""
    by_family: dict[str, list[LabelledPage]] = {}
    for page in pages:
        by_family.setdefault(page.family, []).append(page)
    return [page for own in by_family.values() for page in draw.sample(own, min(most, len(own)))]


def generate(
    writer: PageWriter, draw: random.Random, count: int, chinese_share: float, kinds: tuple[float, float, float]
) -> list[LabelledPage]:
    """Write `count` pages of the given shares of kinds."""
    verdicts = (Verdict.INJECTED, Verdict.CLEAN, Verdict.SPAM_PAGE)
    return [
        writer.page(draw.choices(verdicts, kinds)[0], lang="zh" if draw.random() < chinese_share else None)
        for _ in range(count)
    ]


def _as_clean(name: str, text: str, lang: str) -> LabelledPage:
    return LabelledPage(name, text[:CLEAN_DOCUMENT_CHARS], (), lang, str(Verdict.CLEAN))


def _keywords(grammars: Grammars, share: float) -> dict[str, list[str]]:
    """Return a share of the lexicons' terms by label: the model must not come to rely on knowing every term."""
    found: dict[str, list[str]] = {label: [] for label in KEYWORD_LABELS}
    for name in sorted(grammars.lexicons):
        label = name.split("/")[0]
        if label in found:
            terms = (term for term in grammars.terms(name) if checksum("keyword" + term) % 1000 < 1000 * share)
            found[label] += [fold_text(term)[0] for term in terms]
    return found


def _fit_characters(
    recipe: Recipe, halves: Sequence[Half], crossed: Sequence[Lookups], report: Report
) -> tuple[Rows, NDArray[np.float64]]:
    """Fit the character model, then again with the characters of clean text that it nearly took for spam."""
    parts = []
    for number, (half, lookups) in enumerate(zip(halves, crossed, strict=True)):
        labelled = half.generated + half.handwritten * recipe.handwritten_repeats
        parts.append(rows_of(labelled, lookups, seed=10 + number))
        parts.append(rows_of(half.spam_lines, lookups, seed=20 + number))
        for rare in (False, True):
            clean = [page for page in half.clean if (page.lang.split("-")[0] not in recipe.common_langs) == rare]
            rate = recipe.rare_clean_rate if rare else recipe.clean_rate
            parts.append(rows_of(clean, lookups, seed=30 + number, clean_rate=rate))
    rows = Rows.joined(parts)
    report(f"{len(rows.targets)} rows")
    weights = fit_lanes(rows, alpha=recipe.alpha, epochs=recipe.epochs, seed=recipe.seed)
    for turn in range(recipe.mining_rounds):
        mined = []
        for half, lookups in zip(halves, crossed, strict=True):
            settings = {**_first_settings(recipe), "thresholds": {str(label): 1.0 for label in LANE_LABELS}}
            bundle = _in_memory(weights, lookups, np.zeros(1 << BIGRAM_BITS, np.int8), settings)
            negatives = half.clean + without_finds(bundle, half.noisy) + half.generated
            mined.append(hard_rows(bundle, negatives, most=recipe.mining_most, seed=turn))
        rows = Rows.joined([rows, *mined])
        weights = fit_lanes(rows, alpha=recipe.alpha, epochs=recipe.epochs, seed=recipe.seed + 1 + turn)
        report(f"refitted with {sum(len(part.targets) for part in mined)} hard negatives")
    return rows, weights


def fit_spinning(recipe: Recipe, grammars: Grammars, sources: Corpora) -> tuple[NDArray[np.int8], dict[str, float]]:
    """Fit the evidence of spinning on stretches of Chinese documents and what spinners make of them."""
    draw = random.Random(recipe.seed + 50)
    documents = [document for document in sources.fit if _is_unspun_chinese(document)]
    spinners = [Spinner(grammars.spinning["zh"], draw) for _ in range(recipe.spinners)]
    pairs = []
    for _ in range(recipe.spun_pairs):
        text = draw.choice(documents).text
        chars = draw.randint(200, 1200)
        start = draw.randrange(max(len(text) - chars, 0) + 1)
        spun, put_in = draw.choice(spinners).spin(text[start : start + chars])
        if put_in >= recipe.least_put_in:
            pairs.append((text[start : start + chars], spun))
    table, steps, bias = fit_spun(pairs, [document.text[:CLEAN_DOCUMENT_CHARS] for document in documents])
    return table, {"steps": steps, "bias": bias}


def _is_unspun_chinese(document: Document) -> bool:
    """Tell whether a document may stand for unspun text: the medical questions were augmented by synonyms."""
    return document.lang.startswith("zh") and not document.id.startswith("medical_qa")


def heldout_pages(recipe: Recipe, material: Path, sources: Corpora) -> list[LabelledPage]:
    """Write pages from the families and lexicon entries that no weight was fitted on, into the threshold documents."""
    writer = PageWriter(load_grammars(material, "heldout"), sources.threshold, recipe.seed + 1000)
    draw = random.Random(recipe.seed + 1000)
    return generate(writer, draw, recipe.heldout_pages, recipe.chinese_share, recipe.kinds)


def _first_settings(recipe: Recipe) -> dict[str, Any]:
    bonus = {str(label): recipe.page_bonus for label in LANE_LABELS}
    bonus[str(Label.REPOSITORY_BOILERPLATE)] = recipe.repository_bonus
    costs = {str(label): recipe.switch_cost for label in LANE_LABELS}
    costs[str(Label.REPOSITORY_BOILERPLATE)] = recipe.repository_switch_cost
    confident = {str(label): recipe.confident_chars for label in LANE_LABELS}
    confident[str(Label.REPOSITORY_BOILERPLATE)] = recipe.repository_confident_chars
    return {
        "thresholds": dict(zip(map(str, LANE_LABELS), recipe.lowest_thresholds, strict=True)),
        "switch_cost": costs,
        "page_bonus": bonus,
        "bonus_floor": recipe.bonus_floor,
        "lowest_bonus_floor": recipe.lowest_bonus_floor,
        "growth": list(recipe.growth),
        "growth_floor": recipe.growth_floor,
        "spun_bonus": recipe.spun_bonus,
        "confident_chars": confident,
        "repeat_chars": list(recipe.repeat_chars),
        "recurring_margin": recipe.recurring_margin,
        "bridge_chars": recipe.bridge_chars,
        "bridge_floor": recipe.bridge_floor,
        "segment_threshold": recipe.segment_threshold,
        "outline_threshold": recipe.outline_threshold,
        "sample_threshold": recipe.sample_threshold,
        "calibration": [1.0, 0.0],
        "verdicts": {
            "spam_least_chars": 100,
            "spam_cut_share": 0.5,
            "spam_prose_left_share": 0.25,
        },
        "spun": {
            "steps": 1.0,
            "bias": 0.0,
            "threshold": 1e9,
            "slack": 3.0,
            "least_han": 150,
            "least_han_share": 0.6,
        },
    }


def _in_memory(
    weights: NDArray[np.float64],
    lookups: Lookups,
    spun: NDArray[np.int8],
    settings: dict[str, Any],
) -> Bundle:
    return Bundle("unsaved", Path(), {"settings": settings}, pack_lanes(weights), spun, lookups)


def _decide(
    recipe: Recipe,
    bundle: Bundle,
    sources: Corpora,
    heldout: Sequence[LabelledPage],
    report: Report,
) -> Bundle:
    """Choose thresholds on clean documents, then calibration and the rate of spinning."""
    clean = [LabelledPage(d.id, d.text, (), d.lang, str(Verdict.CLEAN)) for d in sources.threshold]
    thresholds = tune_thresholds(
        bundle, clean, low=recipe.lowest_thresholds, loss_budget=recipe.loss_budget, alarm_budget=recipe.alarm_budget
    )
    bundle = with_settings(bundle, thresholds=thresholds)
    report(f"thresholds {thresholds}")
    results = list(Detector(bundle, screen=False).scan_many(page.text for page in heldout))
    bundle = with_settings(bundle, calibration=list(fit_calibration(results, heldout)))
    unspun = (LabelledPage(d.id, d.text, (), d.lang) for d in sources.fit if _is_unspun_chinese(d))
    highest = float(spun_scores(bundle, [*clean, *unspun]).max())
    threshold = round(highest + recipe.spun_margin, 3)
    bundle = with_settings(bundle, spun={**bundle.settings["spun"], "threshold": threshold})
    report(f"spun threshold {threshold}, calibration {bundle.settings['calibration']}")
    lost, found = lost_by_screen(bundle, heldout)
    report(f"the screen gives other spans on {lost} of {found} held-out pages with a find")
    return bundle


def lost_by_screen(bundle: Bundle, pages: Sequence[LabelledPage]) -> tuple[int, int]:
    """Return on how many pages the screened scan finds something else than the full one, and how many have finds."""
    texts = [page.text for page in pages]
    full = [result.spans for result in Detector(bundle, screen=False).scan_many(texts)]
    screened = [result.spans for result in Detector(bundle).scan_many(texts)]
    return sum(one != other for one, other in zip(full, screened, strict=True)), sum(map(bool, full))


def facts_of(recipe: Recipe) -> dict[str, Any]:
    """Return the recipe as it stands in the manifest."""
    return asdict(recipe)
