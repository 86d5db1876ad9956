"""The HTML pages of the measuring data come in; what the scripts measure on them is held to what the project promises.

The floors here are below what `make html` and `make html-oracles` print, as a new bundle moves the figures a little.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import compare_oracles
import fuzz_html
import measure_html
import pytest
from html_injections import KINDS
from html_mutations import mutations

from detector.cleaning import cut_ranges
from detector.html_text import decode_page
from detector.pipeline import Detector


@pytest.fixture(scope="module")
def pages(shared: Path) -> list[tuple[str, bytes]]:
    """Return the pages, skip where they are absent."""
    found = measure_html.html_pages(shared)
    if not found:
        pytest.skip("the measuring data has no folder html")
    return found


@pytest.mark.slow
def test_clean_pages_come_out_byte_for_byte(detector: Detector, pages: list[tuple[str, bytes]]) -> None:
    alarms = 0
    for _, data in pages:
        decoded = decode_page(data)
        result = detector.scan_html(data)
        assert result.text == decoded.text
        alarms += bool(result.cut_spans)
        if not result.cut_spans:
            assert decoded.cut(cut_ranges(result.text, result.cut_spans)) == data
    assert alarms <= 0.02 * len(pages)


@pytest.mark.slow
def test_blocks_put_into_pages_go(detector: Detector, pages: list[tuple[str, bytes]]) -> None:
    assert len(KINDS) >= 40
    sources = [(name, decode_page(data).text) for name, data in pages]
    total = measure_html.Loss(0, 0, 0, 0)
    for loss in measure_html.measure(detector, sources, places=4, seed=2, shown=0).values():
        total += loss
    assert total.recall >= 0.98
    assert total.loss <= 0.0002


@pytest.mark.slow
@pytest.mark.parametrize("oracle", compare_oracles.ORACLES)
def test_texts_and_links_are_those_of_other_parsers(pages: list[tuple[str, bytes]], oracle: str) -> None:
    if find_spec(oracle) is None:
        pytest.skip(f"{oracle} is not installed; `make html-oracles` installs it")
    sources = [decode_page(data).text for _, data in pages]
    for some, least in ((sources[::3], 0.999), (mutations(sources, count=300, chars=2000, seed=3), 0.99)):
        agreement = compare_oracles.Agreement()
        for source in some:
            agreement.add(compare_oracles.ours(source), compare_oracles.ORACLES[oracle](source), source)
        assert agreement.share >= least, agreement.kinds


def test_some_rounds_of_fuzzing(capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz_html.main(["--count", "1000", "--seed", "5"]) == 0, capsys.readouterr().out
