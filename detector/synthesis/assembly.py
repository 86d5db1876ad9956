"""Assembly: clean documents and grammars in, labelled pages with spam and ordinary furniture put into them out."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import regex

from detector.datatypes import LabelledPage, Verdict
from detector.folding import traditional_table
from detector.synthesis.evasion import EVASIONS
from detector.synthesis.grammar import CLEAN_LABELS, Family, Grammars, Pieces
from detector.synthesis.handwritten import assemble

#: A page is a window of its document: the share of spam in a page varies, and small pages train as well as long ones.
WINDOW_CHARS = (150, 1600)
#: Pages of which some clean lines are disguised, for one spam text that is.
CLEAN_DISGUISES = 2.0
_HAN_RUN = regex.compile(r"\p{Han}{2,}")
_WORD = regex.compile(r"[\p{L}\p{N}]{2,}")
_SENTENCE = regex.compile(r"[^。！？.!?\n]{6,120}[。！？.!?]?")
_TITLE_DELIMITERS = frozenset("-_|—–·：:,， ")
_TITLE_SEPARATORS = (" - ", "-", "_", " | ", "|", "—", " ", "·", "：", ":", "–", ",", "，", "")


@dataclass(frozen=True, slots=True)
class Document:
    """A clean document to write into."""

    id: str
    text: str
    lang: str
    kind: str = ""


class PageWriter:
    """Writes labelled pages: each draws one document (or part of it), spells it, furnishes it and contaminates it."""

    def __init__(
        self,
        grammars: Grammars,
        documents: Sequence[Document],
        seed: int,
        *,
        families: Callable[[Family], bool] = lambda _: True,
    ) -> None:
        """Write from these documents and the families that pass; the same arguments give the same pages."""
        self._grammars = grammars
        self._draw = random.Random(seed)
        self._by_lang: dict[str, list[Document]] = {}
        for document in documents:
            self._by_lang.setdefault(document.lang.split("-")[0], []).append(document)
        usable = [family for family in grammars.families if grammars.usable(family) and families(family)]
        self._spam = [family for family in usable if family.label not in CLEAN_LABELS]
        self._clean = [family for family in usable if family.label in CLEAN_LABELS]
        self._count = 0

    def page(self, kind: Verdict, *, lang: str | None = None, evade: float = 0.08) -> LabelledPage:
        """Write one page; `lang` restricts its document, `evade` is how often spam is disguised."""
        document = self._document(lang)
        lines = self._window(document)
        page = _Draft(self._disguised(lines, evade), document.lang, self._draw, self._other_of(document))
        written = self._furnish(page)
        if kind is not Verdict.CLEAN:
            written = self._contaminate(page, kind, evade)
        pieces = page.pieces()
        if document.lang == "zh-Hans" and self._draw.random() < 0.2:
            pieces = self._in_traditional(pieces)
        text, spans = assemble(pieces)
        self._count += 1
        return LabelledPage(
            f"{document.id}/{self._count}",
            text,
            spans,
            document.lang,
            str(kind),
            pattern=written.pattern,
            family=written.name,
        )

    def _disguised(self, lines: list[str], evade: float) -> list[str]:
        """Disguise some lines of some pages as spammers do, so that a disguise alone is not taken for spam."""
        if self._draw.random() >= CLEAN_DISGUISES * evade:
            return lines
        disguise = EVASIONS[self._draw.choice(sorted(EVASIONS))]
        share = self._draw.uniform(0.05, 0.5)
        return [disguise(line, self._draw) if self._draw.random() < share else line for line in lines]

    def _document(self, lang: str | None) -> Document:
        if lang is None:  # a language with few documents must not be known by its spam alone
            langs = sorted(self._by_lang)
            lang = self._draw.choices(langs, [math.sqrt(len(self._by_lang[name])) for name in langs])[0]
        return self._draw.choice(self._by_lang[lang])

    def _other_of(self, document: Document) -> Callable[[], Document]:
        same = self._by_lang[document.lang.split("-")[0]]
        return lambda: self._draw.choice(same)

    def _window(self, document: Document) -> list[str]:
        lines = document.text.split("\n")
        want = int(np.exp(self._draw.uniform(*np.log(WINDOW_CHARS))))
        first = 0 if self._draw.random() < 0.5 else self._draw.randrange(len(lines))
        taken, chars = [], 0
        for line in lines[first:]:
            taken.append(line[: want * 2])
            chars += len(taken[-1])
            if chars >= want:
                break
        return taken

    def _furnish(self, page: _Draft) -> Family:
        """Put ordinary furniture and trap sentences into the page."""
        families = [family for family in self._clean if family.speaks(page.lang)]
        written = Family("clean/document", "clean", (), (), (), {})
        for _ in range(self._draw.choice((0, 1, 1, 2, 3, 4, 6))):
            if families:
                written = self._draw.choices(families, [family.weight for family in families])[0]
                self._put(page, written, evade=0)
        return written

    def _contaminate(self, page: _Draft, kind: Verdict, evade: float) -> Family:
        families = [family for family in self._spam if family.speaks(page.lang)]
        whole = [family for family in families if "page" in family.places]
        if kind is Verdict.SPAM_PAGE and whole:
            family = self._draw.choice(whole)
            self._put(page, family, evade, place="page")
            return family
        parts = [family for family in families if set(family.places) - {"page"}]
        by_label: dict[str, list[Family]] = {}
        for family in parts:
            by_label.setdefault(family.label, []).append(family)
        label = self._draw.choices(sorted(by_label), [_LABEL_WEIGHTS.get(name, 1.0) for name in sorted(by_label)])[0]
        own = by_label[label]
        family = written = self._draw.choices(own, [one.weight for one in own])[0]
        for number in range(self._draw.choice((1, 1, 1, 2, 2, 3, 4))):
            if number:
                same = by_label[label] if self._draw.random() < 0.8 else parts
                family = self._draw.choices(same, [one.weight for one in same])[0]
            place = self._draw.choice([name for name in family.places if name != "page"])
            self._put(page, family, evade, place=place)
        return written

    def _put(self, page: _Draft, family: Family, evade: float, place: str | None = None) -> None:
        place = place or self._draw.choice(family.places)
        pieces = self._grammars.expand(family, self._draw, page.text_of)
        if self._draw.random() < evade:
            disguise = EVASIONS[self._draw.choice(sorted(EVASIONS))]
            pieces = [(disguise(text, self._draw) if label else text, label) for text, label in pieces]
        page.put(place, pieces)

    def _in_traditional(self, pieces: Pieces) -> Pieces:
        """Spell the page in traditional characters; spam mostly stays simplified (42 of 53 real headers do)."""
        keep_spam = self._draw.random() < 0.75
        table = traditional_table()
        return [
            (text if label in _FOREIGN_SPAM and keep_spam else _respell(text, table), label) for text, label in pieces
        ]


_FOREIGN_SPAM = frozenset({"porn", "gambling", "other_spam"})
_LABEL_WEIGHTS = {"porn": 1.5, "gambling": 3.0, "other_spam": 1.8, "repository_boilerplate": 2.2}


def _respell(text: str, table: np.ndarray) -> str:
    return "".join([chr(int(table[ord(c)])) if ord(c) < len(table) else c for c in text])


class _Draft:
    """A page in the making: lines of pieces."""

    def __init__(self, lines: list[str], lang: str, draw: random.Random, other: Callable[[], Document]) -> None:
        self.lines: list[Pieces] = [[(line, None)] for line in lines]
        self.lang = lang
        self._draw = draw
        self._other = other
        self._own = "\n".join(lines)

    def text_of(self, source: str, unit: str) -> str:
        """Return a phrase, sentence, title or body of the page itself or of another document."""
        text = self._own if source == "clean" else self._other().text
        if unit == "body":
            return text[:1200]
        if unit == "title":
            return next((line.strip()[:40] for line in text.split("\n") if line.strip()), "")
        if unit == "sentence":
            found = _SENTENCE.findall(self._slice(text, 4000))
            return self._draw.choice(found).strip() if found else text[:40].strip()
        return self._phrase(text)

    def _slice(self, text: str, chars: int) -> str:
        start = self._draw.randrange(max(len(text) - chars, 0) + 1)
        return text[start : start + chars]

    def _phrase(self, text: str) -> str:
        piece = self._slice(text, 400)
        runs = _HAN_RUN.findall(piece)
        if runs:
            run = self._draw.choice(runs)
            start = self._draw.randrange(len(run))
            phrase: str = run[start : start + self._draw.randint(2, 8)] if len(run) - start >= 2 else run[-2:]
            return phrase
        words = _WORD.findall(piece)
        if not words:
            return "…"
        start = self._draw.randrange(len(words))
        return " ".join(words[start : start + self._draw.randint(1, 3)])

    def pieces(self) -> Pieces:
        """Return the whole page as pieces."""
        out: Pieces = []
        for number, line in enumerate(self.lines):
            if number:
                # A line break between two lines of one label belongs to the span.
                before, after = self.lines[number - 1], line
                label = before[-1][1] if before and after and before[-1][1] == after[0][1] else None
                out.append(("\n", label))
            out.extend(line)
        return out

    def put(self, place: str, pieces: Pieces) -> None:
        """Put a generated text where `place` says."""
        if place == "page":
            self.lines = _lines_of(pieces)
        elif place == "header":
            self.lines[0:0] = _lines_of(pieces)
        elif place == "footer":
            self.lines.extend(_lines_of(pieces))
        elif place in ("line", "block"):
            self._put_lines(pieces, self._draw.randint(0, len(self.lines)))
        elif place == "furniture":
            near = min(4, len(self.lines))
            at = (
                self._draw.randint(0, near)
                if self._draw.random() < 0.5
                else len(self.lines) - self._draw.randint(0, near)
            )
            self._put_lines(pieces, at)
        elif place == "title":
            self._put_in_title(pieces)
        elif place == "replace":
            self._replace(pieces)
        elif place == "sentence":
            self._put_inside(pieces, regex.compile(r"(?<=[。！？.!?])"))
        elif place == "suffix":
            self._put_inside(pieces, regex.compile(r"(?<=[\p{Han}\p{L}])(?=[，。、,.\s：:）)]|$)"))
        else:
            self._put_inside(pieces, None)

    def _put_lines(self, pieces: Pieces, at: int) -> None:
        self.lines[at:at] = _lines_of(pieces)

    def _put_in_title(self, pieces: Pieces) -> None:
        if len(_lines_of(pieces)) > 1 or not self.lines:
            self.lines[0:0] = _lines_of(pieces)
            return
        at = next((n for n, line in enumerate(self.lines) if "".join(text for text, _ in line).strip()), 0)
        line = self.lines[at]
        text = "".join(part for part, _ in pieces)
        separator: Pieces = [(self._draw.choice(_TITLE_SEPARATORS), None)]
        # A template that brings its own delimiter says by it on which side of the title it stands.
        prefix, suffix = text[-1:] in _TITLE_DELIMITERS, text[:1] in _TITLE_DELIMITERS
        if prefix or suffix:
            separator = []
        else:
            prefix = self._draw.random() < 0.5
        self.lines[at] = [*pieces, *separator, *line] if prefix else [*line, *separator, *pieces]

    def _put_inside(self, pieces: Pieces, where: regex.Pattern[str] | None) -> None:
        """Put the pieces inside an unlabelled stretch of a line, at a match of `where` or between two words."""
        hosts = [
            (number, place)
            for number, line in enumerate(self.lines)
            for place, (text, label) in enumerate(line)
            if label is None and len(text.strip()) >= 8
        ]
        if not hosts:
            self.lines.append(list(pieces))
            return
        number, place = self._draw.choice(hosts)
        text = self.lines[number][place][0]
        spots = [match.start() for match in where.finditer(text)] if where else self._word_edges(text)
        at = self._draw.choice(spots) if spots else self._draw.randint(0, len(text))
        self.lines[number][place : place + 1] = [(text[:at], None), *pieces, (text[at:], None)]

    def _word_edges(self, text: str) -> list[int]:
        """Return where a word may stand between two others: behind marks and common particles, at blanks."""
        if _HAN_RUN.search(text):
            spots = [m.end() for m in regex.finditer(r"[，。；：、！？的了在和与是为对将由被从到]", text)]
            return spots if self._draw.random() < 0.7 and spots else list(range(1, len(text)))
        return [m.start() for m in regex.finditer(r"(?<=\s)(?=\S)", text)]

    def _replace(self, pieces: Pieces) -> None:
        """Put the pieces in place of one word of the page, everywhere it stands."""
        own = "\n".join(text for line in self.lines for text, label in line if label is None)
        word = self._word_to_replace(own)
        if not word:
            self._put_inside(pieces, None)
            return
        for line in self.lines:
            fresh: Pieces = []
            for text, label in line:
                parts = text.split(word) if label is None else [text]
                for nth, part in enumerate(parts):
                    if nth:
                        fresh.extend(pieces)
                    fresh.append((part, label))
            line[:] = fresh

    def _word_to_replace(self, text: str) -> str:
        runs = _HAN_RUN.findall(text)
        if runs:
            run = self._draw.choice(runs)
            length = self._draw.choice((1, 2, 2, 2, 3, 4)) if len(run) >= 4 else 2
            start = self._draw.randrange(max(len(run) - length, 0) + 1)
            word = run[start : start + length]
            return word if 1 <= text.count(word) <= 40 else ""
        words = [word for word in _WORD.findall(text) if len(word) >= 4]
        return self._draw.choice(words) if words else ""


def _lines_of(pieces: Pieces) -> list[Pieces]:
    """Split pieces at their line breaks."""
    lines: list[Pieces] = [[]]
    for text, label in pieces:
        for nth, part in enumerate(text.split("\n")):
            if nth:
                lines.append([])
            if part:
                lines[-1].append((part, label))
    return [line or [("", None)] for line in lines]
