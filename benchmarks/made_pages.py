"""A number and a seed come in; as many made pages, some with spam put in, go out, and files of them in every format."""

from __future__ import annotations

import gzip
import html
import io
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from detector.datatypes import Page
from detector.formats import NewFile

_PIECES = (
    "今天下午，市图书馆举办了一场读书会",
    "大家围坐在一起，谈了各自最近读的书",
    "老师说，写作先要学会观察身边的小事",
    "山路很长，走到半山腰的时候天已经黑了",
    "这种苹果皮薄汁多，适合做成果酱",
    "会议决定明年继续修缮城南的老桥",
    "孩子们在操场上跑来跑去，笑声传得很远",
    "雨停以后，空气里有一股泥土的味道",
)
_ENGLISH = (
    "The footing of the wall was laid before the frost came",
    "Most of the seed can be kept dry in a paper bag",
    "Nobody in the village remembered who had planted the pears",
    "A cope of flat stones keeps the rain out of the wall",
)
_SPAM = (
    "澳门银河娱乐城|真人百家乐|时时彩平台|老虎机注册送彩金|线上博彩官网",
    "slot gacor hari ini | judi online terpercaya | agen bola resmi | togel online",
    "order generic viagra online no prescription, cheap cialis 20mg, buy levitra overnight delivery",
)
_LINKS = "".join(f'<li class="menu"><a href="/section/{each}.html">第{each}版</a></li>\n' for each in range(12))
#: About as much markup as text: less than most sites have, so that what is measured is not skipping it.
_HTML_HEAD = f"""<!DOCTYPE html>
<html lang="zh"><head><meta charset="utf-8"><title>NAME</title>
<link rel="stylesheet" href="/style.css">
<style>.menu {{ display: inline; margin: 0 1em }} .text {{ color: #222 }}</style>
<script>window.pages = window.pages || []; window.pages.push({{"name": "NAME", "at": 0}});</script>
</head><body>
<nav id="menu"><ul>
{_LINKS}</ul></nav>
<main><h1>NAME</h1>
"""
_HTML_FOOT = """</main>
<footer><p><a href="/about.html">关于我们</a> <a href="/contact.html">联系</a></p><!-- end --></footer>
</body></html>
"""


def made_pages(count: int, *, seed: int = 1, chars: int = 1500, spam_share: float = 0.05) -> Iterator[Page]:
    """Yield made pages of about so many characters; the same seed gives the same pages."""
    draw = random.Random(seed)
    for number in range(count):
        english = draw.random() < 0.2
        sentences: list[str] = []
        length = 0
        wanted = draw.randint(chars // 3, 2 * chars)
        while length < wanted:
            sentence = draw.choice(_ENGLISH) + f" in {draw.randint(1700, 2020)}." if english else ""
            sentence = sentence or f"{draw.choice(_PIECES)}，{draw.randint(1, 9999)}人到场。"
            sentences.append(sentence + ("\n" if draw.random() < 0.2 else ""))
            length += len(sentences[-1])
        if draw.random() < spam_share:
            sentences.insert(draw.randrange(len(sentences)), f"\n{draw.choice(_SPAM)}\n")
        yield Page("".join(sentences), f"page-{number}", f"http://site{number % 97}.example/{number}.html")


def as_html(page: Page) -> Page:
    """Return a page as a site would serve it: a head, navigation, a paragraph for each line, a footer."""
    name = html.escape(page.id)
    paragraphs = "".join(f'<p class="text">{html.escape(line)}</p>\n' for line in page.text.split("\n") if line)
    return Page(f"{_HTML_HEAD.replace('NAME', name)}{paragraphs}{_HTML_FOOT}", page.id, page.url, html=True)


def write_pages(folder: Path, pages: Iterable[Page], suffixes: Sequence[str], *, per_folder: int = 1000) -> None:
    """Write each page as a file of its own; the suffixes take turns."""
    for number, page in enumerate(pages):
        path = folder / f"{number // per_folder:04}" / (page.id + suffixes[number % len(suffixes)])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(page.text.encode())


def write_json_lines(path: Path, pages: Iterable[Page]) -> None:
    """Write the pages as one file of JSON lines, packed as its name says."""
    with NewFile(str(path)) as file:
        for page in pages:
            line = {"id": page.id, "url": page.url, "text": page.text, "n": 1.5}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def write_parquet(path: Path, pages: Iterable[Page]) -> None:
    """Write the pages as one Parquet file."""
    import pyarrow
    import pyarrow.parquet

    schema = pyarrow.schema([("id", pyarrow.string()), ("url", pyarrow.string()), ("text", pyarrow.string())])
    rest = iter(pages)
    with pyarrow.parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        while rows := [{"id": each.id, "url": each.url, "text": each.text} for each in islice(rest, 10_000)]:
            writer.write_table(pyarrow.Table.from_pylist(rows, schema))


def write_wet(path: Path, pages: Iterable[Page]) -> None:
    """Write the pages as a WET file, each record packed by itself."""
    _write_records(path, (warc_record(page, "conversion", "text/plain", page.text.encode()) for page in pages))


def write_warc(path: Path, pages: Iterable[Page]) -> None:
    """Write the pages as HTTP responses of a WARC file, each record packed by itself."""
    _write_records(path, map(_response, pages))


def _response(page: Page) -> bytes:
    media = "text/html" if page.html else "text/plain"
    body = page.text.encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {media}; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
    return warc_record(page, "response", "application/http; msgtype=response", head.encode() + body)


def _write_records(path: Path, records: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        for record in records:
            file.write(gzip.compress(record, 6, mtime=0))


def warc_record(page: Page, kind: str, media: str, block: bytes) -> bytes:
    """Return a WARC record."""
    head = io.StringIO()
    head.write(f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {page.url}\r\n")
    head.write(f"WARC-Record-ID: <urn:made:{page.id}>\r\nWARC-Date: 2026-01-01T00:00:00Z\r\n")
    head.write(f"Content-Type: {media}\r\nContent-Length: {len(block)}\r\n\r\n")
    return head.getvalue().encode() + block + b"\r\n\r\n"
