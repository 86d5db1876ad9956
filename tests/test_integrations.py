"""The adapters' own code does what its engine asks for; the engines are small fakes here, and real in tests/engines."""

from __future__ import annotations

import asyncio
import importlib
import pickle
import re
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from detector.datatypes import Page, ScanResult, UsageError
from detector.integrations.columns import Columns, spans_as_dicts
from detector.integrations.datasets import ScanBatch as DatasetsScanBatch
from detector.integrations.datasets import features_of
from detector.integrations.loading import Wanted, verdicts_named, wanted
from detector.integrations.spark import ScanPartition, schema_of
from detector.pipeline import Detector

CLEAN = "The footing of the wall was laid before the frost came."
INJECTED = f"{CLEAN}\nslot gacor hari ini | judi online terpercaya | agen bola resmi | togel online\n{CLEAN}"
SPAM = "\n".join(f"slot gacor {n} | judi online terpercaya | agen bola resmi | togel online" for n in range(20))
TEXTS = [CLEAN, INJECTED, SPAM]
GUIDE = Path(__file__).resolve().parent.parent / "docs" / "clusters.md"


@pytest.fixture
def results(detector: Detector) -> list[ScanResult]:
    found = list(detector.scan_many(TEXTS))
    assert [bool(result.spans) for result in found] == [False, True, True]
    return found


def put(monkeypatch: pytest.MonkeyPatch, name: str, **contents: object) -> None:
    """Put a fake module, and empty ones above it, where imports look."""
    parts = name.split(".")
    for end in range(1, len(parts)):
        above = ".".join(parts[:end])
        monkeypatch.setitem(sys.modules, above, sys.modules.get(above) or types.ModuleType(above))
    module = types.ModuleType(name)
    vars(module).update(contents)
    monkeypatch.setitem(sys.modules, name, module)


# Loading


def test_a_process_loads_a_bundle_once() -> None:
    assert wanted().load() is Wanted().load()
    assert wanted(labels="porn").load() is not wanted().load()
    assert pickle.loads(pickle.dumps(wanted(labels=["porn"], min_score=0.5))) == Wanted(None, ("porn",), 0.5)


@pytest.mark.parametrize("adapter", [DatasetsScanBatch(), ScanPartition()])
def test_what_engines_pickle_is_small(adapter: Any) -> None:
    wanted().load()
    assert len(pickle.dumps(adapter)) < 1000


def test_verdicts_that_do_not_exist() -> None:
    assert verdicts_named([]) == frozenset()
    with pytest.raises(UsageError, match="the verdicts are spam_page"):
        verdicts_named("nice_page")


@pytest.mark.parametrize(
    ("module", "engine", "extra"), [("scrapy", "Scrapy", "scrapy"), ("datatrove", "datatrove", "datatrove")]
)
def test_a_missing_engine_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, module: str, engine: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, "itemadapter", None)
    monkeypatch.delitem(sys.modules, f"detector.integrations.{module}", raising=False)
    with pytest.raises(ImportError, match=rf"{engine} is not installed: pip install 'spam-span-detector\[{extra}\]'"):
        importlib.import_module(f"detector.integrations.{module}")


def test_missing_table_engines_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("datasets", "pyspark", "pyarrow"):
        monkeypatch.setitem(sys.modules, name, None)
    from detector.integrations.ray import with_columns

    with pytest.raises(ImportError, match="datasets"):
        features_of(None)
    with pytest.raises(ImportError, match="spark"):
        schema_of(None)
    with pytest.raises(ImportError, match="ray"):
        with_columns(None, Columns())


# Tables


def test_columns(results: list[ScanResult]) -> None:
    found = Columns(prefix="d_").scan([TEXTS[0], None, *TEXTS[1:]], ["http://a.example", None, 3, None])
    assert found["d_verdict"] == [results[0].verdict, None, results[1].verdict, results[2].verdict]
    assert found["d_spans"] == [[], None, *map(spans_as_dicts, results[1:])]
    assert found["d_clean_text"] == [CLEAN, None, results[1].clean_text, results[2].clean_text]


def test_datasets_batches_and_features(monkeypatch: pytest.MonkeyPatch, results: list[ScanResult]) -> None:
    found = DatasetsScanBatch(text="body", url="link")({"body": TEXTS, "link": [None] * 3})
    assert found["clean_text"] == [result.clean_text for result in results]
    put(monkeypatch, "datasets", Features=dict, Value=lambda kind: kind)
    features = features_of(types.SimpleNamespace(features={"body": "string"}))
    assert list(features) == ["body", "verdict", "spans", "clean_text"]
    assert features["spans"] == [{"start": "int64", "end": "int64", "label": "string", "score": "float64"}]


class Frame:
    """What the adapter uses of a pandas frame."""

    def __init__(self, columns: dict[str, list[Any]]) -> None:
        self.columns = columns

    def __getitem__(self, name: str) -> Any:
        return types.SimpleNamespace(tolist=lambda: self.columns[name])

    def assign(self, **more: list[Any]) -> Frame:
        return Frame({**self.columns, **more})


def test_spark_partitions(results: list[ScanResult]) -> None:
    frames = list(ScanPartition()(iter([Frame({"text": TEXTS[:2]}), Frame({"text": TEXTS[2:]})])))
    assert [value for frame in frames for value in frame.columns["verdict"]] == [each.verdict for each in results]


def test_spark_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    class StructType(list[Any]):
        def add(self, name: str, kind: str) -> StructType:
            return StructType([*self, (name, kind)])

    put(monkeypatch, "pyspark.sql.types", StructType=StructType, _parse_datatype_string=lambda text: text)
    frame = types.SimpleNamespace(schema=types.SimpleNamespace(fields=[("text", "string")]))
    assert [name for name, _ in schema_of(frame, ScanPartition(prefix="d_"))] == [
        "text",
        "d_verdict",
        "d_spans",
        "d_clean_text",
    ]


def test_ray_batches(results: list[ScanResult]) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from detector.integrations.ray import ScanBatch

    table = ScanBatch(url="url")(pyarrow.table({"text": TEXTS, "url": ["http://a.example", None, None]}))
    assert table.column_names == ["text", "url", "verdict", "spans", "clean_text"]
    assert table.column("spans").to_pylist() == [spans_as_dicts(result) for result in results]


# datatrove


@dataclass
class Document:
    text: str
    id: str
    metadata: dict[str, Any] = field(default_factory=dict)


class Step:
    """What the blocks use of datatrove's steps."""

    def __init__(self, exclusion_writer: Any = None, batch_size: int = 1) -> None:
        self.batch_size = batch_size
        self.stats: list[str] = []

    @contextmanager
    def track_time(self, _unit: str | None = None) -> Iterator[None]:
        yield

    def stat_update(self, *names: str) -> None:
        self.stats += names


@pytest.fixture
def datatrove(monkeypatch: pytest.MonkeyPatch) -> Any:
    put(monkeypatch, "datatrove.pipeline.filters.base_filter", BaseFilter=Step)
    put(monkeypatch, "datatrove.pipeline.formatters.base", BaseFormatter=Step)
    monkeypatch.delitem(sys.modules, "detector.integrations.datatrove", raising=False)
    yield importlib.import_module("detector.integrations.datatrove")
    sys.modules.pop("detector.integrations.datatrove", None)


def test_datatrove_filter(datatrove: Any, results: list[ScanResult]) -> None:
    documents = [Document(text, str(number)) for number, text in enumerate(TEXTS)]
    drop = results[2].verdict.value
    answers = datatrove.SpamFilter(drop=[drop]).filter_batch(documents)
    assert answers == [True, True, (False, drop)] if results[1].verdict != drop else answers
    assert [doc.metadata["detector_verdict"] for doc in documents] == [result.verdict for result in results]
    assert datatrove.SpamFilter(drop=[drop]).filter(documents[0]) is True


def test_datatrove_cutter(datatrove: Any, results: list[ScanResult]) -> None:
    documents = [Document(text, str(number)) for number, text in enumerate(TEXTS)]
    cutter = datatrove.SpamCutter(batch_size=2)
    assert [doc.text for doc in cutter.run(iter(documents))] == [result.clean_text for result in results]
    assert (cutter.stats.count("total"), cutter.stats.count("cut")) == (3, 2)
    assert cutter.format(INJECTED) == results[1].clean_text
    assert list(cutter.run(None)) == []


# Scrapy


class Settings(dict[str, Any]):
    """What the add-on uses of Scrapy's settings."""

    def getdict(self, name: str) -> dict[Any, Any]:
        return dict(self.get(name) or {})

    def getint(self, name: str, default: int) -> int:
        return int(self.get(name, default))

    def getlist(self, name: str) -> list[str]:
        found = self.get(name) or []
        return found.split(",") if isinstance(found, str) else list(found)


class Stats:
    """What the pipeline uses of Scrapy's stats."""

    def __init__(self) -> None:
        self.values: dict[str, int] = {}

    def inc_value(self, name: str, by: int = 1) -> None:
        self.values[name] = self.values.get(name, 0) + by


class DropItem(Exception):
    pass


@pytest.fixture
def scrapy(monkeypatch: pytest.MonkeyPatch) -> Any:
    put(monkeypatch, "itemadapter", ItemAdapter=lambda item: item)
    put(monkeypatch, "scrapy.exceptions", DropItem=DropItem)
    put(monkeypatch, "scrapy.utils.misc", load_object=lambda found: found)
    monkeypatch.delitem(sys.modules, "detector.integrations.scrapy", raising=False)
    yield importlib.import_module("detector.integrations.scrapy")
    sys.modules.pop("detector.integrations.scrapy", None)


def test_the_addon_registers_its_pipeline_once(scrapy: Any) -> None:
    settings = Settings(ITEM_PIPELINES={"mine": 100})
    scrapy.DetectorAddon().update_settings(settings)
    scrapy.DetectorAddon().update_settings(settings)
    assert settings["ITEM_PIPELINES"] == {"mine": 100, "detector.integrations.scrapy.DetectorPipeline": 300}


def test_items_are_marked_counted_and_dropped(scrapy: Any, results: list[ScanResult]) -> None:
    told: list[Any] = []
    settings = Settings(DETECTOR_DROP=[results[2].verdict.value], DETECTOR_HOST_HOOK=told.append)
    crawler = types.SimpleNamespace(settings=settings, stats=Stats())
    pipeline = scrapy.DetectorPipeline.from_crawler(crawler)
    item = pipeline.process_item({"text": CLEAN, "url": "http://a.example/1"})
    assert (item["detector_verdict"], item["detector_spans"]) == ("clean", [])
    assert item["detector_clean_text"] == CLEAN
    with pytest.raises(DropItem, match=r"http://a\.example/2"):
        pipeline.process_item({"text": SPAM, "url": "http://a.example/2"}, None)
    assert pipeline.process_item({"body": "no text"}) == {"body": "no text"}
    assert crawler.stats.values["detector/pages"] == 2
    assert crawler.stats.values[f"detector/dropped/{results[2].verdict}"] == 1
    assert crawler.stats.values["detector/without_text"] == 1
    assert [(each.host, each.pages, each.not_clean, each.share) for each in told] == [
        ("a.example", 1, 0, 0.0),
        ("a.example", 2, 1, 0.5),
    ]


def test_an_item_without_the_fields_says_which(scrapy: Any) -> None:
    class Item(dict[str, Any]):
        def __setitem__(self, name: str, value: Any) -> None:
            raise KeyError(name)

    pipeline = scrapy.DetectorPipeline(Settings(), Stats())
    with pytest.raises(UsageError, match="Item needs the fields detector_verdict, detector_spans, detector_clean_text"):
        pipeline.process_item(Item(text=CLEAN))


# asyncio


def test_the_recipe_of_the_guide(results: list[ScanResult]) -> None:
    [recipe] = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(recipe, str(GUIDE), "exec"), names)
    keep: list[ScanResult] = []

    async def crawl() -> None:
        queue: asyncio.Queue[Page | None] = asyncio.Queue(2)
        scanning = asyncio.create_task(names["scan_pages"](queue, keep))
        for number, text in enumerate(TEXTS):
            await queue.put(Page(text, str(number)))
        await queue.put(None)
        await scanning

    asyncio.run(crawl())
    expected = [result for result in results if result.verdict != "spam_page"]
    assert [(result.verdict, result.spans) for result in keep] == [(each.verdict, each.spans) for each in expected]
