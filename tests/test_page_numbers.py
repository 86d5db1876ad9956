"""Page numbers cut into sentences go, on pages that a document site wrapped; numbered lists stay."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.datatypes import Label
from detector.model import Bundle
from detector.page_numbers import LEAST_NUMBERS, cut_in_page_numbers
from detector.pipeline import Detector

CUT_IN = (
    "去年春天我们沿着旧公路走到了\n\n2、山下的村子，村里的老人说这条路\n\n3、从前是运茶的道，"
    "后来河水改道，桥也\n\n4、冲毁了。"
)


def numbers_in(text: str) -> list[str]:
    return [text[start:end] for start, end in cut_in_page_numbers(text)]


def test_numbers_in_the_middle_of_sentences_are_found() -> None:
    assert numbers_in(CUT_IN) == ["2、", "3、", "4、"]


@pytest.mark.parametrize("mark", ["、", ".", "．"])
@pytest.mark.parametrize("indent", ["", "  ", "\u3000\u3000", "\t"])
def test_numbers_are_found_however_they_are_written(mark: str, indent: str) -> None:
    text = CUT_IN.replace("、", mark).replace("\n\n", f"\n\n{indent}")
    assert numbers_in(text) == [f"{number}{mark}" for number in (2, 3, 4)]


@pytest.mark.parametrize(
    "text",
    [
        # A list: every entry begins where the one before has ended.
        "注意事项：\n1、带好证件。\n2、提前到达。\n3、保持安静。\n4、不要拍照。\n5、谢谢配合。",
        "步骤如下\n1、洗净；\n2、切片；\n3、下锅；\n4、调味；",
        # Too few of them.
        "我们沿着旧公路走到了\n2、山下的村子，村里的老人说这条路\n3、从前是运茶的道。",
        # They do not count on by ones.
        "我们走到了\n2、山下的村子，老人说\n5、从前是运茶的道，后来河水\n9、改道，桥也\n14、冲毁了。",
        # They begin too late.
        "我们走到了\n7、山下的村子，老人说\n8、从前是运茶的道，后来河水\n9、改道，桥也\n10、冲毁了。",
        # What follows is no Chinese text.
        "在这里\n2.5 公里，之后\n3.5 公里，然后\n4.5 公里，最后\n5.5 公里",
        # They stand inside lines.
        "我们走到了2、山下的村子，老人说3、从前是运茶的道，后来河水4、改道，桥也5、冲毁了。",
        "",
        "\n\n",
        "1、",
    ],
)
def test_lists_and_other_numbers_stay(text: str) -> None:
    assert cut_in_page_numbers(text) == []


def test_the_number_of_the_first_page_stands_before_the_text_and_stays() -> None:
    assert numbers_in("目录\n1、" + CUT_IN) == ["2、", "3、", "4、"]


def test_a_list_of_three_kept_apart_does_not_hide_the_page_numbers() -> None:
    assert numbers_in("须知：\n1、带好证件。\n2、提前到达。\n" + CUT_IN) == ["2、", "3、", "4、"]


def test_a_page_that_began_with_a_sentence_keeps_its_number() -> None:
    ended = CUT_IN + "\n\n5、第五页从头说起，直到\n\n6、天黑。"
    assert numbers_in(ended) == ["2、", "3、", "4、", "6、"]


@given(
    st.lists(st.sampled_from(["字", "。", "\n", "1、", "2、", "3、", "4、", "12.", "，", " "]), max_size=40).map(
        "".join
    )
)
def test_numbers_are_sorted_apart_at_the_beginning_of_lines_and_count_on(text: str) -> None:
    found = cut_in_page_numbers(text)
    assert found == [] or len(found) >= LEAST_NUMBERS
    assert all(left[1] <= right[0] for left, right in pairwise(found))
    numbers = [int(text[start : end - 1]) for start, end in found]
    assert numbers == sorted(set(numbers))
    assert 1 not in numbers
    assert all(text[text.rfind("\n", 0, start) + 1 : start].strip() == "" for start, _ in found)


# On a page as it is scanned

WIDGET = "档档档档档档档档\n"


@pytest.fixture(scope="module")
def bundle(make_bundle: Callable[..., Bundle]) -> Bundle:
    return make_bundle(letters={"档": ("repository_boilerplate", 2.5), "博": ("gambling", 2.5)})


def test_numbers_go_where_the_page_surely_holds_document_site_text(bundle: Bundle) -> None:
    result = Detector(bundle).scan(WIDGET + CUT_IN)
    assert result.clean_text == CUT_IN.replace("2、", "").replace("3、", "").replace("4、", "")
    assert {span.label for span in result.spans} == {Label.REPOSITORY_BOILERPLATE}


@pytest.mark.parametrize("before", ["", "档档档\n", "博博博博博博博博\n"])
def test_numbers_stay_on_every_other_page(bundle: Bundle, before: str) -> None:
    assert CUT_IN in Detector(bundle).scan(before + CUT_IN).clean_text


def test_a_number_inside_a_span_is_not_cut_twice(bundle: Bundle) -> None:
    text = (WIDGET + CUT_IN).replace("3、从前", "3、博博博博博从前")
    marked = text.replace("\n\n3、", "档档档档\n\n3、档档档档")
    result = Detector(bundle).scan(marked)
    assert all(left.end <= right.start for left, right in pairwise(result.spans))
    assert "档" not in result.clean_text


def test_offsets_of_numbers_are_those_of_the_page_as_given(bundle: Bundle) -> None:
    text = (WIDGET + CUT_IN).replace("、", "\u200b、").replace("2", "２")
    result = Detector(bundle).scan(text)
    assert [text[span.start : span.end] for span in result.spans[1:]] == ["２\u200b、", "3\u200b、", "4\u200b、"]


def test_numbers_are_explained(bundle: Bundle) -> None:
    for span in Detector(bundle).explain(WIDGET + CUT_IN).spans[1:]:
        assert [reason.feature for reason in span.reasons] == ["page numbers counted on in the middle of sentences"]
        assert span.bias + span.reasons[0].log_odds == span.log_odds
