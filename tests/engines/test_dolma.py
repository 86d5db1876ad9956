"""`dolma mix` reads our attribute files and takes out exactly our spans."""

from __future__ import annotations

import gzip
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from engine_pages import engine_pages

from detector import Detector


def native_dolma() -> Any:
    """Return the compiled half of Dolma, which mixes; the Python half needs libraries that shut out NumPy 2."""
    found = importlib.util.find_spec("dolma")
    if found is None or not found.submodule_search_locations:
        pytest.skip("dolma is not installed")
    [path] = Path(found.submodule_search_locations[0]).glob("dolma*.so")
    spec = importlib.util.spec_from_file_location("dolma.dolma", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
    native_dolma().mixer_entrypoint(json.dumps(config))
    [out] = (tmp_path / "out").glob("*.gz")
    with gzip.open(out, "rt", encoding="utf-8") as written:
        found = {line["id"]: line["text"] for line in map(json.loads, written)}
    for result in Detector.load().scan_many(pages):
        kept, last = [], 0
        for span in result.spans:
            kept.append(result.text[last : span.start])
            last = span.end
        assert found[result.id] == "".join([*kept, result.text[last:]])
