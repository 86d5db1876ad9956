"""A scan of 200 KB comes in; the machine instructions that it takes, beside those that were recorded, go out.

usage: make instructions            record them in tests/instructions.json
       make check-instructions      compare them: 1 where they are more than 10 % off, 3 where they cannot be compared

Clocks on a busy machine tell a tenth from nothing only after many rounds; valgrind counts instructions, which repeat
to a part in a thousand. Starting is not counted: a Python that scans some pages once is set against one that scans
them five times. Pages without spam and pages with it are counted apart, since they take different ways.

The counts hold for one version of Python and NumPy on one kind of processor (NumPy chooses its loops by that), so they
are compared only there.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from made_pages import made_pages

PROJECT = Path(__file__).resolve().parents[1]
RECORD = PROJECT / "tests" / "instructions.json"
INPUT_BYTES = 200_000
TIMES = 4
#: Share by which a count may differ from the recorded one, either way: what became much cheaper is recorded anew.
TOLERANCE = 0.10
#: Share of the pages with spam in each workload.
WORKLOADS = {"clean": 0.0, "with spam": 1.0}
TOO_DIFFERENT, NOT_COMPARABLE = 1, 3
_COUNTED = re.compile(r"I\s+refs:\s+([\d,]+)")


@dataclass(frozen=True)
class Machine:
    """What the counts depend on beside the code."""

    python: str
    numpy: str
    processor: str
    valgrind: str
    loops: str

    def differences(self, other: Machine) -> list[str]:
        """Say in what the two differ."""
        mine, others = asdict(self), asdict(other)
        return [f"{name} {others[name]} instead of {mine[name]}" for name in mine if mine[name] != others[name]]


class NotComparable(Exception):
    """The instructions cannot be counted or compared here; the message says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Record or compare, print the counts and return the exit code."""
    parser = argparse.ArgumentParser(description="Count the instructions of scans of 200 KB.")
    parser.add_argument("--record", action="store_true", help="write the counts instead of comparing them")
    options = parser.parse_args(arguments)
    try:
        machine = this_machine()
        recorded = {} if options.record else recorded_counts(machine)
        counts = count_all()
    except NotComparable as reason:
        print(f"instructions: {reason}", file=sys.stderr)
        return NOT_COMPARABLE
    for name, count in counts.items():
        beside = f", recorded {recorded[name]:,} ({100 * (count / recorded[name] - 1):+.1f} %)" if recorded else ""
        print(f"{name:10s} {count:>13,} instructions, {count / INPUT_BYTES:.0f} a byte{beside}")
    if options.record:
        RECORD.write_text(json.dumps({"machine": asdict(machine), "counts": counts}, indent=1) + "\n", encoding="utf-8")
        return 0
    wrong = too_different(counts, recorded)
    for line in wrong:
        print(f"instructions: {line}", file=sys.stderr)
    return TOO_DIFFERENT if wrong else 0


def too_different(counts: Mapping[str, int], recorded: Mapping[str, int]) -> list[str]:
    """Say which counts differ from the recorded ones by more than TOLERANCE."""
    return [
        f"a scan of {name} pages takes {counts[name]:,} instructions, {100 * (counts[name] / count - 1):+.1f} % of the "
        f"recorded {count:,}; mend it, or record it with `make instructions` and say why"
        for name, count in recorded.items()
        if abs(counts[name] / count - 1) > TOLERANCE
    ]


def this_machine() -> Machine:
    """Return what counts here depend on; raise NotComparable where there is no valgrind."""
    if shutil.which("valgrind") is None:
        raise NotComparable("valgrind is not installed (Debian: apt-get install valgrind)")
    version = subprocess.run(["valgrind", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    features = (
        "import numpy._core._multiarray_umath as m; print(*sorted(n for n, on in m.__cpu_features__.items() if on))"
    )
    loops = _run_counted(["-c", features])[1].strip()
    return Machine(platform.python_version(), np.__version__, platform.machine(), version, loops)


def recorded_counts(machine: Machine) -> dict[str, int]:
    """Return the recorded counts; raise NotComparable where they come from another kind of machine."""
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    differences = Machine(**record["machine"]).differences(machine)
    if differences:
        raise NotComparable(f"the counts were recorded elsewhere: {'; '.join(differences)}")
    found: dict[str, int] = record["counts"]
    return found


def count_all() -> dict[str, int]:
    """Return the instructions of one scan of each workload."""
    with tempfile.TemporaryDirectory() as scratch:
        paths = {name: Path(scratch) / f"{number}.json" for number, name in enumerate(WORKLOADS)}
        for name, path in paths.items():
            path.write_text(json.dumps(workload(WORKLOADS[name])), encoding="utf-8")
        once = [(str(path), "1") for path in paths.values()]
        least = _scans(*once)
        counts = {}
        for name, path in paths.items():
            more = [(each, str(1 + TIMES) if each == str(path) else times) for each, times in once]
            counts[name] = (_scans(*more) - least) // TIMES
    return counts


def workload(spam_share: float) -> list[str]:
    """Return INPUT_BYTES of made pages, always the same ones: no change of the training data moves them."""
    texts, left = [], INPUT_BYTES
    for page in made_pages(INPUT_BYTES, seed=7, spam_share=spam_share):
        kept = page.text.encode()[:left].decode(errors="ignore")
        texts.append(kept)
        left -= len(kept.encode())
        if left < 4:
            break
    return texts


def _scans(*workloads: tuple[str, str]) -> int:
    """Count the instructions of a Python that scans files of texts so many times each."""
    return _run_counted([str(Path(__file__).resolve()), "--scan", *(word for each in workloads for word in each)])[0]


def _run_counted(arguments: Sequence[str]) -> tuple[int, str]:
    """Run Python under valgrind; return its instructions and what it printed."""
    line = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", sys.executable]
    # The seed of hashes changes how dictionaries fill; a pool of BLAS threads spins as long as it likes.
    fixed = {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*line, *arguments], cwd=PROJECT, capture_output=True, text=True, check=False, env={**os.environ, **fixed}
    )
    counted = _COUNTED.search(done.stderr)
    if done.returncode or counted is None:
        raise NotComparable(f"valgrind counted nothing: {done.stderr.strip()[-300:]}")
    return int(counted.group(1).replace(",", "")), done.stdout


def scan(workloads: Sequence[str]) -> None:
    """Scan each file of texts so many times: paths and numbers come in turn."""
    from detector import Detector

    detector = Detector.load()
    for path, times in zip(workloads[::2], workloads[1::2], strict=True):
        texts = json.loads(Path(path).read_text(encoding="utf-8"))
        for _ in range(int(times)):
            for _result in detector.scan_many(texts):
                pass


if __name__ == "__main__":
    if sys.argv[1:2] == ["--scan"]:
        scan(sys.argv[2:])
    else:
        sys.exit(main())
