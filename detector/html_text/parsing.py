"""The source of a page comes in; its elements, text pieces, links, comments and scripts go out, each with its place.

The source is cut at every ``<``, and a tag that ends at the first ``>`` is read once for all tags that are written
alike: on real pages most are. Everything else goes through the patterns of `lexing`, at the place where it stands.
"""

from __future__ import annotations

import re
from typing import Final

from detector.html_text.documents import Document, Gap, Noted, Tag, kind_of
from detector.html_text.lexing import PLAIN_TAG, TAG, markup_at, raw_text_end
from detector.html_text.names import BUTTON_SCOPE, PART_OF, RAW_TEXT, TABLE_CONTEXT, VOID, Role, Way
from detector.html_text.stack import NONE as NO_PARAGRAPH
from detector.html_text.stack import OpenElements

_META_MAY_READ: Final = re.compile("keywords|description|title|&", re.IGNORECASE)
_META_READ: Final = re.compile(r"keywords|(?:\w+:)?(?:description|title)\Z", re.IGNORECASE)


def parse(source: str) -> Document:
    """Return the page's elements and texts; never raises, and takes time linear in the source.

    >>> page = parse("<p>One <b>two</b>")
    >>> [(start, text) for _, start, text, _ in page.noted]
    [(3, 'One '), (10, 'two')]
    """
    return Parser(source).run()


class Parser:
    """Goes once over a source; the state of that walk."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.stack = OpenElements()
        self.tags: dict[str, Tag] = {}
        #: Tags that do not end at the first bracket.
        self.odd: list[Tag] = []
        self.noted: list[Noted] = []
        self.verbatim: set[int] = set()
        self.valued: set[int] = set()
        self.comments: list[tuple[int, int, int]] = []
        self.scripts: list[tuple[int, int, int]] = []
        self.sheets: list[str] = []
        self.roots: list[Tag] = []
        self.texts: list[tuple[int, int, int]] = []
        self.gap: int = Gap.NONE
        #: Up to here the source has been read, past what is cut at "<".
        self.resume = 0

    def run(self) -> Document:
        """Read the whole source.

        Nearly all tags are known, ask for nothing but to be opened or closed, and are dealt with right here.
        """
        first, *parts = self.source.split("<")
        if first:
            self.text(0, first)
        known, stack, noted = self.tags, self.stack, self.noted
        names, numbers, paragraphs, lost = stack.names, stack.numbers, stack.paragraphs, stack.lost
        opened, closed = stack.opened, stack.closed
        following, resume = len(first), 0
        gap: int = self.gap
        end_way, block_way, part_way, void_way, link_way, space = _END, _BLOCK, _PART, _VOID, _LINK, _SPACE
        in_table, anchors = TABLE_CONTEXT, stack.anchors
        for part in parts:
            start = following
            following = start + 1 + len(part)
            if start < resume:
                if resume < following:
                    self.gap = gap
                    self.text(resume, self.source[resume:following])
                    gap = self.gap
                continue
            raw, bracket, text = part.partition(">")
            end = start + 2 + len(raw)
            tag = known.get(raw) if bracket else None
            if tag is None:
                self.gap = gap
                tag = self.learn(raw, start)
                gap = self.gap
                if self.resume > start:  # no tag, or one that does not end at the first bracket
                    end = resume = self.resume
                    text = self.source[end:following]
            if tag is not None:
                way, name = tag.way, names[-1]
                if tag.gap > gap:
                    gap = tag.gap
                if way == end_way and name == tag.name and not stack.foreign_open:
                    closed[numbers.pop()] = (start, end)
                    names.pop()
                    paragraphs.pop()
                elif (
                    way
                    and way != end_way
                    and not lost
                    and not stack.foreign_open
                    and (
                        (name in PART_OF[tag.name] and paragraphs[-1] < 0)
                        if way == part_way
                        else name not in in_table
                        and (way != block_way or paragraphs[-1] < 0)
                        and (way != link_way or "a" not in names)
                    )
                ):
                    parent, number = numbers[-1], len(opened)
                    link = opened[parent][4]
                    if way == link_way and tag.written:
                        link = number
                        anchors.append(number)
                    opened.append((start, end, parent, tag, link))
                    if way == void_way:
                        closed.append((end, end))
                    else:
                        closed.append(None)
                        name = tag.name
                        paragraphs.append(
                            len(names) if name == "p" else NO_PARAGRAPH if name in BUTTON_SCOPE else paragraphs[-1]
                        )
                        names.append(name)
                        numbers.append(number)
                        if way == link_way and gap == _LINK_ENDED:
                            gap = space
                else:
                    self.gap = gap
                    self.take(tag, start, end)
                    gap = self.gap
                    if self.resume > end:  # raw text
                        resume = end = self.resume
                        text = self.source[end:following]
            if text:
                if text.isspace():
                    if gap < space:
                        gap = space
                elif lost or names[-1] in in_table:
                    self.gap = gap
                    self.text(end, text)
                    gap = self.gap
                else:
                    noted.append((gap, end, text, numbers[-1]))
                    gap = 0
        stack.close_all(len(self.source))
        self.note_attributes()
        return self.document()

    def take(self, tag: Tag, start: int, end: int) -> None:
        """Take a tag that asks for more than the usual."""
        if tag.is_end:
            self.end(tag, start, end)
        else:
            self.start(tag, start, end)

    def note_attributes(self) -> None:
        """Note the values of attributes that are read: they stand beside the flow."""
        known: dict[Tag, list[tuple[int, int]]] = {}
        for tag in (*self.tags.values(), *self.odd):
            lowered = tag.written.lower()
            if ("title" in lowered or "alt" in lowered) and not tag.is_end and (reads := tag.reads()):
                known[tag] = reads
        if known:
            for number, (start, inner, _, tag, _) in enumerate(self.stack.opened):
                if tag in known and start < inner:  # elements that go on elsewhere have no tag of their own there
                    self.texts += [(start + at, start + until, number) for at, until in known[tag]]

    def document(self) -> Document:
        return Document(
            self.source,
            self.stack.opened,
            self.stack.closed,
            self.noted,
            frozenset(self.verbatim),
            frozenset(self.valued),
            self.comments,
            self.scripts,
            self.sheets,
            self.stack.anchors,
            self.texts,
            frozenset(self.stack.torn),
            tuple(self.roots),
        )

    def text(self, at: int, text: str) -> None:
        """Note text; blank text only parts what stands around it."""
        if text.isspace():
            if self.gap < Gap.SPACE:
                self.gap = Gap.SPACE
            return
        stack = self.stack
        if stack.lost:
            stack.restore(at)
        element = stack.numbers[-1]
        if stack.names[-1] in TABLE_CONTEXT:
            element = stack.outside_table()
        self.noted.append((self.gap, at, text, element))
        self.gap = Gap.NONE

    def learn(self, raw: str, start: int) -> Tag | None:
        """Return the tag at `start`; None for what is no tag: then everything up to ``resume`` is dealt with.

        A tag that ends at the first bracket is kept for those that are written alike.
        """
        match = PLAIN_TAG.match(self.source, start) or TAG.match(self.source, start)
        if match is None:
            self.no_tag(start)
            return None
        slash, name, written = match.group(1, 2, 3)
        if match.re is TAG and not match[4]:  # the source ends inside the tag: it is not there
            self.resume = len(self.source)
            return None
        if not name.islower() or "\0" in name or name == "image":
            name = _RENAMED.get(name.lower(), name.lower().replace("\0", "\ufffd"))
        tag = Tag(name, written, kind_of(name, is_end=bool(slash)))
        if match.end() == start + 2 + len(raw):
            self.tags[raw] = tag
        else:
            self.resume = match.end()
            self.odd.append(tag)
        return tag

    def no_tag(self, start: int) -> None:
        """Take a comment or the like, or a ``<`` that is text."""
        found = markup_at(self.source, start, foreign=self.stack.in_foreign())
        if found is None:
            self.text(start, "<")
            self.resume = start + 1
            return
        self.resume = found.end
        if found.inner < found.inner_end:
            if found.kind == "cdata":
                self.verbatim.add(len(self.noted))
                self.text(found.inner, self.source[found.inner : found.inner_end])
            elif found.kind == "comment":
                self.comments.append((found.inner, found.inner_end, self.stack.numbers[-1]))

    def open(self, tag: Tag, start: int, end: int, *, push: bool = True) -> int:
        """Put an element among the opened ones, and on the stack; return its number."""
        stack = self.stack
        opened = stack.opened
        number = len(opened)
        parent = stack.numbers[-1]
        if stack.names[-1] in TABLE_CONTEXT:
            parent = stack.parent(tag.name)
        link = opened[parent][4]
        if tag.links:
            link = number
            stack.anchors.append(number)
        opened.append((start, end, parent, tag, link))
        if tag.name == "meta":
            self.note_meta(tag, start, number)
        if push:
            stack.closed.append(None)
            stack.push(tag.name, number)
        else:
            stack.closed.append((end, end))
        return number

    def note_meta(self, tag: Tag, start: int, number: int) -> None:
        """Note the content of a meta element that is read: keywords, descriptions and titles."""
        if not _META_MAY_READ.search(tag.written):
            return
        attributes = tag.attributes()
        what = attributes.get("name") or attributes.get("property")
        content = attributes.get("content")
        if what and content and content.value.strip() and _META_READ.match(what.value.strip()):
            at, until = start + content.value_start, start + content.value_end
            self.valued.add(len(self.noted))
            self.noted.append((Gap.LINE, at, self.source[at:until], number))
            self.gap = Gap.LINE

    def start(self, tag: Tag, start: int, end: int) -> None:
        """Take a start tag that asks the stack for more than to be pushed."""
        stack, role = self.stack, tag.role
        if stack.foreign_open:
            stack.leave_foreign(tag.name, start)
            if stack.in_foreign():
                self.open(tag, start, end, push=not tag.self_closing)
                return
        if role is Role.ROOT:
            if tag.name in ("html", "body"):
                self.roots.append(tag)
            return
        if role is Role.TABLE_PART:
            if stack.enter_table_part(tag.name, start):
                self.open(tag, start, end, push=tag.name not in VOID)
            return
        if stack.paragraphs[-1] >= 0 and (role is Role.BLOCK or role is Role.FORM or tag.name == "hr"):
            stack.close_paragraph(start)
        if role is Role.FORMATTING and tag.name in ("a", "nobr"):
            self.end_open(tag.name, start)
            if self.gap == Gap.LINK_ENDED and tag.name == "a":
                self.gap = Gap.SPACE
        elif role is Role.FORM:
            if "form" in stack.names[-64:]:
                return
        elif role in _CLOSE_IMPLIED:
            stack.close_implied(tag, start)
        elif role is Role.TABLE and stack.names[-1] in TABLE_CONTEXT:
            stack.end("table", start, start)
        if stack.lost and role in _RESTORES and tag.name not in _IN_HEAD:
            stack.restore(start)
        push = role is not Role.VOID and not (role is Role.FOREIGN and tag.self_closing)
        number = self.open(tag, start, end, push=push)
        if role is Role.RAW:
            self.raw(tag, number, end)

    def end_open(self, name: str, at: int) -> None:
        """Close a link that is still open where another one starts."""
        stack = self.stack
        if name in stack.names or any(stack.opened[number][3].name == name for number in stack.lost):
            stack.end(name, at, at)

    def raw(self, tag: Tag, number: int, start: int) -> None:
        """Take the content of an element that holds no markup; its end tag is read as any other."""
        end = raw_text_end(self.source, tag.name, start)
        self.resume = max(end, start)
        if start == end:
            return
        name = tag.name
        if name == "script":
            self.scripts.append((start, end, number))
        elif name == "style":
            self.sheets.append(self.source[start:end])
        elif name in ("iframe", "noembed", "noframes"):
            self.comments.append((start, end, number))
        else:
            if name in RAW_TEXT:
                self.verbatim.add(len(self.noted))
            self.gap = Gap.LINE
            self.text(start, self.source[start:end])
        self.gap = max(self.gap, tag.gap)

    def end(self, tag: Tag, start: int, end: int) -> None:
        """Take an end tag that does not close the current element, or that may stand in svg or math."""
        stack, name = self.stack, tag.name
        if tag.role is Role.ROOT:
            return
        if stack.names[-1] == name:
            stack.pop_to(len(stack.names) - 1, start, end)
        elif stack.in_foreign() and name in stack.names[-64:]:
            place = len(stack.names) - 1 - stack.names[::-1].index(name)
            stack.pop_to(max(place, 1), start, end)
        else:
            stack.end(name, start, end)


#: Members of an enumeration are slow to look up where every tag asks.
_END, _BLOCK, _PART, _VOID, _LINK = map(int, (Way.END, Way.BLOCK, Way.PART, Way.VOID, Way.LINK))
_SPACE, _LINK_ENDED = int(Gap.SPACE), int(Gap.LINK_ENDED)
_CLOSE_IMPLIED: Final = frozenset((Role.LIST_ITEM, Role.HEADING, Role.OPTION, Role.BUTTON, Role.RUBY))
_RESTORES: Final = frozenset(
    (Role.PLAIN, Role.FORMATTING, Role.BUTTON, Role.OPTION, Role.SELECT, Role.FOREIGN, Role.RUBY, Role.VOID)
)
_RENAMED: Final = {"image": "img"}
_IN_HEAD: Final = frozenset(
    ("meta", "link", "base", "template", "noscript", "col", "frame", "param", "source", "track")
)

__all__ = ["Parser", "parse"]
