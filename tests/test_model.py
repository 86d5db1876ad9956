"""The model sums exactly what it looks up, and a bundle loads whole or is refused with a reason."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.datatypes import BundleError
from detector.folding import CLASS_COUNT, fold_pages
from detector.model import (
    FORMAT,
    LANE_LABELS,
    MANIFEST,
    TRAINING,
    WEIGHT_LIMIT,
    WEIGHT_SCALE,
    WEIGHTS,
    Bundle,
    Decisions,
    accumulate,
    accumulate_at,
    best_lane,
    digest,
    feature_space,
    find_bundle,
    list_bundles,
    load_bundle,
    pack_lanes,
    unpack_lanes,
)
from detector.ngrams import BUCKET_COUNT, MARGIN_CHARS, PLACES, bucket_columns
from detector.pipeline import Detector
from detector.spun import SpunRule

LANES = len(LANE_LABELS)
lane_values = st.integers(-WEIGHT_LIMIT, WEIGHT_LIMIT)
columns_of_lanes = st.lists(st.lists(lane_values, min_size=LANES, max_size=LANES), min_size=1, max_size=20)


# Packed lanes


@given(columns_of_lanes)
def test_what_is_packed_unpacks_the_same(rows: list[list[int]]) -> None:
    weights = np.array(rows, np.float64).T / WEIGHT_SCALE
    assert unpack_lanes(pack_lanes(weights)).tolist() == rows


@given(st.lists(st.floats(-1e6, 1e6), min_size=LANES, max_size=LANES))
def test_weights_are_rounded_to_steps_and_held_within_the_limit(weights: list[float]) -> None:
    expected = [max(-WEIGHT_LIMIT, min(WEIGHT_LIMIT, round(weight * WEIGHT_SCALE))) for weight in weights]
    assert unpack_lanes(pack_lanes(np.array(weights)[:, None]))[0].tolist() == expected


@given(columns_of_lanes)
def test_a_packed_sum_is_the_sum_of_its_lanes(rows: list[list[int]]) -> None:
    packed = pack_lanes(np.array(rows, np.float64).T / WEIGHT_SCALE)
    assert unpack_lanes(packed.sum(keepdims=True))[0].tolist() == np.array(rows).sum(axis=0).tolist()


@pytest.mark.parametrize("signs", [(1, 1, 1, 1), (-1, -1, -1, -1), (1, -1, 1, -1), (-1, 1, -1, 1), (-1, -1, 1, 1)])
def test_all_lookups_of_a_character_at_the_strongest_weight_do_not_overflow(
    tiny_bundle: Bundle, signs: tuple[int, ...]
) -> None:
    features = tiny_bundle.manifest["feature_space"]["features"]
    words = tiny_bundle.manifest["feature_space"]["words"]
    lookups = len(PLACES) + len(features) + len(words) + 1  # the bias
    strongest = pack_lanes(np.repeat(np.array(signs, np.float64)[:, None] * 1e9, lookups, axis=1))
    assert unpack_lanes(strongest.sum(keepdims=True))[0].tolist() == [sign * WEIGHT_LIMIT * lookups for sign in signs]


@given(st.lists(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=LANES, max_size=LANES), max_size=20))
def test_the_best_lane_is_the_highest_of_each_row(rows: list[list[int]]) -> None:
    lanes = np.array(rows, np.int32).reshape(-1, LANES)
    kept = lanes.copy()
    found = best_lane(lanes)
    assert found.tolist() == [max(row) for row in rows]
    assert found.dtype == lanes.dtype
    assert (lanes == kept).all()


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=20))
def test_the_best_of_one_lane_is_that_lane(values: list[float]) -> None:
    assert best_lane(np.array(values)[:, None]).tolist() == values


# Look-ups


@given(st.lists(st.integers(0, 0xFFFF), max_size=60), st.integers(1, 30))
@settings(max_examples=60)
def test_accumulate_equals_looking_every_place_up_one_by_one(
    tiny_bundle: Bundle, codes: list[int], piece_chars: int
) -> None:
    shadow = np.array(codes, np.uint16)
    classes = np.array([code % CLASS_COUNT for code in codes], np.uint8)
    expected = [0] * max(len(codes) - 2 * MARGIN_CHARS, 0)
    for at in range(len(expected)):
        window = slice(at, at + 2 * MARGIN_CHARS + 1)
        for _, bucket in bucket_columns(shadow[window], classes[window]):
            expected[at] += int(tiny_bundle.lanes[int(bucket[0])])
    assert accumulate(tiny_bundle.lanes, shadow, classes).tolist() == expected
    assert accumulate(tiny_bundle.lanes, shadow, classes, piece_chars=piece_chars).tolist() == expected


def test_accumulate_is_the_same_over_the_edge_of_a_piece(tiny_bundle: Bundle) -> None:
    batch = fold_pages(["某某娱乐城 casino 2024|官网下载\n" * 900])
    whole = accumulate(tiny_bundle.lanes, batch.codes, batch.classes, piece_chars=1 << 20)
    assert len(whole) > 1 << 14
    assert (accumulate(tiny_bundle.lanes, batch.codes, batch.classes) == whole).all()


def test_accumulate_takes_weights_that_are_not_packed() -> None:
    batch = fold_pages(["某某娱乐城"])
    draw = np.random.Generator(np.random.PCG64(1))
    table = draw.normal(0, 1, BUCKET_COUNT + 1)
    expected = sum(table[buckets.copy()] for _, buckets in bucket_columns(batch.codes, batch.classes))
    assert np.allclose(accumulate(table, batch.codes, batch.classes), expected)


@given(st.lists(st.integers(0, 0xFFFF), max_size=60), st.integers(1, 30), st.data())
@settings(max_examples=60)
def test_accumulate_at_some_places_equals_accumulate_there(
    tiny_bundle: Bundle, codes: list[int], piece_chars: int, data: st.DataObject
) -> None:
    shadow = np.array(codes, np.uint16)
    classes = np.array([code % CLASS_COUNT for code in codes], np.uint8)
    whole = accumulate(tiny_bundle.lanes, shadow, classes)
    places = st.lists(st.integers(0, len(whole) - 1), max_size=20) if len(whole) else st.just([])
    at = np.array(sorted(data.draw(places)), np.int64)
    found = accumulate_at(tiny_bundle.lanes, shadow, classes, at, piece_chars=piece_chars)
    assert found.tolist() == whole[at].tolist()
    assert found.dtype == whole.dtype
    assert accumulate_at(tiny_bundle.lanes, shadow, classes, at).tolist() == found.tolist()


def test_places_on_both_sides_of_the_edge_of_a_piece_are_accumulated_alike(tiny_bundle: Bundle) -> None:
    batch = fold_pages(["某某娱乐城 casino 2024|官网下载\n" * 900])
    whole = accumulate(tiny_bundle.lanes, batch.codes, batch.classes)
    at = np.concatenate([[0, 7], np.arange(-3, 4) + (1 << 14), [len(whole) - 1]])
    assert (accumulate_at(tiny_bundle.lanes, batch.codes, batch.classes, at) == whole[at]).all()


# Bundles


@pytest.fixture
def copied(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    """Return a copy of a bundle, to be damaged."""
    return Path(shutil.copytree(tiny_bundle.path, tmp_path / "copied"))


def change_manifest(folder: Path, **changes: Any) -> None:
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    manifest.update(changes)
    kept = {name: value for name, value in manifest.items() if value is not ...}
    (folder / MANIFEST).write_text(json.dumps(kept), encoding="utf-8")


def write_arrays(folder: Path, **changes: Any) -> None:
    """Write the weights anew with some arrays replaced or, given as ..., left out, and a digest that fits."""
    with np.load(folder / WEIGHTS) as stored:
        arrays = {name: stored[name] for name in stored.files} | changes
    np.savez(folder / WEIGHTS, **{name: array for name, array in arrays.items() if array is not ...})
    trust(folder)


def trust(folder: Path) -> None:
    """Make the manifest's digest fit the weights that are there."""
    change_manifest(folder, digests={name: digest(folder / name) for name in (WEIGHTS, TRAINING)})


def test_a_saved_bundle_loads_with_the_same_arrays_and_settings(tiny_bundle: Bundle) -> None:
    again = load_bundle(tiny_bundle.path)
    for name in ("lanes", "spun"):
        assert (getattr(again, name) == getattr(tiny_bundle, name)).all()
    assert (again.lookups.bag == tiny_bundle.lookups.bag).all()
    assert again.settings == tiny_bundle.settings
    assert again.name == tiny_bundle.name == f"hand-made@{digest(tiny_bundle.path / WEIGHTS)[:12]}"
    assert not list(tiny_bundle.path.glob("*.partial"))


def cut_short(name: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[: len(whole) // 2])

    return damage


def turn_a_bit(folder: Path) -> None:
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / WEIGHTS).write_bytes(content)


def write_weights(content: bytes) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        (folder / WEIGHTS).write_bytes(content)
        trust(folder)

    return damage


def write_one_array(folder: Path) -> None:
    with (folder / WEIGHTS).open("wb") as stream:
        np.save(stream, np.zeros(3))
    trust(folder)


def write_manifest(content: bytes) -> Callable[[Path], Any]:
    return lambda folder: (folder / MANIFEST).write_bytes(content)


def drop_setting(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    del manifest["settings"]["switch_cost"]
    change_manifest(folder, settings=manifest["settings"])


def drop_one_cost(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    del manifest["settings"]["switch_cost"]["porn"]
    change_manifest(folder, settings=manifest["settings"])


def one_cost_for_all(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    change_manifest(folder, settings={**manifest["settings"], "switch_cost": 3.0})


def drop_spun_setting(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    del manifest["settings"]["spun"]["slack"]
    change_manifest(folder, settings=manifest["settings"])


DAMAGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no manifest": (lambda folder: (folder / MANIFEST).unlink(), f"holds no {MANIFEST}"),
    "no weights": (lambda folder: (folder / WEIGHTS).unlink(), f"{WEIGHTS} cannot be read"),
    "a manifest cut short": (cut_short(MANIFEST), "not valid JSON"),
    "an empty manifest": (write_manifest(b""), "not valid JSON"),
    "a manifest that is not UTF-8": (write_manifest(b"\xff\xfe"), "not valid JSON"),
    "a manifest that is a list": (write_manifest(b"[]"), "format None"),
    "weights cut short": (cut_short(WEIGHTS), "does not match its digest"),
    "weights with a turned bit": (turn_a_bit, "does not match its digest"),
    "empty weights": (lambda folder: (folder / WEIGHTS).write_bytes(b""), "does not match its digest"),
    "a format of the future": (lambda folder: change_manifest(folder, format=FORMAT + 1), f"has format {FORMAT + 1}"),
    "a format of the past": (lambda folder: change_manifest(folder, format=1), "has format 1"),
    "no format": (lambda folder: change_manifest(folder, format=...), "has format None"),
    "another feature space": (lambda folder: change_manifest(folder, feature_space={}), "another feature space"),
    "no settings": (lambda folder: change_manifest(folder, settings=...), "lacks 'settings'"),
    "a setting left out": (drop_setting, "switch_cost"),
    "a setting of one label left out": (drop_one_cost, "unusable settings"),
    "one setting for all labels": (one_cost_for_all, "unusable settings"),
    "a setting of a room left out": (drop_spun_setting, "slack"),
    "no digests": (lambda folder: change_manifest(folder, digests=...), "lacks 'digests'"),
    "digests of no file": (lambda folder: change_manifest(folder, digests={}), "does not match its digest"),
    "digests that are no table": (lambda folder: change_manifest(folder, digests=None), MANIFEST),
    "no labels": (lambda folder: change_manifest(folder, labels=...), "lacks 'labels'"),
    "labels of another model": (lambda folder: change_manifest(folder, labels=["porn", "ham"]), "labels"),
    "weights that are text": (write_weights(b"not an archive"), "no array file"),
    "weights that are empty, and trusted": (write_weights(b""), "no array file"),
    "weights that are one array": (write_one_array, "no array file"),
    "weights that are a pickle": (write_weights(b"\x80\x04K\x01."), "no array file"),
    "an array left out": (lambda folder: write_arrays(folder, bag=...), "no array 'bag'"),
    "an array of another size": (
        lambda folder: write_arrays(folder, lanes=np.zeros(7, np.int64)),
        f"no array 'lanes' of {BUCKET_COUNT + 1} int64",
    ),
    "an array of another kind": (
        lambda folder: write_arrays(folder, spun=np.zeros(1 << 16)),
        "no array 'spun' of 65536 int8",
    ),
    "an array of objects": (
        lambda folder: write_arrays(folder, spun=np.array([{"a": 1}], dtype=object)),
        "no array",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_bundle_is_refused_and_the_message_says_why(copied: Path, damage: str) -> None:
    break_it, message = DAMAGES[damage]
    assert Detector.load(copied).scan("whole").chars == 5
    break_it(copied)
    with pytest.raises(BundleError) as refusal:
        Detector.load(copied)
    assert message in str(refusal.value)
    assert str(copied) in str(refusal.value)


HASHES = (
    "n-grams around a character",
    "bigrams of spun text",
    "n-grams of a segment",
    "words of a segment",
    "words around a character",
)


def test_the_feature_space_is_named_in_the_manifest_and_the_same_every_time(tiny_bundle: Bundle) -> None:
    space = feature_space()
    assert space == feature_space() == tiny_bundle.manifest["feature_space"]
    assert space == json.loads(json.dumps(space))
    assert len(space["hashes"]) == len(HASHES)


@pytest.mark.parametrize("key", sorted(feature_space()))
@pytest.mark.parametrize("kept", [True, False])
def test_a_bundle_of_another_feature_space_is_refused(copied: Path, key: str, kept: bool) -> None:
    space = feature_space()
    value = space.pop(key)
    if kept:
        space[key] = value[:-1] if isinstance(value, list) else value + 1
    change_manifest(copied, feature_space=space)
    with pytest.raises(BundleError, match="another feature space; retrain it"):
        load_bundle(copied)
    assert list_bundles_in(copied) == []


@pytest.mark.parametrize("number", range(len(HASHES)), ids=HASHES)
def test_a_bundle_whose_hashes_gave_other_buckets_is_refused(copied: Path, number: int) -> None:
    space = feature_space()
    space["hashes"][number] += 1
    change_manifest(copied, feature_space=space)
    with pytest.raises(BundleError, match="another feature space"):
        load_bundle(copied)


@pytest.mark.parametrize(
    ("name", "value", "changed"),
    [
        ("detector.ngrams._MULTIPLIER", np.uint32(0x9E3779B3), [True, False, True, True, True]),
        ("detector.ngrams._FINISH", np.uint32(0x85EBCA6D), [True, False, True, True, True]),
        (
            "detector.ngrams.PLACES",
            (replace(PLACES[0], key=PLACES[0].key ^ 1), *PLACES[1:]),
            [True, False, False, False, False],
        ),
        ("detector.ngrams._SHAPES", np.arange(CLASS_COUNT, dtype=np.uint32), [True, False, False, False, False]),
        ("detector.spun._FIRST", np.uint16(0x9E39), [False, True, False, False, False]),
        ("detector.spun._SECOND", np.uint16(0x79B3), [False, True, False, False, False]),
        (
            "detector.segment_scores.hash_columns",
            lambda columns: columns[0].astype(np.uint32),
            [False, False, True, False, False],
        ),
        ("detector.segment_scores.BAG_BITS", 16, [False, False, True, True, False]),
        ("detector.segment_scores.longer", lambda hashed, column: hashed ^ column, [False, False, True, True, False]),
        ("detector.segment_scores._WORD_KEYS", (0, 1, 2), [False, False, False, True, False]),
        ("detector.words.longer", lambda hashed, column: hashed ^ column, [False, False, False, False, True]),
        ("detector.words.BEGINNING_CHARS", (3, 6), [False, False, False, True, True]),
    ],
)
def test_whatever_a_hash_depends_on_shows_in_the_feature_space(
    monkeypatch: pytest.MonkeyPatch, copied: Path, name: str, value: object, changed: list[bool]
) -> None:
    before = feature_space()["hashes"]
    monkeypatch.setattr(name, value)
    after = feature_space()["hashes"]
    assert [old != new for old, new in zip(before, after, strict=True)] == changed
    with pytest.raises(BundleError, match="another feature space"):
        load_bundle(copied)


def test_a_damaged_file_that_only_retraining_reads_does_not_stop_scanning(copied: Path) -> None:
    (copied / TRAINING).unlink()
    assert Detector.load(copied).scan("a page").chars == 6


def test_a_bundle_that_is_not_there_is_named_with_those_that_are(monkeypatch: pytest.MonkeyPatch, copied: Path) -> None:
    monkeypatch.setattr("detector.model.bundle_folders", lambda: [copied.parent])
    with pytest.raises(BundleError, match=r"no bundle 'missing'.* one of: copied"):
        load_bundle("missing")
    with pytest.raises(BundleError, match="no bundle"):
        load_bundle(copied.parent / "nowhere")
    with pytest.raises(BundleError, match="holds no"):
        load_bundle(copied.parent)


def test_a_bundle_is_found_by_name_and_by_path(monkeypatch: pytest.MonkeyPatch, copied: Path) -> None:
    monkeypatch.setattr("detector.model.bundle_folders", lambda: [copied.parent])
    assert find_bundle("copied") == copied
    assert find_bundle(copied) == find_bundle(str(copied)) == copied
    shutil.copytree(copied, copied.parent / "default")
    assert find_bundle() == copied.parent / "default"
    monkeypatch.chdir(copied.parent)
    monkeypatch.setattr("detector.model.bundle_folders", list)
    assert find_bundle("copied").resolve() == copied.resolve()


def list_bundles_in(folder: Path) -> list[str]:
    """Return the names of the bundles found beside a folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("detector.model.bundle_folders", lambda: [folder.parent])
        return [info.name for info in list_bundles()]


def test_only_bundles_that_can_be_loaded_are_listed(monkeypatch: pytest.MonkeyPatch, copied: Path) -> None:
    monkeypatch.setattr("detector.model.bundle_folders", lambda: [copied.parent])
    broken = Path(shutil.copytree(copied, copied.parent / "broken"))
    change_manifest(broken, format=99)
    listed = list_bundles()
    assert [(info.name, info.path, info.made) for info in listed] == [("copied", copied, "a test")]
    assert listed[0].labels == tuple(str(label) for label in LANE_LABELS)


def test_decisions_are_the_settings_in_integer_steps(make_bundle: Callable[..., Bundle]) -> None:
    by_label = dict.fromkeys(LANE_LABELS, 0.25) | {"gambling": 1.5}
    in_steps = [16, 96, 16, 16]
    bundle = make_bundle(
        settings={
            "thresholds": by_label,
            "switch_cost": by_label,
            "page_bonus": by_label,
            "confident_chars": dict.fromkeys(LANE_LABELS, 6) | {"repository_boilerplate": 40},
            "bonus_floor": -2.5,
            "lowest_bonus_floor": -3.5,
            "growth": [0.25, 2, 1.5],
            "growth_floor": -2.0,
            "spun_bonus": 0.75,
            "repeat_chars": [3, 9],
            "recurring_margin": 1.5,
            "bridge_chars": 200,
            "bridge_floor": -4.5,
            "segment_threshold": -2.25,
            "outline_threshold": -5.5,
            "sample_threshold": 0.5,
        }
    )
    decisions = Decisions.of(bundle.settings)
    assert decisions.thresholds.tolist() == in_steps
    assert decisions.switch_costs == tuple(in_steps)
    assert decisions.page_bonus.tolist() == in_steps
    assert (decisions.bonus_floor, decisions.lowest_bonus_floor) == (-160, -224)
    assert (decisions.growth, decisions.growth_floor) == ((16, 2, 96), -128)
    assert decisions.spun_bonus == 48
    assert decisions.confident_chars.tolist() == [6, 6, 6, 40]
    assert decisions.repeat_chars == (3, 9)
    assert decisions.recurring_margin == 96
    assert (decisions.bridge_chars, decisions.bridge_floor) == (200, -288)
    assert decisions.segment_threshold == -2.25
    assert (decisions.outline_threshold, decisions.sample_threshold) == (-352, 32)
    assert decisions.spun == SpunRule.of(bundle.settings["spun"])
    assert decisions.verdicts == bundle.settings["verdicts"]
