"""`dolma mix` reads our attribute files and takes out exactly our spans."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from detector import Detector

pytest.importorskip("dolma")
from engine_pages import PeakMemory, engine_pages


def test_mix_removes_our_spans(tmp_path: Path) -> None:
    pages = engine_pages(300)
    documents = tmp_path / "documents"
    documents.mkdir()
    lines = (json.dumps({"id": page.id, "text": page.text, "source": "made"}) + "\n" for page in pages)
    (documents / "a.jsonl.gz").write_bytes(gzip.compress("".join(lines).encode()))
    scan = [sys.executable, "-m", "detector", "scan", str(documents), "--format", "dolma"]
    done = subprocess.run([*scan, "-o", f"{tmp_path}/attributes/detector/"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    with gzip.open(tmp_path / "attributes/detector/a.jsonl.gz") as file:
        keys = list(json.loads(file.readline())["attributes"])
    config = {
        "streams": [
            {
                "name": "cut",
                "documents": [f"{documents}/*.gz"],
                "attributes": ["detector"],
                "output": {"path": str(tmp_path / "out"), "max_size_in_bytes": 1 << 30},
                "span_replacement": [
                    {"span": f"$.attributes.{key}", "min_score": 0.0, "replacement": ""} for key in keys
                ],
            }
        ],
        "processes": 1,
        "work_dir": {"input": str(tmp_path / "work/in"), "output": str(tmp_path / "work/out")},
    }
    (tmp_path / "mix.json").write_text(json.dumps(config))
    began = time.monotonic()
    with PeakMemory() as peak:
        mix = [str(Path(sys.executable).with_name("dolma")), "-c", str(tmp_path / "mix.json"), "mix"]
        mixed = subprocess.run(mix, capture_output=True, encoding="utf-8", check=False)
    seconds = time.monotonic() - began
    assert mixed.returncode == 0, mixed.stderr
    [out] = (tmp_path / "out").glob("*.gz")
    with gzip.open(out, "rt", encoding="utf-8") as written:
        found = {line["id"]: line["text"] for line in map(json.loads, written)}
    for result in Detector.load().scan_many(pages):
        kept, last = [], 0
        for span in result.spans:
            kept.append(result.text[last : span.start])
            last = span.end
        assert found[result.id] == "".join([*kept, result.text[last:]])
    print(f"dolma mix: {len(pages)} pages, {seconds:.1f} s, {peak.mb} MB in all its processes")
