"""Words are runs of letters and digits in a segment, whatever segments are asked for, and count where they stand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detector.folding import FoldedBatch, fold_pages
from detector.ngrams import BUCKET_COUNT, WORD_BASE
from detector.segmentation import MAX_SEGMENT_CHARS, Segments, cut_segments
from detector.words import (
    BEGINNING_CHARS,
    MAX_WORD_CHARS,
    REACH_CHARS,
    WORD_PLACES,
    Words,
    word_buckets,
    word_sums,
    words_of,
)

pages_of_text = st.lists(
    st.text(st.characters() | st.sampled_from("abAB19 éж카тี字,。\n-"), max_size=60), min_size=1, max_size=4
)


def cut(*pages: str) -> tuple[FoldedBatch, Segments, Words]:
    batch = fold_pages(pages)
    segments = cut_segments(batch)
    return batch, segments, words_of(batch.codes, batch.classes, segments.starts, segments.ends)


def strings(batch: FoldedBatch, words: Words) -> list[str]:
    return [
        batch.codes[start:end].astype("<u2").tobytes().decode("utf-16-le", "surrogatepass")
        for start, end in zip(words.starts.tolist(), words.ends.tolist(), strict=True)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Best Casino-Bonus 2024!", ["best", "casino", "bonus"]),
        ("bet365 and 888casino, 5g3", ["bet365", "and", "888casino"]),
        ("某某娱乐城casino好", ["casino"]),
        ("казино онлайн", ["кaзинo", "oнлaйн"]),  # look-alikes are folded
        ("카지노 사이트", ["카지노", "사이트"]),
        ("Ｃasino ①st", ["casino", "1st"]),
        ("某某娱乐城。", []),
        ("", []),
    ],
)
def test_words_are_runs_with_a_letter_at_an_end(text: str, expected: list[str]) -> None:
    batch, _, words = cut(text)
    assert strings(batch, words) == expected


def test_a_run_that_is_too_long_is_no_word() -> None:
    batch, _, words = cut(f"{'a' * MAX_WORD_CHARS} {'b' * (MAX_WORD_CHARS + 1)} c")
    assert strings(batch, words) == ["a" * MAX_WORD_CHARS, "c"]


def test_a_word_ends_with_its_segment() -> None:
    _, segments, words = cut("a" * (MAX_WORD_CHARS - 1) + " " + "bc " * (MAX_SEGMENT_CHARS // 3))
    assert len(segments.starts) == 2
    (bound,) = segments.ends[:1].tolist()
    assert all(end <= bound or start >= bound for start, end in zip(words.starts, words.ends, strict=True))


def test_the_same_word_has_the_same_hashes_wherever_it_stands() -> None:
    batch, _, words = cut("casino bonus", "某某娱乐城 " * 30 + "casino 2024 casinos\ncasino")
    found = strings(batch, words)
    same = [number for number, word in enumerate(found) if word == "casino"]
    (longer,) = (number for number, word in enumerate(found) if word == "casinos")
    assert len(same) == 3
    assert len({int(words.whole[number]) for number in same}) == 1
    assert words.whole[longer] != words.whole[same[0]]
    assert words.beginnings[:, longer].tolist() == words.beginnings[:, same[0]].tolist()
    assert len({*words.beginnings[:, longer].tolist(), int(words.whole[longer])}) == 1 + len(BEGINNING_CHARS)


def test_neighbours_are_words_of_the_same_segment() -> None:
    _, segments, words = cut("one two three! four")
    assert len(segments.starts) == 2
    assert words.before.tolist() == [0, words.whole[0], words.whole[1], 0]
    assert words.behind.tolist() == [words.whole[1], words.whole[2], 0, 0]
    assert (words.first.tolist(), words.last.tolist()) == ([0, 3], [3, 4])


def test_a_word_reaches_over_a_few_characters_up_to_the_next() -> None:
    batch, _, words = cut("ab, cd某某某某某某ef某某")
    lengths = (words.reach - words.ends).tolist()
    assert strings(batch, words) == ["ab", "cd", "ef"]
    assert lengths == [2, REACH_CHARS, 2]


def test_the_places_of_a_word_have_buckets_of_their_own() -> None:
    _, _, words = cut("one")
    buckets = word_buckets(words)
    assert buckets.shape == (len(WORD_PLACES), 1)
    assert buckets.min() >= WORD_BASE
    assert buckets.max() < BUCKET_COUNT
    assert len(set(buckets[:, 0].tolist())) == len(WORD_PLACES)


@given(pages_of_text, st.data())
@settings(max_examples=100)
def test_what_words_a_segment_has_does_not_depend_on_what_else_is_asked_for(
    pages: list[str], data: st.DataObject
) -> None:
    batch, segments, words = cut(*pages)
    count = len(segments.starts)
    chosen = sorted(data.draw(st.sets(st.integers(0, max(count - 1, 0)), max_size=count)))
    some = words_of(batch.codes, batch.classes, segments.starts[chosen], segments.ends[chosen])
    wanted = np.zeros(len(words.starts), np.bool_)
    for segment in chosen:
        wanted[words.first[segment] : words.last[segment]] = True
    for name in ("starts", "ends", "reach", "whole", "before", "behind"):
        assert getattr(some, name).tolist() == getattr(words, name)[wanted].tolist()
    assert some.beginnings.tolist() == words.beginnings[:, wanted].tolist()
    assert (some.last - some.first).tolist() == (words.last - words.first)[chosen].tolist()


@given(pages_of_text)
@settings(max_examples=100)
def test_the_sums_of_characters_are_those_of_the_words_that_reach_them(pages: list[str]) -> None:
    batch, segments, words = cut(*pages)
    table = np.random.Generator(np.random.PCG64(2)).integers(-99, 99, BUCKET_COUNT + 1)
    by_hand: NDArray[np.int64] = np.zeros(len(batch.codes), np.int64)
    for number, buckets in enumerate(word_buckets(words).T):
        by_hand[words.starts[number] : words.reach[number]] += table[buckets].sum()
    bounds = zip(segments.starts.tolist(), segments.ends.tolist(), strict=True)
    expected = [int(value) for start, end in bounds for value in by_hand[start:end]]
    assert word_sums(table, words, segments.starts, segments.ends).tolist() == expected
