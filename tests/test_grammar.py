"""Families expand as their templates say, and mistakes in them are named with their file."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.datatypes import InputError, Label
from detector.synthesis.grammar import CLEAN_LABELS, PLACES, Family, Grammars, Pieces, load_grammars, split_marks

MATERIAL = Path(__file__).resolve().parent.parent / "training_data"
TERMS = tuple(f"词{number}" for number in range(200))


def family(template: str, rules: dict[str, tuple[str, ...]]) -> Family:
    return Family("test/family", "gambling", ("zh",), ("line",), (template,), rules)


def text_of(source: str, unit: str) -> str:
    return f"<{source} {unit}>"


def expand(one: Family, seed: int = 1, grammars: Grammars | None = None) -> Pieces:
    return (grammars or Grammars((), {"gambling/zh.brand": TERMS}, {}, "all")).expand(one, random.Random(seed), text_of)


def written(template: str, seed: int = 1, **rules: tuple[str, ...]) -> str:
    return "".join(text for text, _ in expand(family(template, rules), seed))


@pytest.mark.parametrize(
    ("template", "pattern"),
    [
        ("官网", "官网"),
        ("{gambling/zh.brand}官网", r"词\d+官网"),
        ("{name}!", "(甲|乙)!"),
        ("{gambling/zh.brand*3|_}", r"词\d+_词\d+_词\d+"),
        ("{gambling/zh.brand*2-4| | }", r"词\d+( \| 词\d+){1,3}"),
        ("{gambling/zh.brand*2}", r"词\d+词\d+"),
        ("{@digits 3}", r"\d{3}"),
        ("{@digits 1-4}{@lower 2}{@upper 1}", r"\d{1,4}[a-z]{2}[A-Z]"),
        ("{@alnum 6}{@hex 4-8}", r"[a-z0-9]{6}[0-9a-f]{4,8}"),
        ("{@int 7-9}", "[789]"),
        ("{@year}", r"20[012]\d"),
        ("{@time}", r"\d\d:\d\d(:\d\d)?"),
        ("{@han 2-3}", r"[\u4e00-\u9fff]{2,3}"),
        ("{@domain}", r"(www\.)?[a-z0-9]{3,9}(\.[a-z]+){1,2}"),
        ("{@clean sentence}/{@other title}/{@body}", "<clean sentence>/<other title>/<clean body>"),
        ("{@clean}", "<clean phrase>"),
        ("{{{name}}}", r"\{(甲|乙)\}"),
        ("{outer}", "(甲|乙)(甲|乙)"),
    ],
)
def test_slots_give_what_they_are_documented_to_give(template: str, pattern: str) -> None:
    for seed in range(20):
        text = written(template, seed, name=("甲", "乙"), outer=("{name}{name}",))
        assert re.fullmatch(pattern, text), text


def test_the_same_draw_writes_the_same_text() -> None:
    template = "{gambling/zh.brand*3-8|_}{@date}{@phone}{@domain}"
    assert written(template, 5) == written(template, 5) != written(template, 6)


def test_repeated_picks_are_distinct_where_there_are_enough_terms() -> None:
    repeats = 0
    for seed in range(30):
        picks = written("{gambling/zh.brand*5|_}", seed).split("_")
        repeats += len(picks) - len(set(picks))
    assert repeats <= 2


@pytest.mark.parametrize(
    ("raw", "label", "pieces"),
    [
        ("全部", "porn", [("全部", "porn")]),
        ("全部", "clean", [("全部", None)]),
        ("前⟦中⟧后", "porn", [("前", None), ("中", "porn"), ("后", None)]),
        ("前⟦gambling:中⟧", "porn", [("前", None), ("中", "gambling")]),
        ("⟦gambling: 中⟧后", "clean", [("中", "gambling"), ("后", None)]),
        ("⟦clean:中⟧后", "porn", [("中", None), ("后", None)]),
        ("⟦甲⟧⟦other_spam:乙⟧", "porn", [("甲", "porn"), ("乙", "other_spam")]),
        ("⟦注:意⟧", "porn", [("注:意", "porn")]),
    ],
)
def test_marks_give_each_part_its_label(raw: str, label: str, pieces: Pieces) -> None:
    assert split_marks(raw, label) == pieces


@given(st.lists(st.tuples(st.text("甲乙:a ", min_size=1, max_size=5), st.sampled_from([None, *Label])), max_size=8))
def test_marked_text_comes_back_whole(parts: list[tuple[str, Label | None]]) -> None:
    kept = [(text.lstrip() or "x", label) for text, label in parts]
    raw = "".join(text if label is None else f"⟦{label}:{text}⟧" for text, label in kept)
    pieces = split_marks(raw, "clean")
    assert "".join(text for text, _ in pieces) == "".join(text for text, _ in kept)
    of_chars = [label for text, label in kept for _ in text]
    assert [label for text, label in pieces for _ in text] == of_chars


def test_lexicons_are_dealt_into_two_parts_that_make_the_whole() -> None:
    parts = {
        part: set(Grammars((), {"gambling/zh.brand": TERMS}, {}, part).terms("gambling/zh.brand"))
        for part in ("fit", "heldout", "all")
    }
    assert parts["fit"] | parts["heldout"] == parts["all"] == set(TERMS)
    assert not parts["fit"] & parts["heldout"]
    assert 0.1 < len(parts["heldout"]) / len(TERMS) < 0.4


def test_words_of_ordinary_text_are_not_held_out() -> None:
    assert Grammars((), {"negatives/zh.words": TERMS}, {}, "fit").terms("negatives/zh.words") == TERMS


def test_a_held_out_family_is_usable_only_in_its_part() -> None:
    kept, ordinary = Family("a", "porn", (), (), (), {}, heldout=True), Family("b", "porn", (), (), (), {})
    usable = {
        part: [one.name for one in (kept, ordinary) if Grammars((), {}, {}, part).usable(one)]
        for part in ("fit", "heldout", "all")
    }
    assert usable == {"fit": ["b"], "heldout": ["a"], "all": ["a", "b"]}


@pytest.mark.parametrize(
    ("langs", "lang", "speaks"),
    [
        (("zh",), "zh-Hant", True),
        (("zh",), "en", False),
        (("*",), "ko", True),
        (("en", "de"), "de", True),
    ],
)
def test_a_family_speaks_its_languages(langs: tuple[str, ...], lang: str, speaks: bool) -> None:
    assert Family("a", "porn", langs, (), (), {}).speaks(lang) is speaks


@pytest.mark.parametrize(
    ("template", "message"),
    [("{missing}", "no rule or lexicon is called 'missing'"), ("{@nonsense 3}", "unknown slot"), ("{loop}", "nest")],
)
def test_a_template_that_cannot_be_filled_is_named(template: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        written(template, loop=("{loop}",))


GOOD = 'label = "porn"\nlang = "zh"\nplace = "line"\ntemplates = ["x"]\n'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("label = ", "is no family"),
        (GOOD.replace('templates = ["x"]', ""), "templates"),
        (GOOD.replace("porn", "ham"), "unknown label 'ham'"),
        (GOOD.replace('"line"', '"roof"'), "unknown place roof"),
    ],
)
def test_a_family_that_cannot_be_read_is_named_with_its_file(tmp_path: Path, content: str, message: str) -> None:
    folder = tmp_path / "grammars" / "porn"
    folder.mkdir(parents=True)
    (folder / "bad.toml").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message) as refusal:
        load_grammars(tmp_path)
    assert "bad.toml" in str(refusal.value)


def test_an_empty_lexicon_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "lexicons" / "porn"
    folder.mkdir(parents=True)
    (folder / "zh.terms.txt").write_text("# nothing\n\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"zh\.terms\.txt has no terms"):
        load_grammars(tmp_path)


def test_a_small_folder_of_material_is_read_whole(tmp_path: Path) -> None:
    for name, content in {
        "lexicons/porn/zh.terms.txt": "# comment\n甲\n乙\n甲\n",
        "grammars/porn/list.toml": GOOD + 'weight = 3\nheldout = true\n[rules]\na = ["b"]\n',
        "negatives/menu.toml": GOOD.replace("porn", "clean"),
        "negatives/lexicons/zh.words.txt": "丙\n",
        "spinning/zh.tsv": "# comment\n好\t佳|棒\tsynonym\n坏\t劣\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    grammars = load_grammars(tmp_path, "all")
    assert dict(grammars.lexicons) == {"porn/zh.terms": ("甲", "乙"), "negatives/zh.words": ("丙",)}
    assert [(one.name, one.label, one.weight, one.heldout, one.pattern) for one in grammars.families] == [
        ("porn/list", "porn", 3.0, True, "list"),
        ("negatives/menu", "clean", 1.0, False, "menu"),
    ]
    assert grammars.spinning["zh"] == (("好", ("佳", "棒"), "synonym"), ("坏", ("劣",), "synonym"))


@pytest.mark.parametrize("part", ["fit", "heldout"])
def test_every_family_of_the_training_material_expands(part: str) -> None:
    grammars = load_grammars(MATERIAL, part)
    assert len(grammars.families) > 50
    for one in grammars.families:
        assert set(one.places) <= PLACES
        for seed in range(3):
            pieces = expand(one, seed, grammars)
            assert "".join(text for text, _ in pieces).strip(), one.name
            assert not re.search(r"[⟦⟧]", "".join(text for text, _ in pieces)), one.name
            if one.label in CLEAN_LABELS:
                assert {label for _, label in pieces} <= {None, "site_boilerplate"}, one.name
