"""The package as it is installed comes in; what it imports and what its wheel holds is judged here."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
TRAINING_ONLY = ("sklearn", "scipy", "joblib")
SERVING = ("numpy", "regex", "click")
TEXT = "今天下午，市图书馆举办了一场读书会。\n大家围坐在一起，谈了各自最近读的书。\n"
UNREACHABLE = re.compile(
    r"name resolution|NewConnectionError|Network is unreachable|ConnectTimeout|ReadTimeout|ProxyError|Max retries"
)


def run(command: Sequence[str | Path], *, text: str = "", cwd: Path = PROJECT) -> subprocess.CompletedProcess[str]:
    """Return the finished process; fail the test, with what it said, where it did not end with 0."""
    done = subprocess.run(command, input=text, capture_output=True, cwd=cwd, encoding="utf-8", env=bare_environment())
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done


def bare_environment() -> Mapping[str, str]:
    """Return this process's environment without what lets Python find modules elsewhere, read and written as UTF-8."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    return {**kept, "PYTHONUTF8": "1"}


def imported_by(code: str) -> set[str]:
    """Return the names of all modules that a fresh interpreter has imported when `code` ends, also by `sys.exit`."""
    watch = "import atexit, sys\natexit.register(lambda: print(*sys.modules, sep='\\n', file=sys.stderr))\n"
    return set(run([sys.executable, "-c", watch + code]).stderr.split("\n"))


def test_import_needs_no_training_library() -> None:
    modules = imported_by("import detector\ndetector.Detector.load()")
    assert "numpy" in modules
    assert modules.isdisjoint((*TRAINING_ONLY, "click"))


def test_scan_command_needs_no_training_library(tmp_path: Path) -> None:
    path = tmp_path / "page.txt"
    path.write_text(TEXT, encoding="utf-8")
    modules = imported_by(f"from detector.cli import main\nmain(['scan', {str(path)!r}])")
    assert "numpy" in modules
    assert modules.isdisjoint(TRAINING_ONLY)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel that the project builds."""
    folder = tmp_path_factory.mktemp("dist")
    run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder])
    (built,) = folder.glob("spam_span_detector-*.whl")
    return built


@pytest.mark.slow
def test_wheel_holds_the_package_the_bundle_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {Path(name).parts[0] for name in names if ".dist-info/" not in name} == {"detector"}
    assert {"detector/datatypes.py", "detector/models/default/manifest.json"} <= set(names)
    assert not [name for name in names if "__pycache__" in name]


@pytest.mark.slow
def test_wheel_alone_scans_in_a_clean_environment(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "clean", with_pip=True)
    python = tmp_path / "clean" / "bin" / "python"
    install_serving_libraries(python)
    run([python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel])
    done = run([python.with_name("detector"), "scan", "-"], text=TEXT, cwd=tmp_path)
    answer = json.loads(done.stdout)
    assert set(answer) == {"id", "source", "chars", "verdict", "spans", "bundle"}
    assert answer["chars"] == len(TEXT)


def install_serving_libraries(python: Path) -> None:
    """Install what serving needs for `python`; skip the test where the package index cannot be reached."""
    command: list[str | Path] = [python, "-m", "pip", "install", "--quiet", *SERVING]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=bare_environment())
    if done.returncode and UNREACHABLE.search(done.stderr):
        pytest.skip("the package index cannot be reached, so nothing can be installed in a clean environment")
    assert done.returncode == 0, done.stderr
