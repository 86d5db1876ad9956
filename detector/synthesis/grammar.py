"""Grammars: families of templates and lexicons in, generated strings with marked parts out."""

from __future__ import annotations

import random
import tomllib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import regex

from detector.datatypes import InputError, Label

#: A generated text: pieces in order, each with its label or None for text that is not the family's.
Pieces = list[tuple[str, str | None]]
#: What the slots {@clean …}, {@other …} and {@body} draw from: a function of (source, unit).
TextSource = Callable[[str, str], str]

PLACES = frozenset(
    {"header", "title", "footer", "line", "block", "inline", "sentence", "replace", "suffix", "furniture", "page"}
)
CLEAN_LABELS = frozenset({"clean", "site_boilerplate"})
#: Lexicon entries whose checksum falls in this share are held out, so that designs are judged on unseen terms.
HELDOUT_ENTRY_SHARE = 0.25
_SLOT = regex.compile(r"\{\{|\}\}|\{([^{}|]+?)(?:\*(\d+)(?:-(\d+))?(?:\|([^{}]*))?)?\}")
_MARK = regex.compile(r"⟦(?:(" + "|".join([*Label, "clean"]) + r"): ?)?|⟧")
_DEPTH = 12
_FREQUENT_HAN = (
    "天地人和大中国上海山水风云花月金木火土春夏秋冬东西南北安平明光新华文生民心家学长江河石林田丰年永兴盛德信义仁美丽青"
    "白红黄高远清正成达利宝"
)


@dataclass(frozen=True, slots=True)
class Family:
    """One family of generated text: see training_data/README.md for the fields."""

    name: str
    label: str
    langs: tuple[str, ...]
    places: tuple[str, ...]
    templates: tuple[str, ...]
    rules: Mapping[str, tuple[str, ...]]
    weight: float = 1.0
    heldout: bool = False
    pattern: str = ""

    def speaks(self, lang: str) -> bool:
        """Tell whether the family is written for pages of this language (``zh-Hant`` counts as ``zh``)."""
        return "*" in self.langs or lang.split("-")[0] in self.langs


@dataclass(frozen=True)
class Grammars:
    """All families and lexicons; ``part`` says which of them may be drawn: ``fit``, ``heldout`` or ``all``."""

    families: tuple[Family, ...]
    lexicons: Mapping[str, tuple[str, ...]]
    spinning: Mapping[str, tuple[tuple[str, tuple[str, ...], str], ...]]
    part: str = "fit"
    _cache: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False, compare=False)

    def usable(self, family: Family) -> bool:
        """Tell whether a family belongs to this part."""
        return self.part == "all" or family.heldout == (self.part == "heldout")

    def terms(self, name: str) -> tuple[str, ...]:
        """Return a lexicon's terms in this part (the whole of it where the part would be empty)."""
        if name not in self._cache:
            whole = self.lexicons[name]
            part = tuple(term for term in whole if self.part == "all" or _held_out(term) == (self.part == "heldout"))
            # Spam lexicons are split; the words of ordinary text are not.
            self._cache[name] = whole if name.startswith("negatives/") or not part else part
        return self._cache[name]

    def expand(self, family: Family, draw: random.Random, text_of: TextSource) -> Pieces:
        """Write one text of the family."""
        raw = self._fill(draw.choice(family.templates), family, draw, text_of, _DEPTH)
        return split_marks(raw, family.label)

    def _fill(self, template: str, family: Family, draw: random.Random, text_of: TextSource, depth: int) -> str:
        if depth == 0:
            raise InputError(
                f"family {family.name}: rules nest more than {_DEPTH} deep; look for a rule that calls itself"
            )
        out, at = [], 0
        for slot in _SLOT.finditer(template):
            out.append(template[at : slot.start()])
            at = slot.end()
            if slot.group(0) in ("{{", "}}"):
                out.append(slot.group(0)[0])
                continue
            name, least, most, joiner = slot.groups()
            if least is None:
                out.append(self._pick(name.strip(), family, draw, text_of, depth))
                continue
            count = draw.randint(int(least), int(most or least))
            picks = self._distinct(name.strip(), count, family, draw, text_of, depth)
            out.append((joiner or "").join(picks))
        out.append(template[at:])
        return "".join(out)

    def _distinct(
        self, name: str, count: int, family: Family, draw: random.Random, text_of: TextSource, depth: int
    ) -> list[str]:
        picks: list[str] = []
        for _ in range(count):
            pick = self._pick(name, family, draw, text_of, depth)
            if pick in picks:
                pick = self._pick(name, family, draw, text_of, depth)
            picks.append(pick)
        return picks

    def _pick(self, name: str, family: Family, draw: random.Random, text_of: TextSource, depth: int) -> str:
        if name.startswith("@"):
            return builtin(name[1:], draw, text_of)
        if name in family.rules:
            return self._fill(draw.choice(family.rules[name]), family, draw, text_of, depth - 1)
        if name in self.lexicons:
            return draw.choice(self.terms(name))
        raise InputError(f"family {family.name}: no rule or lexicon is called {name!r}")


@cache
def _held_out(term: str) -> bool:
    return zlib.crc32(term.encode("utf-8", "surrogatepass")) % 1000 < 1000 * HELDOUT_ENTRY_SHARE


def split_marks(raw: str, label: str) -> Pieces:
    """Split a text at its marks; without marks all of it carries `label` (``clean`` gives None).

    >>> split_marks("上一篇：⟦某某娱乐⟧的", "gambling")
    [('上一篇：', None), ('某某娱乐', 'gambling'), ('的', None)]
    """
    own = None if label == "clean" else label
    if "⟦" not in raw:
        return [(raw, own)]
    pieces: Pieces = []
    current: str | None = None
    at = 0
    for mark in _MARK.finditer(raw):
        if mark.start() > at:
            pieces.append((raw[at : mark.start()], current))
        at = mark.end()
        named = mark.group(1)
        current = None if mark.group(0) == "⟧" or named == "clean" else (named or own)
    if at < len(raw):
        pieces.append((raw[at:], current))
    return pieces


def builtin(call: str, draw: random.Random, text_of: TextSource) -> str:
    """Return what a slot that begins with @ gives."""
    name, _, argument = call.partition(" ")
    if name in ("clean", "other"):
        return text_of(name, argument.strip() or "phrase")
    if name == "body":
        return text_of("clean", "body")
    maker = _BUILTINS.get(name)
    if maker is None:
        raise InputError(f"unknown slot {{@{call}}}; known are {', '.join(sorted(_BUILTINS))}, clean, other, body")
    return maker(draw, *_bounds(argument))


def _bounds(argument: str) -> tuple[int, int]:
    if not argument:
        return 1, 4
    low, _, high = argument.partition("-")
    return int(low), int(high or low)


def _characters(alphabet: str) -> Callable[[random.Random, int, int], str]:
    return lambda draw, low, high: "".join(draw.choices(alphabet, k=draw.randint(low, high)))


def _date(draw: random.Random, _low: int, _high: int) -> str:
    year, month, day = draw.randint(2006, 2026), draw.randint(1, 12), draw.randint(1, 28)
    style = draw.choice(
        ("{y}-{m:02}-{d:02}", "{y}年{m}月{d}日", "{y}/{m}/{d}", "{m:02}-{d:02}", "{y}.{m:02}.{d:02}", "{y}-{m}-{d}")
    )
    return style.format(y=year, m=month, d=day)


def _time(draw: random.Random, _low: int, _high: int) -> str:
    text = f"{draw.randint(0, 23):02}:{draw.randint(0, 59):02}"
    return text if draw.random() < 0.6 else f"{text}:{draw.randint(0, 59):02}"


def _phone(draw: random.Random, _low: int, _high: int) -> str:
    digits = "".join(draw.choices("0123456789", k=8))
    styles = (
        f"1{draw.choice('3578')}{digits}{draw.randint(0, 9)}",
        f"0{draw.randint(10, 99)}-{digits}",
        f"400-{digits[:3]}-{digits[3:7]}",
        f"+{draw.randint(1, 99)} {digits[:4]} {digits[4:]}",
    )
    return draw.choice(styles)


def _domain(draw: random.Random, _low: int, _high: int) -> str:
    name = "".join(draw.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=draw.randint(3, 9)))
    host = f"{name}.{draw.choice(('com', 'net', 'org', 'cn', 'com.cn', 'cc', 'xyz', 'top', 'info', 'vip', 'co', 'io'))}"
    return f"www.{host}" if draw.random() < 0.6 else host


_BUILTINS: dict[str, Callable[[random.Random, int, int], str]] = {
    "digits": _characters("0123456789"),
    "lower": _characters("abcdefghijklmnopqrstuvwxyz"),
    "upper": _characters("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    "alnum": _characters("abcdefghijklmnopqrstuvwxyz0123456789"),
    "hex": _characters("0123456789abcdef"),
    "han": _characters(_FREQUENT_HAN),
    "int": lambda draw, low, high: str(draw.randint(low, high)),
    "year": lambda draw, _low, _high: str(draw.randint(2004, 2026)),
    "date": _date,
    "time": _time,
    "phone": _phone,
    "domain": _domain,
}


def load_grammars(folder: Path, part: str = "fit") -> Grammars:
    """Read every lexicon, family and spinning table below `folder` (in sorted order, so that results repeat)."""
    lexicons: dict[str, tuple[str, ...]] = {}
    for path in sorted(folder.glob("lexicons/*/*.txt")):
        lexicons[f"{path.parent.name}/{path.stem}"] = _terms(path)
    for path in sorted(folder.glob("negatives/lexicons/*.txt")):
        lexicons[f"negatives/{path.stem}"] = _terms(path)
    paths = [*sorted(folder.glob("grammars/*/*.toml")), *sorted(folder.glob("negatives/*.toml"))]
    families = tuple(_family(path) for path in paths)
    spinning = {path.stem: _substitutions(path) for path in sorted(folder.glob("spinning/*.tsv"))}
    return Grammars(families, lexicons, spinning, part)


def _terms(path: Path) -> tuple[str, ...]:
    lines = (line.rstrip("\n") for line in path.read_text(encoding="utf-8").split("\n"))
    found = tuple(dict.fromkeys(line.strip() for line in lines if line.strip() and not line.startswith("#")))
    if not found:
        raise InputError(f"{path} has no terms")
    return found


def _family(path: Path) -> Family:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        places = data["place"] if isinstance(data["place"], list) else [data["place"]]
        langs = data["lang"] if isinstance(data["lang"], list) else [data["lang"]]
        family = Family(
            name=f"{path.parent.name}/{path.stem}",
            label=data["label"],
            langs=tuple(langs),
            places=tuple(places),
            templates=tuple(data["templates"]),
            rules={name: tuple(rule) for name, rule in data.get("rules", {}).items()},
            weight=float(data.get("weight", 1)),
            heldout=bool(data.get("heldout", False)),
            pattern=data.get("pattern", path.stem),
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no family ({error!r}); see training_data/README.md") from error
    if family.label not in CLEAN_LABELS and family.label not in {str(label) for label in Label}:
        raise InputError(f"{path} has the unknown label {family.label!r}")
    if unknown := set(family.places) - PLACES:
        raise InputError(f"{path} has the unknown place {', '.join(sorted(unknown))}")
    return family


def _substitutions(path: Path) -> tuple[tuple[str, tuple[str, ...], str], ...]:
    rows = []
    for line in path.read_text(encoding="utf-8").split("\n"):
        if line.strip() and not line.startswith("#"):
            original, replacements, *kind = line.rstrip("\n").split("\t")
            rows.append((original, tuple(replacements.split("|")), kind[0] if kind else "synonym"))
    return tuple(rows)
