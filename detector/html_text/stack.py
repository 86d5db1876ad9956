"""Start and end tags come in, in order; the element that is open at each moment, and where each one ends, goes out."""

from __future__ import annotations

from collections.abc import Set

from detector.html_text.documents import ROOT, Opened, root_element
from detector.html_text.names import (
    BUTTON_SCOPE,
    CELLS,
    FORMATTING,
    HEADINGS,
    INTEGRATION,
    LEAVES_FOREIGN,
    LIST_SCOPE,
    MARKERS,
    SCOPE,
    SECTIONS,
    SPECIAL,
    TABLE_CONTEXT,
    TABLE_SCOPE,
)

#: So far down the stack an open element is looked for: browsers nest no deeper, and every tag takes bounded time.
MAX_DEPTH = 512
#: So many formatting elements that were left open go on in the next paragraph; browsers keep three of a kind.
MAX_LOST = 12
#: So many elements are taken apart where one below them ends; pages that nest worse are no pages.
MAX_TORN = 16
#: No paragraph is open.
NONE = -1


class OpenElements:
    """The stack of open elements, and the list of all there were.

    ``names`` and ``numbers`` are the stack; ``paragraphs`` says for each place where on the stack the paragraph stands
    that a block would close, NONE where there is none.
    """

    def __init__(self) -> None:
        self.opened: list[Opened] = [root_element()]
        self.closed: list[tuple[int, int] | None] = [None]
        self.names = ["#root"]
        self.numbers = [ROOT]
        self.paragraphs = [NONE]
        self.lost: list[int] = []
        self.anchors: list[int] = []
        self.torn: set[int] = set()
        self.copied: dict[int, int] = {}
        self.foreign_open = 0

    def parent(self, name: str) -> int:
        """Return the element that a new one of this name is put into: what is no part of a table leaves it."""
        if self.names[-1] in TABLE_CONTEXT and name not in TABLE_CONTEXT and name not in CELLS and name != "caption":
            return self.outside_table()
        return self.numbers[-1]

    def outside_table(self) -> int:
        """Return the element in front of whose table text goes that stands in the table, but in no cell."""
        at = self._find(frozenset(("table",)), TABLE_SCOPE - {"table"})
        return self.numbers[at - 1] if at > 0 else self.numbers[-1]

    def push(self, name: str, number: int) -> None:
        """Put an element on the stack that is already among the opened ones."""
        at = len(self.names)
        self.names.append(name)
        self.numbers.append(number)
        self.paragraphs.append(at if name == "p" else NONE if name in BUTTON_SCOPE else self.paragraphs[-1])
        if name in ("svg", "math"):
            self.foreign_open += 1

    def pop_to(self, at: int, close: int, end: int, *, keep_formatting: bool = True) -> None:
        """Close all elements from the place `at` of the stack up; the lowest ends at `end`, the others at `close`.

        Formatting elements among the upper ones are lost: they go on in the next text, unless a cell or the like ends.
        """
        names, numbers, closed = self.names, self.numbers, self.closed
        first_lost = at + 1
        if keep_formatting:
            for place in range(len(names) - 1, at - 1, -1):
                if names[place] in MARKERS:
                    first_lost = len(names)
                    break
            for place in range(first_lost, len(names)):
                if names[place] in FORMATTING and len(self.lost) < MAX_LOST:
                    self.lost.append(numbers[place])
        for place in range(len(names) - 1, at, -1):
            closed[numbers[place]] = (close, close)
        closed[numbers[at]] = (close, end)
        if self.foreign_open:
            self.foreign_open -= sum(name in ("svg", "math") for name in names[at:])
        del names[at:], numbers[at:], self.paragraphs[at:]

    def restore(self, at: int) -> None:
        """Open the lost formatting elements again, right before the text or the tag at the offset."""
        lost = self.lost[:]
        self.lost.clear()  # the walk over the tags holds on to this list
        for number in lost:
            _, _, _, name, link = self.opened[number]
            parent, copy = self.numbers[-1], len(self.opened)
            self.opened.append((at, at, parent, name, copy if link == number else self.opened[parent][4]))
            self.closed.append(None)
            self.copied[copy] = self.copied.get(number, number)
            if link == number:
                self.anchors.append(copy)
            self.push(name, copy)

    def close_paragraph(self, at: int) -> None:
        """Close the paragraph that is open, and what is open in it."""
        self.pop_to(self.paragraphs[-1], at, at)

    def close_implied(self, name: str, at: int) -> None:
        """Close what a start tag of a list item, heading, option, ruby or button closes without saying so."""
        if name == "li":
            self._close_item(frozenset(("li",)), at)
        elif name in ("dd", "dt"):
            self._close_item(frozenset(("dd", "dt")), at)
        elif name in HEADINGS:
            if self.paragraphs[-1] >= 0:
                self.close_paragraph(at)
            if self.names[-1] in HEADINGS:
                self.pop_to(len(self.names) - 1, at, at)
        elif name in ("option", "optgroup"):
            if self.names[-1] == "option":
                self.pop_to(len(self.names) - 1, at, at)
            if name == "optgroup" and self.names[-1] == "optgroup":
                self.pop_to(len(self.names) - 1, at, at)
        elif name == "button":
            if (place := self._find(frozenset(("button",)), SCOPE)) > 0:
                self.pop_to(place, at, at)
        elif self.names[-1] in ("rb", "rt", "rtc", "rp"):
            self.pop_to(len(self.names) - 1, at, at)

    def _close_item(self, names: Set[str], at: int) -> None:
        for place in range(len(self.names) - 1, max(0, len(self.names) - MAX_DEPTH), -1):
            name = self.names[place]
            if name in names:
                self.pop_to(place, at, at)
                break
            if name in SPECIAL and name not in ("address", "div", "p"):
                break
        if self.paragraphs[-1] >= 0:
            self.close_paragraph(at)

    def enter_table_part(self, name: str, at: int) -> bool:
        """Close what a start tag of a table's part closes; tell whether a table is open that it can go into."""
        if name in CELLS:
            inner = self._find(CELLS | {"caption"}, TABLE_SCOPE)
            if inner > 0:
                self.pop_to(inner, at, at, keep_formatting=False)
            context = TABLE_CONTEXT
        elif name == "tr":
            context = SECTIONS | {"table"}
        else:
            context = frozenset(("table",))
        place = self._find(context, TABLE_SCOPE - {"table"})
        if place <= 0:
            return self._find(frozenset(("template",)), SCOPE - {"template"}) > 0
        if place < len(self.names) - 1:
            self.pop_to(place + 1, at, at, keep_formatting=False)
        return True

    def leave_foreign(self, name: str, at: int) -> None:
        """Close svg or math in front of a start tag that cannot stand in it."""
        if name in LEAVES_FOREIGN and self.in_foreign():
            place = len(self.names) - 1
            while place > 0 and self.names[place] not in ("svg", "math"):
                place -= 1
            self.pop_to(max(place, 1), at, at)

    def in_foreign(self) -> bool:
        """Tell whether what comes next is content of svg or math, not HTML inside them."""
        if not self.foreign_open:
            return False
        for place in range(len(self.names) - 1, max(0, len(self.names) - MAX_DEPTH), -1):
            name = self.names[place]
            if name in ("svg", "math"):
                return True
            if name in INTEGRATION:
                return False
        return False

    def end(self, name: str, start: int, end: int) -> None:
        """Take an end tag that does not simply close the current element."""
        if name in FORMATTING:
            self._end_formatting(name, start, end)
        elif name in HEADINGS:
            self._end_scoped(HEADINGS, SCOPE, start, end)
        elif name == "p":
            if self.paragraphs[-1] >= 0:
                self.pop_to(self.paragraphs[-1], start, end)
        elif name == "form":
            place = self._find(frozenset(("form",)), SCOPE)
            if place > 0:
                self._take_out(place, start, end)
        elif name == "li":
            self._end_scoped(frozenset(("li",)), LIST_SCOPE, start, end)
        elif name in TABLE_CONTEXT or name in CELLS or name == "caption":
            scope = TABLE_SCOPE if name != "table" else TABLE_SCOPE - {"table"}
            self._end_scoped(frozenset((name,)), scope, start, end, keep_formatting=False)
        elif name in SPECIAL or name in SCOPE:
            self._end_scoped(frozenset((name,)), SCOPE - {name}, start, end)
        else:
            place = self._find(frozenset((name,)), SPECIAL)
            if place > 0:
                self.pop_to(place, start, end)

    def _end_scoped(
        self, names: Set[str], scope: Set[str], start: int, end: int, *, keep_formatting: bool = True
    ) -> None:
        place = self._find(names, scope)
        if place > 0:
            self.pop_to(place, start, end, keep_formatting=keep_formatting)

    def _end_formatting(self, name: str, start: int, end: int) -> None:
        """Close a formatting element; blocks that were opened in it stay open and are in it no more."""
        place = self._find(frozenset((name,)), MARKERS | {"table"})
        if place <= 0:
            for nth in range(len(self.lost) - 1, -1, -1):
                if self.opened[self.lost[nth]][3] == name:
                    del self.lost[nth]
                    break
            return
        above = self.names[place + 1 :][-MAX_DEPTH:]
        if any(each in SPECIAL for each in above):
            self._take_out(place, start, end)
        else:
            self.pop_to(place, start, end)

    def _take_out(self, place: int, start: int, end: int) -> None:
        """Close one element in the middle of the stack; what is open in it stays open."""
        number = self.numbers[place]
        self.closed[number] = (start, end)
        link = self.opened[self.numbers[place - 1]][4]
        del self.names[place], self.numbers[place], self.paragraphs[place]
        for at in range(place, len(self.names)):
            if self.paragraphs[at] >= place:
                self.paragraphs[at] -= 1
        self.torn.add(number)
        self.torn.update(self.numbers[place:])
        for at in range(place, min(len(self.names), place + MAX_TORN)):
            # What comes from here on stands in an element that is no more in the one taken out.
            old, copy = self.numbers[at], len(self.opened)
            _, _, _, name, inside = self.opened[old]
            self.opened.append((end, end, self.numbers[at - 1], name, link if inside == number else inside))
            self.closed.append(None)
            self.copied[copy] = self.copied.get(old, old)
            self.closed[old] = (start, start)
            self.torn.add(copy)
            self.numbers[at] = copy

    def close_all(self, at: int) -> None:
        """Close what is still open at the end of the source."""
        if len(self.names) > 1:
            self.pop_to(1, at, at, keep_formatting=False)
        self.closed[ROOT] = (at, at)

    def _find(self, names: Set[str], stop: Set[str]) -> int:
        """Return the place of the innermost open element of one of these names, NONE where `stop` comes first."""
        stack = self.names
        for place in range(len(stack) - 1, max(-1, len(stack) - 1 - MAX_DEPTH), -1):
            name = stack[place]
            if name in names:
                return place
            if name in stop:
                return NONE
        return NONE
