"""The project's own corpora come in; our speed beside that of others goes out: docs/benchmarks.md and a picture.

usage: make bench, or python benchmarks/side_by_side.py [--parts text html ...] [--rounds 3] [--most-pages 100000]

Parts are measured one after the other and kept (in the cache of the corpora), so that one can be measured again alone;
inside a part all contenders take turns in one run, and only their ratios hold on another machine.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import bench_corpora
import bench_page
import numpy as np
import starting
import streaming
from turns import Peer, running, speeds, take_turns

from detector import Detector

PROJECT = Path(__file__).resolve().parents[1]
#: Dolma shuts NumPy 2 out by what its other half needs: its taggers run in an environment of their own.
DOLMA_PYTHON = PROJECT / ".venv-taggers" / "bin" / "python"
TEXT_PEERS = (
    Peer("detector", "spans, labels, verdicts; screen first"),
    Peer("detector, full pass", "the same, every character scored (`screen=False`)", 1_000_000),
    Peer("fastText", "spam or not, a line at a time; character n-grams 1-4", 2_000_000),
    Peer("hashing + SGD", "spam or not, a line at a time; scikit-learn, character n-grams 1-4", 500_000),
    Peer("hyperscan", "which terms of our lexicon stand on the page"),
    Peer("datatrove C4 bad words", "whether a term of our lexicon stands on the page", 1_000_000),
    Peer("datatrove C4 quality", "C4's rules for lines and pages", 1_000_000),
    Peer("datatrove Gopher repetition", "Gopher's repetition rules for a page", 300_000),
    Peer("dolma c4_v2", "C4's rules and an English word list as attributes", 1_000_000),
    Peer("dolma gopher_v1", "Gopher's statistics of a page as attributes", 300_000),
    Peer("ftfy", "mends mojibake", 500_000),
    Peer("zlib level 1", "compresses: a floor for what reads every byte in C"),
    Peer("json", "writes and reads a JSON line a page: a floor for any pipeline"),
)
HTML_PEERS = (
    Peer("detector, HTML", "spans over the source, hidden text, blocks of links", 2_000_000),
    Peer("trafilatura", "the main text", 1_000_000),
    Peer("jusText", "paragraphs and which of them are boilerplate", 1_000_000),
    Peer("resiliparse", "the main text", 2_000_000),
)
LENGTHS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000, 50_000_000)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the parts that were asked for, write the page with all that are known, and return the exit code."""
    parser = argparse.ArgumentParser(description="Measure our speed beside others'.")
    parser.add_argument(
        "--parts", nargs="*", choices=list(PARTS), default=list(PARTS), help="none: write the page alone"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--most-pages", type=int, default=100_000, help="of the longest scan; 1000000 takes longer")
    parser.add_argument("-o", "--output", type=Path, default=PROJECT / "docs" / "benchmarks.md")
    options = parser.parse_args(arguments)
    folder = bench_corpora.cache_folder()
    kept = folder / "results.json"
    results: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}
    for part in options.parts:
        print(f"measuring: {part}", file=sys.stderr, flush=True)
        began = time.monotonic()
        results[part] = {"when": _when(), **PARTS[part](folder, options)}
        print(f"  {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        kept.write_text(json.dumps(results, indent=1), encoding="utf-8")
    does = {peer.name: peer.does for peer in (*TEXT_PEERS, *HTML_PEERS)}
    text = bench_page.page(results, does, options.output.with_suffix(".svg").name)
    options.output.write_text(text, encoding="utf-8")
    bench_page.draw(results, options.output.with_suffix(".svg"))
    print(text)
    return 0


def _when() -> str:
    """Return the day, the commit and the machine of a measurement."""
    git = ["git", "-C", str(PROJECT), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip() or "no commit"
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}"
    return f"{time.strftime('%Y-%m-%d')}, {commit}, {versions}, {platform.machine()}"


def measure_text(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    return _measure(TEXT_PEERS, folder, bench_corpora.names(), "detector", options.rounds)


def measure_html(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    return _measure(HTML_PEERS, folder, bench_corpora.names(of_html=True), "detector, HTML", options.rounds)


def _measure(peers: Sequence[Peer], folder: Path, corpora: Sequence[str], ours: str, rounds: int) -> dict[str, Any]:
    """Let the peers take turns over each corpus; ask them for one page and for the memory that they took too."""
    pythons = {peer.name: str(DOLMA_PYTHON) for peer in peers if peer.name.startswith("dolma")}
    page = bench_corpora.one_page(folder)
    with running(peers, folder, pythons) as (children, absent):
        found: dict[str, Any] = {"absent": absent, "speeds": {}}
        found["memory_mb"] = {name: child.ask(do="memory")["mb"] for name, child in children.items()}
        found["page_ms"] = {name: 1e3 * child.ask(do="page", text=page)["seconds"] for name, child in children.items()}
        for corpus in corpora:
            found["speeds"][corpus] = speeds(take_turns(children, peers, corpus, rounds=rounds), ours)
    return found


def measure_start(folder: Path, _: argparse.Namespace) -> dict[str, Any]:
    return {"ms": starting.starting_times(bench_corpora.one_page(folder)), "loading_ms": starting.loading_times()}


def measure_json(_: Path, options: argparse.Namespace) -> dict[str, Any]:
    return streaming.share_of_the_possible(10_000, rounds=options.rounds)


def measure_length(_: Path, __: argparse.Namespace) -> dict[str, Any]:
    detector = Detector.load()
    return {
        "without spam": streaming.length_curve(detector, LENGTHS, spam_share=0.0),
        "with spam": streaming.length_curve(detector, LENGTHS[:-1], spam_share=0.5),
    }


def measure_pages(_: Path, options: argparse.Namespace) -> dict[str, Any]:
    counts = [count for count in (1_000, 10_000, 100_000, 1_000_000) if count <= options.most_pages]
    return {"curves": {str(count): streaming.memory_curve(count) for count in counts}}


def measure_workers(_: Path, __: argparse.Namespace) -> dict[str, Any]:
    return {"pages_s": streaming.workers_rate(60_000)}


PARTS: Mapping[str, Callable[[Path, argparse.Namespace], dict[str, Any]]] = {
    "start": measure_start,
    "text": measure_text,
    "html": measure_html,
    "json": measure_json,
    "length": measure_length,
    "pages": measure_pages,
    "workers": measure_workers,
}


if __name__ == "__main__":
    sys.exit(main())
