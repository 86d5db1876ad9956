"""Training: labelled pages, or the training material and corpora, in; a bundle out. The room of scikit-learn."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.datatypes import InputError, LabelledPage, UsageError
from detector.evaluation import evaluate_pages
from detector.formats import read_labelled
from detector.model import (
    LANE_LABELS,
    TRAINING,
    WEIGHT_SCALE,
    Bundle,
    find_bundle,
    load_bundle,
    pack_lanes,
    read_arrays,
    read_manifest,
    save_bundle,
    unpack_lanes,
)
from detector.pipeline import Detector
from detector.training.examples import Rows, rows_of
from detector.training.fitting import fit_lanes
from detector.training.recipe import Recipe, facts_of, fit_from_scratch, lost_by_screen
from detector.training.replay import pack_replay, unpack_replay
from detector.training.tuning import with_settings

__all__ = ["Recipe", "train_bundle"]

#: The passes over new and replayed rows, and the strength of the pull towards small weights, in retraining.
RETRAIN_EPOCHS = 4
RETRAIN_ALPHA = 1e-6
#: All new rows together count so much against all replayed ones.
NEW_SHARE = 0.5
#: What passes over segments that are not worth scoring, and how far each is lowered at a time where that loses a find.
_SCREEN_SETTINGS = ("segment_threshold", "outline_threshold", "sample_threshold")
_SCREEN_STEP = 0.25
_MATERIAL = "training_data"


def train_bundle(
    labelled: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    base: str | None = None,
    from_scratch: bool = False,
    corpora: str | os.PathLike[str] | None = None,
    dry_run: bool = False,
    report: Callable[[str], None] = lambda _: None,
    recipe: Recipe | None = None,
) -> dict[str, Any]:
    """Fit a bundle, write it to the folder `out` and return its figures on the pages it was made from or held out.

    Without `from_scratch` the weights of the bundle `base` (default: the shipped one) go on learning from the
    labelled pages and from the rows the bundle carries. With it, everything is fitted anew from the training material
    (the folder training_data of a checkout) and the `corpora`. `dry_run` does all but writing. The folder appears
    whole or not at all; an existing bundle there is replaced.
    """
    target = Path(out)
    if target.exists() and not (target / "manifest.json").exists() and any(target.iterdir()):
        raise UsageError(f"{target} exists and is no bundle; name a new folder")
    pages = _read_pages(labelled)
    recipe = recipe or Recipe()
    if from_scratch:
        bundle, training, facts, judged = _from_scratch(recipe, corpora, pages, report)
    else:
        bundle, training, facts, judged = _go_on(base, pages, report)
    figures = evaluate_pages(Detector(bundle), judged)
    metrics = {
        "judged_on": facts.pop("judged_on"),
        "pages": figures["pages"],
        "removed_f1": round(figures["removed"]["f1"], 4),
        "removed_precision": round(figures["removed"]["precision"], 4),
        "removed_recall": round(figures["removed"]["recall"], 4),
        "clean_loss": round(figures["clean_loss"], 6),
        "page_f1": round(figures["page_f1"], 4),
        "calibration_error": round(figures["calibration"]["error"], 4),
    }
    if not dry_run:
        _write(target, bundle, training, {**facts, "metrics": metrics})
        report(f"written to {target}")
    return metrics


def _read_pages(labelled: Sequence[str | os.PathLike[str]]) -> list[LabelledPage]:
    return [page for path in labelled for page in read_labelled(os.fspath(path))]


def _from_scratch(
    recipe: Recipe,
    corpora: str | os.PathLike[str] | None,
    pages: list[LabelledPage],
    report: Callable[[str], None],
) -> tuple[Bundle, dict[str, NDArray[Any]], dict[str, Any], list[LabelledPage]]:
    material = _material()
    if corpora is None:
        raise UsageError(
            "training from scratch reads the corpora of training_data/sources.toml; name them by --corpora"
        )
    fitted = fit_from_scratch(recipe, material, Path(corpora), pages, report)
    facts = {
        "made_by": "detector train --from-scratch",
        "recipe": facts_of(recipe),
        "data": {"sources": fitted.digests, "material": _digest_of_folder(material)},
        "judged_on": "pages generated from held-out families and lexicon entries",
        "quantising": {"segments": fitted.quantising[1], "labels_changed": fitted.quantising[0]},
    }
    return fitted.bundle, pack_replay(fitted.rows, recipe.replay_rows, recipe.seed), facts, fitted.heldout


def _material() -> Path:
    folder = Path(__file__).resolve().parents[2] / _MATERIAL
    if not (folder / "sources.toml").is_file():
        raise InputError(f"{folder} is absent: training from scratch needs a checkout of the project, not its wheel")
    return folder


def _go_on(
    base: str | None, pages: list[LabelledPage], report: Callable[[str], None]
) -> tuple[Bundle, dict[str, NDArray[Any]], dict[str, Any], list[LabelledPage]]:
    """Teach a bundle new pages: its weights go on from where they are, over new rows and replayed ones."""
    if not any(page.text for page in pages):
        raise InputError("the labelled pages hold no text to learn from")
    folder = find_bundle(base)
    bundle = load_bundle(folder)
    manifest = read_manifest(folder)
    arrays = read_arrays(folder, TRAINING, manifest)
    replayed = unpack_replay(arrays)
    new = rows_of(pages, bundle.lookups, seed=1, clean_rate=0.3)
    weight = NEW_SHARE * len(replayed.targets) / max(len(new.targets), 1)
    rows = Rows.joined([replayed, Rows(new.buckets, new.targets, new.weights * min(weight, 4.0))])
    report(f"{len(new.targets)} new rows, {len(replayed.targets)} replayed")
    start = unpack_lanes(bundle.lanes).T / WEIGHT_SCALE
    weights = fit_lanes(rows, alpha=RETRAIN_ALPHA, epochs=RETRAIN_EPOCHS, seed=1, start=start)
    taught = Bundle("unsaved", folder, bundle.manifest, pack_lanes(weights), bundle.spun, bundle.lookups)
    taught = with_settings(taught, **_open_screen(taught, pages))
    lost, _found = lost_by_screen(taught, pages)
    report(f"{lost} of the pages lose spans to the screen")
    facts = {
        "made_by": "detector train",
        "data": {"base": bundle.name, "pages": len(pages), "digest": _digest_of_pages(pages)},
        "judged_on": "the labelled pages it was taught",
    }
    keep = min(len(new.targets), len(replayed.targets) // 4)
    draw = np.random.Generator(np.random.PCG64(1))
    old = np.sort(draw.choice(len(replayed.targets), len(replayed.targets) - keep, replace=False))
    fresh = np.sort(draw.choice(len(new.targets), keep, replace=False))
    carried = Rows.joined([_at(replayed, old), _at(new, fresh)])
    return taught, pack_replay(carried, len(carried.targets), 1), facts, pages


def _open_screen(bundle: Bundle, pages: Sequence[LabelledPage]) -> dict[str, Any]:
    """Return the thresholds of the screen, low enough that nothing of what was taught is lost to it."""
    found = {name: bundle.settings[name] for name in _SCREEN_SETTINGS}
    for _ in range(40):
        lost, _all = lost_by_screen(with_settings(bundle, **found), pages)
        if not lost:
            break
        found = {name: threshold - _SCREEN_STEP for name, threshold in found.items()}
    return found


def _at(rows: Rows, chosen: NDArray[np.int64]) -> Rows:
    return Rows(rows.buckets[chosen], rows.targets[chosen], rows.weights[chosen])


def _write(target: Path, bundle: Bundle, training: dict[str, NDArray[Any]], facts: dict[str, Any]) -> None:
    """Write the bundle beside its target and move it there, so that no half of it is ever seen."""
    target.parent.mkdir(parents=True, exist_ok=True)
    serving: dict[str, NDArray[Any]] = {
        "lanes": bundle.lanes,
        "spun": bundle.spun,
        "keywords": bundle.lookups.keywords,
        "bag": bundle.lookups.bag,
        "bag_bias": bundle.lookups.bag_bias,
    }
    beside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        beside.chmod(0o755)
        save_bundle(beside, settings=bundle.settings, serving=serving, training=training, facts=facts)
        card = target / "MODEL_CARD.md"
        if card.exists():
            shutil.copy(card, beside / card.name)
        else:
            (beside / card.name).write_text(_card(facts), encoding="utf-8")
        if target.exists():
            shutil.rmtree(target)
        os.replace(beside, target)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def _card(facts: dict[str, Any]) -> str:
    """Return a model card for a bundle that a user trained: what is known of it without asking them."""
    figures = "\n".join(f"| {name} | {value} |" for name, value in facts["metrics"].items())
    data = json.dumps(facts["data"], ensure_ascii=False, indent=1)
    return (
        f"# Model card\n\nMade by `{facts['made_by']}`.\n\n| figure | value |\n|---|---|\n{figures}\n\n"
        f"Labels: {', '.join(map(str, LANE_LABELS))}.\n\nData:\n\n```json\n{data}\n```\n"
    )


def _digest_of_folder(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.suffix in {".toml", ".txt", ".tsv"}):
        found.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def _digest_of_pages(pages: Sequence[LabelledPage]) -> str:
    found = hashlib.sha256()
    for page in pages:
        spans = [(span.start, span.end, str(span.label)) for span in page.spans]
        found.update(repr((page.id, page.text, spans)).encode("utf-8", "surrogatepass"))
    return found.hexdigest()
