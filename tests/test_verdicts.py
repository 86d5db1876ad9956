"""A verdict follows from what was found on the page, and document-site text alone never makes one bad."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.datatypes import Label, Span, Verdict
from detector.verdicts import PageFacts, facts_of, judge

SETTINGS = {
    "spam_least_chars": 100,
    "spam_cut_share": 0.5,
    "spam_prose_left_share": 0.25,
}
ARTICLE = "上周末，我们沿着河走了很远，看见两岸的柳树都绿了。\n" * 12
LIST = "某某娱乐城|金球棋牌|在线下注|"


def span(text: str, part: str, label: Label) -> Span:
    start = text.index(part)
    return Span(start, start + len(part), label, 0.9)


def verdict_of(text: str, part: str = "", label: Label = Label.GAMBLING, *, spun: bool = False) -> Verdict:
    spans = [span(text, part, label)] if part else []
    return judge(facts_of(text, spans, spun), SETTINGS)


def test_a_page_on_which_nothing_was_found_is_clean() -> None:
    assert verdict_of(ARTICLE) is Verdict.CLEAN
    assert verdict_of("") is Verdict.CLEAN


@pytest.mark.parametrize("label", [label for label in Label if label not in (Label.SPUN, Label.SITE_BOILERPLATE)])
def test_a_good_page_with_a_span_is_injected(label: Label) -> None:
    assert verdict_of(ARTICLE + LIST, LIST, label) is Verdict.INJECTED


def test_a_page_of_nothing_but_spam_is_a_spam_page() -> None:
    assert verdict_of(LIST * 10, LIST * 10) is Verdict.SPAM_PAGE


def test_an_article_is_kept_however_long_the_list_under_it() -> None:
    assert verdict_of(ARTICLE + LIST * 40, LIST * 40) is Verdict.INJECTED


def test_menus_around_spam_are_no_reason_to_keep_a_page() -> None:
    menu = "首页\n新闻\n联系我们\n关于我们\n" * 5
    assert verdict_of(menu + LIST * 20, LIST * 20) is Verdict.SPAM_PAGE


def test_a_few_characters_of_spam_make_no_spam_page() -> None:
    assert verdict_of(LIST, LIST) is Verdict.INJECTED


@pytest.mark.parametrize("label", [Label.REPOSITORY_BOILERPLATE, Label.PINYIN_NOISE])
def test_text_of_document_sites_alone_never_makes_a_page_bad(label: Label) -> None:
    text = "第一页 下载文档 立即下载 文档贡献者" * 30
    assert verdict_of(text, text, label) is Verdict.INJECTED


@pytest.mark.parametrize("part", ["", LIST])
def test_a_page_that_a_machine_spun_is_a_spun_page_whatever_else_stands_there(part: str) -> None:
    assert verdict_of(ARTICLE + LIST, part, spun=True) is Verdict.SPUN_PAGE
    assert verdict_of(LIST * 40, LIST * 40, spun=True) is Verdict.SPUN_PAGE


@given(st.integers(0, 2000), st.integers(0, 2000), st.integers(0, 2000), st.integers(0, 9), st.booleans())
def test_clean_means_that_nothing_is_cut_and_the_page_is_not_bad(
    solid: int, spam: int, prose: int, spans: int, spun: bool
) -> None:
    verdict = judge(PageFacts(solid, spam if spans else 0, prose, spans, spun), SETTINGS)
    bad = verdict in (Verdict.SPAM_PAGE, Verdict.SPUN_PAGE)
    assert (verdict is Verdict.CLEAN) == (spans == 0 and not bad)
    assert (verdict is Verdict.SPUN_PAGE) == spun


@pytest.mark.parametrize(
    ("spam_chars", "prose_left", "verdict"),
    [
        (200, 99, Verdict.SPAM_PAGE),
        (199, 99, Verdict.INJECTED),  # less than half of the page is spam
        (200, 100, Verdict.INJECTED),  # a quarter of it is prose
    ],
)
def test_a_spam_page_is_told_by_shares_of_what_is_not_blank(spam_chars: int, prose_left: int, verdict: Verdict) -> None:
    assert judge(PageFacts(400, spam_chars, prose_left, 1, False), SETTINGS) is verdict


def test_facts_of_spam_count_what_is_not_blank() -> None:
    text = "好的 好的好。\n\n赌 场"
    facts = facts_of(text, [span(text, "赌 场", Label.GAMBLING)], False)
    assert facts == PageFacts(solid_chars=8, spam_chars=2, prose_left=0, cut_spans=1, spun=False)


@pytest.mark.parametrize("spun", [True, False])
@pytest.mark.parametrize("label", [None, Label.REPOSITORY_BOILERPLATE, Label.PINYIN_NOISE])
def test_facts_of_a_page_without_spam_count_no_spam(label: Label | None, spun: bool) -> None:
    spans = [span(ARTICLE, "柳树", label)] if label else []
    assert facts_of(ARTICLE, spans, spun) == PageFacts(0, 0, 0, len(spans), spun)


def test_prose_is_counted_outside_spam_on_lines_with_sentences() -> None:
    prose = "上周末，我们沿着河走了很远，看见两岸的柳树都绿了。"
    heading = "城市公园绿化工程招标公告二零二四年第三号补充文件"
    text = f"{heading}\n{prose}{LIST}\n"
    assert facts_of(text, [span(text, LIST, Label.PORN)], False).prose_left == len(prose)
