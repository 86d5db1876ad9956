"""Pages with one marked word come in; whether it is held for hidden is compared with the cases and with a browser."""

from __future__ import annotations

import html as html_module
import json
import os
import re
import shutil
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from detector.html_text import Hidden, HtmlText, extract, extract_visible
from detector.html_text.states import States
from detector.html_text.styles import parse_declarations
from detector.html_text.stylesheets import parse_sheets

CASES_FILE = Path(__file__).parent / "html_hidden_cases.toml"
ASKS_BROWSER = "DETECTOR_BROWSER"


@dataclass(frozen=True)
class Case:
    why: str
    hidden: bool
    html: str


CASES = [Case(**case) for case in tomllib.loads(CASES_FILE.read_text(encoding="utf-8"))["case"]]


def reason(source: str) -> Hidden | None:
    """Return why the word MARK of a page is hidden."""
    page = extract(source)
    found = [run for run in range(page.flow_runs) if "MARK" in run_text(page, run)]
    assert len(found) == 1
    return States(page.document).reason(page.elements[found[0]])


def run_text(page: HtmlText, run: int) -> str:
    """Return the text of a run."""
    return page.text[page.offsets[run] : page.offsets[run] + page.lengths[run]]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.why)
def test_what_a_visitor_does_not_see(case: Case) -> None:
    assert (reason(case.html) is not None) == case.hidden
    assert ("MARK" in extract_visible(case.html).text) != case.hidden


def test_there_are_cases_enough() -> None:
    assert len(CASES) >= 60
    assert len({case.why for case in CASES}) == len(CASES)
    assert 20 <= sum(case.hidden for case in CASES) <= len(CASES) - 20


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("<marquee width=1 height=1>MARK</marquee>", Hidden.MARQUEE),
        ("<marquee width=200>MARK</marquee>", None),
        ("<div style='opacity:0'>MARK</div>", Hidden.OPACITY),
        ("<div hidden>MARK</div>", Hidden.ATTRIBUTE),
        ("<div style='clip-path:inset(100%)'>MARK</div>", Hidden.CLIP),
        ("<title>MARK</title>", Hidden.META),
        ("<div style='width:0;height:0'>MARK</div>", Hidden.SIZE),
        ("<div style='font-size:0'>MARK</div>", Hidden.FONT),
        ("<div style='color:#fff;background:#fff'>MARK</div>", Hidden.COLOUR),
        ("<p style='text-indent:-999em'>MARK</p>", Hidden.PLACE),
    ],
)
def test_reasons(source: str, wanted: Hidden | None) -> None:
    assert reason(source) == wanted


def test_declarations_survive_strings_and_urls() -> None:
    written = 'background:url(a;b.png);content:"display:none;";/* color:red */color : #FFF ;display:block'
    assert parse_declarations(written)["display"] == "block"
    assert parse_declarations(written)["color"] == "#fff"


def test_sheets_without_hiding_rules_cost_nothing() -> None:
    assert parse_sheets(["body{margin:0} .a{color:red;border:none}"]).rules == ()


@pytest.mark.parametrize(
    "sheet", ["{" * 1000, "}" * 1000, ".a{" * 500, "@media x{" * 300 + ".a{display:none}", "/*", "a{b:c"]
)
def test_broken_sheets_are_read_without_an_exception(sheet: str) -> None:
    extract_visible(f"<style>{sheet}</style><p class=a>x")


PROBE = """
function seen(d){
  const walker = d.createTreeWalker(d.documentElement, NodeFilter.SHOW_TEXT);
  let node; while ((node = walker.nextNode()) && !node.data.includes('MARK')) {}
  if (!node) return false;
  const own = node.parentElement, at = getComputedStyle(own), range = d.createRange();
  range.selectNodeContents(node);
  const box = range.getBoundingClientRect();
  if (at.visibility !== 'visible' || parseFloat(at.fontSize) <= 1) return false;
  if (!box.width || !box.height || box.right <= 0 || box.bottom <= 0) return false;
  let behind = null;
  for (let e = own; e; e = e.parentElement) {
    const s = getComputedStyle(e), r = e.getBoundingClientRect();
    if (s.display === 'none' || parseFloat(s.opacity) <= 0.05 || /opacity\\(0/.test(s.filter)) return false;
    if (/^rect/.test(s.clip) && (s.position === 'absolute' || s.position === 'fixed')) return false;
    if (/inset\\((50|100)%|circle\\(0/.test(s.clipPath)) return false;
    if (s.overflow !== 'visible' && (r.width <= 1 || r.height <= 1)) return false;
    if (behind === null && s.backgroundColor !== 'rgba(0, 0, 0, 0)') behind = s.backgroundColor;
  }
  const parts = (c) => c.match(/[\\d.]+/g).map(Number);
  const ink = parts(at.color);
  if (ink.length === 4 && ink[3] === 0) return false;
  if (behind !== null) {
    const back = parts(behind);
    if (Math.abs(ink[0]-back[0]) + Math.abs(ink[1]-back[1]) + Math.abs(ink[2]-back[2]) <= 12) return false;
  }
  return true;
}
addEventListener('load', () => setTimeout(() => {
  const found = [...document.querySelectorAll('iframe')].map((f) => seen(f.contentDocument));
  document.getElementById('answer').textContent = JSON.stringify(found);
}, 200));
"""


def browser() -> str | None:
    """Return the path of a Chromium, None where there is none."""
    return next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )


def test_as_a_browser_computes_it(tmp_path: Path) -> None:
    """All cases are put into frames of one page, and a script in it asks for their computed styles."""
    if not os.environ.get(ASKS_BROWSER):
        pytest.skip("asks a browser only when run by `make test-browser`")
    program = browser()
    if program is None:
        pytest.skip("there is no Chromium here; Debian has it in the package chromium")
    frames = "".join(
        f'<iframe width="1000" height="400" srcdoc="{html_module.escape("<!doctype html>" + case.html)}"></iframe>'
        for case in CASES
    )
    page = tmp_path / "cases.html"
    page.write_text(
        f'<!doctype html><meta charset="utf-8">{frames}<pre id="answer"></pre><script>{PROBE}</script>',
        encoding="utf-8",
    )
    command = [program, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    command += ["--virtual-time-budget=20000", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=180)
    answer = re.search(r'<pre id="answer">(\[.*?\])</pre>', done.stdout)
    assert answer is not None, done.stderr[-2000:]
    seen = json.loads(answer[1])
    assert len(seen) == len(CASES)
    differing = [case.why for case, shown in zip(CASES, seen, strict=True) if shown == case.hidden]
    assert differing == []
