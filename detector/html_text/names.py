"""An element's name comes in; how the open-element stack treats it goes out.

The sets follow the "in body" and "in table" rules of the WHATWG standard, as far as they decide which element a text
stands in.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

#: Space characters of HTML, inside a character class.
BLANKS: Final = r"\t\n\f\r "

VOID: Final = frozenset(
    [
        "area",
        "base",
        "basefont",
        "bgsound",
        "br",
        "col",
        "embed",
        "frame",
        "hr",
        "img",
        "input",
        "keygen",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
    ]
)
#: Elements whose content is no markup; character references count in the second set only.
RAW_TEXT: Final = frozenset(["script", "style", "xmp", "iframe", "noembed", "noframes", "plaintext"])
ESCAPABLE_RAW_TEXT: Final = frozenset(("title", "textarea"))
#: Of these, those whose content is text all the same.
VERBATIM: Final = frozenset(("xmp", "plaintext"))
FORMATTING: Final = frozenset(
    ["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"]
)
HEADINGS: Final = frozenset(["h1", "h2", "h3", "h4", "h5", "h6"])
#: A start tag of these closes an open paragraph.
CLOSES_PARAGRAPH: Final = (
    frozenset(
        [
            "address",
            "article",
            "aside",
            "blockquote",
            "center",
            "details",
            "dialog",
            "dir",
            "div",
            "dl",
            "fieldset",
            "figcaption",
            "figure",
            "footer",
            "form",
            "header",
            "hgroup",
            "hr",
            "li",
            "dd",
            "dt",
            "listing",
            "main",
            "menu",
            "nav",
            "ol",
            "p",
            "plaintext",
            "pre",
            "search",
            "section",
            "summary",
            "ul",
            "xmp",
        ]
    )
    | HEADINGS
)
SPECIAL: Final = (
    CLOSES_PARAGRAPH
    | frozenset(
        [
            "applet",
            "area",
            "base",
            "basefont",
            "bgsound",
            "body",
            "br",
            "button",
            "caption",
            "col",
            "colgroup",
            "embed",
            "frame",
            "frameset",
            "head",
            "html",
            "iframe",
            "img",
            "input",
            "keygen",
            "link",
            "marquee",
            "meta",
            "noembed",
            "noframes",
            "noscript",
            "object",
            "param",
            "script",
            "select",
            "source",
            "style",
            "table",
            "tbody",
            "td",
            "template",
            "textarea",
            "tfoot",
            "th",
            "thead",
            "title",
            "tr",
            "track",
            "wbr",
        ]
    )
) - frozenset(("dialog",))
#: Where the search for an open element ends.
SCOPE: Final = frozenset(
    [
        "applet",
        "caption",
        "html",
        "table",
        "td",
        "th",
        "marquee",
        "object",
        "template",
        "svg",
        "math",
        "foreignobject",
        "desc",
    ]
)
LIST_SCOPE: Final = SCOPE | frozenset(("ol", "ul"))
BUTTON_SCOPE: Final = SCOPE | frozenset(("button",))
TABLE_SCOPE: Final = frozenset(("html", "table", "template"))
#: Inside these as the current element, what is no part of a table moves out in front of the table.
TABLE_CONTEXT: Final = frozenset(["table", "tbody", "thead", "tfoot", "tr"])
TABLE_PARTS: Final = frozenset(["caption", "col", "colgroup", "tbody", "td", "tfoot", "th", "thead", "tr"])
SECTIONS: Final = frozenset(["tbody", "thead", "tfoot"])
CELLS: Final = frozenset(("td", "th"))
#: Formatting inside these does not go on behind them.
MARKERS: Final = frozenset(["applet", "caption", "marquee", "object", "td", "template", "th"])
#: A start tag of these inside svg or math leaves it.
LEAVES_FOREIGN: Final = frozenset(
    [
        "b",
        "big",
        "blockquote",
        "body",
        "br",
        "center",
        "code",
        "dd",
        "div",
        "dl",
        "dt",
        "em",
        "embed",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "head",
        "hr",
        "i",
        "img",
        "li",
        "listing",
        "menu",
        "meta",
        "nobr",
        "ol",
        "p",
        "pre",
        "ruby",
        "s",
        "small",
        "span",
        "strong",
        "strike",
        "sub",
        "sup",
        "table",
        "tt",
        "u",
        "ul",
        "var",
    ]
)
#: Elements of svg and math whose content is HTML again.
INTEGRATION: Final = frozenset(["foreignobject", "desc", "title", "mi", "mo", "mn", "ms", "mtext", "annotation-xml"])
#: The start or end of these breaks the line.
BREAKS_LINE: Final = (
    CLOSES_PARAGRAPH
    | TABLE_PARTS
    | frozenset(
        [
            "body",
            "br",
            "button",
            "frameset",
            "head",
            "html",
            "iframe",
            "legend",
            "marquee",
            "noscript",
            "object",
            "optgroup",
            "option",
            "select",
            "table",
            "template",
            "textarea",
            "title",
            "tr",
            "rt",
            "rp",
            "video",
            "audio",
            "canvas",
        ]
    )
) - frozenset(("col", "rt", "rp"))


class Role(IntEnum):
    """What a start or end tag of this name asks the stack to do."""

    PLAIN = 0  # push, and nothing else
    BLOCK = 1  # close an open paragraph, then push
    VOID = 2
    RAW = 3
    FORMATTING = 4
    LIST_ITEM = 5
    HEADING = 6
    TABLE = 7
    TABLE_PART = 8
    OPTION = 9
    FORM = 10
    BUTTON = 11
    ROOT = 12
    FOREIGN = 13
    RUBY = 14
    SELECT = 15
    END = 16  # any end tag


_ROLES: Final = {
    **dict.fromkeys(CLOSES_PARAGRAPH, Role.BLOCK),
    **dict.fromkeys(VOID, Role.VOID),
    **dict.fromkeys(RAW_TEXT | ESCAPABLE_RAW_TEXT, Role.RAW),
    **dict.fromkeys(FORMATTING, Role.FORMATTING),
    **dict.fromkeys(("li", "dd", "dt"), Role.LIST_ITEM),
    **dict.fromkeys(HEADINGS, Role.HEADING),
    **dict.fromkeys(TABLE_PARTS, Role.TABLE_PART),
    **dict.fromkeys(("option", "optgroup"), Role.OPTION),
    **dict.fromkeys(("html", "head", "body", "frameset"), Role.ROOT),
    **dict.fromkeys(("svg", "math"), Role.FOREIGN),
    **dict.fromkeys(("rb", "rt", "rtc", "rp"), Role.RUBY),
    "select": Role.SELECT,
    "table": Role.TABLE,
    "form": Role.FORM,
    "button": Role.BUTTON,
}
#: Names that ask for nothing but are common, so that they too have a number of their own.
_COMMON: Final = frozenset(
    ["abbr", "cite", "label", "span", "strong", "time", "ins", "del", "sup", "sub", "picture", "legend", "path", "g",
     "use", "rect", "circle", "symbol", "defs", "polygon", "line", "object", "noscript", "template", "marquee",
     "canvas", "video", "audio", "caption", "optgroup", "option", "rt", "rp", "img"]
)  # fmt: skip
KNOWN_NAMES: Final = frozenset(_ROLES) | BREAKS_LINE | FORMATTING | _COMMON


def role_of(name: str) -> Role:
    """Return what the stack does with an element of this name.

    >>> role_of("li").name, role_of("x-card").name
    ('LIST_ITEM', 'PLAIN')
    """
    return _ROLES.get(name, Role.PLAIN)


class Gap(IntEnum):
    """What parts a piece of text from the one before it; the larger wins."""

    NONE = 0
    SPACE = 1
    LINE = 2


class Way(IntEnum):
    """How a tag is taken in the ordinary case; what is out of the ordinary goes by its role."""

    SLOW = 0
    END = 1  # pop, where it is the current element's
    PUSH = 2  # push, and nothing else
    BLOCK = 3  # push, where no paragraph is open
    PART = 4  # push, where the current element is one of its own parents
    VOID = 5  # note, and do not push
    LINK = 6  # push, where no link is open


PART_OF: Final = {
    "li": frozenset(("ul", "ol", "menu")),
    "dt": frozenset(("dl",)),
    "dd": frozenset(("dl",)),
    "td": frozenset(("tr",)),
    "th": frozenset(("tr",)),
    "tr": SECTIONS | {"table"},
    "tbody": frozenset(("table",)),
    "thead": frozenset(("table",)),
    "tfoot": frozenset(("table",)),
    "option": frozenset(("select", "optgroup")),
}


def way_of(name: str) -> tuple[Way, frozenset[str]]:
    """Return how a start tag of this name is taken in the ordinary case, and the parents that it asks for.

    >>> way_of("td")[0].name, way_of("title")[0].name
    ('PART', 'SLOW')
    """
    role = role_of(name)
    if name in PART_OF:
        return Way.PART, PART_OF[name]
    if name == "a":
        return Way.LINK, frozenset()
    if role is Role.VOID:
        return (Way.SLOW if name in ("hr", "meta", "frame", "col", "area", "image") else Way.VOID), frozenset()
    if role is Role.PLAIN or (role is Role.FORMATTING and name != "nobr"):
        return Way.PUSH, frozenset()
    return (Way.BLOCK if role is Role.BLOCK else Way.SLOW), frozenset()
