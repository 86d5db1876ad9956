"""Ray Data runs our class over 10,000 pages: the spans are those of `scan_many`."""

from __future__ import annotations

import time

import pytest

from detector import Detector

ray = pytest.importorskip("ray")
from engine_pages import PeakMemory, engine_pages  # noqa: E402


def test_map_batches_on_two_cpus() -> None:
    import ray.data

    from detector.integrations.columns import spans_as_dicts
    from detector.integrations.ray import ScanBatch

    pages = engine_pages(10_000)
    began = time.monotonic()
    ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR")
    try:
        rows = [{"id": page.id, "text": page.text} for page in pages]
        set_up = time.monotonic() - began
        dataset = ray.data.from_items(rows, override_num_blocks=8).map_batches(
            ScanBatch, batch_format="pyarrow", batch_size=512, compute=ray.data.ActorPoolStrategy(size=1)
        )
        with PeakMemory() as peak:
            found = {row["id"]: row for row in dataset.take_all()}
        seconds = time.monotonic() - began
    finally:
        ray.shutdown()
    for result in Detector.load().scan_many(pages):
        row = found[result.id]
        assert row["verdict"] == result.verdict
        assert list(row["spans"]) == spans_as_dicts(result)
        assert row["clean_text"] == result.clean_text
    taken = f"{set_up:.1f} s to set up, {seconds - set_up:.1f} s, {peak.mb} MB in all its processes"
    print(f"Ray Data: {len(pages)} pages, 1 actor of 2 CPUs, {taken}")
