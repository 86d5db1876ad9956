"""Write detector/tables/characters.npz from the Unicode database and OpenCC's character mappings.

Run it only to change the tables (`pip install opencc` first): the product reads the file it leaves.

usage: python scripts/make_character_tables.py [OUT.npz]
"""

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path

import numpy as np
import opencc  # type: ignore[import-not-found,unused-ignore]

from detector.folding import EDGE_CODE, TABLE_SIZE, CharClass

#: Latin look-alikes in other scripts (Unicode confusables, the lower-case letters spammers use).
LOOK_ALIKES = dict(zip("аеорсхуіѕјһԁԛԝοανρικτϲɑɡıｏ", "aeopcxyisjhdqwoavpiktcagio", strict=True))

#: Han variants outside the traditional-simplified pairs that stand in for an everyday character.
HAN_VARIANTS = dict(
    zip(
        "亰啲囻圀帀仩囯恠玍旳哋冄妺吥亻口筿尐孒丅丄烸咑镓伱莪沵姩竝囙毣涐炷莋攵傛",
        "京的国国币上国怪生的地再妹不人口小小了下上每打家你我你年并因毛我主做文容",
        strict=True,
    )
)

FUNCTION_CHARACTERS = (
    "的了是在和与及或而但也都就又把被让向从对于以为之其这那此该各每将已曾正并且则若如因所由很最更着过吗呢吧啊呀么"
    "我们你他她它您不没有无未地得等即却只才再还"
)
SENTENCE_ENDS = "。！？!?…｡؟।։។၊။"
COMMAS = ",，、;；､،"
COLONS = ":：︰"
PIPES = "|｜│┃∣丨❘┆┊¦"
UNDERSCORES = "_＿﹍﹎‗"
DASHES = "-‐‑‒–—―−－~～〜﹣─━"
MIDDLE_DOTS = "·•・‧∙●⋅᛫･▪◆■○"
SLASHES = "/\\&=+@#%＋＆＝＠＃％／＼<>＜＞^*$￥"
QUOTES = "\"'`´＂＇‘’“”"


def fold(code: int, simplify: opencc.OpenCC) -> int:
    """Return the code point `code` folds to, 0 where it is dropped."""
    char = chr(code)
    category = unicodedata.category(char)
    if category == "Cs":
        return 0xFFFD
    if category == "Cf" or 0x300 <= code <= 0x36F or 0x20D0 <= code <= 0x20FF or 0xFE00 <= code <= 0xFE0F:
        return 0
    if 0xE0100 <= code <= 0xE01EF or code == 0x3164 or code == 0xFFA0:
        return 0
    if char in "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029":
        return 10
    if char.isspace():
        return 32
    if code < 32 or category == "Cc":
        return EDGE_CODE
    compatible = unicodedata.normalize("NFKC", char)
    if len(compatible) != 1:
        stripped = "".join(c for c in compatible if c.isalnum())
        compatible = stripped if len(stripped) == 1 else char
    compatible = HAN_VARIANTS.get(compatible, compatible)
    lowered = compatible.lower()
    lowered = lowered[0] if lowered else compatible
    decomposed = unicodedata.normalize("NFD", lowered)
    if len(decomposed) > 1 and decomposed[0].isascii() and decomposed[0].isalpha():
        lowered = decomposed[0]
    lowered = LOOK_ALIKES.get(lowered, lowered)
    simple = simplify.convert(lowered)
    folded = ord(simple) if len(simple) == 1 else ord(lowered)
    if folded > 0xFFFF:  # outside the basic plane: a stand-in in the private use area
        folded = 0xE000 + (folded * 2654435761 >> 7) % 0x1800
    return folded


def classify(code: int, simplify: opencc.OpenCC, complicate: opencc.OpenCC) -> CharClass:
    """Return the class of the code point as it stands in the text, before folding."""
    char = chr(code)
    category = unicodedata.category(char)
    if char in "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029":
        return CharClass.NEWLINE
    if char.isspace():
        return CharClass.SPACE
    for members, kind in (
        (SENTENCE_ENDS, CharClass.SENTENCE_END), (".．", CharClass.PERIOD), (COMMAS, CharClass.COMMA),
        (COLONS, CharClass.COLON), (PIPES, CharClass.PIPE), (UNDERSCORES, CharClass.UNDERSCORE),
        (DASHES, CharClass.DASH), (MIDDLE_DOTS, CharClass.MIDDLE_DOT), (SLASHES, CharClass.SLASH),
        (QUOTES, CharClass.QUOTE),
    ):  # fmt: skip
        if char in members:
            return kind
    # What is only dressed up (full-width, circled, bold) counts as what it stands for: nobody gains by the dress, and
    # plain pages that are written so are no more suspect than others.
    compatible = unicodedata.normalize("NFKC", char)
    if compatible.isascii() and len(compatible) == 1:
        if compatible.isdigit():
            return CharClass.DIGIT
        if compatible.islower():
            return CharClass.LATIN_LOWER
        if compatible.isupper():
            return CharClass.LATIN_UPPER
    if category in ("Ps", "Pi"):
        return CharClass.OPEN
    if category in ("Pe", "Pf"):
        return CharClass.CLOSE
    if category in ("Cs", "Co", "Cn") or code == 0xFFFD:
        return CharClass.PRIVATE
    if category == "Cc":
        return CharClass.EDGE
    if compatible != char and compatible.isascii() and compatible.isalnum():
        return CharClass.STYLED
    if 0x1F100 <= code <= 0x1F1FF:
        return CharClass.STYLED
    if (
        0x4E00 <= code <= 0x9FFF
        or 0x3400 <= code <= 0x4DBF
        or code >= 0x20000
        or 0xF900 <= code <= 0xFAFF
        or char in "〇々"
    ):
        if char in FUNCTION_CHARACTERS or simplify.convert(char) in FUNCTION_CHARACTERS:
            return CharClass.HAN_FUNCTION
        if simplify.convert(char) != char:
            return CharClass.HAN_TRADITIONAL
        if complicate.convert(char) != char:
            return CharClass.HAN_SIMPLIFIED
        return CharClass.HAN
    if 0x3040 <= code <= 0x309F:
        return CharClass.HIRAGANA
    if 0x30A0 <= code <= 0x30FF or 0xFF66 <= code <= 0xFF9F:
        return CharClass.KATAKANA
    if 0xAC00 <= code <= 0xD7AF or 0x1100 <= code <= 0x11FF or 0x3130 <= code <= 0x318F:
        return CharClass.HANGUL
    if 0x370 <= code <= 0x52F:
        return CharClass.CYRILLIC
    if 0xE00 <= code <= 0xEFF or 0x1000 <= code <= 0x109F or 0x1780 <= code <= 0x17FF:
        return CharClass.THAI
    if char in "āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜüńňǹḿ":
        return CharClass.TONED
    if category.startswith("L"):
        name = unicodedata.name(char, "")
        if name.startswith("LATIN"):
            return CharClass.LATIN_UPPER if category == "Lu" else CharClass.LATIN_LOWER
        return CharClass.OTHER_LETTER
    if category.startswith("M"):
        return CharClass.OTHER_LETTER
    if category.startswith("N"):
        return CharClass.STYLED if compatible != char else CharClass.DIGIT
    return CharClass.SYMBOL


def main() -> None:
    """Write the tables and say how large they are."""
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "detector/tables/characters.npz")
    simplify, complicate = opencc.OpenCC("t2s"), opencc.OpenCC("s2t")
    folded = np.zeros(TABLE_SIZE, np.uint16)
    classes = np.zeros(TABLE_SIZE, np.uint8)
    traditional = np.zeros(0x10000, np.uint16)
    for code in range(TABLE_SIZE - 1):
        folded[code] = fold(code, simplify)
        classes[code] = classify(code, simplify, complicate)
    folded[-1], classes[-1] = 0xFFFD, CharClass.PRIVATE
    for code in range(0x10000):
        char = chr(code)
        other = complicate.convert(char) if 0x3400 <= code <= 0x9FFF else char
        traditional[code] = ord(other) if len(other) == 1 and ord(other) <= 0xFFFF else code
    target.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(target, folded=folded, classes=classes, traditional=traditional)
    print(f"{target}: {target.stat().st_size} bytes; {int((folded == 0).sum())} code points dropped")


if __name__ == "__main__":
    main()
