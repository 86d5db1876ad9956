"""What stands again: strings that were cut once, and strings that are spam taken together."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from detector.context import ScoredPage, decide_page
from detector.model import Bundle, Decisions
from detector.pipeline import Detector
from detector.recurrence import BRAND_CHARS, MOST_WEAK_CHARS, Stretch, recurring, repeated


@pytest.mark.parametrize(
    ("shadow", "cut", "expected"),
    [
        ("金球娱乐 好 金球娱乐 好 金球娱乐", (0, 4), [(7, 11), (14, 18)]),
        ("金球 好 金球", (0, 2), []),  # too short to be looked for
        (" 金球娱乐 好金球娱乐好", (0, 6), [(7, 11)]),  # blanks around it are not part of it
        ("bet9 is bet9 not bet99 nor abet9", (0, 4), [(8, 12)]),  # not inside a longer word
        ("bet9 是bet9吗", (0, 4), [(6, 10)]),
        ("好 金球娱乐 金球娱", (2, 6), []),
    ],
)
def test_what_was_cut_once_is_looked_for_on_the_whole_page(shadow: str, cut: Stretch, expected: list[Stretch]) -> None:
    assert repeated(shadow, [cut], chars=(4, 40)) == expected


@st.composite
def shadow_and_cut(draw: st.DrawFn, *, nested: bool = False) -> tuple[str, list[Stretch]]:
    shadow = draw(st.text("ab字 \n", max_size=40))
    edges = sorted(draw(st.sets(st.integers(0, len(shadow)), max_size=6)))
    cut = list(zip(edges[::2], edges[1::2], strict=False))
    if nested:
        cut += [(start + 1, end - 1) for start, end in cut if end - start > 2]
    return shadow, sorted(cut)


@given(shadow_and_cut())
def test_repeats_are_what_was_cut_and_stand_apart_from_it(case: tuple[str, list[Stretch]]) -> None:
    shadow, cut = case
    texts = {shadow[start:end].strip() for start, end in cut}
    found = repeated(shadow, cut, chars=(2, 6))
    assert found == sorted(found)
    assert all(shadow[start:end] in texts and 2 <= end - start <= 6 for start, end in found)
    covered = sorted([*cut, *found])
    assert all(left[1] <= right[0] for left, right in pairwise(covered))


@given(shadow_and_cut(nested=True))
@example(("xx字字字字 字字字字xx", [(0, 13), (2, 6)]))
def test_repeats_stand_apart_from_stretches_that_lie_in_each_other(case: tuple[str, list[Stretch]]) -> None:
    shadow, cut = case
    taken = {at for start, end in cut for at in range(start, end)}
    assert not any(at in taken for start, end in repeated(shadow, cut, chars=(2, 6)) for at in range(start, end))


def scored(text: str, **of_char: int) -> tuple[str, np.ndarray[tuple[int], np.dtype[np.int32]]]:
    """Return a page and the excess of its characters: those named have the one given, others -100."""
    return text, np.array([of_char.get(char, -100) for char in text], np.int32)


@pytest.mark.parametrize(
    ("text", "of_char", "weak", "expected"),
    [
        ("去金球城玩，来金球城看", {"金": 2, "球": 1, "城": 0}, [(1, 4), (7, 10)], [(1, 4), (7, 10)]),
        ("去金球城玩，来金球城看", {"金": 2, "球": -1, "城": -2}, [(1, 4), (7, 10)], []),  # not spam together
        ("去金球城玩，来金球城看", {"金": 2, "球": 1, "城": 0}, [(1, 4)], []),  # one weak stretch
        (
            "去金球城玩，来银球城看",
            {"金": 2, "球": 1, "城": 0},
            [(1, 4), (7, 10)],
            [],
        ),  # two characters only
        ("金\n球城，金\n球城", {"金": 2, "球": 1, "城": 0}, [(0, 4), (5, 9)], []),  # not on one line
        ("好bet9，看bet9！", {"b": 1, "e": 1, "t": 1, "9": 1}, [(1, 5), (7, 11)], [(1, 5), (7, 11)]),
        ("好bet9，看bet99！", {"b": 1, "e": 1, "t": 1, "9": 1}, [(1, 5), (7, 11)], []),  # inside a longer word
        # All places on the page count, those outside the weak stretches too.
        ("金球城，金球城，金球城", {"金": 1, "球": 1, "城": 1}, [(0, 3), (4, 7)], [(0, 3), (4, 7), (8, 11)]),
    ],
)
def test_strings_that_recur_are_judged_together(
    text: str, of_char: dict[str, int], weak: list[Stretch], expected: list[Stretch]
) -> None:
    assert recurring(*scored(text, **of_char)[:1], weak, scored(text, **of_char)[1]) == expected


def test_a_place_that_is_surely_clean_speaks_against_all() -> None:
    text = "金球城，金球城，金球城"
    excess = np.array([1, 1, 1, -9, 1, 1, 1, -9, -3, -3, -3], np.int32)
    assert recurring(text, [(0, 3), (4, 7)], excess) == []


@given(st.text("金球城a1，\n ", max_size=40), st.data())
@settings(max_examples=150)
def test_what_recurs_is_the_same_string_twice_and_not_negative_together(text: str, data: st.DataObject) -> None:
    excess = np.array(data.draw(st.lists(st.integers(-4, 4), min_size=len(text), max_size=len(text))), np.int32)
    edges = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)))
    weak = list(zip(edges[::2], edges[1::2], strict=False))
    found = recurring(text, weak, excess)
    assert found == sorted(found)
    assert all(left[1] <= right[0] for left, right in pairwise(found))
    places: dict[str, list[Stretch]] = {}
    for start, end in found:
        places.setdefault(text[start:end], []).append((start, end))
    for string, of_string in places.items():
        assert BRAND_CHARS[0] <= len(string) <= BRAND_CHARS[1]
        assert string[0].isalnum()
        assert string[-1].isalnum()
        assert "\n" not in string
        assert len(of_string) > 1
        assert sum(int(excess[start:end].sum()) for start, end in of_string) >= 0


def test_a_brand_that_is_weak_everywhere_is_found_where_it_recurs(make_bundle: Callable[..., Bundle]) -> None:
    weak = {"金": ("gambling", 1.0), "球": ("gambling", 0.5), "城": ("gambling", 0.0)}
    bundle = make_bundle(letters=weak, bias=-4.5, settings={"switch_cost": COSTS, "recurring_margin": 1.5})
    detector = Detector(bundle)
    assert detector.scan("他们昨天去了金球城，今天回来。").spans == ()
    found = detector.scan("他们昨天去了金球城，今天回来。明天再去金球城。").spans
    assert [(span.start, span.end) for span in found] == [(6, 9), (19, 22)]
    without = make_bundle(letters=weak, bias=-4.5, settings={"switch_cost": COSTS, "recurring_margin": 0.0})
    assert Detector(without).scan("他们昨天去了金球城，今天回来。明天再去金球城。").spans == ()


COSTS = {"porn": 2.0, "gambling": 2.0, "other_spam": 2.0, "repository_boilerplate": 2.0}


def test_strings_that_recur_next_to_what_is_sure_are_not_judged_again(make_bundle: Callable[..., Bundle]) -> None:
    settings_of_test = Decisions.of(make_bundle(settings={"recurring_margin": 1.0}).settings)
    lanes = np.full((20, 4), -20 * 64, np.int32)
    lanes[2:12, 1] = 3 * 64
    found = decide_page(ScoredPage("字" * 20, lanes, np.array([0]), False), settings_of_test)
    assert (2, 12) in found.stretches


def test_no_more_than_so_many_characters_of_weak_stretches_are_looked_through() -> None:
    text = "字" * MOST_WEAK_CHARS + "金球城，金球城"
    excess = np.full(len(text), -1, np.int32)
    excess[MOST_WEAK_CHARS:] = 1
    brands = [(MOST_WEAK_CHARS, MOST_WEAK_CHARS + 3), (MOST_WEAK_CHARS + 4, MOST_WEAK_CHARS + 7)]
    assert recurring(text, brands, excess) == brands
    assert recurring(text, [(0, MOST_WEAK_CHARS), *brands], excess) == []
