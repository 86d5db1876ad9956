"""Features say the same of a segment whatever else is in the batch, and their bins fit the weight table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detector.features import (
    BINS_PER_FEATURE,
    FEATURES,
    KEYWORD_DENSITIES,
    KEYWORD_LABELS,
    PAGE_RELATIONS,
    FeatureTable,
    Lookups,
    _page_kinds,
    bins_of,
    keyword_table,
    outline_features,
    segment_features,
    with_keywords,
)
from detector.folding import CharClass, FoldedBatch, fold_pages
from detector.model import Bundle, whole_scores
from detector.ngrams import BUCKET_COUNT, SEGMENT_BASE, SEGMENT_BUCKETS
from detector.segment_scores import BAG_ENTRIES
from detector.segmentation import Segments, cut_segments

some_text = st.text(
    st.characters() | st.sampled_from("\n\n。，|_-· aA1国國的\u200b\x03\ud800\uffff"), max_size=60
) | st.builds(lambda unit, times: unit * times, st.text("某娱乐|，。\nab1", min_size=1, max_size=7), st.integers(1, 80))
some_pages = st.lists(some_text, min_size=1, max_size=5)


def features_of(
    batch: FoldedBatch,
    segments: Segments,
    chosen: NDArray[np.int64],
    lookups: Lookups,
    *,
    page_relations: bool = True,
) -> FeatureTable:
    whole = whole_scores(lookups, batch, segments)
    return segment_features(batch, segments, chosen, lookups, whole, page_relations=page_relations)


def rows_by_page(pages: Sequence[str], lookups: Lookups) -> list[list[list[int]]]:
    """Return the bins of every segment of each page, scanned together."""
    batch = fold_pages(pages)
    segments = cut_segments(batch)
    bins = features_of(batch, segments, np.arange(len(segments.starts)), lookups).bins
    return [bins[segments.page == page].tolist() for page in range(len(pages))]


def plain_lookups(keywords: dict[str, list[str]] | None = None) -> Lookups:
    labels = len(KEYWORD_LABELS)
    return Lookups(keyword_table(keywords or {}), np.zeros(BAG_ENTRIES, np.int64), np.zeros(labels))


def column(text: str, name: str, keywords: dict[str, list[str]] | None = None) -> list[int]:
    """Return one feature of all segments of a text."""
    return [row[FEATURES.index(name)] for row in rows_by_page([text], plain_lookups(keywords))[0]]


@given(some_pages)
@settings(max_examples=60)
def test_rows_do_not_depend_on_other_pages_of_the_batch(tiny_bundle: Bundle, pages: list[str]) -> None:
    together = rows_by_page(pages, tiny_bundle.lookups)
    assert together == [rows_by_page([page], tiny_bundle.lookups)[0] for page in pages]


@given(some_pages, st.data())
@settings(max_examples=60)
def test_rows_do_not_depend_on_which_segments_are_chosen(
    tiny_bundle: Bundle, pages: list[str], data: st.DataObject
) -> None:
    batch = fold_pages(pages)
    segments = cut_segments(batch)
    count = len(segments.starts)
    chosen = np.array(sorted(data.draw(st.sets(st.integers(0, max(count - 1, 0)), max_size=count))), np.int64)
    everything = features_of(batch, segments, np.arange(count), tiny_bundle.lookups)
    some = features_of(batch, segments, chosen, tiny_bundle.lookups)
    assert some.bins.tolist() == everything.bins[chosen].tolist()


@given(some_pages)
@settings(max_examples=60)
def test_bins_stay_below_their_number(tiny_bundle: Bundle, pages: list[str]) -> None:
    for rows in rows_by_page(pages, tiny_bundle.lookups):
        assert all(0 <= value < BINS_PER_FEATURE for row in rows for value in row)
        assert all(len(row) == len(FEATURES) for row in rows)


@given(some_pages)
@settings(max_examples=30)
def test_buckets_of_two_features_never_meet(tiny_bundle: Bundle, pages: list[str]) -> None:
    batch = fold_pages(pages)
    segments = cut_segments(batch)
    buckets = features_of(batch, segments, np.arange(len(segments.starts)), tiny_bundle.lookups).buckets
    first = SEGMENT_BASE + BINS_PER_FEATURE * np.arange(len(FEATURES))
    assert ((buckets >= first) & (buckets < first + BINS_PER_FEATURE)).all()


def test_all_bins_of_all_features_fit_the_space_kept_for_them() -> None:
    assert BINS_PER_FEATURE * len(FEATURES) <= SEGMENT_BUCKETS
    highest = FeatureTable(np.full((1, len(FEATURES)), BINS_PER_FEATURE - 1, np.uint8)).buckets
    assert int(highest.max()) < BUCKET_COUNT


def test_no_chosen_segment_gives_no_row(tiny_bundle: Bundle) -> None:
    batch = fold_pages(["a", ""])
    none: NDArray[np.int64] = np.empty(0, np.int64)
    assert features_of(batch, cut_segments(batch), none, tiny_bundle.lookups).buckets.shape == (0, len(FEATURES))


@pytest.mark.parametrize(
    ("name", "less", "more"),
    [
        ("han share", "abc def", "山水风云"),
        ("latin share", "山水风云", "abc def"),
        ("digit share", "山水风云", "山水 2024"),
        ("delimiter share", "山水风云", "山|水|风"),
        ("function character share", "山水风云", "山的水的"),
        ("symbol share", "山水风云", "★山☆水"),
        ("segment length", "山水", "山水风云天地人和"),
        ("delimiter share of the line", "山水风云", "山|水|风"),
        ("spread of item lengths", "山水|风云|天地", "山|水风云天地人和|风"),
        ("line length", "山水", "山水风云天地人和"),
        ("gambling keyword density", "山水风云天地", "娱乐城风云天地"),
    ],
)
def test_a_feature_rises_with_what_it_measures(name: str, less: str, more: str) -> None:
    keywords = {"gambling": ["娱乐城"]}
    assert column(less, name, keywords) < column(more, name, keywords)


def test_spelling_is_told_against_the_page() -> None:
    simplified, traditional = column("国际发达\n國際發達國際發達國際發達", "simplified or traditional against the page")
    assert simplified != traditional
    assert column("国际发达", "simplified or traditional against the page")[0] not in (simplified, traditional)


def test_a_script_is_told_against_the_page() -> None:
    han, latin = column("山水风云天地人和\nabc", "script against the page")
    assert han != latin
    assert column("abc", "script against the page")[0] != latin


@pytest.mark.parametrize("delimiter", ["|", "_", ",", "-", "·"])
def test_lists_are_told_by_their_delimiter_and_number_of_items(delimiter: str) -> None:
    three, six = (column(delimiter.join(["山水风云"] * items), "delimiter and number of items")[0] for items in (3, 7))
    assert three // 8 == six // 8
    assert three < six
    others = {column(other.join(["山水风云"] * 3), "delimiter and number of items")[0] // 8 for other in "|_,-·"}
    assert len(others) == 5


def test_lines_are_counted_from_both_ends_of_the_page() -> None:
    from_top, from_end = (column("一\n二\n三", f"lines from the {end}") for end in ("top", "end"))
    assert from_top == sorted(from_top)
    assert from_top == from_end[::-1]
    assert from_top[0] < from_top[-1]


def test_text_that_stands_again_on_its_page_is_told_from_text_that_stands_once() -> None:
    again, once, again_too = column("某某娱乐城\n天地人和山水\n某某娱乐城", "repeated on the page")
    assert min(again, again_too) > once
    shared, alone, _ = column("某某娱乐城\n天地人和山水\n某某娱乐城", "characters found nowhere else on the page")
    assert shared < alone


def test_a_segment_sees_its_nearest_solid_neighbours_on_its_own_page(tiny_bundle: Bundle) -> None:
    batch = fold_pages(["某某娱乐城网址\n\n天地人和山水风云", "某某娱乐城网址"])
    segments = cut_segments(batch)
    bins = features_of(batch, segments, np.arange(len(segments.starts)), tiny_bundle.lookups).bins
    before, behind = (bins[:, FEATURES.index(name)].tolist() for name in ("the segment before", "the segment behind"))
    missing = BINS_PER_FEATURE - 1
    assert [value == missing for value in before] == [True, False, False, True]
    assert before[1] == before[2]  # the blank line between them is passed over
    assert [value == missing for value in behind] == [False, False, True, True]


def test_the_keyword_table_marks_each_label_with_its_bit() -> None:
    table = keyword_table({"porn": ["ab"], "gambling": ["ab", "cd"]})
    assert sorted(table[table > 0].tolist()) == [1 << 1, 1 << 0 | 1 << 1]


def test_a_long_keyword_is_known_by_its_beginning_and_a_short_one_left_out() -> None:
    table = keyword_table({"porn": ["某某娱乐城官方网站"]})
    assert (table == keyword_table({"porn": ["某某娱乐城"]})).all()
    assert not keyword_table({"porn": ["a", ""]}).any()
    assert not keyword_table({"a label without keywords": ["某某娱乐城"]}).any()


def test_a_keyword_that_only_begins_in_a_segment_does_not_count() -> None:
    keywords = {"gambling": ["娱乐城"]}
    name = "gambling keyword density"
    assert column("天地人和娱乐\n城天地人和", name, keywords) == column("天地人和山水\n城天地人和", name, keywords)


@given(some_pages)
@settings(max_examples=40)
def test_features_that_count_over_the_page_can_be_left_out_and_nothing_else_changes(
    tiny_bundle: Bundle, pages: list[str]
) -> None:
    batch = fold_pages(pages)
    segments = cut_segments(batch)
    chosen = np.arange(len(segments.starts))
    whole = features_of(batch, segments, chosen, tiny_bundle.lookups).bins
    part = features_of(batch, segments, chosen, tiny_bundle.lookups, page_relations=False).bins
    assert not part[:, PAGE_RELATIONS].any()
    assert (np.delete(part, PAGE_RELATIONS, axis=1) == np.delete(whole, PAGE_RELATIONS, axis=1)).all()


@given(some_pages)
@settings(max_examples=40)
def test_an_outline_lacks_keywords_and_counts_over_the_page_and_nothing_else(
    tiny_bundle: Bundle, pages: list[str]
) -> None:
    batch = fold_pages(pages)
    segments = cut_segments(batch)
    chosen = np.arange(len(segments.starts))
    scores = whole_scores(tiny_bundle.lookups, batch, segments)
    outlines = outline_features(batch, segments, chosen, scores)
    expected = features_of(batch, segments, chosen, tiny_bundle.lookups, page_relations=False).bins
    outline = expected.copy()
    outline[:, KEYWORD_DENSITIES] = 0
    assert outlines.bins.tolist() == outline.tolist()
    assert with_keywords(outlines, batch, segments, chosen, tiny_bundle.lookups).bins.tolist() == expected.tolist()
    assert outlines.bins.tolist() == outline.tolist()  # what was given stays as it was


def test_the_columns_of_keyword_densities_are_those_of_the_labels() -> None:
    assert list(FEATURES[KEYWORD_DENSITIES]) == [f"{label} keyword density" for label in KEYWORD_LABELS]


# Two spellings of Han, then the scripts: what a page is counted by.
COUNTED: tuple[tuple[CharClass, ...], ...] = (
    (CharClass.HAN_SIMPLIFIED,),
    (CharClass.HAN_TRADITIONAL,),
    (CharClass.HAN, CharClass.HAN_SIMPLIFIED, CharClass.HAN_TRADITIONAL, CharClass.HAN_FUNCTION),
    (CharClass.LATIN_LOWER, CharClass.LATIN_UPPER, CharClass.TONED),
    (CharClass.HIRAGANA, CharClass.KATAKANA),
    (CharClass.HANGUL,),
    (CharClass.CYRILLIC,),
    (CharClass.THAI,),
    (CharClass.OTHER_LETTER,),
)
short_pages = st.lists(st.text("国國的山aAāのカ한жไא 。1\n\x03\u200b", max_size=40), min_size=1, max_size=8)


@given(short_pages, st.data())
def test_kinds_of_characters_are_counted_on_each_page_alone(pages: list[str], data: st.DataObject) -> None:
    batch = fold_pages(pages)
    chosen = sorted(data.draw(st.sets(st.integers(0, len(pages) - 1), min_size=1)))
    expected = []
    for page in chosen:
        classes = batch.classes[batch.page_starts[page] : batch.page_ends[page]].tolist()
        expected.append([sum(kind in kinds for kind in classes) for kinds in COUNTED])
    assert _page_kinds(batch, np.array(chosen)).tolist() == expected


def test_pages_of_any_length_share_no_byte_that_is_counted() -> None:
    lengths = [(left, right) for left in range(17) for right in range(17)]
    batch = fold_pages([text for left, right in lengths for text in ("国" * left, "國" * right)])
    kinds = _page_kinds(batch, np.arange(2 * len(lengths)))[:, :3].tolist()
    assert kinds == [row for left, right in lengths for row in ([left, 0, left], [0, right, right])]


def test_bins_of_a_column_are_where_its_buckets_lie() -> None:
    table = FeatureTable(np.full((1, len(FEATURES)), BINS_PER_FEATURE - 1, np.uint8))
    assert [bins_of(column).stop - 1 for column in range(len(FEATURES))] == table.buckets[0].tolist()
    assert bins_of(0).start == SEGMENT_BASE
    assert set(FEATURES[PAGE_RELATIONS]) == {"repeated on the page", "characters found nowhere else on the page"}
