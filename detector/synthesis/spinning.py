"""Machine spinning: clean text and a substitution table in, spun text out."""

from __future__ import annotations

import random
from collections.abc import Sequence

import regex

Substitutions = Sequence[tuple[str, tuple[str, ...], str]]
_SENTENCE = regex.compile(r"[^。！？.!?\n]*[。！？.!?]?")


class Spinner:
    """Spins text as one machine would: always the same replacement for a word, sentences kept or shuffled."""

    def __init__(self, table: Substitutions, draw: random.Random) -> None:
        """Choose the machine's own table: one or two kinds of substitution, one replacement for each word."""
        kinds = sorted({kind for *_, kind in table})
        chosen = set(draw.sample(kinds, draw.randint(1, min(2, len(kinds)))))
        keep = draw.uniform(0.6, 1.0)
        self._replacement = {
            original: draw.choice(replacements)
            for original, replacements, kind in table
            if kind in chosen and draw.random() < keep
        }
        words = sorted(self._replacement, key=lambda word: (-len(word), word))
        self._pattern = regex.compile("|".join(map(regex.escape, words)) or "(?!)")
        self._shuffle = draw.random() < 0.3
        self._draw = draw

    def spin(self, text: str) -> tuple[str, float]:
        """Return the spun text and the share of its characters that were put in."""
        put_in = 0

        def replace(match: regex.Match[str]) -> str:
            nonlocal put_in
            new = self._replacement[match.group()]
            put_in += len(new)
            return new

        lines = []
        for line in text.split("\n"):
            spun = self._pattern.sub(replace, line)
            if self._shuffle:
                sentences = _SENTENCE.findall(spun)
                self._draw.shuffle(sentences)
                spun = "".join(sentences)
            lines.append(spun)
        result = "\n".join(lines)
        return result, put_in / max(len(result), 1)
