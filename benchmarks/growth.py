"""Adversarial pages of growing size come in; how their time grows goes out, and exit code 1 where it is not linearly.

usage: make growth, or python benchmarks/growth.py [--chars 100000] [--most 6] [--only NAME ...]

Each kind is scanned at n and at 4n characters, in turn, and the best of three times is kept; time(4n) / time(n) must
not exceed --most. A page on which something is found is scored whole, which costs many times what passing over it does,
so a kind that is passed over at n and not at 4n may exceed it once: it is measured again at 4n and 16n, and must not
there. Then pages
of 50 MB in one line are set against ordinary pages of the same text, by the character.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from made_pages import made_pages

from detector import Detector, Page, Verdict

ROUNDS = 3
#: Characters of one page that together are about 50 MB of UTF-8, Chinese.
LONG_CHARS = 17_000_000

_SPAM = "澳门银河娱乐城|真人百家乐|时时彩平台|老虎机注册送彩金|"
_BRANDS = ("亚博体育", "开云体育", "银河娱乐城", "太阳城", "澳门葡京", "必威")
_DOCUMENT_SITE = "第1页 / 共12页\n收藏\n下载文档\n本文档由用户上传，版权归原作者所有\n资源描述：\n1 / 12\n"
_PINYIN = "經(jīng)濟(jì)發(fā)展(zhǎn)，"


def repeated(text: str) -> Callable[[int], str]:
    """Return what makes a page of so many characters out of a text that is repeated."""
    return lambda chars: (text * (chars // len(text) + 1))[:chars]


def brands_in_noise(chars: int) -> str:
    """Return sentences of random Han characters, a brand with a number in a third of them."""
    draw = random.Random(1)
    han = [chr(draw.randrange(0x4E00, 0x9000)) for _ in range(3000)]
    found: list[str] = []
    length = 0
    while length < chars:
        brand = f"{draw.choice(_BRANDS)}{draw.randrange(10**6)}" if draw.random() < 0.3 else ""
        found.append("".join(draw.choices(han, k=draw.randint(5, 30))) + brand + draw.choice("，。\n"))
        length += len(found[-1])
    return "".join(found)[:chars]


def distinct_keywords(chars: int) -> str:
    """Return keywords that are all different, so that none recurs and all must be looked for."""
    numbered = zip(range(chars // 13 + 1), cycle("银金威葡新"), strict=False)
    return "".join(f"澳门{name}{number}娱乐城|百家乐{number * 7}|" for number, name in numbered)[:chars]


KINDS: Mapping[str, Callable[[int], str]] = {
    "delimiters only": repeated("|_-,·|"),
    "one letter": repeated("a"),
    "one Han character": repeated("博"),
    "one digit": repeated("8"),
    "blanks": repeated(" "),
    "line breaks": repeated("\n"),
    "combining marks": repeated("a\u0301\u0301\u0301\u0301\u0301\u0301\u0301"),
    "zero-width marks": repeated("博\u200b彩\u200b"),
    "nested brackets": lambda chars: "(" * (chars // 2) + ")" * (chars - chars // 2),
    "nested wide brackets": lambda chars: "（" * (chars // 2) + "）" * (chars - chars // 2),
    "pinyin only": repeated("(jīng)"),
    "pinyin behind Han": repeated(_PINYIN),
    "alternating scripts": repeated("a博Жか한"),
    "alternating words": repeated("abc博彩Жукかな"),
    "keywords, one line": repeated(_SPAM),
    "keywords, many lines": repeated(_SPAM.rstrip("|") + "\n"),
    "keywords, blanks": repeated(_SPAM.replace("|", " ")),
    "keywords, all different": distinct_keywords,
    "English keywords": repeated("buy viagra online cheap casino slot "),
    "one brand": repeated("亚博体育"),
    "one brand in a sentence": repeated("今天去公园亚博体育看花，"),
    "one brand a line": repeated("今天去公园亚博体育看花。\n"),
    "brands in noise": brands_in_noise,
    "brands in noise, one line": lambda chars: brands_in_noise(chars).replace("\n", "，"),
    "labels of document sites": repeated(_DOCUMENT_SITE),
    "page numbers": lambda chars: "".join(f"这件事情要说明\n\n{n}、清楚才好" for n in range(1, chars // 12 + 2))[
        :chars
    ],
    "HTML: open tags": repeated("<div>"),
    "HTML: one tag never closed": lambda chars: "<a href=" + "x" * (chars - 8),
    "HTML: links": repeated('<a href="http://a.example/">澳门银河</a> '),
    "HTML: references": repeated("&amp;&#x4e2d;&"),
}


@dataclass(frozen=True)
class Growth:
    """Best seconds of a kind at `chars` and at four times as many, and how the pages were judged."""

    chars: int
    seconds: float
    fourfold: float
    verdicts: tuple[Verdict, Verdict]

    @property
    def ratio(self) -> float:
        return self.fourfold / self.seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all kinds, print a line each and return the exit code."""
    parser = argparse.ArgumentParser(description="Measure how the time of a scan grows with the size of its page.")
    parser.add_argument("--chars", type=int, default=100_000, help="characters of the smaller page")
    parser.add_argument("--most", type=float, default=6.0, help="what time(4n) / time(n) may be")
    parser.add_argument("--only", nargs="+", choices=[*KINDS, "long"], help="some kinds alone; long: pages of 50 MB")
    options = parser.parse_args(arguments)
    detector = Detector.load()
    failed = []
    for name, make in KINDS.items():
        if options.only is None or name in options.only:
            for chars in (options.chars, 4 * options.chars):
                growth = growth_of(detector, make, chars, html=name.startswith("HTML"))
                print(row(name, growth), flush=True)
                if growth.ratio <= options.most:
                    break
            else:
                failed.append(name)
    if options.only is None or "long" in options.only:
        for name, share in long_pages(detector).items():
            print(f"{name:28s} {share:.2f} times the time of ordinary pages, a character", flush=True)
            if share > 1.5:
                failed.append(name)
    for name in failed:
        print(f"growth: {name} is worse than allowed", file=sys.stderr)
    return int(bool(failed))


def row(name: str, growth: Growth) -> str:
    """Return the line of a kind."""
    return (
        f"{name:28s} {growth.chars:>9,} chars {1e3 * growth.seconds:9.1f} ms, four times as many "
        f"{1e3 * growth.fourfold:9.1f} ms: ratio {growth.ratio:5.2f}, "
        f"{1e9 * growth.fourfold / growth.chars / 4:6.0f} ns a character, {growth.verdicts[1]}"
    )


def growth_of(detector: Detector, make: Callable[[int], str], chars: int, *, html: bool = False) -> Growth:
    """Measure a kind at `chars` and four times as many."""
    return Growth(chars, *measured(detector, make, chars, html=html))


def measured(
    detector: Detector, make: Callable[[int], str], chars: int, *, html: bool
) -> tuple[float, float, tuple[Verdict, Verdict]]:
    pages = [Page(make(chars), html=html), Page(make(4 * chars), html=html)]
    best = [float("inf")] * 2
    verdicts = [Verdict.CLEAN] * 2
    for _ in range(ROUNDS):
        for number, page in enumerate(pages):
            seconds, verdicts[number] = scan_time(detector, page)
            best[number] = min(best[number], seconds)
    return best[0], best[1], (verdicts[0], verdicts[1])


def scan_time(detector: Detector, page: Page) -> tuple[float, Verdict]:
    """Return the seconds that one page takes, and its verdict."""
    start = time.perf_counter()
    [result] = detector.scan_many([page])
    return time.perf_counter() - start, result.verdict


def long_pages(detector: Detector, chars: int = LONG_CHARS) -> dict[str, float]:
    """Return how many times as much a character of one page of about `chars`, in one line, takes as of ordinary pages.

    Twice: without spam, and with some on every ordinary page, so that both ways score everything.
    """
    found = {}
    for name, share in (("one line, clean", 0.0), ("one line, with spam", 1.0)):
        # The ordinary pages are a sample: they are all alike, and what is compared is time a character.
        texts = [page.text for page in islice(made_pages(4_000, seed=5, spam_share=share), 1_000)]
        line = " ".join(texts).replace("\n", " ")
        long = (line * (chars // len(line) + 1))[:chars]
        list(detector.scan_many(texts))
        ordinary = time_of_pages(detector, texts)
        alone = scan_time(detector, Page(long))[0]
        ordinary = min(ordinary, time_of_pages(detector, texts))
        found[name] = (alone / len(long)) / (ordinary / sum(map(len, texts)))
    return found


def time_of_pages(detector: Detector, texts: Sequence[str]) -> float:
    """Return the seconds that pages in batches take."""
    start = time.perf_counter()
    for _ in detector.scan_many(texts):
        pass
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
