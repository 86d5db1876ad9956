"""Folders of measuring data, whole and broken, come in; what scripts/measuring_data.py makes of them is judged here."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import measuring_data
import pytest

from detector.datatypes import InputError, Label


def test_shared_folder_is_found_through_the_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(measuring_data.VARIABLE, str(tmp_path))
    assert measuring_data.shared_folder() == tmp_path
    monkeypatch.setenv(measuring_data.VARIABLE, str(tmp_path / "no such folder"))
    assert measuring_data.shared_folder() is None
    assert measuring_data.labelled_set("seeds") == []


def test_clean_pages_take_their_ids_and_patterns_from_the_files(tmp_path: Path) -> None:
    file = tmp_path / "corpora" / "eval" / "A_group" / "news.jsonl.xz"
    file.parent.mkdir(parents=True)
    with lzma.open(file, "wt", encoding="utf-8") as lines:
        lines.write(json.dumps({"id": "news-1", "text": "words", "lang": "en"}) + "\n")
    (page,) = measuring_data.clean_pages(tmp_path, "eval")
    assert (page.id, page.text, page.spans, page.kind, page.pattern) == ("A_group/news-1", "words", (), "clean", "news")
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(InputError, match=r"news\.jsonl\.xz cannot be read"):
        measuring_data.clean_pages(tmp_path, "eval")


def test_unreadable_parts_are_named(tmp_path: Path) -> None:
    assert measuring_data.unreadable_parts(tmp_path) == list(measuring_data.EXPECTED)
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "gold.jsonl").write_text("{}", encoding="utf-8")
    assert "seeds/gold.jsonl" not in measuring_data.unreadable_parts(tmp_path)


def test_every_part_of_the_real_folder_can_be_read(shared: Path) -> None:
    for name in ("seeds", "dev", "other", "clean"):
        pages = measuring_data.labelled_set(name)
        assert pages
        assert len({page.id for page in pages}) == len(pages)
    assert any(page.lang == "en" for page in measuring_data.clean_pages(shared, "train"))
    assert all(Label(fields["label"]) for _, fields in measuring_data.corpus_documents(shared, "spam"))
