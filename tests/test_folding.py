"""Folding keeps a map back to every character of the text, whatever the text holds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from detector.folding import (
    _LETTER_OR_DIGIT,
    EDGE_CODE,
    GAP_CHARS,
    HAN,
    CharClass,
    FoldedBatch,
    character_tables,
    fold_pages,
    fold_text,
)

ODD = "\x00\x03\n\r\u200b\u2060\ufeff\u202e\ud800\udfff\uffff\U0001d400Ａ經"
any_text = st.text(st.characters() | st.sampled_from(ODD), max_size=60)
any_pages = st.lists(any_text, min_size=1, max_size=6)


def shadow(batch: FoldedBatch, page: int) -> list[int]:
    codes: list[int] = batch.codes[batch.page_starts[page] : batch.page_ends[page]].tolist()
    return codes


def offsets(batch: FoldedBatch, page: int) -> list[int]:
    positions = np.arange(batch.page_starts[page], batch.page_ends[page])
    found: list[int] = batch.offsets(positions, page).tolist()
    return found


@given(any_text)
def test_the_map_is_strictly_monotone_and_lies_in_the_text(text: str) -> None:
    folded, places = fold_text(text)
    assert len(folded) == len(places)
    assert (np.diff(places) > 0).all()
    assert all(0 <= place < len(text) for place in places.tolist())


def may_be_parted(text: str) -> bool:
    """Tell whether marks may stand between the letters of a word, or a symbol between Han: these drop out by rule."""
    table, classes = character_tables()
    kinds = [int(classes[min(ord(char), len(classes) - 1)]) for char in text if table[min(ord(char), len(table) - 1)]]
    letters = [bool(_LETTER_OR_DIGIT[kind]) for kind in kinds]
    threes = zip(letters, letters[2:], letters[4:], letters[6:], strict=False)
    symbols = zip(kinds, kinds[1:], kinds[2:], strict=False)
    in_han = any(HAN[a] and mark == CharClass.SYMBOL and HAN[b] for a, mark, b in symbols)
    return in_han or any(all(four) for four in threes)


@given(any_text)
def test_the_map_is_total_over_what_is_not_dropped(text: str) -> None:
    table, _ = character_tables()
    kept = [at for at, char in enumerate(text) if table[min(ord(char), len(table) - 1)]]
    places = fold_text(text)[1].tolist()
    assume(not may_be_parted(text))
    assert places == kept


@given(any_text)
def test_every_character_folds_as_it_does_alone(text: str) -> None:
    folded, alone = fold_text(text)[0], "".join(fold_text(char)[0] for char in text)
    assume(not may_be_parted(text))
    assert folded == alone


@given(any_text)
def test_folding_twice_changes_nothing_more(text: str) -> None:
    once = fold_text(text)[0]
    assert fold_text(once)[0] == once


@given(any_pages)
def test_a_page_folds_alike_alone_and_in_a_batch(pages: list[str]) -> None:
    batch = fold_pages(pages)
    for number, page in enumerate(pages):
        alone = fold_pages([page])
        assert shadow(batch, number) == shadow(alone, 0)
        assert offsets(batch, number) == offsets(alone, 0)


@given(any_pages)
def test_the_end_of_a_page_maps_to_the_end_of_its_text(pages: list[str]) -> None:
    batch = fold_pages(pages)
    ends = batch.offsets(batch.page_ends, np.arange(len(pages)))
    assert ends.tolist() == [len(page) for page in pages]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\u200b\u200bab", [2, 3, 4]),
        ("a\u200bb", [0, 2, 3]),
        ("ab\u200b\u200b", [0, 1, 4]),  # behind the last character lies the end of the text
        ("\u200b", [1]),
        ("", [0]),
    ],
)
def test_offsets_pass_over_what_was_dropped(text: str, expected: list[int]) -> None:
    around = fold_pages(["\ufeffx\u200b", text, "\u200by"])
    for batch, page in ((around, 1), (fold_pages([text]), 0)):
        assert batch.offsets(np.arange(batch.page_starts[page], batch.page_ends[page] + 1), page).tolist() == expected


def test_offsets_of_several_pages_are_looked_up_at_once() -> None:
    batch = fold_pages(["\u200ba", "b\u200bc"])
    pages = np.array([0, 1, 1])
    positions = batch.page_starts[pages] + np.array([0, 0, 1])
    assert batch.offsets(positions, pages).tolist() == [1, 0, 2]


@given(any_pages, st.data())
def test_a_position_lies_on_its_page_or_leads_into_the_next(pages: list[str], data: st.DataObject) -> None:
    batch = fold_pages(pages)
    positions = sorted(data.draw(st.lists(st.integers(0, len(batch.codes) - 1), max_size=8)))
    ends = batch.page_ends.tolist()
    expected = {next((page for page, end in enumerate(ends) if position < end), None) for position in positions}
    assert batch.pages_at(np.array(positions, np.int64)).tolist() == sorted(expected - {None})  # type: ignore[type-var]


@given(any_pages)
def test_the_shadow_of_a_page_is_its_folded_text(pages: list[str]) -> None:
    batch = fold_pages(pages)
    assert [batch.shadow(page) for page in range(len(pages))] == [fold_text(page)[0] for page in pages]


@given(any_pages)
def test_every_page_stands_between_gaps(pages: list[str]) -> None:
    batch = fold_pages(pages)
    inside = np.zeros(len(batch.codes), np.bool_)
    for start, end in zip(batch.page_starts, batch.page_ends, strict=True):
        inside[start:end] = True
    assert set(batch.codes[~inside].tolist()) == {EDGE_CODE}
    assert int((~inside).sum()) == GAP_CHARS * (len(pages) + 1)


def test_every_code_point_there_is_folds() -> None:
    everything = "".join(map(chr, range(0x110000)))
    folded, places = fold_text(everything)
    assert len(folded) == len(places)
    assert not any("\ud800" <= char <= "\udfff" for char in folded)  # two of them would decode as one character
    assert places[-1] == 0x10FFFF


def test_no_page_at_all_folds_to_no_page() -> None:
    assert len(fold_pages([]).page_starts) == 0


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Ｃａｓｉｎｏ", "casino"),
        ("𝐂𝐚𝐬𝐢𝐧𝐨", "casino"),
        ("𝗕𝗲𝘁 𝙱𝚎𝚝", "bet bet"),
        ("Ⓑⓔⓣ①②", "bet12"),
        ("𝟙𝟚³", "123"),
        ("經濟", "经济"),
        ("сasinо", "casino"),  # the first and the last letter are Cyrillic
        ("ca\u200bsi\u00adno\ufeff", "casino"),
        ("\u202ecasino\u202c", "casino"),
        ("a\r\nb", "a\n\nb"),
        ("", ""),
    ],
)
def test_what_spammers_vary_is_levelled(text: str, folded: str) -> None:
    assert fold_text(text)[0] == folded


@pytest.mark.parametrize(
    ("char", "kind"),
    [
        ("7", CharClass.DIGIT),
        ("７", CharClass.DIGIT),
        ("q", CharClass.LATIN_LOWER),
        ("Q", CharClass.LATIN_UPPER),
        ("国", CharClass.HAN_SIMPLIFIED),
        ("國", CharClass.HAN_TRADITIONAL),
        ("的", CharClass.HAN_FUNCTION),
        ("山", CharClass.HAN),
        ("ǎ", CharClass.TONED),
        ("|", CharClass.PIPE),
        ("｜", CharClass.PIPE),
        ("、", CharClass.COMMA),
        ("。", CharClass.SENTENCE_END),
        ("（", CharClass.OPEN),
        ("\n", CharClass.NEWLINE),
        ("\r", CharClass.NEWLINE),
        ("\u3000", CharClass.SPACE),
        ("\x03", CharClass.EDGE),
        ("한", CharClass.HANGUL),
        ("の", CharClass.HIRAGANA),
        ("ж", CharClass.CYRILLIC),
        ("ท", CharClass.THAI),
    ],
)
def test_classes_say_what_a_character_was_before_folding(char: str, kind: CharClass) -> None:
    batch = fold_pages([char])
    assert CharClass(int(batch.classes[batch.page_starts[0]])) is kind


@pytest.mark.parametrize(
    ("text", "shadow"),
    [
        ("博·彩·平·台 好", "博彩平台 好"),
        ("c.a.s.i.n.o now", "casino now"),
        ("b e t 3 6 5", "bet365"),
        ("博\u200b·\u200b彩·平·台", "博彩平台"),  # what is dropped before leaves neighbours
        ("博★彩平✦台", "博彩平台"),  # a symbol that parts no list
        ("★博彩★", "★博彩★"),
        ("at&t 5*6", "at&t 5*6"),
        ("x_y_z", "x_y_z"),  # two marks are a list
        ("a·b-c·d", "a·b-c·d"),  # not the same mark each time
        ("1.2.3.4 和 2020-1-1-2", "1.2.3.4 和 2020-1-1-2"),  # no letter
        ("A, B, C, D, E", "a, b, c, d, e"),
        ("·博·彩·平·台·", "·博彩平台·"),
        ("一\n二\n三\n四\n五", "一\n二\n三\n四\n五"),
    ],
)
def test_a_mark_between_all_letters_of_a_word_is_dropped(text: str, shadow: str) -> None:
    folded, offsets = fold_text(text)
    assert folded == shadow
    again = [fold_text(text[at])[0] for at in offsets.tolist()]
    assert "".join(again) == shadow
    assert (np.diff(offsets) > 0).all()


def test_disguised_words_of_one_page_do_not_move_another() -> None:
    batch = fold_pages(["博·彩·平·台", "第二页", "x\u200b一-二-三-四"])
    assert [batch.shadow(page) for page in range(3)] == ["博彩平台", "第二页", "x一二三四"]
    last = np.arange(batch.page_starts[2], batch.page_ends[2] + 1)
    assert batch.offsets(last, 2).tolist() == [0, 2, 4, 6, 8, 9]
