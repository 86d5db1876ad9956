"""Write training_data/sources.toml: which third-party files training reads, where they come from, and their digests.

usage: python scripts/pin_sources.py CORPORA [OUT.toml]
"""

from __future__ import annotations

import hashlib
import json
import lzma
import sys
from collections import Counter
from pathlib import Path

HEADER = """\
# The third-party documents that training may read; none of them is part of this project.
# `detector train --from-scratch --corpora DIR` reads DIR/<path> and refuses a file whose sha256 differs.
# role: fit = clean documents that weights are fitted on; spam = spam lines with a label each;
#       threshold = clean documents that only choose thresholds (no weight is fitted on them);
#       noisy = unlabelled pages, mostly clean: negatives where a first model finds nothing on the whole page.
"""


def role_of(path: Path) -> str | None:
    """Return what a file is for, by the folder it lies in."""
    return {"train": "fit", "eval": "threshold", "spam": "spam", "noisy": "noisy"}.get(path.parts[0])


def main() -> None:
    """Describe every file below the corpora folder."""
    root = Path(sys.argv[1])
    target = Path(sys.argv[2] if len(sys.argv) > 2 else "training_data/sources.toml")
    parts = [HEADER]
    for path in sorted(root.rglob("*.jsonl.xz")):
        name = path.relative_to(root)
        role = role_of(name)
        if role is None:
            continue
        repositories: Counter[str] = Counter()
        licences: Counter[str] = Counter()
        with lzma.open(path, "rt", encoding="utf-8", errors="surrogatepass") as lines:
            for line in lines:
                record = json.loads(line)
                repositories[record["source"].split(":")[0]] += 1
                licences[record["licence"]] += 1
        parts.append(
            "\n[[source]]\n"
            f'path = "{name.as_posix()}"\n'
            f'role = "{role}"\n'
            f"repository = {json.dumps(sorted({r.split('@')[0] for r in repositories}), ensure_ascii=False)}\n"
            f"commit = {json.dumps(sorted({r.split('@')[1] for r in repositories if '@' in r}), ensure_ascii=False)}\n"
            f"licence = {json.dumps(sorted(licences), ensure_ascii=False)}\n"
            f'sha256 = "{hashlib.sha256(path.read_bytes()).hexdigest()}"\n'
        )
    target.write_text("".join(parts), encoding="utf-8")
    print(f"{target}: {len(parts) - 1} files")


if __name__ == "__main__":
    main()
