"""Each format says the same spans, and nothing of the page's own text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from detector.datatypes import Label, Page, ScanResult, Span, Verdict
from detector.formats import Kind, Record, Source
from detector.outputs import OUTPUTS

TEXT = "good\r\n好 spam\nspam\nspun"
SPANS = (
    Span(8, 17, Label.PORN, 0.93456),
    Span(18, 20, Label.SPUN, 0.5),
)


def record(line: int = 0) -> Record:
    kind = Kind.JSON_LINES if line else Kind.TEXT
    return Record(Source("pages/ä b.txt", "ä b.txt", kind), Page(TEXT, "the id"), line)


def write(name: str, *records: Record, verdict: Verdict = Verdict.INJECTED) -> str:
    output = OUTPUTS[name]("default@0a1b")
    written = [output.page(each, ScanResult(each.page.id, len(TEXT), verdict, SPANS, TEXT)) for each in records]
    return output.head() + "".join(written) + output.tail()


def test_json_lines_hold_exactly_their_keys() -> None:
    assert json.loads(write("jsonl", record())) == {
        "id": "the id",
        "source": "pages/ä b.txt",
        "chars": len(TEXT),
        "verdict": "injected",
        "spans": [
            {"start": 8, "end": 17, "label": "porn", "score": 0.9346},
            {"start": 18, "end": 20, "label": "spun", "score": 0.5},
        ],
        "bundle": "default@0a1b",
    }
    assert write("jsonl", record(), record()).count("\n") == 2


def test_what_has_no_utf8_is_escaped() -> None:
    odd = Record(Source("\udcff.txt", "\udcff.txt", Kind.TEXT), Page(TEXT, "\udcff.txt"))
    assert json.loads(write("jsonl", odd).encode())["id"] == "\udcff.txt"


def test_dolma_has_a_key_for_every_label() -> None:
    line = json.loads(write("dolma", record()))
    assert line["id"] == "the id"
    expected: dict[str, list[Any]] = {f"default_0a1b__detector__{label}": [] for label in Label}
    expected["default_0a1b__detector__porn"] = [[8, 17, 0.9346]]
    expected["default_0a1b__detector__spun"] = [[18, 20, 0.5]]
    assert line["attributes"] == expected


def results_of(log: str) -> list[dict[str, Any]]:
    [run] = json.loads(log)["runs"]
    results: list[dict[str, Any]] = run["results"]
    return results


def test_sarif_without_a_page_is_whole() -> None:
    log = json.loads(write("sarif"))
    assert log["version"] == "2.1.0"
    [run] = log["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    assert run["results"] == []
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {*Label, "spam_page", "spun_page"}


def test_sarif_places_of_a_text_file() -> None:
    first, second = results_of(write("sarif", record()))
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "pages/%C3%A4%20b.txt"}
    assert place["region"] == {
        "startLine": 2,
        "startColumn": 3,
        "endLine": 3,
        "endColumn": 5,
        "charOffset": 8,
        "charLength": 9,
    }
    assert (first["ruleId"], first["level"], first["properties"]["score"]) == ("porn", "warning", 0.9346)
    assert (second["ruleId"], second["level"]) == ("spun", "note")
    assert second["locations"][0]["physicalLocation"]["region"]["startLine"] == 4


def test_sarif_rule_indices_point_at_the_rules() -> None:
    [run] = json.loads(write("sarif", record(), record(5), verdict=Verdict.SPUN_PAGE))["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rules[found["ruleIndex"]]["id"] for found in run["results"]] == [
        "spun_page",
        "porn",
        "spun",
    ] * 2
    assert {found["ruleId"]: found["level"] for found in run["results"]}["spun_page"] == "error"


def test_sarif_places_of_json_lines_are_lines() -> None:
    found = results_of(write("sarif", record(7)))[0]
    assert found["locations"][0]["physicalLocation"]["region"] == {"startLine": 7}
    assert found["locations"][0]["logicalLocations"] == [{"fullyQualifiedName": "the id"}]
    assert (found["properties"]["start"], found["properties"]["end"]) == (8, 17)


@pytest.mark.parametrize("name", OUTPUTS)
def test_no_text_of_the_page_is_written(name: str) -> None:
    assert "good" not in write(name, record())
    assert "好" not in write(name, record())
