"""Colours as styles write them come in; comparable values go out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

#: Red, green, blue; TRANSPARENT shows nothing, UNKNOWN is a picture or something that is not understood.
Colour = tuple[int, int, int]
TRANSPARENT: Final[Colour] = (-1, -1, -1)
UNKNOWN: Final[Colour] = (-2, -2, -2)

#: Colours that are this near (sum of the differences of the three parts) cannot be told apart.
NEAR: Final = 12
_NAMES: Final[dict[str, Colour]] = {
    "white": (255, 255, 255), "black": (0, 0, 0), "red": (255, 0, 0), "blue": (0, 0, 255), "green": (0, 128, 0),
    "lime": (0, 255, 0), "yellow": (255, 255, 0), "gray": (128, 128, 128), "grey": (128, 128, 128),
    "silver": (192, 192, 192), "whitesmoke": (245, 245, 245), "snow": (255, 250, 250), "ivory": (255, 255, 240),
    "navy": (0, 0, 128), "maroon": (128, 0, 0), "purple": (128, 0, 128), "teal": (0, 128, 128),
    "orange": (255, 165, 0), "aqua": (0, 255, 255), "cyan": (0, 255, 255), "fuchsia": (255, 0, 255),
    "transparent": TRANSPARENT,
}  # fmt: skip
_HEX: Final = re.compile(r"#([0-9a-f]{3,8})(?![0-9a-f])")
_FUNCTION: Final = re.compile(r"rgba?\(\s*([\d.]+%?)[\s,]+([\d.]+%?)[\s,]+([\d.]+%?)(?:[\s,/]+([\d.]+%?))?\s*\)")
_WORD: Final = re.compile(r"(?<![-\w(])[a-z]+(?![-\w(])")


def read_colour(written: str) -> Colour | None:
    """Return the first colour in a text, None where there is none that is known.

    >>> read_colour("#FFF".lower()), read_colour("url(a.png) rgba(0, 0, 0, 0)"), read_colour("inherit")
    ((255, 255, 255), (-1, -1, -1), None)
    """
    if match := _HEX.search(written):
        digits = match[1]
        if len(digits) in (3, 4):
            digits = "".join(digit * 2 for digit in digits)
        if len(digits) == 8 and digits.endswith("00"):
            return TRANSPARENT
        if len(digits) in (6, 8):
            return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)
        return None
    if match := _FUNCTION.search(written):
        if match[4] is not None and _part(match[4], 100) == 0:
            return TRANSPARENT
        return _part(match[1]), _part(match[2]), _part(match[3])
    for word in _WORD.findall(written):
        if word in _NAMES:
            return _NAMES[word]
    return None


def _part(written: str, whole: float = 255) -> int:
    try:
        number = float(written.rstrip("%"))
    except ValueError:
        return 0
    return round(min(number / 100 * 255 if written.endswith("%") else number if whole == 255 else number * 255, 255))


def parse_colour(written: str, inherited: Colour | None) -> Colour | None:
    """Return the colour of the text inside an element that declares `written`."""
    if not written or written == "inherit":
        return inherited
    return read_colour(written) or UNKNOWN


def parse_background(declared: Mapping[str, str], behind: Colour | None) -> Colour | None:
    """Return what stands behind the text inside an element; `behind` where it declares nothing or is transparent."""
    whole, alone = declared.get("background", ""), declared.get("background-color", "")
    if not whole and not alone and "background-image" not in declared:
        return behind
    if "url(" in whole or "gradient(" in whole or declared.get("background-image", "none") != "none":
        return None
    found = read_colour(alone or whole)
    if found is None and whole in ("none", "initial", ""):
        return behind
    return behind if found == TRANSPARENT else found


def alike(colour: Colour | None, other: Colour | None) -> bool:
    """Tell whether two colours are known and cannot be told apart."""
    if colour is None or other is None or min(*colour, *other) < 0:
        return False
    return sum(abs(one - another) for one, another in zip(colour, other, strict=True)) <= NEAR
