"""A page's own style elements come in; the declarations that they give an element, by its tag, go out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

from detector.html_text.styles import VISIBLE, declarations_of, entered

#: The window that media rules are judged for.
WINDOW_WIDTH: Final = 1280
#: A style element that speaks of a few elements only is no longer than this.
_SMALL_SHEET: Final = 2000
#: What a rule's body must hold to be able to hide something; most hold nothing of it.
_MAY_HIDE: Final = re.compile(
    r"none|hidden|collapse|opacity|-\d\d|indent|clip|zoom|scale|transparent|:\s*[01]?\.?[01](?:[a-z%;\s!]|\Z)"
    r"|\d{4}|color\s*:[^;]*;.*background|background.*[;\s]color\s*:",
    re.IGNORECASE | re.DOTALL,
)
#: Properties by which an element undoes what one above it declares.
_INHERITED: Final = frozenset(("visibility", "font", "font-size", "text-indent", "color", "-webkit-text-fill-color"))
_COMMENT: Final = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.DOTALL)
_BRACE: Final = re.compile(r"([^{}]*+)([{}])")
_SIMPLE: Final = re.compile(
    r"""([.\#]?)((?:[-\w]|\\.|[^\x00-\x7f])+)|(\*)|\[\s*([-\w]+)\s*(?:([~|^$*]?=)\s*("[^"]*"|'[^']*'|[^\]\s]+)\s*i?\s*)?\]"""
)
_COMBINATOR: Final = re.compile(r"\s*([>+~])\s*|\s+")
_WORD: Final = re.compile(r"[-\w]+")
_WIDTH: Final = re.compile(r"\(\s*(min|max)-(?:device-)?width\s*:\s*([\d.]+)(px|em|rem)\s*\)")


class Described(Protocol):
    """What a selector asks of an element: its name, its traits (``<tag``, ``.class``, ``#id``), its attributes."""

    @property
    def name(self) -> str: ...

    @property
    def traits(self) -> frozenset[str]: ...

    def get(self, attribute: str) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Compound:
    """A selector of one element: the traits and attributes it needs; ``child`` of what stands before it."""

    traits: frozenset[str] = frozenset()
    attributes: tuple[tuple[str, str, str], ...] = ()
    child: bool = False

    def matches(self, element: Described) -> bool:
        return self.traits <= element.traits and (
            not self.attributes or all(_holds(element.get(name), sign, value) for name, sign, value in self.attributes)
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """One selector and its declarations; ``weight`` orders rules as the cascade does.

    ``matters`` tells that it hides something, or may show again what an element above hides.
    """

    compounds: tuple[Compound, ...]
    declarations: tuple[tuple[str, str, bool], ...]
    weight: tuple[int, int, int, int]
    matters: bool

    @property
    def last(self) -> Compound:
        return self.compounds[-1]

    def matches_above(self, above: Sequence[Described]) -> bool:
        """Tell whether the elements above, innermost first, are as the selector wants them."""
        at = 0
        for nth in range(len(self.compounds) - 2, -1, -1):
            wanted = self.compounds[nth]
            if self.compounds[nth + 1].child:
                if at >= len(above) or not wanted.matches(above[at]):
                    return False
                at += 1
                continue
            while at < len(above) and not wanted.matches(above[at]):
                at += 1
            if at == len(above):
                return False
            at += 1
        return True


@dataclass(frozen=True)
class Sheet:
    """The rules of a page's style elements that hide something, and those that could undo it."""

    rules: tuple[Rule, ...]

    @cached_property
    def _by_key(self) -> dict[str, list[Rule]]:
        """Return the rules by one word that an element must have for each: its id, a class or its tag."""
        keys: dict[str, list[Rule]] = {}
        for rule in self.rules:
            key = min(rule.last.traits, default="")  # ids sort before classes, and these before tags
            keys.setdefault(key, []).append(rule)
        return keys

    def may_match(self, name: str, written: str) -> bool:
        """Tell, fast, whether a tag with these attributes may meet a rule."""
        keys = self._by_key
        if not keys:
            return False
        if f"<{name}" in keys or "" in keys:
            return True
        return bool(written) and ("&" in written or not self._words.isdisjoint(_WORD.findall(written)))

    @cached_property
    def _words(self) -> set[str]:
        return {key[1:] for key in self._by_key}

    def candidates(self, element: Described) -> list[Rule]:
        """Return the rules whose last part matches the element, weakest first; none where they could change nothing."""
        keys = self._by_key
        found = [rule for key in ("", *element.traits) for rule in keys.get(key, ()) if rule.last.matches(element)]
        if not any(rule.matters for rule in found):
            return []
        return sorted(found, key=lambda rule: rule.weight)


def cascade(rules: Iterable[Rule], inline: str) -> dict[str, str]:
    """Return what counts of matching rules, weakest first, and the style attribute: important ones win."""
    given = [each for rule in rules for each in rule.declarations]
    own = declarations_of(inline) if inline else []
    ordered = [*(e for e in given if not e[2]), *(e for e in own if not e[2]), *(e for e in given if e[2])]
    return {name: value for name, value, _ in [*ordered, *(e for e in own if e[2])]}


def parse_sheets(sheets: Iterable[str]) -> Sheet:
    """Return the rules of the style elements' texts, in order; none where nothing in them hides anything.

    A rule that hides nothing is kept only where it may show again what one that hides has hidden: where the last parts
    of both name the same thing.
    """
    read = [each for sheet in sheets for each in _rules_of(_COMMENT.sub(" ", sheet) if "*/" in sheet else sheet)]
    hiding = [
        (order, declarations)
        for order, (_, body) in enumerate(read)
        if _MAY_HIDE.search(body)
        and (declarations := declarations_of(body))
        and hides({name: value for name, value, _ in declarations})
    ]
    if not hiding:
        return Sheet(())
    properties = {name for _, declarations in hiding for name, _, _ in declarations}
    touching = re.compile("|".join(map(re.escape, sorted(properties))), re.IGNORECASE)
    words = {word for order, _ in hiding for selector in read[order][0].split(",") for word in _last_words(selector)}
    known = dict(hiding)
    rules: list[Rule] = []
    for order, (selectors, body) in enumerate(read):
        if order not in known and not touching.search(body):
            continue
        declarations = known.get(order) or declarations_of(body)
        kept = tuple(each for each in declarations if each[0] in properties)
        matters = order in known or any(name in _INHERITED for name, _, _ in kept)
        for selector in selectors.split(",") if kept else ():
            if (matters or not words.isdisjoint(_last_words(selector))) and (compounds := parse_selector(selector)):
                rules.append(Rule(compounds, kept, _weight(compounds, len(rules)), matters))
    return Sheet(tuple(rules))


def selected_traits(sheet: str) -> frozenset[str]:
    """Return the classes and ids that all rules of a small style element ask for; none where any rule asks for none.

    >>> sorted(selected_traits(".a{display:none} div#b{top:0}"))
    ['#b', '.a']
    """
    if len(sheet) > _SMALL_SHEET:
        return frozenset()
    found: set[str] = set()
    for selectors, _ in _rules_of(_COMMENT.sub(" ", sheet)):
        for selector in selectors.split(","):
            traits = {trait for each in parse_selector(selector) for trait in each.traits if trait[0] != "<"}
            if not traits:
                return frozenset()
            found |= traits
    return frozenset(found)


def _last_words(selector: str) -> list[str]:
    """Return the names in the last part of a selector."""
    parts = selector.split()
    return _WORD.findall(parts[-1].lower().rpartition(">")[2]) if parts else []


def hides(declared: Mapping[str, str]) -> bool:
    """Tell whether declarations hide what they apply to, with nothing else said."""
    return entered(VISIBLE, declared).reason is not None


def _weight(compounds: Sequence[Compound], order: int) -> tuple[int, int, int, int]:
    kinds = [trait[0] for each in compounds for trait in each.traits]
    attributes = sum(len(each.attributes) for each in compounds)
    return kinds.count("#"), kinds.count(".") + attributes, kinds.count("<"), order


def _rules_of(sheet: str) -> Iterator[tuple[str, str]]:
    """Yield selectors and body of each rule that applies to a window; nested rules of @media and @supports too."""
    applies = [True]
    head = ""
    for written, brace in _BRACE.findall(sheet):
        if brace == "{":
            if head.startswith("@"):  # what was open holds rules
                applies.append(applies[-1] and _applies(head))
            elif head:
                applies.append(False)  # rules inside a rule are not read
            head = written.rpartition(";")[2].strip() if ";" in written else written.strip()
            head = head or " "
        elif head:
            if applies[-1] and not head.startswith("@") and written:
                yield head, written
            head = ""
        elif len(applies) > 1:
            applies.pop()


def _applies(head: str) -> bool:
    """Tell whether what an at-rule holds counts in a wide window on a screen."""
    lowered = head.lower()
    if lowered.startswith(("@supports", "@layer")):
        return True
    if not lowered.startswith("@media"):
        return False
    return any(_query_applies(query) for query in lowered[6:].split(","))


def _query_applies(query: str) -> bool:
    for kind, number, unit in _WIDTH.findall(query):
        try:
            width = float(number) * (1 if unit == "px" else 16)
        except ValueError:
            return False
        if (width > WINDOW_WIDTH) if kind == "min" else (width < WINDOW_WIDTH):
            return False
    words = set(_WIDTH.sub(" ", query).split())
    return words <= {"all", "screen", "only", "and"}


def parse_selector(written: str) -> tuple[Compound, ...]:
    """Return the parts of a selector, outermost first; none where it asks for more than is known from the source.

    >>> [sorted(each.traits) for each in parse_selector("div.a.b > #c")]
    [['.a', '.b', '<div'], ['#c']]
    >>> parse_selector("a:hover")
    ()
    """
    written, at, child = written.strip(), 0, False
    compounds = []
    while at < len(written):
        traits, attributes, begun = set[str](), list[tuple[str, str, str]](), at
        while match := _SIMPLE.match(written, at):
            kind, name, _, attribute, sign, value = match.groups()
            at = match.end()
            if attribute:
                attributes.append((attribute.lower(), sign or "", (value or "").strip("\"'")))
            elif name:
                traits.add(kind + name.replace("\\", "") if kind else f"<{name.lower()}")
        if at == begun:
            return ()
        compounds.append(Compound(frozenset(traits), tuple(attributes), child))
        if at == len(written):
            break
        between = _COMBINATOR.match(written, at)
        if between is None or between[1] in ("+", "~"):
            return ()
        child, at = between[1] == ">", between.end()
    return tuple(compounds)


def _holds(value: str | None, sign: str, wanted: str) -> bool:
    if value is None:
        return False
    tests = {
        "": True,
        "=": value == wanted,
        "~=": wanted in value.split(),
        "|=": value == wanted or value.startswith(f"{wanted}-"),
        "^=": bool(wanted) and value.startswith(wanted),
        "$=": bool(wanted) and value.endswith(wanted),
        "*=": bool(wanted) and wanted in value,
    }
    return tests[sign]
