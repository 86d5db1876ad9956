"""What a parsed page is made of: its tags, its elements, its text pieces; each knows where it stands in the source."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from detector.html_text.lexing import TAG, Attribute, attributes_of, element_name
from detector.html_text.tokens import Tokens

#: The element that holds all others; it stands nowhere in the source.
ROOT: Final = 0

#: An element as it is noted while parsing: start of its tag, end of its tag, parent, name, the link it stands in.
Opened = tuple[int, int, int, str, int]


class Tag:
    """A tag as it was written; one object serves all tags of a page that are written alike."""

    __slots__ = ("_attributes", "_traits", "name", "written")

    def __init__(self, source: str) -> None:
        match = TAG.match(source)
        self.name = element_name(source, match.start(2)) if match else ""
        #: What stands behind the name.
        self.written = match[3] if match else ""

    def attributes(self) -> Mapping[str, Attribute]:
        """Return the attributes by name; their offsets count from the tag's start."""
        try:
            return self._attributes
        except AttributeError:  # not asked before: on most pages hardly any tag is
            at = 1 + len(self.name)
            self._attributes: Mapping[str, Attribute] = {each.name: each for each in attributes_of(self.written, at=at)}
            return self._attributes

    def get(self, attribute: str) -> str | None:
        """Return an attribute's value, None where the tag has none of that name."""
        found = self.attributes().get(attribute)
        return found.value if found else None

    @property
    def traits(self) -> frozenset[str]:
        """Return its name, classes and id as selectors see them: ``<div``, ``.class``, ``#id``."""
        try:
            return self._traits
        except AttributeError:
            found = [f"<{self.name}"]
            if "=" in self.written:
                found += [f".{name}" for name in (self.get("class") or "").split()]
                found += [f"#{self.get('id')}"] if self.get("id") else []
            self._traits: frozenset[str] = frozenset(found)
            return self._traits


@dataclass(frozen=True, slots=True)
class Element:
    """An element: its tag from ``start`` to ``inner``, its content to ``close``, its end tag to ``end``.

    ``close`` and ``end`` are the same where no end tag closed it.
    """

    number: int
    start: int
    inner: int
    close: int
    end: int
    parent: int
    name: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link: its element, its address as written (references decoded) and whether it asks not to be followed."""

    element: int
    href: str
    nofollow: bool


@dataclass(frozen=True)
class Tree:
    """Which element stands in which.

    ``opened`` and ``closed`` have one entry an element, in the order of their start tags; ``copied`` leads from those
    that go on elsewhere, and have no tag there, to the first of them. ``anchors`` are the links' elements, ``torn`` the
    elements that badly nested tags took apart, ``pieces`` has the element of each piece of text, and ``roots`` where
    the tags of html and body stand.
    """

    opened: list[Opened]
    closed: list[tuple[int, int] | None]
    copied: Mapping[int, int]
    anchors: list[int]
    torn: frozenset[int]
    pieces: list[int]
    roots: list[tuple[int, int]]


@dataclass(frozen=True)
class Document:
    """A parsed page: its tokens, and once it is asked for, its tree, which most pages are judged without."""

    source: str
    tokens: Tokens
    build: Callable[[str, Tokens], Tree]
    _tags: dict[str, Tag] = field(default_factory=dict)

    @cached_property
    def tree(self) -> Tree:
        return self.build(self.source, self.tokens)

    @property
    def opened(self) -> list[Opened]:
        return self.tree.opened

    @property
    def torn(self) -> frozenset[int]:
        return self.tree.torn

    def tag_at(self, start: int, end: int) -> Tag:
        """Return the tag that stands in this range of the source."""
        written = self.source[start:end]
        tag = self._tags.get(written)
        if tag is None:
            tag = self._tags[written] = Tag(written)
        return tag

    def start_tag(self, number: int) -> Tag:
        """Return a tag by its number among the tokens."""
        return self.tag_at(int(self.tokens.starts[number]), int(self.tokens.ends[number]))

    def tag(self, number: int) -> Tag:
        """Return the start tag of an element."""
        start, inner, _, _, _ = self.tree.opened[self.tree.copied.get(number, number)]
        return self.tag_at(start, inner)

    def written(self, number: int) -> str:
        """Return the start tag of an element as it is written."""
        start, inner, _, _, _ = self.tree.opened[self.tree.copied.get(number, number)]
        return self.source[start:inner]

    @property
    def roots(self) -> list[Tag]:
        """Return the tags of html and body."""
        return [self.tag_at(start, end) for start, end in self.tree.roots]

    def element_of(self, tag: int) -> int | None:
        """Return the element that a start tag opened, None where it opened none."""
        start, opened = int(self.tokens.starts[tag]), self.tree.opened
        number = bisect_left(opened, (start,))
        while number < len(opened) and opened[number][0] == start:
            if opened[number][1] > start:
                return number
            number += 1
        return None

    def element(self, number: int) -> Element:
        start, inner, parent, name, _ = self.tree.opened[number]
        close, end = self.tree.closed[number] or (len(self.source), len(self.source))
        return Element(number, start, inner, close, end, parent, name)

    def elements(self) -> Iterator[Element]:
        """Yield all elements but the root, in the order of their start tags."""
        for number in range(1, len(self.tree.opened)):
            yield self.element(number)

    def link_of(self, number: int) -> int:
        """Return the element of the link that an element stands in (or is), -1 where there is none."""
        return self.tree.opened[number][4]

    @cached_property
    def links(self) -> list[Link]:
        """Return the links in the order of the source."""
        found = []
        for number in self.tree.anchors:
            attributes = self.tag(number).attributes()
            rel = attributes["rel"].value.lower() if "rel" in attributes else ""
            if "href" in attributes:
                found.append(Link(number, attributes["href"].value.strip(), "nofollow" in rel))
        return found

    @cached_property
    def children(self) -> dict[int, list[int]]:
        """Return the elements right inside each element, by number."""
        found: dict[int, list[int]] = {}
        for number in range(1, len(self.tree.opened)):
            found.setdefault(self.tree.opened[number][2], []).append(number)
        return found


def root_element() -> Opened:
    """Return the entry of the element that holds all others."""
    return 0, 0, -1, "html", -1
