"""The tokens of a page come in; its elements, and in which of them each piece of text stands, go out."""

from __future__ import annotations

from functools import partial
from typing import Final

from detector.html_text.documents import Document, Tree
from detector.html_text.names import BUTTON_SCOPE, PART_OF, TABLE_CONTEXT, VOID, Role, Way, role_of
from detector.html_text.stack import MAX_DEPTH, OpenElements
from detector.html_text.stack import NONE as NO_PARAGRAPH
from detector.html_text.tokens import Tokens, read_tokens

#: So many times a page is read again where svg or math decides what is a tag; then what is not known yet is read as
#: text, which hides nothing.
_FOREIGN_ROUNDS: Final = 3


def parse(source: str) -> Document:
    """Return the page's elements and texts; never raises, and takes time linear in the source.

    >>> page = parse("<p>One <b>two</b>")
    >>> [page.source[start:end] for start, end in zip(page.tokens.piece_starts, page.tokens.piece_ends)]
    ['One', 'two']
    """
    tokens = read_tokens(source)
    if not tokens.foreign_asked:
        return Document(source, tokens, build_tree)
    foreign: dict[int, bool] = {}
    for _ in range(_FOREIGN_ROUNDS):  # only where a title, a style or the like may stand in svg or math
        builder = Builder(source, tokens, frozenset((*tokens.foreign_asked, *foreign)))
        tree = builder.run()
        guessed = dict.fromkeys(tokens.foreign_asked, False) | foreign
        if all(guessed.get(at) == answer for at, answer in builder.foreign.items()):
            return Document(source, tokens, partial(_known_tree, tree))
        foreign |= builder.foreign
        tokens = read_tokens(source, foreign)
    return Document(source, read_tokens(source, foreign | dict.fromkeys(tokens.foreign_asked, True)), build_tree)


def _known_tree(tree: Tree, source: str, tokens: Tokens) -> Tree:
    """Return a tree that was built already."""
    return tree


def build_tree(source: str, tokens: Tokens) -> Tree:
    """Return the tree of a page's elements."""
    return Builder(source, tokens).run()


class Builder:
    """Goes once over the tokens; the state of that walk."""

    def __init__(self, source: str, tokens: Tokens, asked: frozenset[int] = frozenset()) -> None:
        self.source = source
        self.tokens = tokens
        self.stack = OpenElements()
        self.roots: list[tuple[int, int]] = []
        self.pieces: list[int] = []
        #: What is asked about the places of tags and CDATA sections, and the answers.
        self.asked = asked
        self.foreign: dict[int, bool] = {}

    def run(self) -> Tree:
        """Take all tags and pieces.

        Nearly all tags ask for nothing but to be opened or closed, and are dealt with right here.
        """
        tokens, stack, pieces = self.tokens, self.stack, self.pieces
        names, numbers, paragraphs, lost = stack.names, stack.numbers, stack.paragraphs, stack.lost
        opened, closed, anchors = stack.opened, stack.closed, stack.anchors
        end_way, block_way, part_way, void_way, link_way = _END, _BLOCK, _PART, _VOID, _LINK
        simple_ways = (_PUSH, _VOID)
        in_table, button_scope, special = TABLE_CONTEXT, BUTTON_SCOPE, self.special_pieces()
        said = [*tokens.piece_tags, len(tokens.starts) + 1]
        piece, next_piece, count = 0, said[0], 0
        while next_piece == 0:
            self.note(piece)
            piece += 1
            next_piece = said[piece]
        ways = tokens.ways()
        called = map(tokens.names.__getitem__, tokens.numbers.tolist())
        starts, ends = tokens.starts.tolist(), tokens.ends.tolist()
        usual = True
        for count, (start, end, way, name) in enumerate(zip(starts, ends, ways, called, strict=True), 1):
            top = names[-1]
            if way == end_way:
                if usual and top == name:
                    closed[numbers.pop()] = (start, end)
                    names.pop()
                    paragraphs.pop()
                else:
                    self.end(name, start, end)
                    usual = not lost and not stack.foreign_open
            elif usual and (
                (top in PART_OF[name] and paragraphs[-1] < 0)
                if way == part_way
                else top not in in_table
                and (
                    way in simple_ways
                    or (paragraphs[-1] < 0 if way == block_way else way and "a" not in names[-MAX_DEPTH:])
                )
            ):
                parent, number = numbers[-1], len(opened)
                if way == link_way and end - start > _BARE_LINK:
                    opened.append((start, end, parent, name, number))
                    anchors.append(number)
                else:
                    opened.append((start, end, parent, name, opened[parent][4]))
                if way == void_way:
                    closed.append((end, end))
                else:
                    closed.append(None)
                    if name == "p":
                        paragraphs.append(len(names))
                    elif name in button_scope:
                        paragraphs.append(NO_PARAGRAPH)
                    else:
                        paragraphs.append(paragraphs[-1])
                    names.append(name)
                    numbers.append(number)
            else:
                self.start(name, start, end)
                usual = not lost and not stack.foreign_open
            while next_piece == count:
                if usual and names[-1] not in in_table and not (special and piece in special):
                    pieces.append(numbers[-1])
                else:
                    self.note(piece)
                    usual = not lost and not stack.foreign_open
                piece += 1
                next_piece = said[piece]
        stack.close_all(len(self.source))
        return Tree(opened, closed, stack.copied, anchors, frozenset(stack.torn), pieces, self.roots)

    def special_pieces(self) -> frozenset[int]:
        """Return the pieces that are no text of the element that is open where they stand, or that are asked about."""
        tokens = self.tokens
        asked = (piece for piece in tokens.verbatim if tokens.piece_starts[piece] - _CDATA_CHARS in self.asked)
        return tokens.valued.union(asked)

    def note(self, piece: int) -> None:
        """Note the element that a piece of text stands in."""
        stack, tokens = self.stack, self.tokens
        at = tokens.piece_starts[piece]
        if piece in tokens.valued:
            start, inner, _, _, _ = stack.opened[-1]
            self.pieces.append(len(stack.opened) - 1 if start < at < inner else stack.numbers[-1])
            return
        if self.asked and at - _CDATA_CHARS in self.asked:
            self.foreign[at - _CDATA_CHARS] = stack.in_foreign()
        if stack.lost:
            stack.restore(at)
        self.pieces.append(stack.outside_table() if stack.names[-1] in TABLE_CONTEXT else stack.numbers[-1])

    def open(self, name: str, start: int, end: int, *, push: bool = True) -> None:
        """Put an element among the opened ones, and on the stack."""
        stack = self.stack
        opened = stack.opened
        number = len(opened)
        parent = stack.numbers[-1]
        if stack.names[-1] in TABLE_CONTEXT:
            parent = stack.parent(name)
        link = opened[parent][4]
        if name in ("a", "area") and end - start > len(name) + 2:
            link = number
            stack.anchors.append(number)
        opened.append((start, end, parent, name, link))
        if push:
            stack.closed.append(None)
            stack.push(name, number)
        else:
            stack.closed.append((end, end))

    def start(self, name: str, start: int, end: int) -> None:
        """Take a start tag that asks the stack for more than to be pushed."""
        stack, role = self.stack, role_of(name)
        if start in self.asked:
            self.foreign[start] = stack.in_foreign()
        if stack.foreign_open:
            stack.leave_foreign(name, start)
            if stack.in_foreign():
                self.open(name, start, end, push=not self.is_self_closing(end))
                return
        if role is Role.ROOT:
            if name in ("html", "body"):
                self.roots.append((start, end))
            return
        if role is Role.TABLE_PART:
            if stack.enter_table_part(name, start):
                self.open(name, start, end, push=name not in VOID)
            return
        if stack.paragraphs[-1] >= 0 and (role is Role.BLOCK or role is Role.FORM or name == "hr"):
            stack.close_paragraph(start)
        if role is Role.FORMATTING and name in ("a", "nobr"):
            self.end_open(name, start)
        elif role is Role.FORM:
            if "form" in stack.names[-64:]:
                return
        elif role in _CLOSE_IMPLIED:
            stack.close_implied(name, start)
        elif role is Role.TABLE and stack.names[-1] in TABLE_CONTEXT:
            stack.end("table", start, start)
        if stack.lost and role in _RESTORES and name not in _IN_HEAD:
            stack.restore(start)
        push = role is not Role.VOID and not (role is Role.FOREIGN and self.is_self_closing(end))
        self.open(name, start, end, push=push)

    def is_self_closing(self, end: int) -> bool:
        """Tell whether a tag ends in a slash."""
        return self.source[end - 2] == "/"

    def end_open(self, name: str, at: int) -> None:
        """Close a link that is still open where another one starts."""
        stack = self.stack
        if name in stack.names[-MAX_DEPTH:] or any(stack.opened[number][3] == name for number in stack.lost):
            stack.end(name, at, at)

    def end(self, name: str, start: int, end: int) -> None:
        """Take an end tag that does not close the current element, or that may stand in svg or math."""
        stack = self.stack
        if role_of(name) is Role.ROOT:
            return
        if stack.names[-1] == name:
            stack.pop_to(len(stack.names) - 1, start, end)
        elif stack.in_foreign() and name in stack.names[-64:]:
            place = len(stack.names) - 1 - stack.names[::-1].index(name)
            stack.pop_to(max(place, 1), start, end)
        else:
            stack.end(name, start, end)


#: Members of an enumeration are slow to look up where every tag asks.
_, _END, _PUSH, _BLOCK, _PART, _VOID, _LINK = map(int, Way)
_BARE_LINK: Final = len("<a>")
_CDATA_CHARS: Final = len("<![CDATA[")
_CLOSE_IMPLIED: Final = frozenset((Role.LIST_ITEM, Role.HEADING, Role.OPTION, Role.BUTTON, Role.RUBY))
_RESTORES: Final = frozenset(
    (Role.PLAIN, Role.FORMATTING, Role.BUTTON, Role.OPTION, Role.SELECT, Role.FOREIGN, Role.RUBY, Role.VOID)
)
_IN_HEAD: Final = frozenset(
    ("meta", "link", "base", "template", "noscript", "col", "frame", "param", "source", "track")
)

__all__ = ["Builder", "build_tree", "parse"]
