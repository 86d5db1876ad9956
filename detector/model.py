"""The linear model in NumPy: buckets in, log-odds of every label out, and the bundle it is loaded from and saved to.

A bundle is a folder: ``manifest.json`` says what it is and carries digests, ``weights.npz`` what serving reads,
``training.npz`` what retraining starts from. Nothing in it runs code when it is loaded.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.datatypes import BundleError, Label
from detector.features import FEATURES, KEYWORD_BITS, Lookups
from detector.folding import CharClass, FoldedBatch
from detector.ngrams import BUCKET_COUNT, MARGIN_CHARS, PLACES, bucket_columns
from detector.segment_scores import BAG_ENTRIES, bag_columns, bag_words, segment_scores
from detector.segmentation import Segments
from detector.spun import BIGRAM_BITS, SpunRule, bigram_buckets
from detector.words import WORD_PLACES, word_buckets, words_of

FORMAT = 2
MANIFEST, WEIGHTS, TRAINING = "manifest.json", "weights.npz", "training.npz"
#: The labels that the character model scores, one 16-bit lane of the packed table each.
LANE_LABELS = (Label.PORN, Label.GAMBLING, Label.OTHER_SPAM, Label.REPOSITORY_BOILERPLATE)
#: Integer weights: so many steps make one unit of log-odds.
WEIGHT_SCALE = 64
#: A lane holds the sum of all look-ups of a character without overflow.
WEIGHT_LIMIT = 32767 // (len(PLACES) + len(FEATURES) + len(WORD_PLACES) + 1)


def feature_space() -> dict[str, Any]:
    """Return what a bundle's weights depend on beside themselves: sizes, names, and what the hashes give."""
    codes = np.arange(40, 160, 5, dtype=np.uint16)
    classes = (codes % len(CharClass)).astype(np.uint8)
    model = sum(int(buckets.sum()) for _, buckets in bucket_columns(codes, classes))
    bag = sum(int(buckets.sum()) for buckets in bag_columns(codes, 0, 8))
    letters = np.where(codes == codes[8], int(CharClass.SPACE), int(CharClass.LATIN_LOWER)).astype(np.uint8)
    words = words_of(codes, letters, np.array([0]), np.array([len(codes)]))
    return {
        "buckets": BUCKET_COUNT,
        "places": len(PLACES),
        "features": list(FEATURES),
        "words": list(WORD_PLACES),
        "hashes": [
            model,
            int(bigram_buckets(codes).sum()),
            bag,
            int(bag_words(words).sum()),
            int(word_buckets(words).sum()),
        ],
    }


@dataclass(frozen=True)
class Bundle:
    """Everything that scanning reads. Arrays: ``lanes`` int64 (BUCKET_COUNT + 1 entries, the last the bias),
    ``spun`` int8 (bigrams of machine-spun text); ``lookups`` are what segment features read."""

    name: str
    path: Path
    manifest: dict[str, Any]
    lanes: NDArray[np.int64] = field(repr=False)
    spun: NDArray[np.int8] = field(repr=False)
    lookups: Lookups = field(repr=False)

    @property
    def settings(self) -> dict[str, Any]:
        """Return the learned numbers that are not arrays: thresholds, costs, calibration, verdicts."""
        found: dict[str, Any] = self.manifest["settings"]
        return found


@dataclass(frozen=True, slots=True)
class Decisions:
    """The learned numbers of deciding; log-odds are in integer steps of 1 / WEIGHT_SCALE.

    ``thresholds``: what a lane must exceed, int32 by LANE_LABELS. ``switch_costs``: the price of entering or leaving
    spam, by LANE_LABELS. ``page_bonus``: what the lane of a label gains on pages with ``confident_chars`` (int64) of
    it, int32; document-site text only in segments whose mean excess is no less than ``bonus_floor``, which sinks to
    ``lowest_bonus_floor`` the more of it is sure. ``growth``: what spam
    gains besides on pages written in letters with each doubling of its certain characters, from which doubling on, and
    at most; only in segments whose mean excess is no less than ``growth_floor``. ``spun_bonus``: what spam gains on
    pages that a machine spun.
    ``repeat_chars``: shortest and longest string looked for again. ``recurring_margin``: how much weaker what recurs
    may be in one place. ``bridge_chars``, ``bridge_floor``: the longest gap in document-site text that is filled, and
    the least mean excess of its characters. ``segment_threshold``: what a segment must reach as a whole to be looked at
    more closely; ``outline_threshold``, ``sample_threshold``: how far its outline, and the best of its sampled
    characters, must exceed the threshold of a label to be scored. ``calibration``: slope and offset
    from log-odds to calibrated log-odds.
    ``verdicts``, ``spun``: see the rooms of these names.
    """

    thresholds: NDArray[np.int32]
    switch_costs: tuple[int, ...]
    page_bonus: NDArray[np.int32]
    bonus_floor: int
    lowest_bonus_floor: int
    growth: tuple[int, int, int]
    growth_floor: int
    spun_bonus: int
    confident_chars: NDArray[np.int64]
    repeat_chars: tuple[int, int]
    recurring_margin: int
    bridge_chars: int
    bridge_floor: int
    segment_threshold: float
    outline_threshold: int
    sample_threshold: int
    calibration: tuple[float, float]
    verdicts: dict[str, Any]
    spun: SpunRule

    @classmethod
    def of(cls, settings: dict[str, Any]) -> Decisions:
        """Read them from a bundle's settings."""
        return cls(
            np.array([round(settings["thresholds"][label] * WEIGHT_SCALE) for label in LANE_LABELS], np.int32),
            tuple(round(settings["switch_cost"][label] * WEIGHT_SCALE) for label in LANE_LABELS),
            np.array([round(settings["page_bonus"][label] * WEIGHT_SCALE) for label in LANE_LABELS], np.int32),
            round(settings["bonus_floor"] * WEIGHT_SCALE),
            round(settings["lowest_bonus_floor"] * WEIGHT_SCALE),
            (
                round(settings["growth"][0] * WEIGHT_SCALE),
                int(settings["growth"][1]),
                round(settings["growth"][2] * WEIGHT_SCALE),
            ),
            round(settings["growth_floor"] * WEIGHT_SCALE),
            round(settings["spun_bonus"] * WEIGHT_SCALE),
            np.array([int(settings["confident_chars"][label]) for label in LANE_LABELS], np.int64),
            (int(settings["repeat_chars"][0]), int(settings["repeat_chars"][1])),
            round(settings["recurring_margin"] * WEIGHT_SCALE),
            int(settings["bridge_chars"]),
            round(settings["bridge_floor"] * WEIGHT_SCALE),
            float(settings["segment_threshold"]),
            round(settings["outline_threshold"] * WEIGHT_SCALE),
            round(settings["sample_threshold"] * WEIGHT_SCALE),
            (float(settings["calibration"][0]), float(settings["calibration"][1])),
            dict(settings["verdicts"]),
            SpunRule.of(settings["spun"]),
        )


@dataclass(frozen=True, slots=True)
class BundleInfo:
    """What `detector models` says of a bundle."""

    name: str
    path: Path
    made: str
    labels: tuple[str, ...]
    metrics: dict[str, Any]


def accumulate(
    table: NDArray[Any], codes: NDArray[np.uint16], classes: NDArray[np.uint8], *, piece_chars: int = 1 << 14
) -> NDArray[Any]:
    """Return the sum of the table's entries over the n-grams around each character but MARGIN_CHARS at either side.

    Works for packed lanes and for floating-point weights of one label alike; `piece_chars` only bounds scratch.
    """
    count = len(codes) - 2 * MARGIN_CHARS
    if count <= 0:
        return np.zeros(0, table.dtype)
    sums = np.zeros(count, table.dtype)
    scratch = np.empty(min(count, piece_chars), np.int64)
    entries = np.empty(min(count, piece_chars), table.dtype)
    for start in range(0, count, piece_chars):
        end = min(start + piece_chars, count)
        into = sums[start:end]
        beyond = end + 2 * MARGIN_CHARS
        for _, buckets in bucket_columns(codes[start:beyond], classes[start:beyond], scratch):
            np.take(table, buckets, out=entries[: end - start], mode="clip")
            into += entries[: end - start]
    return sums


def accumulate_at(
    table: NDArray[Any],
    codes: NDArray[np.uint16],
    classes: NDArray[np.uint8],
    at: NDArray[np.int64],
    *,
    piece_chars: int = 1 << 14,
) -> NDArray[Any]:
    """Return the entries of `accumulate` at some places of its result (int64, sorted), without the others."""
    sums = np.zeros(len(at), table.dtype)
    for start in range(0, len(codes) - 2 * MARGIN_CHARS, piece_chars):
        first, last = np.searchsorted(at, [start, start + piece_chars])
        piece = slice(start, start + piece_chars + 2 * MARGIN_CHARS)
        for _, buckets in bucket_columns(codes[piece], classes[piece], at=at[first:last] - start):
            sums[first:last] += table.take(buckets)
    return sums


def pack_lanes(weights: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Quantise weights (LANE_LABELS x entries) and pack them, a signed 16-bit lane a label, into int64.

    >>> unpack_lanes(pack_lanes(np.array([[1.0], [-2.0], [0.0], [-0.5]])))[0].tolist()
    [64, -128, 0, -32]
    """
    return pack_steps(np.clip(np.rint(weights * WEIGHT_SCALE), -WEIGHT_LIMIT, WEIGHT_LIMIT).astype(np.int64))


def pack_steps(steps: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pack integer steps (LANE_LABELS x entries) into one int64 an entry."""
    packed = np.zeros(steps.shape[1], np.int64)
    for lane, row in enumerate(steps):
        packed += row << np.int64(16 * lane)
    return packed


def unpack_lanes(sums: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the lanes of packed sums as a row a character and a column a label of LANE_LABELS."""
    out = np.empty((len(sums), len(LANE_LABELS)), np.int32)
    rest = sums.copy()
    for lane in range(len(LANE_LABELS)):
        low = (rest << 48) >> 48
        out[:, lane] = low
        rest -= low
        rest >>= 16
    return out


def best_lane(lanes: NDArray[Any]) -> NDArray[Any]:
    """Return the highest of the lanes (columns) of each row; `max` over so short an axis takes ten times as long."""
    return reduce(np.maximum, lanes.T)


def digest(path: Path) -> str:
    """Return the sha256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def bundle_folders() -> list[Path]:
    """Return the folders that may hold bundles: inside the package first, then beside it."""
    package = Path(__file__).resolve().parent
    return [folder for folder in (package / "models", package.parent / "models") if folder.is_dir()]


def whole_scores(lookups: Lookups, batch: FoldedBatch, segments: Segments) -> NDArray[np.float64]:
    """Return the segment model's log-odds for every segment of the batch."""
    return segment_scores(batch.codes, batch.classes, segments.starts, segments.ends, lookups.bag, lookups.bag_bias)


def find_bundle(name_or_path: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of the bundle named (default: ``default``) or pointed at."""
    wanted = os.fspath(name_or_path) if name_or_path is not None else "default"
    if os.sep not in wanted and not wanted.startswith("."):
        for folder in bundle_folders():
            if (folder / wanted / MANIFEST).is_file():
                return folder / wanted
    if (Path(wanted) / MANIFEST).is_file():
        return Path(wanted)
    if Path(wanted).is_dir():
        raise BundleError(f"{wanted} holds no {MANIFEST}; name the folder of a bundle (`detector models` lists them)")
    known = ", ".join(info.name for info in list_bundles()) or "none"
    raise BundleError(f"no bundle {wanted!r}; give the path of a bundle's folder or one of: {known}")


def list_bundles() -> list[BundleInfo]:
    """Return the bundles that can be found by name."""
    found: dict[str, BundleInfo] = {}
    for folder in bundle_folders():
        for manifest_path in sorted(folder.glob(f"*/{MANIFEST}")):
            try:
                manifest = read_manifest(manifest_path.parent)
            except BundleError:
                continue  # `detector models` lists what can be loaded; loading one by name says what is wrong
            name = manifest_path.parent.name
            info = BundleInfo(
                name,
                manifest_path.parent,
                str(manifest.get("made_by", "")),
                tuple(manifest["labels"]),
                manifest.get("metrics", {}),
            )
            found.setdefault(name, info)
    return list(found.values())


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return a bundle's manifest, or raise BundleError saying what is wrong with it."""
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BundleError(f"{path} cannot be read ({error.strerror}); install the bundle again") from error
    except ValueError as error:
        raise BundleError(f"{path} is not valid JSON; install the bundle again") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        found = manifest.get("format") if isinstance(manifest, dict) else None
        raise BundleError(f"{path} has format {found!r}; this version reads format {FORMAT}: retrain or upgrade")
    if manifest.get("feature_space") != feature_space():
        raise BundleError(f"{path} was made for another feature space; retrain it with this version")
    for key in ("labels", "settings", "digests"):
        if key not in manifest:
            raise BundleError(f"{path} lacks {key!r}; install the bundle again")
    if manifest["labels"] != [str(label) for label in LANE_LABELS] or not isinstance(manifest["digests"], dict):
        raise BundleError(f"{path} has labels or digests that this version does not know; retrain or install it again")
    try:
        Decisions.of(manifest["settings"])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise BundleError(f"{path} has unusable settings ({error!r}); install the bundle again") from error
    return manifest


def read_arrays(folder: Path, file_name: str, manifest: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """Return the arrays of one of a bundle's files after comparing its digest."""
    path = folder / file_name
    try:
        seen = digest(path)
    except OSError as error:
        raise BundleError(f"{path} cannot be read ({error.strerror}); install the bundle again") from error
    if seen != manifest["digests"].get(file_name):
        raise BundleError(f"{path} does not match its digest in {MANIFEST}: truncated or altered; install it again")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (ValueError, OSError, TypeError, zipfile.BadZipFile, EOFError) as error:
        raise BundleError(f"{path} is no array file; install the bundle again") from error


def load_bundle(name_or_path: str | os.PathLike[str] | None = None) -> Bundle:
    """Load a bundle for serving; raise BundleError where it is missing, truncated, altered or unknown."""
    folder = find_bundle(name_or_path)
    manifest = read_manifest(folder)
    arrays = read_arrays(folder, WEIGHTS, manifest)
    expected: dict[str, tuple[Any, ...]] = {
        "lanes": (np.int64, BUCKET_COUNT + 1),
        "spun": (np.int8, 1 << BIGRAM_BITS),
        "keywords": (np.uint8, 1 << KEYWORD_BITS),
        "bag": (np.int8, len(LANE_LABELS), BAG_ENTRIES),
        "bag_bias": (np.float64, len(LANE_LABELS)),
    }
    for name, (dtype, *shape) in expected.items():
        if name not in arrays or arrays[name].dtype != dtype or arrays[name].shape != tuple(shape):
            size = " x ".join(map(str, shape))
            raise BundleError(f"{folder / WEIGHTS} has no array {name!r} of {size} {np.dtype(dtype)}; retrain it")
    name = f"{folder.name}@{manifest['digests'][WEIGHTS][:12]}"
    bag = pack_steps(arrays["bag"].astype(np.int64))
    lookups = Lookups(arrays["keywords"], bag, arrays["bag_bias"])
    return Bundle(name, folder, manifest, arrays["lanes"], arrays["spun"], lookups)


def save_bundle(
    folder: Path,
    *,
    settings: dict[str, Any],
    serving: dict[str, NDArray[Any]],
    training: dict[str, NDArray[Any]],
    facts: dict[str, Any],
) -> dict[str, Any]:
    """Write a bundle's files into `folder` (made if needed) and return its manifest, written last.

    `serving` holds the arrays of a Bundle; of the bag, whose steps are small, a byte a label is written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    serving = {**serving, "bag": unpack_lanes(serving["bag"]).T.astype(np.int8)}
    np.savez(folder / WEIGHTS, allow_pickle=False, **serving)
    np.savez_compressed(folder / TRAINING, allow_pickle=False, **training)
    manifest = {
        "format": FORMAT,
        "labels": [str(label) for label in LANE_LABELS],
        "feature_space": feature_space(),
        "settings": settings,
        "digests": {name: digest(folder / name) for name in (WEIGHTS, TRAINING)},
        **facts,
    }
    temporary = folder / f"{MANIFEST}.partial"
    temporary.write_text(json.dumps(manifest, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(temporary, folder / MANIFEST)
    return manifest
