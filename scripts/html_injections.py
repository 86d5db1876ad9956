"""A random source comes in; blocks of spam in HTML, as they are put into hijacked pages, go out, by kind.

Every word here is written for this project. The kinds say how a block is hidden, or how it stands in the open; what it
says is drawn from the families below.
"""

from __future__ import annotations

import html
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

FAMILIES = {
    "gambling": [
        "澳门新葡京娱乐场",
        "太阳城集团官网",
        "真人百家乐开户",
        "时时彩投注平台",
        "ag真人娱乐平台",
        "老虎机送彩金",
        "网上博彩公司排名",
        "六合彩开奖结果",
        "北京赛车pk10投注",
        "威尼斯人赌场网址",
        "bet365体育投注",
        "皇冠足球比分网",
    ],
    "porn": [
        "欧美成人视频在线观看",
        "日韩无码av免费",
        "国产自拍偷拍视频",
        "免费黄色网站大全",
        "成人电影在线播放",
        "亚洲色图欧美激情",
        "av在线免费观看",
        "色情小说网站",
        "情色视频下载",
        "无码高清中文字幕",
    ],
    "slots": [
        "slot gacor hari ini",
        "judi online terpercaya",
        "agen bola resmi",
        "situs slot online",
        "togel singapore",
        "daftar poker online",
        "bandar judi bola",
        "casino online terbaik",
        "slot deposit pulsa",
        "live casino indonesia",
    ],
    "pharma": [
        "buy viagra online",
        "cheap cialis 20mg",
        "generic levitra no prescription",
        "order tramadol overnight",
        "canadian pharmacy online",
        "buy xanax cheap",
        "phentermine without prescription",
        "discount kamagra",
        "buy ambien online",
        "cialis free shipping",
    ],
    "counterfeit": [
        "replica rolex watches",
        "cheap louis vuitton handbags",
        "fake designer bags",
        "cheap nfl jerseys wholesale",
        "replica gucci belt",
        "cheap ugg boots outlet",
        "discount oakley sunglasses",
        "cheap jordan shoes online",
        "replica omega watches",
        "michael kors outlet",
    ],
    "loans": [
        "payday loans online",
        "bad credit loans instant approval",
        "cash advance same day",
        "quick loan no credit check",
        "essay writing service",
        "buy cheap essay online",
        "pay someone to write my paper",
        "casino bonus no deposit",
    ],
}
WORDS = ["about", "article", "post", "view", "item", "page", "topic", "archive", "info", "news"]
TOPS = ["com", "net", "org", "top", "xyz", "info", "club", "vip"]


class Where(StrEnum):
    """What kind of place a block can be put into."""

    FLOW = "flow"
    TITLE = "title"
    META = "meta"
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class Kind:
    """One way of injecting: its name, whether a visitor sees it, where it may stand, what writes it."""

    name: str
    hidden: bool
    where: Where
    write: Callable[[Spam], str]


class Spam:
    """Draws what a block says: all of it from one family."""

    def __init__(self, draw: random.Random, family: str | None = None) -> None:
        self.draw = draw
        self.family = family or draw.choice(sorted(FAMILIES))

    def terms(self, least: int, most: int) -> list[str]:
        words = FAMILIES[self.family]
        return self.draw.sample(words, min(len(words), self.draw.randint(least, most)))

    def host(self) -> str:
        return f"{self.name(6, 10)}.{self.draw.choice(TOPS)}"

    def name(self, least: int = 6, most: int = 9) -> str:
        letters = "abcdefghijkmnpqrstuvwxyz23456789"
        return self.draw.choice(letters[:20]) + "".join(
            self.draw.choice(letters) for _ in range(self.draw.randint(least, most) - 1)
        )

    def address(self) -> str:
        scheme = self.draw.choice(["http", "https"])
        path = self.draw.choice(
            [f"/{self.name()}.html", "/", f"/{self.draw.choice(WORDS)}/{self.draw.randint(100, 99999)}/", ""]
        )
        return f"{scheme}://{self.draw.choice(['', 'www.'])}{self.host()}{path}"

    def link(self, term: str, extra: str = "") -> str:
        return f'<a href="{self.address()}"{extra}>{term}</a>'

    def links(self, least: int = 4, most: int = 8, joint: str = " ", extra: str = "") -> str:
        return joint.join(self.link(term, extra) for term in self.terms(least, most))

    def listed(self, joint: str, least: int = 5, most: int = 8) -> str:
        return joint.join(self.terms(least, most))

    def items(self, least: int = 4, most: int = 8) -> str:
        return "".join(f"<li>{self.link(term)}</li>" for term in self.terms(least, most))


def _styled(style: str, tag: str = "div") -> Callable[[Spam], str]:
    return lambda spam: f'<{tag} style="{style}">{spam.links()}</{tag}>'


def _in_sheet(rule: str) -> Callable[[Spam], str]:
    """Return what writes a style element of one rule for a random class, and a block of that class."""

    def write(spam: Spam) -> str:
        name = spam.name()
        return f'<style>.{name}{{{rule}}}</style><div class="{name}">{spam.links()}</div>'

    return write


def _by_id(spam: Spam) -> str:
    name = spam.name()
    return f'<style type="text/css">#{name}{{display:none}}</style>\n<div id="{name}"><ul>{spam.items()}</ul></div>'


def _empty_twins(spam: Spam) -> str:
    name = spam.name()
    empty = "".join(f'<{tag} id="{name}"></{tag}>' for tag in ("bdo", "small", "tt", "sub"))
    return f'{empty}<div id="{name}" style="display:none"><div>{spam.links()}</div></div>'


def _hidden_attribute(spam: Spam) -> str:
    return f"<section hidden><h3>{spam.terms(1, 1)[0]}</h3><ul>{spam.items()}</ul></section>"


def _written_by_script(spam: Spam) -> str:
    return f"<script>document.write('<div style=\"display:none\">{spam.links()}</div>');</script>"


def _written_in_escapes(spam: Spam) -> str:
    markup = f"<div>{spam.links()}</div>"
    hidden = "".join(f"\\x{ord(char):02x}" if ord(char) < 128 and not char.isalnum() else char for char in markup)
    return f'<script type="text/javascript">document.write("{hidden}");</script>'


def _json_ld(spam: Spam) -> str:
    text = spam.listed(" | ")
    said = json.dumps({"@type": "WebPage", "description": text}, ensure_ascii=False)
    return f'<script type="application/ld+json">{said}</script>'


def _marquee(spam: Spam) -> str:
    return f'<marquee height="1" width="5" scrollamount="3000">{spam.links()}</marquee>'


def _nested(spam: Spam) -> str:
    return f'<div class="clear"><div><span style="display:none"><b>{spam.links()}</b></span></div></div>'


def _table(spam: Spam) -> str:
    rows = "".join(f"<tr><td>{spam.link(term)}</td></tr>" for term in spam.terms(4, 7))
    return f'<table style="display:none" border="0">{rows}</table>'


def _white_font(spam: Spam) -> str:
    return f'<div style="background:#fff"><font color="#FFFFFF">{spam.links()}</font></div>'


def _definition(spam: Spam) -> str:
    pairs = "".join(f"<dt>{spam.link(term)}</dt><dd>{term}</dd>" for term in spam.terms(4, 6))
    return f"<dl>{pairs}</dl>"


def _breaks(spam: Spam) -> str:
    return f"<p>{'<br>'.join(spam.terms(5, 8))}</p>"


def _references(spam: Spam) -> str:
    terms = [
        f"<a href='{spam.address()}'>{''.join(f'&#{ord(char)};' for char in term)}</a>" for term in spam.terms(4, 7)
    ]
    return f'<div style="display:none">{" ".join(terms)}</div>'


def _comment(spam: Spam) -> str:
    return f"<!-- {spam.links()} -->"


def _comment_links(spam: Spam) -> str:
    return f'<div class="comment"><p>{spam.links(4, 6, ", ", " rel=nofollow")}</p></div>'


def _noscript(spam: Spam) -> str:
    return f"<noscript><div>{spam.links()}</div></noscript>"


def _template(spam: Spam) -> str:
    return f"<template><ul>{spam.items()}</ul></template>"


def _alt(spam: Spam) -> str:
    return f' alt="{spam.listed(", ")}"'


def _visually_hidden(spam: Spam) -> str:
    style = "position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;clip:rect(0,0,0,0)"
    return f'<div style="{style}" aria-hidden="true">{spam.links()}</div>'


def _unquoted(spam: Spam) -> str:
    links = " ".join(f"<A HREF={spam.address()} TARGET=_blank>{term}</A>" for term in spam.terms(4, 7))
    return f"<DIV STYLE=display:none>{links}</DIV>"


def _scrolled(spam: Spam) -> str:
    return f'<div style="height:0;overflow:auto"><ol>{spam.items()}</ol></div>'


def _meta(name: str) -> Callable[[Spam], str]:
    return lambda spam: f'<meta name="{name}" content="{html.escape(spam.listed(", "))}">'


KINDS: tuple[Kind, ...] = (
    Kind("display none", True, Where.FLOW, _styled("display:none")),
    Kind("display none, important, in capitals", True, Where.FLOW, _styled("DISPLAY: NONE !important")),
    Kind("visibility hidden", True, Where.FLOW, _styled("visibility:hidden;height:1px")),
    Kind("off the left edge", True, Where.FLOW, _styled("position:absolute;left:-9999px")),
    Kind("off the top", True, Where.FLOW, _styled("position:fixed; top:-2000px; left:0")),
    Kind("negative margin", True, Where.FLOW, _styled("margin-left:-5000px")),
    Kind("negative indent", True, Where.FLOW, _styled("text-indent:-9999px")),
    Kind("no height", True, Where.FLOW, _styled("height:0px;overflow:hidden")),
    Kind("a pixel in size", True, Where.FLOW, _styled("width:1px;height:1px;overflow:hidden", "span")),
    Kind("scrolls in no height", True, Where.FLOW, _scrolled),
    Kind("no font size", True, Where.FLOW, _styled("font-size:0")),
    Kind("font of a pixel", True, Where.FLOW, _styled("font-size:1px;line-height:1px", "p")),
    Kind("transparent", True, Where.FLOW, _styled("opacity:0")),
    Kind("transparent by filter", True, Where.FLOW, _styled("filter:alpha(opacity=0);opacity:0.01")),
    Kind("clipped", True, Where.FLOW, _styled("position:absolute;clip:rect(1px,1px,1px,1px)")),
    Kind("clipped by path", True, Where.FLOW, _styled("clip-path:inset(100%)")),
    Kind("scaled to nothing", True, Where.FLOW, _styled("transform:scale(0)")),
    Kind("white on white", True, Where.FLOW, _styled("color:#fff;background-color:white")),
    Kind("white font element", True, Where.FLOW, _white_font),
    Kind("transparent colour", True, Where.FLOW, _styled("color:transparent")),
    Kind("marquee of no size", True, Where.FLOW, _marquee),
    Kind("hidden attribute", True, Where.FLOW, _hidden_attribute),
    Kind("visually hidden, aria", True, Where.FLOW, _visually_hidden),
    Kind("rule by class", True, Where.FLOW, _in_sheet("display:none")),
    Kind("rule by class, off screen", True, Where.FLOW, _in_sheet("position:absolute;left:-3000px;top:0")),
    Kind("rule by id", True, Where.FLOW, _by_id),
    Kind("empty elements of one id", True, Where.FLOW, _empty_twins),
    Kind("nested wrappers", True, Where.FLOW, _nested),
    Kind("table", True, Where.FLOW, _table),
    Kind("unquoted, in capitals", True, Where.FLOW, _unquoted),
    Kind("character references", True, Where.FLOW, _references),
    Kind("comment", True, Where.FLOW, _comment),
    Kind("noscript", True, Where.FLOW, _noscript),
    Kind("template", True, Where.FLOW, _template),
    Kind("written by a script", True, Where.FLOW, _written_by_script),
    Kind("written by a script in escapes", True, Where.FLOW, _written_in_escapes),
    Kind("JSON-LD", True, Where.FLOW, _json_ld),
    Kind("title, underscores", False, Where.TITLE, lambda spam: "_" + spam.listed("_")),
    Kind("title, bars", False, Where.TITLE, lambda spam: " | " + spam.listed(" | ")),
    Kind("meta keywords", True, Where.META, _meta("keywords")),
    Kind("meta description", True, Where.META, _meta("description")),
    Kind("alt text", True, Where.IMAGE, _alt),
    Kind("footer of links", False, Where.FLOW, lambda spam: f'<div class="foot">{spam.links(6, 9, " | ")}</div>'),
    Kind("list of links", False, Where.FLOW, lambda spam: f"<ul>{spam.items(6, 9)}</ul>"),
    Kind("paragraph of keywords, commas", False, Where.FLOW, lambda spam: f"<p>{spam.listed(', ')}</p>"),
    Kind("paragraph of keywords, bars", False, Where.FLOW, lambda spam: f"<p>{spam.listed(' | ')}</p>"),
    Kind("keywords with breaks", False, Where.FLOW, _breaks),
    Kind("bold heading of keywords", False, Where.FLOW, lambda spam: f"<h2><strong>{spam.listed('_')}</strong></h2>"),
    Kind("nofollow comment", False, Where.FLOW, _comment_links),
    Kind("definition list", False, Where.FLOW, _definition),
)
