"""What a parsed page is made of: its tags, its elements, its text pieces; each knows where it stands in the source."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Final

from detector.html_text.lexing import Attribute, attributes_of
from detector.html_text.names import BREAKS_LINE, KNOWN_NAMES, Role, Way, role_of, way_of

#: The element that holds all others; it stands nowhere in the source.
ROOT: Final = 0


class Gap(IntEnum):
    """What parts a piece from the one before it; the larger wins."""

    NONE = 0
    LINK_ENDED = 1
    SPACE = 2
    LINE = 3


#: Values shorter than two characters say too little.
_READ: Final = re.compile(
    r"""(?:\A|[\s"'/])(?:alt|title)\s*+=\s*+(?:"([^"]{2,}+)"|'([^']{2,}+)'|([^\s>"'][^\s>]++))""", re.IGNORECASE
)
_NAMES: Final = (*KNOWN_NAMES, *BREAKS_LINE)
_KINDS: Final = {name: (int(Gap.LINE if name in BREAKS_LINE else Gap.NONE), int(way_of(name)[0])) for name in _NAMES}
_OTHER_KIND: Final = (int(Gap.NONE), int(Way.PUSH))
_OTHER_END: Final = (int(Gap.NONE), int(Way.END))
_END_KINDS: Final = {name: (gap, int(Way.END)) for name, (gap, _) in _KINDS.items()} | {
    "a": (int(Gap.LINK_ENDED), int(Way.END))
}


def kind_of(name: str, *, is_end: bool) -> tuple[int, int]:
    """Return the gap and the way of a tag of this name."""
    return _END_KINDS.get(name, _OTHER_END) if is_end else _KINDS.get(name, _OTHER_KIND)


class Tag:
    """A tag as it was written; one object serves all tags of a page that are written alike.

    ``way`` is how it is taken in the ordinary case, ``gap`` what it parts text by.
    """

    __slots__ = ("_attributes", "_traits", "gap", "name", "way", "written")

    def __init__(self, name: str, written: str, kind: tuple[int, int]) -> None:
        self.name = name
        self.written = written
        self.gap, self.way = kind

    @property
    def is_end(self) -> bool:
        """Tell whether it is an end tag."""
        return self.way == Way.END

    @property
    def role(self) -> Role:
        """Return what a start tag of its name asks the stack to do."""
        return role_of(self.name)

    @property
    def self_closing(self) -> bool:
        """Tell whether it ends in a slash."""
        return self.written.endswith("/")

    @property
    def links(self) -> bool:
        """Tell whether it may be a link: an ``a`` or ``area`` with attributes."""
        return bool(self.written) and self.name in ("a", "area")

    def reads(self) -> list[tuple[int, int]]:
        """Return where in the tag the values of attributes stand that people read: alt and title."""
        at = 1 + len(self.name)
        groups = ((match, match.lastindex or 0) for match in _READ.finditer(self.written))
        return [(at + match.start(group), at + match.end(group)) for match, group in groups]

    def attributes(self) -> Mapping[str, Attribute]:
        """Return the attributes by name; their offsets count from the tag's start."""
        try:
            return self._attributes
        except AttributeError:  # not asked before: on most pages hardly any tag is
            at = 1 + len(self.name) + self.is_end
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


#: An element as it is noted while parsing: start of its tag, end of its tag, parent, tag, the link it stands in.
Opened = tuple[int, int, int, Tag, int]
#: Text as it is noted while parsing: gap before it, where it starts, the source's text, its element.
Noted = tuple[int, int, str, int]


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
    tag: Tag

    @property
    def name(self) -> str:
        return self.tag.name


@dataclass(frozen=True, slots=True)
class Link:
    """A link: its element, its address as written (references decoded) and whether it asks not to be followed."""

    element: int
    href: str
    nofollow: bool


@dataclass(frozen=True)
class Document:
    """A parsed page.

    ``opened`` and ``closed`` have one entry an element, in the order of their start tags; ``noted`` is text in the
    order of the source; ``verbatim`` are those of its entries in which ``&`` has no meaning, ``valued`` those that are
    the value of an attribute. ``comments`` and ``scripts`` are ranges of contents with the element they stand in,
    ``sheets`` the texts of style elements. ``anchors`` are the links' elements, ``texts`` the values of alt and
    title attributes with their element, ``torn`` the elements that badly nested tags took apart,
    ``roots`` the tags of html and body.
    """

    source: str
    opened: list[Opened]
    closed: list[tuple[int, int] | None]
    noted: list[Noted]
    verbatim: frozenset[int]
    valued: frozenset[int]
    comments: list[tuple[int, int, int]]
    scripts: list[tuple[int, int, int]]
    sheets: list[str]
    anchors: list[int] = field(default_factory=list)
    texts: list[tuple[int, int, int]] = field(default_factory=list)
    torn: frozenset[int] = frozenset()
    roots: tuple[Tag, ...] = ()

    def element(self, number: int) -> Element:
        start, inner, parent, tag, _ = self.opened[number]
        close, end = self.closed[number] or (len(self.source), len(self.source))
        return Element(number, start, inner, close, end, parent, tag)

    def elements(self) -> Iterator[Element]:
        """Yield all elements but the root, in the order of their start tags."""
        for number in range(1, len(self.opened)):
            yield self.element(number)

    def link_of(self, number: int) -> int:
        """Return the element of the link that an element stands in (or is), -1 where there is none."""
        return self.opened[number][4]

    @cached_property
    def links(self) -> list[Link]:
        """Return the links in the order of the source."""
        found = []
        for number in self.anchors:
            attributes = self.opened[number][3].attributes()
            rel = attributes["rel"].value.lower() if "rel" in attributes else ""
            if "href" in attributes:
                found.append(Link(number, attributes["href"].value.strip(), "nofollow" in rel))
        return found

    @cached_property
    def children(self) -> dict[int, list[int]]:
        """Return the elements right inside each element, by number."""
        found: dict[int, list[int]] = {}
        for number in range(1, len(self.opened)):
            found.setdefault(self.opened[number][2], []).append(number)
        return found


def root_element() -> Opened:
    """Return the entry of the element that holds all others."""
    return 0, 0, -1, Tag("html", "", kind_of("html", is_end=False)), -1
