"""The project's own training material comes in; the corpora that the benchmark measures on go out, as files in a cache.

Chinese and English pages, of which 3 % or 50 % hold spam that the project's generator put in, as text and as HTML.
Their clean text is paragraphs of hand-written pages of `training_data`, so anybody can make them; but it is little,
repeats, and is what the shipped bundle was trained on. `benchmarks/speed.py` measures on text that it never saw.
Paragraphs that the detector cuts when they stand alone, out of their page, are left out: 3 % shall be 3 %.
"""

from __future__ import annotations

import hashlib
import html
import json
import os
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from detector.datatypes import SPAM_LABELS, LabelledPage, Verdict
from detector.model import MANIFEST, find_bundle
from detector.pipeline import Detector
from detector.synthesis import PageWriter, load_grammars, read_handwritten
from detector.synthesis.assembly import Document

MATERIAL = Path(__file__).resolve().parents[1] / "training_data"
LANGS = ("zh", "en")
SHARES = {"3": 0.03, "50": 0.5}
CORPUS_BYTES = 4_000_000
#: Characters of a page: crawled text has a median of two to three thousand.
PAGE_CHARS = (500, 8000)
#: Hand-written pages that look like spam on purpose; on the web they are rare.
_LURES = ("traps", "near")
_LINES, _TERMS = "lines.json", "terms.json"
#: Of the lexicons those whose terms are spam by themselves, as in `make baselines`.
_TERM_KINDS = frozenset({"keyword", "brand", "query", "pharma", "drug", "replica"})


def cache_folder() -> Path:
    """Return the folder outside the repository that holds the corpora of this material, making them where needed."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "spam-span-detector"
    folder = base / f"bench-{_digest()}"
    if not (folder / _TERMS).is_file():
        folder.mkdir(parents=True, exist_ok=True)
        _make(folder)
    return folder


def names(*, of_html: bool = False) -> list[str]:
    """Return the names of the corpora, as in "zh-3"; those of HTML begin with "html-"."""
    return [("html-" if of_html else "") + f"{lang}-{share}" for lang in LANGS for share in SHARES]


def read_corpus(folder: Path, name: str) -> list[str]:
    """Return a corpus: a text or a source of HTML a page."""
    found: list[str] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return found


def one_page(folder: Path, size: int = 5_000) -> str:
    """Return a Chinese page of about `size` bytes with a line of spam in the middle."""
    text = "\n".join(read_corpus(folder, "zh-3"))
    half = text.encode()[: size // 2].decode(errors="ignore")
    return f"{half}\n澳门银河娱乐城|真人百家乐|时时彩平台|老虎机注册送彩金\n{half[::-1]}"


def _digest() -> str:
    """Return a name for what the corpora are made of: the material, the bundle and this file."""
    seen = hashlib.sha256(Path(__file__).read_bytes() + (find_bundle() / MANIFEST).read_bytes())
    for path in sorted(MATERIAL.rglob("*")):
        if path.is_file():
            seen.update(path.read_bytes())
    return seen.hexdigest()[:12]


def _make(folder: Path) -> None:
    grammars = load_grammars(MATERIAL, "fit")
    handwritten = list(read_handwritten(MATERIAL / "pages"))
    labelled: list[LabelledPage] = []
    for lang in LANGS:
        hosts = [
            Document(page.id, page.text, page.lang)
            for page in handwritten
            if page.kind == Verdict.CLEAN and page.lang == lang and not any(word in page.family for word in _LURES)
        ]
        for share in SHARES:
            writer = PageWriter(grammars, hosts, seed=len(share))
            pages = list(_pages(writer, hosts, SHARES[share], random.Random(share)))
            _write(folder / f"{lang}-{share}.json", pages)
            _write(folder / f"html-{lang}-{share}.json", [_as_html(page) for page in pages])
        writer = PageWriter(grammars, hosts, seed=99)
        labelled += [writer.page(kind) for kind in (Verdict.CLEAN, Verdict.INJECTED) for _ in range(1500)]
    _write(folder / _LINES, [list(line) for page in labelled for line in _labelled_lines(page)])
    terms = {
        term.lower()
        for name in grammars.lexicons
        if name.split("/")[0] in SPAM_LABELS and name.split(".")[-1] in _TERM_KINDS
        for term in grammars.terms(name)
    }
    _write(folder / _TERMS, sorted(term for term in terms if len(term) >= 2))


def _pages(writer: PageWriter, hosts: Sequence[Document], share: float, draw: random.Random) -> Iterator[str]:
    """Yield pages of CORPUS_BYTES together: paragraphs of clean pages, among them a window with spam on some."""
    paragraphs = _clean_paragraphs(hosts)
    left = CORPUS_BYTES
    while left > 0:
        wanted = int(PAGE_CHARS[0] * (PAGE_CHARS[1] / PAGE_CHARS[0]) ** draw.random())
        parts = [writer.page(Verdict.INJECTED).text] if draw.random() < share else []
        fresh = draw.sample(paragraphs, len(paragraphs))  # no page says a thing twice
        while fresh and sum(map(len, parts)) < wanted:
            parts.append(fresh.pop())
        draw.shuffle(parts)
        text = "\n".join(parts).encode("utf-8", "replace").decode()  # no other tool takes lone surrogates
        yield text
        left -= len(text.encode())


def _clean_paragraphs(hosts: Sequence[Document]) -> list[str]:
    lines = sorted({line for host in hosts for line in host.text.split("\n") if line.strip()})
    return [line for line, found in zip(lines, Detector.load().scan_many(lines), strict=True) if not found.spans]


def _as_html(text: str) -> str:
    """Return a page of HTML with the lines as paragraphs, and the head, menu and foot that pages have."""
    paragraphs = "\n".join(f'<p class="text">{html.escape(line)}</p>' for line in text.split("\n") if line.strip())
    menu = "".join(f'<li><a href="/section/{n}.html">Section {n}</a></li>' for n in range(12))
    style = ".text{margin:0 0 1em;line-height:1.6}.menu li{display:inline;padding:4px}" * 4
    return (
        f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>{html.escape(text[:40])}</title>'
        f'<style>{style}</style></head>\n<body><div class="menu"><ul>{menu}</ul></div>\n<div id="main"><div>'
        f'{paragraphs}\n</div></div><div class="foot"><a href="/about">About</a> <a href="/contact">Contact</a></div>'
        "<script>var page={id:1,loaded:false};window.onload=function(){page.loaded=true}</script></body></html>"
    )


def _labelled_lines(page: LabelledPage) -> Iterator[tuple[str, int]]:
    """Yield the lines of a page, and whether most of each is spam."""
    at = 0
    for line in page.text.split("\n"):
        inside = sum(max(0, min(span.end, at + len(line)) - max(span.start, at)) for span in page.spans)
        if line.strip():
            yield line.strip().encode("utf-8", "replace").decode(), int(2 * inside > len(line))
        at += len(line) + 1


def _write(path: Path, value: Sequence[object]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
