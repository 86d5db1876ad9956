"""Contenders come in; each runs as a process of its own, they take turns, and their seconds go out round by round."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WORKER = Path(__file__).with_name("contenders.py")


@dataclass(frozen=True)
class Peer:
    """A contender: what it does, and the share of a corpus that it is given, in bytes, so that no round takes long."""

    name: str
    does: str
    most_bytes: int = 4_000_000


class Absent(Exception):
    """A peer cannot run here; the message says why."""


class Child:
    """A running contender."""

    def __init__(self, name: str, folder: Path, python: str = sys.executable) -> None:
        line = [python, str(WORKER), name, str(folder)]
        # Python caches bytecode, as where a package is installed; one thread, as every contender is given.
        settings = {
            **os.environ,
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "TOKENIZERS_PARALLELISM": "false",
        }
        settings.pop("PYTHONDONTWRITEBYTECODE", None)
        self._process = subprocess.Popen(
            line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=settings
        )
        self._answer()

    def ask(self, **command: Any) -> dict[str, float]:
        """Return the answer to a command."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, float]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            said = self._process.communicate()[1].strip().splitlines()
            raise Absent(said[-1] if said else "it ended without a word")
        found: dict[str, float] = json.loads(line)
        return found

    def close(self) -> None:
        self._process.communicate()


@contextmanager
def running(
    peers: Sequence[Peer], folder: Path, pythons: Mapping[str, str]
) -> Iterator[tuple[dict[str, Child], dict[str, str]]]:
    """Start the peers; give those that run, and the reasons of those that do not."""
    children: dict[str, Child] = {}
    absent: dict[str, str] = {}
    try:
        for peer in peers:
            try:
                children[peer.name] = Child(peer.name, folder, pythons.get(peer.name, sys.executable))
            except (Absent, OSError) as reason:
                absent[peer.name] = str(reason)
                print(f"  without {peer.name}: {reason}", file=sys.stderr, flush=True)
        yield children, absent
    finally:
        for child in children.values():
            child.close()


def take_turns(
    children: Mapping[str, Child], peers: Sequence[Peer], corpus: str, *, rounds: int
) -> dict[str, list[dict[str, float]]]:
    """Let every contender go over the corpus once a round; return its answers, the first round's left out."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in children}
    for number in range(rounds + 1):
        for peer in peers:
            if peer.name in children:
                answer = children[peer.name].ask(do="scan", corpus=corpus, bytes=peer.most_bytes)
                if number:
                    found[peer.name].append(answer)
    return found


def speeds(answers: Mapping[str, Sequence[Mapping[str, float]]], ours: str) -> dict[str, dict[str, float]]:
    """Return of each contender the median MB/s and pages/s, and the median of how many times as fast we were."""
    by_name = {name: [each["bytes"] / each["seconds"] / 1e6 for each in all_] for name, all_ in answers.items()}
    return {
        name: {
            "mb_s": statistics.median(rates),
            "pages_s": statistics.median(each["pages"] / each["seconds"] for each in answers[name]),
            "ours_is": statistics.median(a / b for a, b in zip(by_name[ours], rates, strict=True)),
        }
        for name, rates in by_name.items()
    }
