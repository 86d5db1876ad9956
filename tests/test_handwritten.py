"""Pages written by hand are read with exact spans, and a mistake in them is named."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from detector.datatypes import InputError, Label, Verdict
from detector.synthesis.handwritten import assemble, read_handwritten

MATERIAL = Path(__file__).resolve().parent.parent / "training_data"
PAGES = """A comment before the first page.
=== id=one lang=zh kind=injected pattern="brand in sentence"
第一行
正文里有⟦gambling:某某娱乐城⟧这样的词。
⟦porn:一行
两行⟧

=== id=two lang=en kind=clean

plain text

"""


def write(folder: Path, content: str, name: str = "pages.txt") -> Path:
    (folder / name).write_text(content, encoding="utf-8")
    return folder


def test_pages_are_read_in_order_with_exact_spans(tmp_path: Path) -> None:
    one, two = read_handwritten(write(tmp_path, PAGES))
    assert (one.id, one.lang, one.kind, one.pattern, one.family) == (
        "one",
        "zh",
        "injected",
        "brand in sentence",
        "pages/pages",
    )
    assert one.text == "第一行\n正文里有某某娱乐城这样的词。\n一行\n两行"
    assert [(one.text[span.start : span.end], span.label) for span in one.spans] == [
        ("某某娱乐城", Label.GAMBLING),
        ("一行\n两行", Label.PORN),
    ]
    assert (two.id, two.text, two.spans, two.kind, two.pattern) == ("two", "plain text", (), "clean", "")


def test_files_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    write(tmp_path, "=== id=b lang=zh kind=clean\nx", "b.txt")
    write(tmp_path, "=== id=a lang=zh kind=clean\nx", "a.txt")
    (tmp_path / "ignored.md").write_text("=== id=c lang=zh kind=clean\nx", encoding="utf-8")
    assert [page.id for page in read_handwritten(tmp_path)] == ["a", "b"]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("=== id=one lang=zh", "opens no page"),
        ("=== lang=zh id=one kind=clean", "opens no page"),
        ("=== id=one lang=zh kind=odd", "unknown kind 'odd'"),
    ],
)
def test_a_header_that_cannot_be_read_is_named_with_its_file(tmp_path: Path, header: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as refusal:
        list(read_handwritten(write(tmp_path, f"{header}\ntext\n")))
    assert "pages.txt" in str(refusal.value)


def test_neighbouring_pieces_of_one_label_are_one_span() -> None:
    text, spans = assemble([("甲", "porn"), ("", "gambling"), ("乙", "porn"), ("丙", None), ("丁", "gambling")])
    assert text == "甲乙丙丁"
    assert [(span.start, span.end, span.label) for span in spans] == [(0, 2, Label.PORN), (3, 4, Label.GAMBLING)]


def test_nothing_assembles_to_nothing() -> None:
    assert assemble([]) == ("", ())


def test_every_page_of_the_training_material_is_sound() -> None:
    pages = list(read_handwritten(MATERIAL / "pages"))
    assert len({page.id for page in pages}) == len(pages) > 100
    for page in pages:
        assert page.text.strip(), page.id
        assert not set("⟦⟧") & set(page.text), page.id
        assert all(left.end <= right.start for left, right in pairwise(page.spans)), page.id
        cut = [span for span in page.spans if span.label not in (Label.SPUN, Label.SITE_BOILERPLATE)]
        if page.kind == Verdict.CLEAN:
            assert not cut, page.id
        if page.kind == Verdict.INJECTED:
            assert cut, page.id
