"""The documents a stranger reads first come in; what they say of the code is compared with the code here."""

from __future__ import annotations

import doctest
import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from detector.cli import EXIT_CODES, main
from detector.datatypes import CUT_BY_DEFAULT, Label, Verdict
from detector.formats.labelled import labelled_page
from detector.synthesis.grammar import split_marks

PROJECT = Path(__file__).resolve().parent.parent
README = (PROJECT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (PROJECT / "ARCHITECTURE.md").read_text(encoding="utf-8")
LABELS = (PROJECT / "docs" / "labels.md").read_text(encoding="utf-8")
TRAINING = (PROJECT / "docs" / "training.md").read_text(encoding="utf-8")
DOCUMENTS = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").glob("*.md")])
COMMANDS = {name: main.commands[name] for name in sorted(main.commands)}

Rows = list[list[str]]


def section(text: str, heading: str) -> str:
    """Return what stands below a heading, up to the next heading of its level or above; fail where it is absent."""
    level = heading.split(" ")[0]
    found = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{len(level)}}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"there is no heading {heading!r}"
    return found[1]


def table(text: str, first_column: str) -> Rows:
    """Return the cells of the table whose first column is called so, without its head."""
    lines = text.split("\n")
    start = next((n for n, line in enumerate(lines) if line.startswith(f"| {first_column} |")), None)
    assert start is not None, f"there is no table of {first_column!r}"
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def code(text: str, language: str = "") -> list[str]:
    """Return the fenced stretches of a language, those without one by default."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def in_backticks(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def options_of(command: click.Command) -> Iterator[str]:
    """Yield every spelling of every option of a command, its help option left out."""
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield from [*parameter.opts, *parameter.secondary_opts]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_part_of_the_readme(name: str) -> None:
    heading = next((line for line in README.split("\n") if line.startswith(f"### `detector {name}")), "")
    assert code(section(README, heading)), f"the part on {name} shows nothing"


def test_the_readme_names_no_command_that_is_absent() -> None:
    named = set(re.findall(r"^### `detector (\w+)", README, re.MULTILINE))
    assert named == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_of_options_is_that_of_the_command(name: str) -> None:
    rows = table(section(README, "### Options"), "option")
    documented = {option for cells in rows if name in cells[1].split(", ") for option in in_backticks(cells[0])}
    assert documented == set(options_of(COMMANDS[name]))


def test_the_options_of_all_commands_and_of_none() -> None:
    rows = {cells[1]: in_backticks(cells[0]) for cells in table(section(README, "### Options"), "option")}
    assert rows["all"] == main.context_settings["help_option_names"]
    assert rows[""] == list(options_of(main))


def test_exit_codes() -> None:
    documented = [cells[0] for cells in table(section(README, "### Exit codes"), "code")]
    assert documented == re.findall(r"^  (\d)", EXIT_CODES, re.MULTILINE)


def test_python_of_the_readme_is_true() -> None:
    """The snippet runs as a doctest against the shipped bundle."""
    snippets = code(README, "python")
    assert snippets
    runner = doctest.DocTestRunner(verbose=False)
    for number, snippet in enumerate(snippets):
        test = doctest.DocTestParser().get_doctest(snippet, {}, f"README {number}", str(PROJECT / "README.md"), 0)
        assert test.examples, "a snippet without >>> checks nothing"
        said: list[str] = []
        runner.run(test, out=said.append)
        assert not runner.failures, "".join(said)


def shown(name: str) -> tuple[list[str], str]:
    """Return the arguments of the first command that the README shows for a command, and what it says was printed."""
    heading = next(line for line in README.split("\n") if line.startswith(f"### `detector {name}"))
    first, printed = code(section(README, heading))[0].split("\n", 1)
    prompt, program, *arguments = first.split(" ")
    assert (prompt, program, arguments[0]) == ("$", "detector", name)
    return arguments, printed


def printed_by(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(PROJECT)  # the README's paths start there
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_what_scan_prints_is_as_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores and the bundle's digest may differ, as a new bundle has others; spans and verdicts may not."""
    arguments, printed = shown("scan")
    changing = re.compile(r'(?<="score": )[\d.]+|(?<=@)[0-9a-f]{12}')
    assert changing.sub("…", printed_by(arguments, monkeypatch)) == changing.sub("…", printed)


def test_what_explain_prints_is_as_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page, its verdict and its spans; how much each reason counts is the bundle's affair."""
    arguments, printed = shown("explain")
    page, reasons = printed.split("\n1. ")
    found_page, found_reasons = printed_by(arguments, monkeypatch).split("\n1. ")
    assert found_page == page
    assert found_reasons.split(" ")[0] == reasons.split(" ")[0]
    assert "in sum" in found_reasons


def test_what_clean_prints_is_as_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments, printed = shown("clean")
    source, cleaned = arguments[1], tmp_path / arguments[-1]
    assert printed_by([*arguments[:-1], str(cleaned)], monkeypatch) == printed.split("$ diff")[0]
    removed = [line[2:] for line in printed.split("\n") if line.startswith("< ")]
    kept = (PROJECT / source).read_text(encoding="utf-8").split("\n")
    assert cleaned.read_text(encoding="utf-8").split("\n") == [line for line in kept if line not in removed]


def test_labels_and_verdicts_of_the_readme() -> None:
    part = section(README, "## Labels and verdicts")
    labels = {in_backticks(cells[0])[0]: cells[2].startswith("yes") for cells in table(part, "label")}
    assert labels == {str(label): label in CUT_BY_DEFAULT for label in Label}
    assert [in_backticks(cells[0])[0] for cells in table(part, "verdict")] == [str(verdict) for verdict in Verdict]


def test_labels_stand_in_the_order_of_precedence() -> None:
    headings = re.findall(r"^## (\w+)$", LABELS, re.MULTILINE)
    assert headings == [str(label) for label in Label]
    assert [in_backticks(cells[0])[0] for cells in table(LABELS, "label")] == headings
    cut = [cells[1].startswith("yes") for cells in table(LABELS, "label")]
    assert cut == [label in CUT_BY_DEFAULT for label in Label]


@pytest.mark.parametrize("label", Label)
def test_every_label_has_an_example_of_its_own(label: Label) -> None:
    examples = code(section(LABELS, f"## {label}"))
    assert examples
    for example in examples:
        marked = {name for _, name in split_marks(example, "clean")}
        assert marked - {None} == {label}


def test_labelled_pages_of_the_guide_can_be_read() -> None:
    lines = [line for part in code(TRAINING, "json") for line in part.splitlines()]
    pages = [labelled_page(json.loads(line)) for line in lines]
    assert [page.text[span.start : span.end] for page in pages for span in page.spans] == [
        "play at luckystar777 casino"
    ]


def modules() -> Iterator[str]:
    """Yield the dotted names of all modules below detector/, packages by the package's name."""
    package = PROJECT / "detector"
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_every_room_stands_in_the_table_of_rooms() -> None:
    rooms = {in_backticks(cells[0])[0]: cells[1] for cells in table(ARCHITECTURE, "room")}
    named = set(rooms)
    for room, purpose in rooms.items():
        if (PROJECT / "detector" / room).is_dir():
            named |= {f"{room}.{name}" for name in in_backticks(purpose)}
    found = set(modules()) - {"", "__main__"}  # the package's door, and what calls the command
    assert named == found


def test_constants_of_the_architecture() -> None:
    rows = table(ARCHITECTURE, "constant")
    assert rows
    for name, value, _ in rows:
        module, constant = in_backticks(name)[0].rsplit(".", 1)
        assert repr(getattr(importlib.import_module(f"detector.{module}"), constant)) == value, name


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_make_targets_exist(path: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", path.read_text(encoding="utf-8"), re.MULTILINE))
    assert named <= targets


def test_the_readme_names_the_two_commands_of_a_fresh_machine() -> None:
    first = code(section(README, "## Two commands"))[0]
    assert re.findall(r"^make (\w+)", first, re.MULTILINE) == ["demo", "test"]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_changelog_has_both_headings_for_this_version() -> None:
    from detector import __version__

    changelog = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    heading = next(line for line in changelog.split("\n") if line.startswith("## "))
    assert heading.startswith(f"## [{__version__}]")
    assert re.findall(r"^### (\w+)$", section(changelog, heading), re.MULTILINE) == ["Code", "Model"]
