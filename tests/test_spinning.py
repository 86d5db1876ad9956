"""A spinner is one machine: the same word is always replaced by the same other one."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from detector.synthesis.spinning import Spinner

TABLE = (
    ("大学", ("高校", "学府"), "synonym"),
    ("大", ("巨", "硕"), "synonym"),
    ("好", ("佳",), "synonym"),
    ("他", ("她",), "glyph"),
    ("在", ("再",), "glyph"),
)
texts = st.text("他在大学好。的！\n", max_size=60)


@given(texts, st.integers(0, 500))
def test_a_spinner_repeats_with_its_draw(text: str, seed: int) -> None:
    assert Spinner(TABLE, random.Random(seed)).spin(text) == Spinner(TABLE, random.Random(seed)).spin(text)


@given(texts, st.integers(0, 500))
def test_lines_stay_and_only_words_of_the_table_change(text: str, seed: int) -> None:
    spun, share = Spinner(TABLE, random.Random(seed)).spin(text)
    assert spun.count("\n") == text.count("\n")
    assert 0 <= share <= 1
    kept = set("。的！\n")
    assert sorted(char for char in spun if char in kept) == sorted(char for char in text if char in kept)
    assert (share > 0) == bool(set(spun) & set("高校府巨硕佳她再"))


def test_one_word_has_one_replacement_and_the_longer_word_wins() -> None:
    for seed in range(40):
        spun, _ = Spinner(TABLE[:2], random.Random(seed)).spin("大学大学大\n大学")
        words = {spun[:2], spun[2:4], spun[-2:]}
        assert len(words) == 1
        assert words <= {"高校", "学府", "大学", "巨学", "硕学"}


def test_the_share_counts_what_was_put_in() -> None:
    assert Spinner((("好", ("优秀的",), "synonym"),), random.Random(3)).spin("好天气")[1] in (0.0, 3 / 5)


def test_sentences_may_be_shuffled_but_none_is_lost() -> None:
    text = "一。二！三？四"
    found = {Spinner(TABLE, random.Random(seed)).spin(text)[0] for seed in range(60)}
    assert len(found) > 1
    assert all(sorted(spun) == sorted(text) for spun in found)


def test_nothing_to_spin_stays_as_it_is() -> None:
    for seed in range(10):
        assert Spinner(TABLE[:1], random.Random(seed)).spin("")[1] == 0
        assert Spinner(TABLE[:1], random.Random(seed)).spin("山水")[0] == "山水"
