"""What is imported is only what is needed: sets of modules are compared; the clocks are read by `make bench`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import detector
from detector import html_text

PROJECT = Path(__file__).parents[1]
NEVER_SERVING = (
    "sklearn",
    "scipy",
    "joblib",
    "pyarrow",
    "fastwarc",
    "charset_normalizer",
    "multiprocessing",
    "sqlite3",
    "numpy.ma",
    "numpy.random",
)
ROOMS_OF_TRAINING = ("detector.training", "detector.synthesis", "detector.evaluation", "detector.explanation")
ROOMS_OF_HTML = ("detector.html_spans", "detector.html_text.parsing", "detector.html_text.cutting")
SPAM = "今天下午，市图书馆举办了一场读书会。\n澳门银河娱乐城|真人百家乐|时时彩平台|老虎机注册送彩金|线上博彩官网\n"
SCAN = f"from detector import Detector; found = Detector.load().scan({SPAM!r}).spans; assert found"


def modules_after(code: str, *arguments: str) -> set[str]:
    """Return the modules that a fresh Python holds after running `code` with `arguments`."""
    say = "import json, sys; print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    line = [sys.executable, "-c", f"import atexit; atexit.register(lambda: exec({say!r})); {code}", *arguments]
    done = subprocess.run(line, cwd=PROJECT, capture_output=True, text=True, check=True, env={**os.environ})
    found: list[str] = json.loads(done.stderr.splitlines()[-1])
    return set(found)


def imported(modules: set[str], *names: str) -> list[str]:
    return [name for name in names if name in modules]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("startup") / "page.txt"
    path.write_text(SPAM, encoding="utf-8")
    return path


def test_importing_the_package_imports_no_numpy() -> None:
    modules = modules_after("import detector")
    assert "detector.datatypes" in modules
    assert not imported(modules, "numpy", "regex", "click", "detector.pipeline")


def test_version_imports_the_command_alone() -> None:
    modules = modules_after("from detector.cli import main; main(['--version'])")
    assert "detector.cli" in modules
    assert not imported(modules, "numpy", "regex", "importlib.metadata", "detector.pipeline", "detector.formats")


def test_scanning_a_text_imports_nothing_of_html() -> None:
    modules = modules_after(SCAN)
    assert "detector.pipeline" in modules
    assert not imported(modules, *ROOMS_OF_HTML, "detector.html_text")
    assert not imported(modules, *NEVER_SERVING, *ROOMS_OF_TRAINING, "regex", "click", "detector.formats")


def test_scanning_html_imports_what_it_needs() -> None:
    modules = modules_after(f"from detector import Detector; Detector.load().scan_html({SPAM!r})")
    assert imported(modules, *ROOMS_OF_HTML) == list(ROOMS_OF_HTML)
    assert not imported(modules, *NEVER_SERVING, *ROOMS_OF_TRAINING)


def test_the_scan_of_a_text_file_parses_no_html(page: Path) -> None:
    modules = modules_after("import sys; from detector.cli import main; main(sys.argv[1:])", "scan", str(page))
    assert "detector.formats" in modules
    assert not imported(modules, *ROOMS_OF_HTML, *NEVER_SERVING, *ROOMS_OF_TRAINING, "regex", "detector.runs")


def test_every_name_of_the_room_of_html_is_there() -> None:
    assert [name for name in html_text.__all__ if not hasattr(html_text, name)] == []
    assert sorted(html_text.__all__) == sorted(html_text._ROOM_OF)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = html_text.nothing  # type: ignore[attr-defined,unused-ignore]


def test_the_version_is_the_one_that_is_installed() -> None:
    declared = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert detector.__version__ == declared
