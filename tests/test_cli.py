"""Commands read, write and exit as promised, whatever the detector: here it is one that looks for a word."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from detector import cli
from detector.datatypes import BundleError, Label, LabelledPage, Page, Reason, ScanResult, Span, Verdict, parse_labels

PROJECT = Path(__file__).resolve().parent.parent
WORDS = {"SPAM": Label.PORN, "DICE": Label.GAMBLING, "SPUN": Label.SPUN}


@dataclass(frozen=True)
class WordDetector:
    """Finds the words of WORDS; a page that begins with BAD is a spam page."""

    labels: str | None = None
    bundle_name: str = "words"

    def scan_many(self, pages: Iterable[str | Page], /) -> Iterator[ScanResult]:
        listed = [page if isinstance(page, Page) else Page(page) for page in pages]
        return (self.answer(page) for page in listed)

    def answer(self, page: Page) -> ScanResult:
        labels = parse_labels(self.labels) if self.labels else frozenset(WORDS.values())
        spans = tuple(
            Span(found.start(), found.end(), WORDS[found[0]], 0.9)
            for found in re.finditer("|".join(WORDS), page.text)
            if WORDS[found[0]] in labels
        )
        injected = Verdict.INJECTED if re.search("SPAM|DICE", page.text) else Verdict.CLEAN
        verdict = Verdict.SPAM_PAGE if page.text.startswith("BAD") else injected
        return ScanResult(page.id, len(page.text), verdict, spans, page.text)

    def explain(self, page: Page) -> ScanResult:
        result = self.answer(page)
        reason = Reason("the word itself", 2.0)
        return replace(result, spans=tuple(replace(span, reasons=(reason,)) for span in result.spans))


@pytest.fixture(autouse=True)
def word_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(
        model: str | None, labels: str | None = None, min_score: float | None = None, *, visible_only: bool = False
    ) -> WordDetector:
        if model is not None:
            raise BundleError(f"no bundle {model!r}")
        return WordDetector(labels)

    monkeypatch.setattr(cli, "load_detector", load)


def run(*arguments: str | Path, input: str | bytes | None = None) -> Result:
    result = CliRunner().invoke(cli.main, [str(argument) for argument in arguments], input=input)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def lines_of(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pages = tmp_path / "pages"
    (pages / "b").mkdir(parents=True)
    (pages / "a.txt").write_bytes("好 SPAM\r\nSPAM\r\nend".encode())
    (pages / "b" / "c.md").write_bytes(b"clean")
    (pages / "d.jsonl").write_bytes(
        b'{"text": "SPAM x", "n": 1.50, "id": "one"}\n{"id": 2, "text": "fine",  "k": null}\n{"text": "BAD page"}\n'
    )
    (pages / "e.pdf").write_bytes(b"<p>")
    return pages


# scan


def test_scan_a_folder(folder: Path) -> None:
    result = run("scan", folder)
    assert result.exit_code == 0
    found = lines_of(result)
    assert [(page["id"], page["verdict"]) for page in found] == [
        ("a.txt", "injected"),
        ("b/c.md", "clean"),
        ("one", "injected"),
        ("2", "clean"),
        ("d.jsonl:3", "spam_page"),
    ]
    assert found[0] == {
        "id": "a.txt",
        "source": str(folder / "a.txt"),
        "chars": 17,
        "verdict": "injected",
        "spans": [
            {"start": 2, "end": 6, "label": "porn", "score": 0.9},
            {"start": 8, "end": 12, "label": "porn", "score": 0.9},
        ],
        "bundle": "words",
    }
    assert result.stderr == "5 pages (1 spam_page, 2 injected, 2 clean); 3 spans; 1 skipped (no known suffix)\n"


def test_quiet_says_nothing_but_what_is_unreadable(folder: Path) -> None:
    assert run("scan", "--quiet", folder).stderr == ""
    missing = run("scan", "--quiet", folder / "none.txt")
    assert missing.stderr == f"unreadable: {folder / 'none.txt'}: no such file or folder\n"


def test_scan_stdin() -> None:
    [found] = lines_of(run("scan", "-", input=b"a SPAM"))
    assert (found["id"], found["source"], found["spans"][0]["start"]) == ("-", "-", 2)


def test_stdin_twice_is_refused() -> None:
    assert run("scan", "-", "-", input="a").exit_code == 2


def test_scan_into_a_file(folder: Path, tmp_path: Path) -> None:
    result = run("scan", folder, "-o", tmp_path / "out.jsonl.gz")
    assert result.stdout == ""
    assert gzip.decompress((tmp_path / "out.jsonl.gz").read_bytes()).count(b"\n") == 5


def test_some_unreadable_input_does_not_stop_the_rest(folder: Path) -> None:
    (folder / "bin.txt").write_bytes(b"\x00\x01")
    (folder / "d.jsonl").write_bytes(b'{"text": "SPAM"}\n{oops\n{"text": "fine"}\n')
    result = run("scan", folder, folder / "e.pdf")
    assert result.exit_code == 3
    assert len(lines_of(result)) == 4
    named = [line for line in result.stderr.splitlines() if line.startswith("unreadable: ")]
    assert [line.split(": ")[1] for line in named] == [
        str(folder / "bin.txt"),
        f"{folder / 'd.jsonl'}:2",
        str(folder / "e.pdf"),
    ]


@pytest.mark.parametrize(
    ("text", "labels", "code"),
    [
        ("SPAM", None, 1),
        ("fine", None, 0),
        ("SPUN", None, 0),  # reported, not cut
        ("BAD", None, 1),
        ("DICE", "porn", 0),  # what is not asked for does not fail
        ("DICE", "porn,gambling", 1),
    ],
)
def test_fail_on_spam(text: str, labels: str | None, code: int) -> None:
    options = ["--labels", labels] if labels else []
    assert run("scan", "-", "--fail-on-spam", *options, input=text).exit_code == code
    assert run("scan", "-", *options, input=text).exit_code == 0


def test_spam_found_outranks_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("SPAM")
    assert run("scan", tmp_path / "a.txt", tmp_path / "none.txt", "--fail-on-spam").exit_code == 1
    assert run("scan", tmp_path / "a.txt", tmp_path / "none.txt").exit_code == 3


def test_fields_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"body": "SPAM", "key": "k"}\n')
    [found] = lines_of(run("scan", tmp_path / "a.jsonl", "--text-field", "body", "--id-field", "key"))
    assert (found["id"], len(found["spans"])) == ("k", 1)


def test_other_formats(folder: Path) -> None:
    dolma = lines_of(run("scan", folder, "--format", "dolma"))
    assert [len(page["attributes"]["words__detector__porn"]) for page in dolma] == [2, 0, 1, 0, 0]
    sarif = json.loads(run("scan", folder, "--format", "sarif").stdout)
    assert [found["ruleId"] for found in sarif["runs"][0]["results"]] == ["porn", "porn", "porn", "spam_page"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["scan"], "PATH"),
        (["scan", "x", "--labels", "nice"], "unknown label 'nice'"),
        (["scan", "x", "--min-score", "2"], "0<=x<=1"),
        (["scan", "x", "--format", "xml"], "xml"),
        (["scan", "x", "--model", "none"], "Error: no bundle 'none'"),
        (["scan", "x", "--what"], "--what"),
        (["clean", "x"], "--output"),
        (["clean", "x", "-o", "y", "--drop-pages", "injected"], "spam_page and spun_page"),
        (["explain"], "PATH"),
        (["train", "-o", "x"], "--from-scratch"),
        (["train", "-o", "x", "--from-scratch", "--base", "y"], "exclude each other"),
        (["evaluate", "none.jsonl"], "none.jsonl: no such file"),
        (["nonsense"], "nonsense"),
    ],
)
def test_wrong_usage_exits_with_2(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a.txt").write_text("a")
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.parametrize("output", ["pages", "pages/out.jsonl", "pages/a.txt"])
def test_scan_does_not_write_into_its_input(folder: Path, output: str) -> None:
    before = sorted(folder.rglob("*"))
    assert run("scan", folder, folder / "a.txt", "-o", folder.parent / output).exit_code == 2
    assert sorted(folder.rglob("*")) == before


# clean


def tree(top: Path) -> dict[str, bytes]:
    """Return what the files of a folder hold, a run's journal left out."""
    files = (path for path in sorted(top.rglob("*")) if path.is_file() and path.name != "journal.sqlite")
    return {str(path.relative_to(top)): path.read_bytes() for path in files}


def test_clean_gives_the_same_tree(folder: Path, tmp_path: Path) -> None:
    before = tree(folder)
    assert run("clean", folder, "-o", tmp_path / "out").exit_code == 0
    assert tree(tmp_path / "out") == {
        "a.txt": "好 \r\nend".encode(),
        "b/c.md": b"clean",
        "d.jsonl": b'{"text": " x", "n": 1.50, "id": "one"}\n'
        b'{"id": 2, "text": "fine",  "k": null}\n{"text": "BAD page"}\n',
    }
    assert tree(folder) == before


def test_clean_drops_bad_pages_and_names_them(folder: Path, tmp_path: Path) -> None:
    (folder / "z.txt").write_text("BAD")
    run("clean", folder, "-o", tmp_path / "out")
    assert "z.txt" in tree(tmp_path / "out")
    result = run("clean", folder, "-o", tmp_path / "kept", "--drop-pages", "spam_page,spun_page")
    assert result.exit_code == 0
    assert "z.txt" not in tree(tmp_path / "kept")
    assert tree(tmp_path / "kept")["d.jsonl"].count(b"\n") == 2
    assert f"dropped: d.jsonl:3 (spam_page) of {folder / 'd.jsonl'}\n" in result.stderr
    assert f"dropped: z.txt (spam_page) of {folder / 'z.txt'}\n" in result.stderr


def test_clean_a_file_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfSPAM\r\nb\r\n")
    (tmp_path / "a.jsonl").write_bytes(b'\xef\xbb\xbf{"text": "a SPAM"}\r\n\r\n{"text": "b"}')
    run("clean", tmp_path / "a.txt", "-o", tmp_path / "out.txt")
    run("clean", tmp_path / "a.jsonl", "-o", tmp_path / "out.jsonl")
    assert (tmp_path / "out.txt").read_bytes() == b"\xef\xbb\xbfb\r\n"
    assert (tmp_path / "out.jsonl").read_bytes() == b'\xef\xbb\xbf{"text": "a "}\r\n{"text": "b"}'


def test_clean_between_stdin_and_stdout() -> None:
    result = run("clean", "-", "-o", "-", input=b"a\r\nSPAM\r\nb")
    assert result.stdout_bytes == b"a\r\nb"


def test_clean_packs_by_the_name_of_the_output(folder: Path, tmp_path: Path) -> None:
    run("clean", folder / "a.txt", "-o", tmp_path / "out.txt.gz")
    assert gzip.decompress((tmp_path / "out.txt.gz").read_bytes()) == "好 \r\nend".encode()


def test_lone_surrogates_survive_cleaning(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "一\\ud800SPAM"}\n', encoding="utf-8")
    run("clean", tmp_path / "a.jsonl", "-o", tmp_path / "b.jsonl")
    assert json.loads((tmp_path / "b.jsonl").read_text(encoding="utf-8")) == {"text": "一\ud800"}


def test_clean_leaves_no_half_of_a_broken_file(folder: Path, tmp_path: Path) -> None:
    packed = gzip.compress((folder / "d.jsonl").read_bytes())
    (folder / "broken.jsonl.gz").write_bytes(packed[:-4])
    result = run("clean", folder, "-o", tmp_path / "out")
    assert result.exit_code == 3
    assert f"unreadable: {folder / 'broken.jsonl.gz'}: " in result.stderr
    assert sorted(tree(tmp_path / "out")) == ["a.txt", "b/c.md", "d.jsonl"]


def test_clean_leaves_unreadable_lines_out(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\nSPAM\n{"text": "b"}\n')
    result = run("clean", tmp_path / "a.jsonl", "-o", tmp_path / "b.jsonl")
    assert result.exit_code == 3
    assert (tmp_path / "b.jsonl").read_text() == '{"text": "a"}\n{"text": "b"}\n'


def test_one_file_copied_twice_gets_both_copies(folder: Path, tmp_path: Path) -> None:
    run("clean", folder, folder / "b", "-o", tmp_path / "out")
    assert {"b/c.md", "c.md"} <= tree(tmp_path / "out").keys()


@pytest.mark.parametrize("output", ["pages", "pages/out", "pages/a.txt"])
def test_clean_does_not_write_into_its_input(folder: Path, output: str) -> None:
    before = tree(folder)
    assert run("clean", folder, "-o", folder.parent / output).exit_code == 2
    assert tree(folder) == before


# explain


def test_explain_marks_and_gives_reasons(folder: Path) -> None:
    result = run("explain", folder / "a.txt")
    assert result.exit_code == 0
    assert result.stdout.startswith("== a.txt: injected, 2 spans, 8 of 17 characters cut ==\n\n好 [porn: SPAM]\n")
    assert "+2.00 speaks for it: the word itself" in result.stdout


def test_explain_in_colour_when_asked_for(folder: Path) -> None:
    shown = run("explain", "--color", folder / "a.txt").stdout
    assert click.style("SPAM", fg="black", bg="magenta") in shown
    assert "[porn:" not in shown


def test_explain_what_no_terminal_could_show(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": "\\udcff", "text": "\\ud800\\u001b[2J SPAM"}\n')
    shown = run("explain", tmp_path / "a.jsonl").stdout
    assert "\x1b" not in shown
    assert "\\ud800\\x1b[2J [porn: SPAM]" in shown


def test_explain_unreadable(tmp_path: Path) -> None:
    assert run("explain", tmp_path / "none.txt").exit_code == 3


# train, evaluate, models


def put_module(monkeypatch: pytest.MonkeyPatch, name: str, **contents: object) -> None:
    module = types.ModuleType(f"detector.{name}")
    vars(module).update(contents)
    monkeypatch.setitem(sys.modules, f"detector.{name}", module)


def test_train_passes_what_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def train_bundle(labelled: Any, out: Path, *, report: Any, **rest: Any) -> dict[str, float]:
        report("fitting")
        asked.update(rest, labelled=list(labelled), out=out)
        return {"f1": 0.5}

    put_module(monkeypatch, "training", train_bundle=train_bundle)
    gold = tmp_path / "gold.jsonl"
    gold.write_text("")
    result = run("train", gold, "-o", tmp_path / "new", "--base", "default", "--dry-run")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"f1": 0.5}
    assert result.stderr == "fitting\n"
    assert asked == {
        "labelled": [gold],
        "out": tmp_path / "new",
        "base": "default",
        "from_scratch": False,
        "corpora": None,
        "dry_run": True,
    }
    assert run("train", gold, "-o", tmp_path / "new", "--quiet").stderr == ""


def test_evaluate_prints_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def evaluate_pages(detector: WordDetector, pages: list[LabelledPage]) -> dict[str, object]:
        return {"bundle": detector.bundle_name, "pages": len(pages)}

    put_module(monkeypatch, "evaluation", evaluate_pages=evaluate_pages, format_figures=lambda figures: f"T {figures}")
    gold = tmp_path / "gold.jsonl"
    gold.write_text('{"id": "a", "text": "x", "spans": []}\n' * 2)
    assert run("evaluate", gold).stdout == "T {'bundle': 'words', 'pages': 2}\n"
    assert json.loads(run("evaluate", gold, "--json").stdout) == {"bundle": "words", "pages": 2}
    gold.write_text("")
    assert run("evaluate", gold).exit_code == 2
    gold.write_text('{"id": "a"}\n')
    broken = run("evaluate", gold)
    assert broken.exit_code == 2
    assert f"{gold}:1: " in broken.stderr


def test_models_lists_bundles(monkeypatch: pytest.MonkeyPatch) -> None:
    info = types.SimpleNamespace(name="mine", path=Path("/m/mine"), made="make", labels=("porn",), metrics={"f1": 0.5})
    put_module(monkeypatch, "model", list_bundles=lambda: [info])
    assert run("models").stdout == "mine  made by make  /m/mine\n  labels: porn\n  f1 0.5\n"
    [line] = lines_of(run("models", "--json"))
    assert line == {"name": "mine", "path": "/m/mine", "made": "make", "labels": ["porn"], "metrics": {"f1": 0.5}}
    put_module(monkeypatch, "model", list_bundles=list)
    empty = run("models")
    assert (empty.exit_code, empty.stdout) == (0, "")
    assert "no bundle found" in empty.stderr


# The command as a whole


def test_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detector.cli.__version__", "1.2.3")
    assert run("--version").stdout == "detector 1.2.3\n"


@pytest.mark.parametrize("name", ["scan", "clean", "explain", "train", "evaluate", "models"])
def test_every_command_has_help(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    if name != "models":
        assert f"detector {name} " in result.stdout  # an example


def python(code: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, check=False, **options)


def test_help_and_edges_import_no_numpy() -> None:
    done = python(
        "import sys, detector.cli, detector.formats, detector.outputs, detector.terminal\n"
        "detector.cli.main(['scan', '--help'], standalone_mode=False)\n"
        "sys.exit(sorted({'numpy', 'sklearn', 'scipy', 'joblib'} & sys.modules.keys()) or 0)"
    )
    assert done.returncode == 0, done.stderr


SCAN_WITH_WORDS = """
import sys
sys.path.insert(0, "tests")
import test_cli
from detector import cli
cli.load_detector = lambda *options, **named: test_cli.WordDetector()
cli.main(sys.argv[1:] or {arguments!r}, prog_name="detector")
"""


def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "SPAM"}\n' * 20_000)
    code = SCAN_WITH_WORDS.format(arguments=["scan", str(tmp_path / "a.jsonl")])
    with subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT, stdout=-1, stderr=-1) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == cli.PIPE_CLOSED


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_behind_stdout_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "SPAM"}\n' * 1000)
    code = SCAN_WITH_WORDS.format(arguments=["scan", str(tmp_path / "a.jsonl")])
    with open("/dev/full", "wb") as full:
        done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, stdout=full, stderr=-1, check=False)
    assert done.returncode == 2
    assert done.stderr == b"Error: cannot write the output: No space left on device\n"


def test_output_is_utf8_whatever_the_locale(tmp_path: Path) -> None:
    (tmp_path / "好.txt").write_text("好 SPAM", encoding="utf-8")
    code = SCAN_WITH_WORDS.format(arguments=["scan", str(tmp_path)])
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = python(code, env=environment)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["spans"][0]["start"] == 2
