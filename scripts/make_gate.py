"""The hand-written pages kept for testing come in; training_data/gate.jsonl, which guards retraining, goes out.

usage: make_gate.py [OUT.jsonl]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from detector.synthesis import read_handwritten
from detector.training.recipe import is_test_page

MATERIAL = Path(__file__).resolve().parent.parent / "training_data"


def main(arguments: list[str]) -> None:
    """Write the gate's pages, a JSON object a line."""
    target = Path(arguments[0]) if arguments else MATERIAL / "gate.jsonl"
    lines = []
    for page in read_handwritten(MATERIAL / "pages"):
        if is_test_page(page.id):
            spans = [{"start": span.start, "end": span.end, "label": str(span.label)} for span in page.spans]
            record = {"id": page.id, "text": page.text, "spans": spans, "lang": page.lang, "kind": page.kind}
            lines.append(json.dumps({**record, "pattern": page.pattern}, ensure_ascii=False))
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{target}: {len(lines)} pages")


if __name__ == "__main__":
    main(sys.argv[1:])
