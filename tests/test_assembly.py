"""Pages that are written carry exact gold spans, and the same arguments write the same pages."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from detector.datatypes import Label, LabelledPage, Verdict
from detector.synthesis.assembly import Document, PageWriter
from detector.synthesis.grammar import PLACES, Family, Grammars, load_grammars

MATERIAL = Path(__file__).resolve().parent.parent / "training_data"
SPAM = "龘龘龘龘"
ARTICLE = "春天的河岸\n上周末，我们沿着河走了很远，看见两岸的柳树都绿了。孩子们在草地上放风筝。\n" + (
    "我们在桥边坐下来休息，吃了带来的点心，又聊起了小时候的事情。天黑以前，大家一起坐车回家。\n" * 4
)
DOCUMENTS = [
    Document("river", ARTICLE, "zh"),
    Document("forest", "林间小路\n" + "雨后的树林里长出了许多蘑菇，我们只看不采。\n" * 6, "zh"),
    Document("english", "A quiet harbour\n" + "The boats come back before noon, and the market opens.\n" * 6, "en"),
]


def writer(*families: Family, seed: int = 3, documents: list[Document] = DOCUMENTS) -> PageWriter:
    return PageWriter(Grammars(families, {}, {}, "all"), documents, seed)


def spam(place: str, *templates: str) -> Family:
    return Family(f"test/{place}", "porn", ("*",), (place,), templates or (SPAM,), {})


def check(page: LabelledPage) -> None:
    assert all(0 <= span.start < span.end <= len(page.text) for span in page.spans)
    assert all(left.end <= right.start for left, right in pairwise(page.spans))
    touching = [(left, right) for left, right in pairwise(page.spans) if left.end == right.start]
    assert all(left.label is not right.label for left, right in touching)


@pytest.mark.parametrize("place", sorted(PLACES - {"page"}))
def test_gold_spans_are_exactly_what_was_put_in(place: str) -> None:
    write = writer(spam(place))
    for _ in range(40):
        page = write.page(Verdict.INJECTED, evade=0)
        check(page)
        in_spans = {at for span in page.spans for at in range(span.start, span.end)}
        assert in_spans
        assert {at for at, char in enumerate(page.text) if char == "龘"} <= in_spans
        # Two texts on neighbouring lines are one span with the line's end between them.
        assert {page.text[at] for at in in_spans} <= {"龘", "\n"}


@pytest.mark.parametrize("place", sorted(PLACES - {"page", "replace"}))
def test_the_document_itself_stays_as_it_was(place: str) -> None:
    write = writer(spam(place))
    for _ in range(20):
        page = write.page(Verdict.INJECTED, evade=0, lang="en")
        rest = page.text.replace("龘", "")
        for line in rest.split("\n"):
            bare = line.strip(" -_|—·：:–,，")
            assert not bare or any(bare in document.text for document in DOCUMENTS)


def test_only_the_marked_part_of_a_template_is_gold() -> None:
    write = writer(spam("line", f"上一篇：⟦{SPAM}⟧的新闻"))
    page = write.page(Verdict.INJECTED, evade=0)
    assert {page.text[span.start : span.end] for span in page.spans} == {SPAM}
    assert f"上一篇：{SPAM}的新闻" in page.text


def test_a_whole_spam_page_is_the_template() -> None:
    page = writer(spam("page", f"{SPAM}\n⟦clean:首页⟧\n{SPAM}")).page(Verdict.SPAM_PAGE, evade=0)
    check(page)
    assert page.text == f"{SPAM}\n首页\n{SPAM}"
    assert page.kind == "spam_page"


def test_clean_pages_get_furniture_and_traps_but_no_spam() -> None:
    menu = Family("negatives/menu", "site_boilerplate", ("*",), ("furniture",), ("首页 | 联系我们",), {})
    trap = Family("negatives/trap", "clean", ("*",), ("line",), ("他是无码科技的职员。",), {})
    write = writer(spam("line"), menu, trap)
    pages = [write.page(Verdict.CLEAN) for _ in range(40)]
    for page in pages:
        check(page)
        assert "龘" not in page.text
        assert {span.label for span in page.spans} <= {Label.SITE_BOILERPLATE}
    assert any(page.spans for page in pages)
    assert any("无码科技" in page.text for page in pages)


def test_the_same_arguments_write_the_same_pages() -> None:
    def pages(seed: int) -> list[LabelledPage]:
        write = writer(spam("line"), spam("inline"), seed=seed)
        return [write.page(Verdict.INJECTED) for _ in range(10)]

    assert pages(5) == pages(5)
    assert pages(5) != pages(6)


def test_pages_carry_their_kind_language_and_family() -> None:
    page = writer(spam("line")).page(Verdict.INJECTED, lang="en")
    assert (page.kind, page.lang, page.family) == ("injected", "en", "test/line")
    assert page.id.startswith("english/")


def test_families_can_be_kept_out() -> None:
    grammars = Grammars((spam("line"), spam("header", "囍囍囍囍")), {}, {}, "all")
    write = PageWriter(grammars, DOCUMENTS, 1, families=lambda family: family.name == "test/header")
    assert not any("龘" in write.page(Verdict.INJECTED, evade=0).text for _ in range(20))


def test_a_traditional_page_keeps_its_spans_in_place() -> None:
    write = writer(spam("line"), documents=[Document("river", ARTICLE.replace("龘", ""), "zh-Hans")])
    pages = [write.page(Verdict.INJECTED, evade=0) for _ in range(60)]
    respelled = [page for page in pages if any(char in page.text for char in "們風邊來")]
    assert 0 < len(respelled) < 40
    for page in pages:
        check(page)
        assert {char for span in page.spans for char in page.text[span.start : span.end]} <= set("龘\n")


@pytest.mark.parametrize("part", ["fit", "heldout"])
def test_the_training_material_writes_pages_of_every_label(part: str) -> None:
    write = PageWriter(load_grammars(MATERIAL, part), DOCUMENTS, 1)
    labels: set[Label] = set()
    for kind in (Verdict.INJECTED, Verdict.CLEAN, Verdict.SPAM_PAGE):
        for _ in range(40):
            page = write.page(kind)
            check(page)
            labels |= {span.label for span in page.spans}
    assert {Label.PORN, Label.GAMBLING, Label.OTHER_SPAM, Label.REPOSITORY_BOILERPLATE} <= labels
