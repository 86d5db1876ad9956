"""Items of a crawl come in; they go on with verdict, spans and clean text, or are dropped as spam pages.

In the project's settings: ``ADDONS = {"detector.integrations.scrapy.DetectorAddon": 500}``. Settings of its own:

- ``DETECTOR_TEXT_FIELD`` ("text") and ``DETECTOR_URL_FIELD`` ("url"): the item's fields that are read;
- ``DETECTOR_PREFIX`` ("detector_"): what the added fields' names begin with: ``verdict``, ``spans``, ``clean_text``;
- ``DETECTOR_DROP`` (nothing): verdicts whose items are dropped, such as ``["spam_page"]``;
- ``DETECTOR_MODEL``, ``DETECTOR_LABELS``, ``DETECTOR_MIN_SCORE``: as `Detector.load` takes them;
- ``DETECTOR_PRIORITY`` (300): the place among the item pipelines;
- ``DETECTOR_HOST_HOOK``: a callable, or its path, that is told a `HostFigures` after every page.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from detector.datatypes import ScanResult, UsageError, Verdict
from detector.integrations.columns import ADDED, spans_as_dicts
from detector.integrations.loading import missing_engine, verdicts_named, wanted

try:
    from itemadapter import ItemAdapter
    from scrapy.exceptions import DropItem
    from scrapy.utils.misc import load_object
except ImportError:
    raise missing_engine("Scrapy", "scrapy") from None

_PIPELINE = "detector.integrations.scrapy.DetectorPipeline"


@dataclass(frozen=True, slots=True)
class HostFigures:
    """How much of a host is injected or spam, of the pages seen so far."""

    host: str
    pages: int
    not_clean: int

    @property
    def share(self) -> float:
        """Return the share of its pages that are not clean."""
        return self.not_clean / self.pages if self.pages else 0.0


class DetectorAddon:
    """Registers the item pipeline."""

    def update_settings(self, settings: Any) -> None:
        """Put the pipeline among the project's own, unless it stands there already."""
        pipelines = settings.getdict("ITEM_PIPELINES")
        if _PIPELINE not in pipelines and DetectorPipeline not in pipelines:
            settings["ITEM_PIPELINES"] = {**pipelines, _PIPELINE: settings.getint("DETECTOR_PRIORITY", 300)}


class DetectorPipeline:
    """Scans an item's text; counts in Scrapy's stats under ``detector/``."""

    def __init__(self, settings: Any, stats: Any) -> None:
        self._text_field = settings.get("DETECTOR_TEXT_FIELD", "text")
        self._url_field = settings.get("DETECTOR_URL_FIELD", "url")
        self._prefix = settings.get("DETECTOR_PREFIX", "detector_")
        self._drop = verdicts_named(settings.getlist("DETECTOR_DROP"))
        hook = settings.get("DETECTOR_HOST_HOOK")
        self._hook = load_object(hook) if hook else None
        self._stats = stats
        self._pages: Counter[str] = Counter()
        self._not_clean: Counter[str] = Counter()
        labels, min_score = settings.getlist("DETECTOR_LABELS"), settings.get("DETECTOR_MIN_SCORE")
        self._detector = wanted(
            settings.get("DETECTOR_MODEL"), labels or None, None if min_score is None else float(min_score)
        ).load()

    @classmethod
    def from_crawler(cls, crawler: Any) -> DetectorPipeline:
        """Return the pipeline of a crawler."""
        return cls(crawler.settings, crawler.stats)

    def process_item(self, item: Any, spider: Any = None) -> Any:
        """Return the item with the added fields; raise DropItem for a page of a verdict that is dropped."""
        fields = ItemAdapter(item)
        text = fields.get(self._text_field)
        if not isinstance(text, str):
            self._stats.inc_value("detector/without_text")
            return item
        url = fields.get(self._url_field)
        result = self._detector.scan(text, url if isinstance(url, str) else None)
        self._count(result, url)
        if result.verdict in self._drop:
            self._stats.inc_value(f"detector/dropped/{result.verdict.value}")
            raise DropItem(f"detector: {result.verdict.value}: {url or ''}")
        for name, value in zip(ADDED, (result.verdict.value, spans_as_dicts(result), result.clean_text), strict=True):
            try:
                fields[self._prefix + name] = value
            except KeyError:
                needed = ", ".join(self._prefix + each for each in ADDED)
                raise UsageError(f"{type(item).__name__} needs the fields {needed}") from None
        return item

    def _count(self, result: ScanResult, url: Any) -> None:
        self._stats.inc_value("detector/pages")
        self._stats.inc_value(f"detector/verdict/{result.verdict.value}")
        for span in result.spans:
            self._stats.inc_value(f"detector/spans/{span.label.value}")
            self._stats.inc_value(f"detector/chars/{span.label.value}", int(span.end - span.start))
        if self._hook is None or not isinstance(url, str):
            return
        host = urlsplit(url).hostname or ""
        self._pages[host] += 1
        self._not_clean[host] += result.verdict is not Verdict.CLEAN
        self._hook(HostFigures(host, self._pages[host], self._not_clean[host]))
