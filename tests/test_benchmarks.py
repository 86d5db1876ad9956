"""What the benchmarks compute and write, without their clocks: those are read by `make bench` and `make growth`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import bench_corpora
import bench_page
import growth
import pytest
import turns
from side_by_side import HTML_PEERS, TEXT_PEERS

from detector.datatypes import Verdict

PAGES = [
    "今天下午，市图书馆举办了一场读书会。\n" * 20,
    "The footing of the wall was laid before the frost came.\n" * 30,
]


@pytest.fixture
def corpora(tmp_path: Path) -> Path:
    (tmp_path / "zh-3.json").write_text(json.dumps(PAGES), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", ["json", "zlib level 1", "detector"])
def test_a_contender_answers_in_its_own_process(corpora: Path, name: str) -> None:
    with turns.running([turns.Peer(name, "")], corpora, {}) as (children, absent):
        assert not absent
        answer = children[name].ask(do="scan", corpus="zh-3", bytes=10_000)
        assert (answer["pages"], answer["bytes"]) == (2, sum(len(text.encode()) for text in PAGES))
        assert children[name].ask(do="scan", corpus="zh-3", bytes=1)["pages"] == 1
        assert answer["seconds"] > 0
        assert children[name].ask(do="page", text=PAGES[0])["seconds"] > 0
        assert children[name].ask(do="memory")["mb"] >= 0


def test_a_peer_that_cannot_run_is_left_out_with_the_reason(corpora: Path, capsys: pytest.CaptureFixture[str]) -> None:
    peers = [turns.Peer("json", ""), turns.Peer("nobody", "")]
    with turns.running(peers, corpora, {}) as (children, absent):
        assert list(children) == ["json"]
        assert "nobody" in absent["nobody"]
    with turns.running([turns.Peer("json", "")], corpora, {"json": "/no/such/python"}) as (children, absent):
        assert not children
        assert "/no/such/python" in absent["json"]


def test_speeds_are_medians_and_ratios_are_of_one_round() -> None:
    def answer(seconds: float) -> dict[str, float]:
        return {"seconds": seconds, "bytes": 1e6, "pages": 10}

    found = turns.speeds(
        {"ours": [answer(0.1), answer(0.2), answer(0.4)], "theirs": [answer(0.4), answer(0.2), answer(1.2)]}, "ours"
    )
    assert found["ours"] == {"mb_s": 5.0, "pages_s": 50.0, "ours_is": 1.0}
    assert found["theirs"]["mb_s"] == 2.5
    assert found["theirs"]["ours_is"] == pytest.approx(3.0)


def test_every_contender_has_a_loader_and_the_other_way_round() -> None:
    import contenders

    assert sorted(peer.name for peer in (*TEXT_PEERS, *HTML_PEERS)) == sorted(contenders.LOADERS)
    assert {peer.name for peer in HTML_PEERS} == {*contenders.HTML_CONTENDERS}


def test_contenders_import_nothing_but_the_standard_library() -> None:
    import contenders

    lines = Path(contenders.__file__).read_text(encoding="utf-8").splitlines()
    roots = {line.split()[1].split(".")[0] for line in lines if line.startswith(("import ", "from "))}
    assert roots <= sys.stdlib_module_names


def test_the_page_says_what_was_measured_and_who_is_absent() -> None:
    row = {"mb_s": 12.34, "pages_s": 56.0, "ours_is": 1.5}
    results: dict[str, Any] = {
        "text": {
            "when": "some day",
            "absent": {"ftfy": "no such module"},
            "speeds": {"zh-3": {"fastText": row}},
            "memory_mb": {"fastText": 7.0},
            "page_ms": {"fastText": 0.5},
        },
        "workers": {"when": "some day", "pages_s": {"1": 100.0, "2": 180.0}},
    }
    text = bench_page.page(results, {"fastText": "judges lines"}, "picture.svg")
    assert "| fastText | 12.3 | 56 | 1.50 times as fast | judges lines |" in text
    assert "ftfy (no such module)" in text
    assert "1.80 times" in text
    assert "## HTML" not in text


@pytest.mark.parametrize("name", growth.KINDS)
def test_adversarial_pages_have_the_length_that_is_asked_for(name: str) -> None:
    for chars in (100, 1000):
        assert len(growth.KINDS[name](chars)) == chars


def test_growth_is_the_ratio_of_its_times() -> None:
    assert growth.Growth(100, 2.0, 9.0, (Verdict.CLEAN, Verdict.CLEAN)).ratio == 4.5


def test_a_page_of_html_holds_the_lines_of_its_text() -> None:
    source = bench_corpora._as_html("甲 & 乙\n\n丙")
    assert source.count('<p class="text">') == 2
    assert "甲 &amp; 乙" in source


def test_corpora_have_names_in_both_languages() -> None:
    assert bench_corpora.names() == ["zh-3", "zh-50", "en-3", "en-50"]
    assert bench_corpora.names(of_html=True)[0] == "html-zh-3"
