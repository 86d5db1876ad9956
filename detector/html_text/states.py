"""A parsed page comes in; for any of its elements, whether what stands in it can be seen, and why not, goes out.

Most pages are never asked: style elements are read, and rules compared, when a first element is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Final

from detector.html_text.documents import ROOT, Document, Tag
from detector.html_text.styles import TINY_PIXELS, VISIBLE, Hidden, State, entered, pixels, with_reason
from detector.html_text.stylesheets import Rule, Sheet, cascade, parse_sheets

#: Elements whose content browsers that run scripts never show; in some only until a visitor asks.
_NEVER_SHOWN: Final = {
    "noscript": Hidden.NOSCRIPT, "template": Hidden.TEMPLATE, "datalist": Hidden.TEMPLATE, "audio": Hidden.TEMPLATE,
    "video": Hidden.TEMPLATE, "canvas": Hidden.TEMPLATE, "iframe": Hidden.TEMPLATE, "noframes": Hidden.TEMPLATE,
    "noembed": Hidden.TEMPLATE, "rp": Hidden.TEMPLATE, "title": Hidden.META, "meta": Hidden.META,
    "defs": Hidden.TEMPLATE, "symbol": Hidden.TEMPLATE, "metadata": Hidden.TEMPLATE,
}  # fmt: skip
_LOOKED_AT: Final = frozenset((*_NEVER_SHOWN, "marquee", "dialog", "summary"))
#: Looking further up for what a selector asks of elements above would let deep nesting take quadratic time.
_ABOVE: Final = 64


class States:
    """Says of the elements of one page whether they can be seen; remembers what it found out."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._of_element: dict[int, State] = {}
        self._of_tag: dict[tuple[State, Tag], State] = {}
        self._rules: dict[Tag, list[Rule]] = {}

    @cached_property
    def _sheet(self) -> Sheet:
        return parse_sheets(self._document.source[start:end] for start, end in self._document.tokens.sheets)

    def reason(self, number: int) -> Hidden | None:
        """Return why what stands right in an element is not seen, None where it is."""
        return self.state(number).reason

    def state(self, number: int) -> State:
        """Return the state inside an element."""
        known, opened = self._of_element, self._document.opened
        waiting = []
        while number not in known and number > ROOT:
            waiting.append(number)
            number = opened[number][2]
        state = known.get(number) or self._root()
        for number in reversed(waiting):
            state = known[number] = self._inside(state, number)
        return state

    def _root(self) -> State:
        state = VISIBLE
        for tag in self._document.roots:
            state = self._entered(state, tag, cascade(self._rules_of(tag, ROOT), tag.get("style") or ""))
        self._of_element[ROOT] = state
        return state

    def _inside(self, parent: State, number: int) -> State:
        above = self._document.opened[number][2]
        tag = self._document.tag(number)
        rules = self._rules_of(tag, above)
        if not rules and not tag.written and tag.name not in _LOOKED_AT:
            return parent
        if any(len(rule.compounds) > 1 for rule in rules):
            return self._entered(parent, tag, cascade(rules, tag.get("style") or ""))
        key = (parent, tag)
        if key not in self._of_tag:
            self._of_tag[key] = self._entered(parent, tag, cascade(rules, tag.get("style") or ""))
        return self._of_tag[key]

    def _rules_of(self, tag: Tag, above: int) -> list[Rule]:
        """Return the rules that an element with this tag meets where it stands, weakest first."""
        if not self._sheet.rules:
            return []
        if tag not in self._rules:
            may = self._sheet.may_match(tag.name, tag.written)
            self._rules[tag] = self._sheet.candidates(tag) if may else []
        rules = self._rules[tag]
        if all(len(rule.compounds) == 1 for rule in rules):
            return rules
        ancestors = self._ancestors(above)
        met = {rule for rule in rules if rule.matters and rule.matches_above(ancestors)}
        if met:  # what undoes needs something to undo
            met |= {rule for rule in rules if not rule.matters and rule.matches_above(ancestors)}
        return [rule for rule in rules if rule in met]

    def _ancestors(self, above: int) -> list[Tag]:
        """Return the tags of the elements from `above` up, innermost first."""
        found: list[Tag] = []
        while above > ROOT and len(found) < _ABOVE:
            found.append(self._document.tag(above))
            above = self._document.opened[above][2]
        return found + list(reversed(self._document.roots))

    def _entered(self, parent: State, tag: Tag, declared: Mapping[str, str]) -> State:
        """Return the state inside an element, given all that is declared of it."""
        attributes = tag.attributes()
        if tag.name == "font" and "color" in attributes and "color" not in declared:
            declared = {**declared, "color": attributes["color"].value.strip().lower()}
        if "bgcolor" in attributes and not {"background", "background-color"} & declared.keys():
            declared = {**declared, "background": attributes["bgcolor"].value.strip().lower()}
        state = entered(parent, declared) if declared else parent
        shown = declared.get("display", "none") != "none"
        if "hidden" in attributes and not shown:
            state = with_reason(state, Hidden.ATTRIBUTE)
        elif tag.name in _NEVER_SHOWN and not (shown and tag.name != "noscript"):
            state = with_reason(state, _NEVER_SHOWN[tag.name])
        elif tag.name == "dialog" and "open" not in attributes and not shown:
            state = with_reason(state, Hidden.DISPLAY)
        elif tag.name == "marquee" and _is_tiny_marquee(tag, declared):
            state = with_reason(state, Hidden.MARQUEE)
        if "aria-hidden" in attributes and attributes["aria-hidden"].value.strip().lower() == "true":
            state = replace(state, aria=True)
        return state


def _is_tiny_marquee(tag: Tag, declared: Mapping[str, str]) -> bool:
    attributes = tag.attributes()
    for name in ("width", "height"):
        written = declared.get(name) or (attributes[name].value.strip().lower() if name in attributes else "")
        size = pixels(written, 16, 0)
        if size is not None and size <= 2 * TINY_PIXELS:
            return True
    return False
