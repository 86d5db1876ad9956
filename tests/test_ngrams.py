"""Buckets say which n-gram stands where around a character, and nothing of what lies farther away."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detector.folding import CLASS_COUNT, CharClass, fold_pages
from detector.ngrams import (
    BUCKET_COUNT,
    MARGIN_CHARS,
    NGRAM_BITS,
    NGRAM_ORDERS,
    PLACES,
    SEGMENT_BASE,
    SHAPE_BASE,
    SHAPE_ORDERS,
    WINDOW_CHARS,
    Place,
    bases,
    bucket_columns,
    ngram_hashes,
)

code_lists = st.lists(st.integers(0, 0xFFFF), min_size=2 * MARGIN_CHARS + 1, max_size=40)


def columns(codes: NDArray[np.uint16], classes: NDArray[np.uint8]) -> dict[Place, list[int]]:
    return {place: buckets.tolist() for place, buckets in bucket_columns(codes, classes)}


def slow_hash(codes: list[int]) -> int:
    hashed = codes[0] * 0x9E3779B1 % 2**32
    for code in codes[1:]:
        hashed ^= hashed >> 15
        hashed = (hashed + code) % 2**32 * 0x9E3779B1 % 2**32
    return hashed


def slow_base(hashed: int, bits: int) -> int:
    return (hashed ^ hashed >> 13) * 0x85EBCA6B % 2**32 >> (32 - bits)


@given(st.lists(st.integers(0, 0xFFFF), min_size=6, max_size=20), st.integers(1, 6))
def test_hashes_equal_those_of_whole_numbers(codes: list[int], order: int) -> None:
    expected = [slow_hash(codes[at : at + order]) for at in range(len(codes) - order + 1)]
    hashed = ngram_hashes(np.array(codes, np.uint16), order)
    assert hashed.tolist() == expected
    for bits in (1, 16, 18, 32):
        assert bases(hashed, bits).tolist() == [slow_base(one, bits) for one in expected]


@given(code_lists)
def test_buckets_of_both_kinds_and_of_segment_features_lie_apart(codes: list[int]) -> None:
    classes = np.array([code % CLASS_COUNT for code in codes], np.uint8)
    for place, buckets in columns(np.array(codes, np.uint16), classes).items():
        assert len(buckets) == len(codes) - 2 * MARGIN_CHARS
        low, high = (SHAPE_BASE, SEGMENT_BASE) if place.shape else (0, SHAPE_BASE)
        assert all(low <= bucket < high for bucket in buckets)
    assert SEGMENT_BASE < BUCKET_COUNT


@given(code_lists)
def test_a_character_ngram_gets_the_bucket_of_its_codes_and_place(codes: list[int]) -> None:
    found = columns(np.array(codes, np.uint16), np.zeros(len(codes), np.uint8))
    for place in (place for place in PLACES if not place.shape):
        for nth, bucket in enumerate(found[place]):
            first = MARGIN_CHARS + nth + place.shift
            assert bucket == slow_base(slow_hash(codes[first : first + place.order]), NGRAM_BITS) ^ place.key


@given(code_lists, st.integers(0, 0xFFFF))
def test_what_lies_beyond_the_window_changes_no_bucket(codes: list[int], other: int) -> None:
    classes = np.array([code % CLASS_COUNT for code in codes], np.uint8)
    alone = columns(np.array(codes, np.uint16), classes)
    longer = columns(np.array([other, *codes, other], np.uint16), np.array([3, *classes, 3], np.uint8))
    assert {place: buckets[1:-1] for place, buckets in longer.items()} == alone


def test_places_cover_the_window_and_no_more() -> None:
    for shape, orders in ((False, NGRAM_ORDERS), (True, SHAPE_ORDERS)):
        for order in orders:
            shifts = [place.shift for place in PLACES if (place.shape, place.order) == (shape, order)]
            assert shifts == list(range(-WINDOW_CHARS, WINDOW_CHARS - order + 2))


def test_the_same_ngram_has_another_bucket_at_another_place() -> None:
    keys = [(place.shape, place.order, place.key) for place in PLACES]
    assert len(set(keys)) == len(keys)


def test_too_short_a_stretch_has_no_bucket() -> None:
    short = np.zeros(2 * MARGIN_CHARS, np.uint16)
    assert list(bucket_columns(short, short.astype(np.uint8))) == []


def test_given_scratch_changes_nothing() -> None:
    batch = fold_pages(["某某娱乐城 APP 下载|官网"])
    scratch = np.full(len(batch.codes), -1, np.int64)
    with_scratch = {place: found.tolist() for place, found in bucket_columns(batch.codes, batch.classes, scratch)}
    assert with_scratch == columns(batch.codes, batch.classes)


def test_shapes_do_not_tell_the_spellings_of_han_apart() -> None:
    codes = np.zeros(2 * MARGIN_CHARS + 3, np.uint16)
    plain, simplified, particle = (
        columns(codes, np.full(len(codes), kind, np.uint8))
        for kind in (CharClass.HAN, CharClass.HAN_SIMPLIFIED, CharClass.HAN_FUNCTION)
    )
    assert plain == simplified
    assert plain != particle
