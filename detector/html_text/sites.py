"""A page's links come in; where they lead, and which site is the page's own, goes out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Final
from urllib.parse import urlsplit

from detector.html_text.documents import Document
from detector.html_text.extraction import HtmlText

_SAYS_SITE: Final = re.compile("<base|canonical|og:url", re.IGNORECASE)
#: So many addresses and hosts are remembered: pages of a site name the same ones.
_KNOWN_HOSTS: Final = 4096
#: How an address on a host is written in nearly all tags, up to the host; what is not is read attribute by attribute.
_HEADS: Final = tuple(f" href={quote}{scheme}" for quote in ('"', "'", "") for scheme in ("http:", "https:", ""))
_HOST: Final = re.compile(r"""//[^\s/"'?#\\>&]++(?=[\s/"'?#\\>])""")


@lru_cache(_KNOWN_HOSTS)
def host_of(address: str) -> str:
    """Return the host of an absolute address, without "www.", empty where it has none.

    >>> host_of("//www.Example.org/a"), host_of("/a"), host_of("http://[bad")
    ('example.org', '', '')
    """
    if "//" not in address[:12]:
        return ""
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return ""
    return host.lower().removeprefix("www.").rstrip(".")


@lru_cache(_KNOWN_HOSTS)
def site_of(host: str) -> str:
    """Return the part of a host that one owner has: its last two labels, three under short shared ones.

    >>> site_of("news.example.co.uk"), site_of("m.example.com"), site_of("localhost")
    ('example.co.uk', 'example.com', 'localhost')
    """
    labels = host.split(".")
    shared = len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3
    return ".".join(labels[-3:] if shared else labels[-2:])


class Links:
    """The links of a page and where they lead."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.tags: list[int] = document.tokens.named("a", "area").tolist()

    @cached_property
    def hosts(self) -> list[tuple[int, str]]:
        """Return the links that lead to a host, with it."""
        return list(self.hosts_of(self.tags))

    def hosts_of(self, links: Sequence[int]) -> Iterator[tuple[int, str]]:
        """Yield those of the links that lead to a host, with it."""
        source, tokens = self._document.source, self._document.tokens
        places = zip(links, tokens.starts[links].tolist(), tokens.ends[links].tolist(), strict=True)
        find, hosts_at = source.find, _HOST.match
        for number, start, end in places:
            at = find("//", start, end)
            if at < 0:
                continue
            if source.endswith(_HEADS, start, at) and (match := hosts_at(source, at, end)):
                host = host_of(match[0])
            else:
                host = host_of((self._document.start_tag(number).get("href") or "").strip())
            if host:
                yield number, host


def own_site(document: Document, url: str | None, links: Links) -> str:
    """Return the page's own site: of its address, else of what the page says of itself, empty where neither does.

    A page that says nothing is of the site that most of its links lead to, where there are enough of them.
    """
    if url and (host := host_of(url if "//" in url else f"//{url}")):
        return site_of(host)
    said: Counter[str] = Counter()
    tokens = document.tokens
    numbers = tokens.named("base", "link", "meta")
    for number, start, end in zip(
        numbers.tolist(), tokens.starts[numbers].tolist(), tokens.ends[numbers].tolist(), strict=True
    ):
        if document.source.find("//", start, end) < 0 or not _SAYS_SITE.search(document.source, start, end):
            continue
        tag, address = document.start_tag(number), ""
        if tag.name == "base" or (tag.name == "link" and (tag.get("rel") or "").lower() == "canonical"):
            address = tag.get("href") or ""
        elif tag.name == "meta" and (tag.get("property") or "").lower() == "og:url":
            address = tag.get("content") or ""
        if host := host_of(address.strip()):
            said[site_of(host)] += 1
    if said:
        return said.most_common(1)[0][0]
    linked: Counter[str] = Counter()
    for host, times in Counter(host for _, host in links.hosts).items():
        linked[site_of(host)] += times
    site, count = linked.most_common(1)[0] if linked else ("", 0)
    return site if count * 2 > sum(linked.values()) and count >= 10 else ""


def away(hosts: Iterable[tuple[int, str]], own: str) -> list[int]:
    """Return the links that lead to another site."""
    return [number for number, host in hosts if not own or site_of(host) != own]


class OwnLinks:
    """The links of a page that stay on its own site."""

    def __init__(self, page: HtmlText, url: str | None) -> None:
        self._page = page
        self._url = url
        self._links = Links(page.document)
        self._stays: dict[int, bool] = {}

    @cached_property
    def _own(self) -> str:
        return own_site(self._page.document, self._url, self._links)

    @cached_property
    def _of_pieces(self) -> list[int]:
        found: list[int] = self._page.document.tokens.piece_links().tolist()
        return found

    def hold(self, start: int, end: int) -> bool:
        """Tell whether all of a range of the text is text of such links, or a value of them."""
        page = self._page
        tags = [
            self._of_pieces[page.origins[run]] if run < page.flow_runs else page.holders[page.origins[run]].tag
            for run, _, _ in page.runs_between(start, end)
        ]
        return bool(tags) and all(map(self._stay, tags))

    def _stay(self, number: int) -> bool:
        """Tell whether the tag of this number is that of a link to the page's own site."""
        if number not in self._stays:
            tag = self._page.document.start_tag(number) if number >= 0 else None
            is_link = tag is not None and tag.name == "a" and bool(tag.get("href"))
            self._stays[number] = is_link and not away(self._links.hosts_of([number]), self._own)
        return self._stays[number]
