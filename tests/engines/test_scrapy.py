"""Scrapy crawls a local server: items, stats, drops and the host hook are as the pages there ask for."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from detector import Detector

pytest.importorskip("scrapy")
from engine_pages import SPAM_PAGE, engine_pages

PAGES = [page.text for page in engine_pages(120)] + [SPAM_PAGE]
SPIDER = """
import json, sys
import scrapy
from scrapy.crawler import CrawlerProcess

items, hosts = [], {}

def keep(figures):
    hosts[figures.host] = [figures.pages, figures.not_clean, figures.share]

def keep_item(item):  # signals hold no lambda
    items.append(dict(item))

class Pages(scrapy.Spider):
    name = "pages"
    custom_settings = {
        "ADDONS": {"detector.integrations.scrapy.DetectorAddon": 500},
        "DETECTOR_DROP": ["spam_page"],
        "DETECTOR_HOST_HOOK": keep,
        "LOG_LEVEL": "ERROR",
        "TELNETCONSOLE_ENABLED": False,
    }
    start_urls = [sys.argv[1]]

    def parse(self, response):
        for path in response.text.split():
            yield response.follow(path, self.parse_page)

    def parse_page(self, response):
        yield {"url": response.url, "text": response.text}

    @classmethod
    def from_crawler(cls, crawler, *args, **kwargs):
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(keep_item, scrapy.signals.item_scraped)
        return spider

process = CrawlerProcess()
crawler = process.create_crawler(Pages)
process.crawl(crawler)
process.start()
stats = {name: value for name, value in crawler.stats.get_stats().items() if name.startswith(("detector", "item_"))}
print(json.dumps({"items": items, "stats": stats, "hosts": hosts}))
"""


class Site(BaseHTTPRequestHandler):
    """Serves a list of the pages, and the pages."""

    def do_GET(self) -> None:
        number = self.path.strip("/")
        text = PAGES[int(number)] if number else " ".join(f"/{each}" for each in range(len(PAGES)))
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_words: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


def test_a_crawl(address: str, tmp_path: Path) -> None:
    program = tmp_path / "crawl.py"  # Scrapy looks at the source of callbacks
    program.write_text(SPIDER, encoding="utf-8")
    began = time.monotonic()
    done = subprocess.run([sys.executable, str(program), address], capture_output=True, encoding="utf-8", check=False)
    seconds = time.monotonic() - began
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    detector = Detector.load()
    expected = {f"{address}{number}": detector.scan(text) for number, text in enumerate(PAGES)}
    kept = {url: result for url, result in expected.items() if result.verdict != "spam_page"}
    assert len(kept) < len(PAGES)
    found = {item["url"]: item for item in told["items"]}
    assert found.keys() == kept.keys()
    for url, result in kept.items():
        assert found[url]["detector_verdict"] == result.verdict
        assert found[url]["detector_clean_text"] == result.clean_text
        assert [(span["start"], span["end"], span["label"]) for span in found[url]["detector_spans"]] == [
            (span.start, span.end, span.label) for span in result.spans
        ]
    stats = told["stats"]
    assert stats["detector/pages"] == len(PAGES)
    assert stats["detector/dropped/spam_page"] == stats["item_dropped_count"] == len(PAGES) - len(kept)
    for label in {span.label for result in expected.values() for span in result.spans}:
        number = sum(span.label == label for result in expected.values() for span in result.spans)
        assert stats[f"detector/spans/{label}"] == number
    not_clean = sum(result.verdict != "clean" for result in expected.values())
    assert told["hosts"] == {"127.0.0.1": [len(PAGES), not_clean, not_clean / len(PAGES)]}
    print(f"Scrapy: {len(PAGES)} pages of a local server, {seconds:.1f} s")
