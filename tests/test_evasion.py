"""Disguises stay readable: most of them are what folding undoes, and none loses a character."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.folding import fold_text
from detector.synthesis.evasion import EVASIONS, hide, intersperse, shout, style, vary, widen

texts = st.text("某某娱乐城官网bet365CasinoABCxyz019 |", max_size=30)
seeds = st.integers(0, 1000)


@pytest.mark.parametrize("name", ["full width", "styled letters", "zero width", "case"])
@given(text=texts, seed=seeds)
def test_folding_undoes_what_only_changes_the_looks(name: str, text: str, seed: int) -> None:
    assert fold_text(EVASIONS[name](text, random.Random(seed)))[0] == fold_text(text)[0]


@pytest.mark.parametrize("name", sorted(EVASIONS))
@given(text=texts, seed=seeds)
def test_a_disguise_repeats_with_its_draw_and_adds_no_line(name: str, text: str, seed: int) -> None:
    disguised = EVASIONS[name](text, random.Random(seed))
    assert disguised == EVASIONS[name](text, random.Random(seed))
    assert "\n" not in disguised
    assert bool(disguised) == bool(text)


@given(texts, seeds)
def test_symbols_stand_between_characters_and_never_behind_the_last(text: str, seed: int) -> None:
    disguised = intersperse(text, random.Random(seed))
    left = iter(disguised)
    assert all(char in left for char in text), "every character is still there, in order"
    assert disguised[-1:] == text[-1:]
    assert len(set(disguised) - set(text)) <= 1


@given(texts, seeds)
def test_hidden_marks_stand_between_characters_and_never_at_an_edge(text: str, seed: int) -> None:
    hidden = hide(text, random.Random(seed))
    assert hidden[:1] == text[:1]
    assert hidden[-1:] == text[-1:]


@given(texts, seeds)
def test_variants_keep_the_length(text: str, seed: int) -> None:
    assert len(vary(text, random.Random(seed))) == len(text)


def test_each_disguise_changes_something() -> None:
    text = "金博娱乐成人bet365"
    for name, disguise in EVASIONS.items():
        assert any(disguise(text, random.Random(seed)) != text for seed in range(5)), name


def test_letters_and_digits_become_the_wide_or_styled_ones() -> None:
    draw = random.Random(1)
    assert widen("aZ9|某", draw) == "ａＺ９｜某"
    assert shout("bet某", draw).casefold() == "bet某"
    assert all(ord(char) > 0x2000 for char in style("Bet19", draw))
