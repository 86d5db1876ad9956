"""A scan must not take more machine instructions than it did: counted by valgrind, where the recorded counts hold."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import instructions
import pytest
from instructions import Machine, NotComparable

MACHINE = Machine("3.11.7", "2.4.6", "x86_64", "valgrind-3.19.0", "AVX AVX2")


def test_the_workload_is_200_kb_and_always_the_same() -> None:
    clean, spam = instructions.workload(0.0), instructions.workload(1.0)
    assert all(199_990 <= sum(len(text.encode()) for text in texts) <= 200_000 for texts in (clean, spam))
    assert clean == instructions.workload(0.0)
    assert clean != spam


def test_a_count_may_differ_by_a_tenth_either_way() -> None:
    recorded = {"clean": 1000, "with spam": 5000}
    assert instructions.too_different({"clean": 1099, "with spam": 4501}, recorded) == []
    [slower] = instructions.too_different({"clean": 1101, "with spam": 5000}, recorded)
    assert "clean pages takes 1,101" in slower
    [faster] = instructions.too_different({"clean": 1000, "with spam": 4000}, recorded)
    assert "-20.0 %" in faster


def test_counts_of_another_machine_are_not_compared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text(json.dumps({"machine": asdict(MACHINE), "counts": {"clean": 7}}))
    monkeypatch.setattr(instructions, "RECORD", path)
    assert instructions.recorded_counts(MACHINE) == {"clean": 7}
    with pytest.raises(NotComparable, match=r"numpy 2\.5\.0 instead of 2\.4\.6"):
        instructions.recorded_counts(replace(MACHINE, numpy="2.5.0"))


def test_without_valgrind_nothing_is_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert instructions.main([]) == instructions.NOT_COMPARABLE
    assert "valgrind is not installed" in capsys.readouterr().err


@pytest.mark.slow
def test_a_scan_takes_the_instructions_that_were_recorded() -> None:
    try:
        recorded = instructions.recorded_counts(instructions.this_machine())
        counts = instructions.count_all()
    except NotComparable as reason:
        pytest.skip(str(reason))
    assert instructions.too_different(counts, recorded) == []
