"""Spark runs our partitions with two local cores: the spans are those of `scan_many`."""

from __future__ import annotations

import shutil
import sys
import time

import pytest

from detector import Detector

pytest.importorskip("pyspark")
from engine_pages import PeakMemory, engine_pages


@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java (Debian: default-jre-headless)")
def test_map_in_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    from pyspark.sql import SparkSession

    from detector.integrations.columns import spans_as_dicts
    from detector.integrations.spark import ScanPartition, schema_of

    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)  # else its workers are whatever python3 is
    pages = engine_pages(10_000)
    began = time.monotonic()
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    set_up = time.monotonic() - began
    try:
        frame = session.createDataFrame([(page.id, page.text) for page in pages], "id string, text string")
        scanned = frame.repartition(4).mapInPandas(ScanPartition(), schema=schema_of(frame))
        with PeakMemory() as peak:
            found = {row["id"]: row for row in scanned.collect()}
        seconds = time.monotonic() - began
    finally:
        session.stop()
    for result in Detector.load().scan_many(pages):
        row = found[result.id]
        assert row["verdict"] == result.verdict
        assert [span.asDict() for span in row["spans"]] == spans_as_dicts(result)
        assert row["clean_text"] == result.clean_text
    taken = f"{set_up:.1f} s to set up, {seconds - set_up:.1f} s, {peak.mb} MB in all its processes"
    print(f"Spark: {len(pages)} pages, local[2], {taken}")
