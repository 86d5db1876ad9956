"""A test's wish for measuring data or a bundle comes in; the data, the bundle or a reason to skip goes out."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from measuring_data import ABSENT, shared_folder, unreadable_parts
from numpy.typing import NDArray

from detector.features import keyword_table
from detector.folding import fold_text
from detector.model import LANE_LABELS, WEIGHT_LIMIT, WEIGHT_SCALE, Bundle, load_bundle, pack_lanes, save_bundle
from detector.ngrams import BUCKET_COUNT, NGRAM_BITS, PLACES, bases, ngram_hashes
from detector.pipeline import Detector
from detector.segment_scores import BAG_ENTRIES, pack_bag
from detector.spun import BIGRAM_BITS, bigram_buckets

# Busy cores make single examples slow now and then: a deadline would fail at random. In CI the examples are the same
# every time, so that a red run can be repeated.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "local")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of measuring data; skip where it is absent, fail in CI where it is there but incomplete."""
    folder = shared_folder()
    if folder is None:
        pytest.skip(ABSENT)
    if parts := unreadable_parts(folder):
        reason = f"{folder} is there, but cannot be read: {', '.join(parts)}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def score_tool(shared: Path) -> ModuleType:
    """Return the tool that defines the quality figures, as a module."""
    spec = importlib.util.spec_from_file_location("score_tool", shared / "tools" / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def detector() -> Detector:
    """Return a detector with the shipped bundle."""
    return Detector.load()


@pytest.fixture(scope="session")
def make_bundle(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Bundle]:
    """Return a function that writes a hand-made bundle and loads it.

    ``letters`` maps a character to its label and the log-odds that it gets where it stands, ``bias`` is every other
    character's; ``spun`` maps two characters to an integer weight; ``settings`` replaces default ones, ``arrays`` whole
    arrays of the bundle. Every segment is worth scoring; where it is ``screened``, none is unless its words (``arrays``
    hold a bag) say so. No gap in document-site text is filled unless ``settings`` say so.
    """

    def make(
        *,
        letters: Mapping[str, tuple[str, float]] | None = None,
        bias: float = -2.0,
        spun: Mapping[str, int] | None = None,
        screened: bool = False,
        settings: Mapping[str, Any] | None = None,
        arrays: Mapping[str, NDArray[Any]] | None = None,
    ) -> Bundle:
        weights = np.zeros((len(LANE_LABELS), BUCKET_COUNT + 1))
        weights[:, -1] = bias
        for letter, (label, log_odds) in (letters or {}).items():
            assert log_odds - bias <= WEIGHT_LIMIT / WEIGHT_SCALE, "packing would clip this weight"
            weights[[str(lane) for lane in LANE_LABELS].index(label), _bucket_of(letter)] = log_odds - bias
        chosen = {
            "thresholds": dict.fromkeys(LANE_LABELS, 0.0),
            "switch_cost": dict.fromkeys(LANE_LABELS, 2.0),
            "page_bonus": dict.fromkeys(LANE_LABELS, 0.0),
            "bonus_floor": -100.0,
            "lowest_bonus_floor": -100.0,
            "growth": [0.0, 0, 0.0],
            "growth_floor": -100.0,
            "spun_bonus": 0.0,
            "confident_chars": dict.fromkeys(LANE_LABELS, 6),
            "repeat_chars": [4, 40],
            "recurring_margin": 0.0,
            "bridge_chars": 0,
            "bridge_floor": 0.0,
            "segment_threshold": 1.0 if screened else -1e6,
            "outline_threshold": -1e6,
            "sample_threshold": -1e6,
            "calibration": [1.0, 0.0],
            "verdicts": {
                "spam_least_chars": 60,
                "spam_cut_share": 0.5,
                "spam_prose_left_share": 0.25,
            },
            "spun": {
                "steps": 20.0,
                "bias": -1.0,
                "threshold": 0.0,
                "slack": 1.0,
                "least_han": 30,
                "least_han_share": 0.5,
            },
            **(settings or {}),
        }
        serving: dict[str, NDArray[Any]] = {
            "lanes": pack_lanes(weights),
            "spun": _bigrams(spun or {}),
            "keywords": keyword_table({}),
            "bag": pack_bag(np.zeros((len(LANE_LABELS), BAG_ENTRIES))),
            "bag_bias": np.zeros(len(LANE_LABELS)),
            **(arrays or {}),
        }
        folder = tmp_path_factory.mktemp("bundles") / "hand-made"
        save_bundle(folder, settings=chosen, serving=serving, training={}, facts={"made_by": "a test"})
        return load_bundle(folder)

    return make


@pytest.fixture(scope="session")
def tiny_bundle(make_bundle: Callable[..., Bundle]) -> Bundle:
    """Return a bundle of random weights: it finds something nearly everywhere, so that every path is walked."""
    draw = np.random.Generator(np.random.PCG64(7))
    weights = draw.normal(0, 0.3, (len(LANE_LABELS), BUCKET_COUNT + 1))
    weights[:, -1] = -2.5
    return make_bundle(
        arrays={
            "lanes": pack_lanes(weights),
            "spun": draw.integers(-40, 40, 1 << BIGRAM_BITS).astype(np.int8),
            "keywords": draw.integers(0, 16, 1 << 18).astype(np.uint8) * (draw.random(1 << 18) < 0.1),
            "bag": pack_bag(draw.normal(0, 1.0, (len(LANE_LABELS), BAG_ENTRIES))),
            "bag_bias": draw.normal(-1, 1, len(LANE_LABELS)),
        },
        settings={
            "segment_threshold": -1.0,
            "outline_threshold": 0.5,
            "sample_threshold": 2.5,
            "page_bonus": dict.fromkeys(LANE_LABELS, 1.0),
            "bonus_floor": -2.0,
            "lowest_bonus_floor": -3.0,
            "growth": [0.5, 0, 1.0],
            "growth_floor": -2.0,
            "spun_bonus": 1.0,
            "recurring_margin": 1.0,
            "bridge_chars": 12,
            "bridge_floor": -2.0,
            "spun": {
                "steps": 20.0,
                "bias": -0.5,
                "threshold": 0.0,
                "slack": 1.0,
                "least_han": 8,
                "least_han_share": 0.3,
            },
        },
    )


def _bucket_of(letter: str) -> int:
    """Return the bucket of one character seen from where it stands itself."""
    place = next(place for place in PLACES if (place.shape, place.order, place.shift) == (False, 1, 0))
    codes = np.frombuffer(fold_text(letter)[0].encode("utf-16-le"), "<u2")
    return int(bases(ngram_hashes(codes, 1), NGRAM_BITS)[0]) ^ place.key


def _bigrams(weights: Mapping[str, int]) -> NDArray[np.int8]:
    table = np.zeros(1 << BIGRAM_BITS, np.int8)
    for bigram, weight in weights.items():
        table[bigram_buckets(np.frombuffer(fold_text(bigram)[0].encode("utf-16-le"), "<u2"))] = weight
    return table
