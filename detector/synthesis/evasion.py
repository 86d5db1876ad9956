"""Evasions: a spam string in, the same string as spammers disguise it out."""

from __future__ import annotations

import random
from collections.abc import Callable

_SYMBOLS = "·.*_ ✦★▪、|☆。-"
_ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff"
_STYLES = (0x1D400, 0x1D5D4, 0x1D63C, 0x1D670, 0x24B6)  # bold, sans bold, sans bold italic, monospace, circled
#: Each character and what stands in for it, look-alikes and homophones.
_VARIANTS = (
    "博搏愽 彩採釆 娱虞 乐楽 体軆 育玗 赌堵 网罔網 官棺 码碼玛 无旡 国囯 产産 成荿 色銫 情凊 视視 频頻 投骰 信伩 微薇 "
    "现現 金釒 真眞 人亻 开幵 奖奨 发發 票漂 平泙 台臺"
)
_HOMOPHONES = {variant[0]: variant[1:] for variant in _VARIANTS.split()}


def widen(text: str, draw: random.Random) -> str:
    """Turn Latin letters and digits full-width."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def style(text: str, draw: random.Random) -> str:
    """Write Latin letters in one of the styled alphabets, digits circled or bold."""
    base = draw.choice(_STYLES)
    out = []
    for char in text:
        if "A" <= char <= "Z":
            out.append(chr(base + ord(char) - 65))
        elif "a" <= char <= "z":
            out.append(chr(base + 26 + ord(char) - 97))
        elif "1" <= char <= "9":
            out.append(chr(0x2460 + ord(char) - 49) if base == 0x24B6 else chr(0x1D7CE + ord(char) - 48))
        else:
            out.append(char)
    return "".join(out)


def hide(text: str, draw: random.Random) -> str:
    """Put zero-width marks between characters."""
    return "".join(c + (draw.choice(_ZERO_WIDTH) if draw.random() < 0.5 else "") for c in text[:-1]) + text[-1:]


def intersperse(text: str, draw: random.Random) -> str:
    """Put one symbol between characters, here and there or everywhere."""
    symbol, rate = draw.choice(_SYMBOLS), draw.choice((0.3, 1.0))
    return "".join(c + (symbol if c.isalnum() and draw.random() < rate else "") for c in text[:-1]) + text[-1:]


def vary(text: str, draw: random.Random) -> str:
    """Put look-alike or homophone characters in place of some."""
    return "".join(draw.choice(_HOMOPHONES[c]) if c in _HOMOPHONES and draw.random() < 0.6 else c for c in text)


def shout(text: str, draw: random.Random) -> str:
    """Change the case of Latin letters."""
    return text.upper() if draw.random() < 0.5 else "".join(draw.choice((c.upper(), c.lower())) for c in text)


EVASIONS: dict[str, Callable[[str, random.Random], str]] = {
    "full width": widen,
    "styled letters": style,
    "zero width": hide,
    "symbols between": intersperse,
    "variants": vary,
    "case": shout,
}
