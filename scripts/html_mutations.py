"""Sources of HTML and a random source come in; sources with something broken in them go out."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

#: What is put in: whole tags, halves of them, and what tokenizers stumble over.
SHARDS = (
    "<",
    ">",
    "</",
    "/>",
    "<!--",
    "-->",
    "--!>",
    "<!",
    "<?",
    "<![CDATA[",
    "]]>",
    '"',
    "'",
    "=",
    "&",
    "&amp",
    "&#x",
    "\0",
    "\r",
    "<p>",
    "</p>",
    "<div>",
    "</div>",
    "<b>",
    "</b>",
    "<i>",
    "<a href='/x'>",
    "</a>",
    "<li>",
    "<ul>",
    "</ul>",
    "<table>",
    "<tr>",
    "<td>",
    "</td>",
    "</table>",
    "<form>",
    "</form>",
    "<select>",
    "<option>",
    "</select>",
    "<title>",
    "</title>",
    "<script>",
    "</script>",
    "<style>",
    "</style>",
    "<textarea>",
    "</textarea>",
    "<svg>",
    "</svg>",
    "<math>",
    "<template>",
    "</template>",
    "<button>",
    "<h1>",
    "</h2>",
    "<br>",
    "</br>",
    "<noscript>",
    "<body>",
    "</body>",
    "</html>",
    "<plaintext>",
    "<image>",
)


def mutated(draw: random.Random, source: str, *, most: int = 4) -> str:
    """Return a source with up to `most` things put in, taken out, doubled or moved."""
    for _ in range(draw.randint(1, most)):
        at = draw.randrange(len(source) + 1)
        end = min(len(source), at + draw.randint(1, 30))
        kind = draw.randrange(4)
        if kind == 0:
            source = source[:at] + draw.choice(SHARDS) + source[at:]
        elif kind == 1:
            source = source[:at] + source[end:]
        elif kind == 2:
            source = source[:end] + source[at:end] + source[end:]
        else:
            to = draw.randrange(len(source) + 1)
            part = source[at:end]
            rest = source[:at] + source[end:]
            source = rest[:to] + part + rest[to:]
    return source


def mutations(sources: Sequence[str], *, count: int, chars: int, seed: int) -> Iterator[str]:
    """Yield `count` mutations, the same for the same seed: each of a stretch of `chars` characters of a source."""
    draw = random.Random(seed)
    for _ in range(count):
        source = draw.choice(sources)
        at = draw.randrange(max(1, len(source) - chars))
        yield mutated(draw, source[at : at + chars])


def noise(draw: random.Random, *, most: int = 40) -> str:
    """Return a source made of shards alone."""
    return "".join(draw.choice(SHARDS) + draw.choice(("", "", "x", " ", "a='b'")) for _ in range(draw.randrange(most)))
