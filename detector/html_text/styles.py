"""Declarations of styles come in; whether an element that has them can be seen, given its parent, goes out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from detector.html_text.colours import TRANSPARENT, Colour, alike, parse_background, parse_colour

#: From so many pixels out a place counts as off the screen; menus move by less.
FAR_PIXELS: Final = 500.0
#: From this size down a text or a box cannot be read.
TINY_PIXELS: Final = 1.0
FAINT_OPACITY: Final = 0.05

_COMMENT: Final = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_DECLARATION: Final = re.compile(
    r"""([-_a-zA-Z][-\w]*+)\s*+:\s*+((?:[^;"'()]++|"[^"]*+"?|'[^']*+'?|\([^)]*+\)?|\))*+)(?:;|\Z)"""
)
_LENGTH: Final = re.compile(r"([-+]?(?:\d++\.?\d*+|\.\d++)(?:e[-+]?\d++)?)(px|em|rem|ex|ch|pt|pc|cm|mm|in|vw|vh|%|)\Z")
_PIXELS: Final = {
    "": 1.0, "px": 1.0, "em": 16.0, "rem": 16.0, "ex": 8.0, "ch": 8.0, "pt": 4 / 3, "pc": 16.0, "cm": 37.8, "mm": 3.78,
    "in": 96.0, "vw": 12.8, "vh": 8.0,
}  # fmt: skip
_NUMBER: Final = re.compile(r"[-+]?(?:\d++\.?\d*+|\.\d++)")
#: The properties that are looked at, and so all that is kept of a rule.
PROPERTIES: Final = frozenset(
    [
        "display",
        "visibility",
        "opacity",
        "filter",
        "position",
        "left",
        "right",
        "top",
        "bottom",
        "margin",
        "margin-left",
        "margin-top",
        "text-indent",
        "clip",
        "clip-path",
        "overflow",
        "overflow-x",
        "overflow-y",
        "width",
        "height",
        "max-width",
        "max-height",
        "font",
        "font-size",
        "color",
        "background",
        "background-color",
        "background-image",
        "transform",
        "content-visibility",
        "-webkit-text-fill-color",
        "zoom",
    ]
)


class Hidden(StrEnum):
    """Why a visitor does not see a text."""

    DISPLAY = "display: none"
    VISIBILITY = "visibility"
    SIZE = "no size"
    PLACE = "placed off the screen"
    CLIP = "clipped away"
    OPACITY = "transparent"
    FONT = "a font of no size"
    COLOUR = "the colour of its background"
    MARQUEE = "a marquee of no size"
    ATTRIBUTE = "the hidden attribute"
    ARIA = "hidden from assistive tools, with links"
    NOSCRIPT = "shown without scripts only"
    TEMPLATE = "never rendered"
    COMMENT = "a comment"
    SCRIPT = "written by a script"
    META = "in the head"


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What an element hands down: why it cannot be seen for good, and what a descendant may still undo.

    Elements that change nothing share their parent's object, so states are told apart by identity.
    """

    hidden: Hidden | None = None
    invisible: bool = False
    font_pixels: float = 16.0
    indent: float = 0.0
    colour: Colour | None = None
    background: Colour | None = None
    aria: bool = False

    @property
    def reason(self) -> Hidden | None:
        """Return why text right here is not seen, None where it is."""
        if self.hidden is not None:
            return self.hidden
        if self.invisible:
            return Hidden.VISIBILITY
        if self.font_pixels <= TINY_PIXELS:
            return Hidden.FONT
        if abs(self.indent) >= FAR_PIXELS:
            return Hidden.PLACE
        if self.colour == TRANSPARENT or alike(self.colour, self.background):
            return Hidden.COLOUR
        return None


VISIBLE: Final = State()


def parse_declarations(written: str) -> dict[str, str]:
    """Return the properties that matter here, in lower case, without ``!important``; the last of a name counts.

    >>> parse_declarations("DISPLAY : none !important; border: 1px; color:#FFF")
    {'color': '#fff', 'display': 'none'}
    """
    return {name: value for name, value, _ in declarations_of(written)}


def declarations_of(written: str) -> list[tuple[str, str, bool]]:
    """Return name, value and whether it is important, of all declarations that matter here; important ones last."""
    if "/*" in written:
        written = _COMMENT.sub(" ", written)
    found = []
    for name, value in _DECLARATION.findall(written):
        if (name := name.lower()) in PROPERTIES:
            said = value.strip().lower()
            important = said.endswith("important") and "!" in said
            found.append((name, said[: said.rindex("!")].rstrip() if important else said, important))
    return sorted(found, key=lambda each: each[2])


def entered(parent: State, declared: Mapping[str, str]) -> State:
    """Return the state inside an element with these declarations."""
    hidden = parent.hidden or _hidden_for_good(declared, parent)
    visibility = declared.get("visibility", "")
    invisible = visibility in ("hidden", "collapse") or (parent.invisible and visibility not in ("visible", "initial"))
    font = font_pixels(declared, parent.font_pixels)
    indent = pixels(declared.get("text-indent", ""), font, 1280)
    colour, background = parent.colour, parent.background
    if not parent.hidden:
        background = parse_background(declared, parent.background)
        colour = parse_colour(declared.get("-webkit-text-fill-color") or declared.get("color", ""), parent.colour)
    return State(
        hidden,
        invisible,
        font,
        parent.indent if indent is None else indent,
        colour,
        background,
        parent.aria,
    )


def with_reason(state: State, reason: Hidden) -> State:
    """Return the state with its text hidden for good, for this reason if there is no earlier one."""
    return state if state.hidden else replace(state, hidden=reason)


def _hidden_for_good(declared: Mapping[str, str], parent: State) -> Hidden | None:
    """Return why an element hides all that is in it, whatever that declares."""
    if declared.get("display") == "none" or declared.get("content-visibility") == "hidden":
        return Hidden.DISPLAY
    if _is_faint(declared):
        return Hidden.OPACITY
    if _is_clipped(declared):
        return Hidden.CLIP
    if _is_off_screen(declared, parent.font_pixels):
        return Hidden.PLACE
    if _has_no_size(declared, parent.font_pixels):
        return Hidden.SIZE
    return None


def _is_faint(declared: Mapping[str, str]) -> bool:
    opacity = declared.get("opacity", "")
    match = _NUMBER.match(opacity)
    if match and float(match[0]) / (100 if opacity.endswith("%") else 1) <= FAINT_OPACITY:
        return True
    return bool(re.search(r"opacity\(\s*(?:opacity=)?0*\.?0*%?\s*\)", declared.get("filter", "")))


def _is_clipped(declared: Mapping[str, str]) -> bool:
    clip = declared.get("clip", "")
    if clip.startswith("rect(") and declared.get("position") in ("absolute", "fixed"):
        sides = [pixels(side, 16, 0) for side in re.findall(r"[-+.\w%]+", clip[5:])]
        if len(sides) == 4:
            top, right, bottom, left = sides
            across = None not in (left, right) and (right or 0) - (left or 0) <= TINY_PIXELS
            down = None not in (top, bottom) and (bottom or 0) - (top or 0) <= TINY_PIXELS
            return across or down
    path = declared.get("clip-path", "")
    if path.startswith("inset("):
        amounts = [float(number) for number in re.findall(r"([\d.]{1,9})%", path) if number.count(".") < 2]
        return bool(amounts) and max(amounts) >= (50 if len(amounts) < 3 else 100)
    return bool(re.match(r"(?:circle|ellipse)\(\s*0(?:px|%|\s|\)|$)|polygon\(\s*0[^,)]*(?:,\s*0[^,)]*)*\)", path))


def _is_off_screen(declared: Mapping[str, str], em: float) -> bool:
    def far(name: str, *, back: bool = True) -> bool:
        value = pixels(declared.get(name, ""), em, 1280)
        return value is not None and (value <= -FAR_PIXELS or (not back and value >= 10 * FAR_PIXELS))

    if declared.get("position") in ("absolute", "fixed", "relative") and any(
        far(name) for name in ("left", "top", "right", "bottom")
    ):
        return True
    if declared.get("position") in ("absolute", "fixed") and (far("left", back=False) or far("top", back=False)):
        return True
    if far("margin-left") or far("margin-top"):
        return True
    sides = [pixels(side, em, 1280) for side in declared.get("margin", "").split()]
    if any(side is not None and side <= -FAR_PIXELS for side in (sides[:1] + sides[3:4])):
        return True
    transform = declared.get("transform", "")
    if match := re.match(r"translate(?:x|y|3d)?\(\s*([-+.\w%]+)(?:\s*,\s*([-+.\w%]+))?", transform):
        moved = [pixels(amount or "", em, 0) for amount in match.groups()]
        return any(amount is not None and amount <= -FAR_PIXELS for amount in moved)
    return bool(re.match(r"scale(?:x|y|3d)?\(\s*0?\.?0*\s*[,)]", transform)) or declared.get("zoom") == "0"


def _has_no_size(declared: Mapping[str, str], em: float) -> bool:
    """Tell whether a box of (nearly) no height or width shows nothing of what is in it.

    A box that is tiny one way only lets its text flow out, unless it cuts off what overflows.
    """
    sizes = {name: pixels(declared.get(name, ""), em, 0) for name in ("width", "height", "max-width", "max-height")}
    tiny = {name for name, size in sizes.items() if size is not None and size <= TINY_PIXELS}
    if not tiny:
        return False
    narrow, flat = bool(tiny & {"width", "max-width"}), bool(tiny & {"height", "max-height"})
    both = declared.get("overflow", "").split()
    cuts = {*both, declared.get("overflow-x", ""), declared.get("overflow-y", "")} & {
        "hidden", "clip", "scroll", "auto",
    }  # fmt: skip
    return (narrow and flat) or bool(cuts)


def font_pixels(declared: Mapping[str, str], parent: float) -> float:
    """Return the size of the font inside an element, given its parent's."""
    size = declared.get("font-size", "")
    if not size and (
        match := re.search(r"(?:^|\s)([\d.]+(?:px|em|rem|pt|%)?)(?:/\S+)?\s+\S", declared.get("font", ""))
    ):
        size = match[1] if re.search(r"[a-z%]", match[1]) or float_of(match[1]) == 0 else ""
    if not size:
        return parent
    if size.endswith("em") and not size.endswith("rem"):
        return pixels(size, parent, 0) or 0.0
    if size.endswith("%"):
        return pixels(size, 16, 0, percent_of=parent) or 0.0
    found = pixels(size, parent, 0)
    return parent if found is None and size in ("inherit", "smaller", "larger") else 16.0 if found is None else found


def float_of(written: str) -> float | None:
    """Return the number a text starts with, None where there is none."""
    match = _NUMBER.match(written)
    return float(match[0]) if match else None


def pixels(written: str, em: float, viewport: float, *, percent_of: float | None = None) -> float | None:
    """Return a length in pixels, None where it is none.

    A percentage counts of `percent_of`, else of `viewport`; where both are 0 only "0%" is a length.

    >>> pixels("-9999px", 16, 0), pixels("-62em", 16, 0), pixels("auto", 16, 0), pixels("100%", 16, 0)
    (-9999.0, -992.0, None, None)
    """
    match = _LENGTH.match(written.removesuffix("!ie").strip()[:40])
    if match is None:
        return None
    number, unit = float(match[1]), match[2]
    if unit == "%":
        whole = percent_of or viewport
        return number / 100 * whole if whole or not number else None
    return number * (em if unit == "em" else _PIXELS[unit])
