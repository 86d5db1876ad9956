"""datatrove runs our blocks with two tasks: the spans are those of `scan_many`, and a second run skips what is done."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path

import pytest

from detector import Detector

pytest.importorskip("datatrove")
from engine_pages import PeakMemory, engine_pages


def test_filter_and_cutter_with_two_tasks(tmp_path: Path) -> None:
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers.jsonl import JsonlWriter

    from detector.integrations.columns import spans_as_dicts
    from detector.integrations.datatrove import SpamCutter, SpamFilter

    pages = engine_pages(2000)
    for part in range(2):
        (tmp_path / "in").mkdir(exist_ok=True)
        lines = (json.dumps({"id": page.id, "text": page.text}) + "\n" for page in pages[part::2])
        (tmp_path / "in" / f"{part}.jsonl").write_text("".join(lines), encoding="utf-8")
    began = time.monotonic()

    def run() -> None:
        LocalPipelineExecutor(
            pipeline=[
                JsonlReader(str(tmp_path / "in")),
                SpamFilter(exclusion_writer=JsonlWriter(str(tmp_path / "dropped"))),
                SpamCutter(),
                JsonlWriter(str(tmp_path / "out")),
            ],
            tasks=2,
            workers=2,
            logging_dir=str(tmp_path / "logs"),
        ).run()

    with PeakMemory() as peak:
        run()
    seconds = time.monotonic() - began
    found = {
        line["id"]: line
        for path in sorted((tmp_path / "out").iterdir())
        for line in map(json.loads, gzip.decompress(path.read_bytes()).decode().splitlines())
    }
    expected = {result.id: result for result in Detector.load().scan_many(pages)}
    kept = {name: each for name, each in expected.items() if each.verdict not in ("spam_page", "spun_page")}
    assert found.keys() == kept.keys()
    for name, result in kept.items():
        assert found[name]["text"] == result.clean_text
        assert found[name]["metadata"]["detector_verdict"] == result.verdict
        assert found[name]["metadata"]["detector_spans"] == spans_as_dicts(result)
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    run()
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()} == times
    print(f"datatrove: {len(pages)} pages, 2 tasks, {seconds:.1f} s, {peak.mb} MB in all its processes")
