"""Hugging Face datasets map our class with two processes: the spans are those of `scan_many`."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from detector import Detector

datasets = pytest.importorskip("datasets")
from engine_pages import PeakMemory, engine_pages  # noqa: E402


def test_map_with_two_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from detector.integrations.columns import spans_as_dicts
    from detector.integrations.datasets import ScanBatch, features_of

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    pages = engine_pages(2000)
    began = time.monotonic()
    dataset = datasets.Dataset.from_dict({"id": [page.id for page in pages], "text": [page.text for page in pages]})
    with PeakMemory() as peak:
        scanned = dataset.map(
            ScanBatch(),
            batched=True,
            num_proc=2,
            features=features_of(dataset),
            cache_file_name=str(tmp_path / "cache.arrow"),
        )
    seconds = time.monotonic() - began
    for row, result in zip(scanned, Detector.load().scan_many(pages), strict=True):
        assert row["verdict"] == result.verdict
        assert row["spans"] == spans_as_dicts(result)
        assert row["clean_text"] == result.clean_text
    print(f"datasets: {len(pages)} pages, 2 processes, {seconds:.1f} s, {peak.mb} MB in all its processes")
