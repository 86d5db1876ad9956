"""What was measured comes in; the page docs/benchmarks.md and its picture go out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Results = Mapping[str, Any]
_CORPORA = {
    "zh-3": "Chinese, 3 % with spam",
    "zh-50": "Chinese, 50 %",
    "en-3": "English, 3 % with spam",
    "en-50": "English, 50 %",
}

HEAD = """
# Speed, side by side

Written by `make bench`: every contender is a process of its own with one thread, they take turns over the same
text, and the figure to read is the ratio, the median over rounds. MB are of UTF-8, and for HTML of the source. The
pages are made of `training_data` by the project's generator (`benchmarks/bench_corpora.py`): anybody can make them,
but they are little text that repeats, which helps caches, ours and others', and paragraphs in which the detector finds
something when they stand alone are left out, so that 3 % are 3 %, which favours us. `make bench` also measures on
documents that nobody trained on where they are there (`benchmarks/speed.py`), and `make growth` on adversarial
pages. Speeds of other machines differ; their ratios hardly do.
"""

FASTER = """
## Where others are faster, and what they do less

- **hyperscan** says which words of a list stand on a page, at many times our speed. It knows no context: a
  casino in the news is a hit, a brand that is not on the list is none, and it gives no edges of what to cut.
- **zlib** and **json** read every byte in C and judge nothing. They stand here as floors: a pipeline that reads
  JSON lines spends so much time before anybody looks at the text.
- **resiliparse** takes the main text out of HTML faster than we find spam in it; it gives no offsets in the source,
  keeps injected blocks that look like text, and does not see what is hidden.
- **fastText** is a fixed price a line, whatever stands there. Where half of the pages hold spam we score most of
  the text character by character, and a line classifier that says only "spam" or "not" can be faster: the table
  says how much.
- The rules of **dolma** and **datatrove** for lines (C4's) are faster where much spam has to be scored, and dolma's in
  most tables. They judge a line by its last character and its words, or a whole page by shares and counts, and drop a
  good page together with its spam line, or keep both.
"""


def page(results: Results, does: Mapping[str, str], picture: str) -> str:
    """Return the page with every part that was measured."""
    parts = [HEAD.strip(), f"![Speed beside others]({picture})"]
    for part, heading in (("text", "Text"), ("html", "HTML")):
        if part in results:
            parts += [f"## {heading}", *_speed_tables(results[part], does)]
    parts.append(FASTER.strip())
    sections = {"start": _start, "json": _json, "length": _length, "pages": _pages, "workers": _workers}
    for part, write in sections.items():
        if part in results:
            parts += write(results[part])
    parts.append("## When and where\n\n" + "\n".join(f"- {part}: {results[part]['when']}" for part in results))
    return "\n\n".join(parts) + "\n"


def _speed_tables(found: Results, does: Mapping[str, str]) -> Iterator[str]:
    for corpus, rows in found["speeds"].items():
        yield f"### {_CORPORA[corpus.removeprefix('html-')]}"
        lines = ["| | MB/s | pages/s | we are | what it does |", "|---|---|---|---|---|"]
        for name, row in rows.items():
            rates = f"{row['mb_s']:.3g} | {row['pages_s']:.0f} | {row['ours_is']:.2f} times as fast"
            lines.append(f"| {name} | {rates} | {does[name]} |")
        yield "\n".join(lines)
    yield "### Memory, and one page"
    lines = ["| | added memory, MB | one page of 5 KB, ms |", "|---|---|---|"]
    lines += [f"| {name} | {mb:.0f} | {found['page_ms'][name]:.2f} |" for name, mb in found["memory_mb"].items()]
    yield "\n".join(lines)
    yield "Memory: what loading and going over 1 MB add to a Python that holds the text. The page holds a line of spam."
    if found["absent"]:
        yield "Not there: " + "; ".join(f"{name} ({reason})" for name, reason in found["absent"].items()) + "."


def _start(found: Results) -> list[str]:
    rows = ["| | ms by the clock | ms of processor time |", "|---|---|---|"]
    rows += [f"| {name} | {ms['clock']:.0f} | {ms['processor']:.0f} |" for name, ms in found["ms"].items()]
    rows += [f"| {name} of the bundle, warm | {ms:.1f} | |" for name, ms in found["loading_ms"].items()]
    return [
        "## Starting",
        "Fresh processes in turn; all but the bare Python above it in the same round.",
        "\n".join(rows),
    ]


def _json(found: Results) -> list[str]:
    text = (
        f"JSON lines in to JSON lines out: {found['whole']:,.0f} pages/s of one worker, {found['share']:.2f} of what "
        f"its parts leave possible (the engine alone {found['engine']:,.0f}, `json.loads` and `json.dumps` alone "
        f"{found['json']:,.0f})."
    )
    return ["## JSON lines", text]


def _length(found: Results) -> list[str]:
    curves = {name: curve for name, curve in found.items() if name != "when"}
    sizes = list(curves["without spam"])
    rows = ["| bytes in one line | " + " | ".join(curves) + " |", "|---|" + "---|" * len(curves)]
    for size in sizes:
        cells = [f"{curve[size]:.0f}" if size in curve else "" for curve in curves.values()]
        rows.append(f"| {int(size):,} | " + " | ".join(cells) + " |")
    return ["## Growth with the length of a page", "One page in one line, nanoseconds a byte.", "\n".join(rows)]


def _pages(found: Results) -> list[str]:
    rows = ["| pages | pages/s | peak MB | after 10 %, 50 %, 100 % |", "|---|---|---|---|"]
    for count, row in found["curves"].items():
        tenths = ", ".join(f"{row[f'tenth {n}']:.0f}" for n in (1, 5, 10))
        rows.append(f"| {int(count):,} | {row['pages_s']:,.0f} | {row['peak_mb']:.0f} | {tenths} |")
    return ["## Growth with pages", "`detector scan` of one file of JSON lines, starting counted.", "\n".join(rows)]


def _workers(found: Results) -> list[str]:
    one, two = found["pages_s"]["1"], found["pages_s"]["2"]
    text = f"A run over JSON lines: {one:,.0f} pages/s with one worker, {two:,.0f} with two: {two / one:.2f} times."
    return ["## Workers", text]


def draw(results: Results, path: Path) -> None:
    """Draw the speeds of every contender, the growth with a page's length and the memory over a long scan."""
    import matplotlib  # the extra for benchmarks brings it; the page is written without it
    from matplotlib import pyplot

    matplotlib.rcParams["svg.hashsalt"] = "detector"  # the same figures give the same file
    figure, (speed, growth, memory) = pyplot.subplots(1, 3, figsize=(16, 5), width_ratios=(2, 1, 1))
    if "text" in results:
        by_corpus = results["text"]["speeds"]
        names = list(by_corpus["zh-3"])
        for number, (corpus, rows) in enumerate(by_corpus.items()):
            places = [at + 0.2 * number for at in range(len(names))]
            speed.barh(places, [rows[name]["mb_s"] for name in names], height=0.2, label=_CORPORA[corpus])
        speed.set_yticks([at + 0.3 for at in range(len(names))], names)
        speed.invert_yaxis()
        speed.set(xscale="log", xlabel="MB of UTF-8 a second, one thread", title="Text")
        speed.legend(fontsize="small")
    if "length" in results:
        for name, curve in results["length"].items():
            if name != "when":
                growth.plot([int(size) for size in curve], list(curve.values()), marker="o", label=name)
        growth.set(xscale="log", yscale="log", xlabel="bytes of a page in one line", ylabel="ns a byte", title="Length")
        growth.legend(fontsize="small")
    if "pages" in results:
        for count, row in results["pages"]["curves"].items():
            memory.plot(range(10, 101, 10), [row[f"tenth {n}"] for n in range(1, 11)], label=f"{int(count):,} pages")
        memory.set(ylim=(0, None), xlabel="% of the scan", ylabel="MB", title="Memory of `detector scan`")
        memory.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
