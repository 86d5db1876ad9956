"""Readings that a converter left behind go; readings that teach, and acronyms in parentheses, stay."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.folding import CharClass, character_tables
from detector.pinyin import LEAST_READINGS, pinyin_noise

# A reading behind every character that the conversion changed.
DENSE = (
    "隨(suí)後國(guó)內(nèi)經(jīng)濟(jì)的發(fā)展，我們(men)廠(chǎng)對(duì)設(shè)備(bèi)進(jìn)行了全面的檢(jiǎn)修，"
    "並(bìng)對(duì)經(jīng)濟(jì)效益進(jìn)行了分析。"
)
# A reading here and there, several times behind the same characters.
SPARSE = (
    "本工程位于河道的北岸，基础采用桩基，施(shī)工单位应当按照图纸进行施(shī)工。模板安装以前，应当检(jiǎn)查轴线和标高；"
    "检(jiǎn)查合格以后才能浇筑。混凝土浇筑完成以后，应当及时养护，养护的时间不少于七天，检(jiǎn)查记录应当存档备查。"
)
TEACHING = {
    "a glossary": (
        "词语：\n蜿蜒(wān)：弯弯曲曲。\n憧憬(chōng)：向往。\n蹒跚(pán)：走路不稳。\n"
        "缥缈(piāo)：隐隐约约。\n倔强(jué)：固执。\n踌躇(chóu)：犹豫。\n"
    ),
    "a lesson": (
        "生字注音练习：给下面的生字写出读音。拼音要写声调：\n绿(lǜ)叶，红(hóng)花，大(dà)树，小(xiǎo)河，高(gāo)山。\n"
    ),
    "a rare character in prose": (
        "嵇(jī)康是三国时期的文学家，与阮籍齐名。他的故乡在谯(qiáo)郡铚(zhì)县，后来搬到了山阳。"
    ),
}


def without_readings(text: str) -> str:
    spans = pinyin_noise(text)
    return "".join(char for at, char in enumerate(text) if not any(start <= at < end for start, end in spans))


def test_noise_goes_where_it_is_dense() -> None:
    assert without_readings(DENSE) == ("隨後國內經濟的發展，我們廠對設備進行了全面的檢修，並對經濟效益進行了分析。")


def test_noise_goes_where_it_is_sparse() -> None:
    assert without_readings(SPARSE) == SPARSE.replace("(shī)", "").replace("(jiǎn)", "")


@pytest.mark.parametrize(("opening", "closing"), [("（", "）"), ("( ", " )"), ("(", "）")])
def test_noise_goes_in_every_kind_of_parentheses(opening: str, closing: str) -> None:
    written = DENSE.replace("(", opening).replace(")", closing).replace(f"{opening}men{closing}", "")
    assert without_readings(written) == without_readings(DENSE)


@pytest.mark.parametrize("kind", TEACHING)
def test_teaching_material_stays(kind: str) -> None:
    assert pinyin_noise(TEACHING[kind]) == []


def test_acronyms_and_glosses_in_parentheses_stay_among_noise() -> None:
    kept = "世界貿易組織(WTO)和國內生產總值(GDP)，人工智能(ai)，可口可樂(Coca)"
    text = DENSE + kept + DENSE
    cut = [text[start:end] for start, end in pinyin_noise(text)]
    assert len(cut) == 2 * DENSE.count("(")
    assert without_readings(text).count(kept) == 1


def test_references_to_figures_stay_among_noise() -> None:
    assert "如圖(a)和圖(b)所示" in without_readings(DENSE + "如圖(a)和圖(b)所示，" + DENSE)


def test_a_few_readings_are_no_noise() -> None:
    few = "經(jīng)濟(jì)發(fā)展，國(guó)內的情況很好。"
    assert few.count("(") < LEAST_READINGS
    assert pinyin_noise(few) == []


@pytest.mark.parametrize("particle", ["們(men)", "著(zhe)", "個(ge)", "麼(me)", "嗎(ma)", "裡(li)", "頭(tou)"])
def test_toneless_readings_of_particles_go_among_toned_ones(particle: str) -> None:
    assert without_readings(DENSE + particle + DENSE).count(particle[0] + "隨後") == 1


def test_toneless_readings_alone_are_no_noise() -> None:
    assert pinyin_noise("我們(men)的學校，他們(men)的學校，你們(men)的學校，咱們(men)的學校，人們(men)的學校。") == []


@given(
    st.lists(
        st.sampled_from(
            ["經(jīng)", "們(men)", "濟", "，", "(jì)", "（ fā ）", "了", "(", ")", "\n", "?(shì)", "檢”(jiǎn)"]
        ),
        max_size=40,
    ).map("".join)
)
def test_readings_found_are_sorted_disjoint_and_whole(text: str) -> None:
    found = pinyin_noise(text)
    assert all(left[1] <= right[0] for left, right in pairwise(found))
    assert all(text[start] in "(（" and text[end - 1] in ")）" and start > 0 for start, end in found)
    assert all(text[start + 1 : end - 1].strip().isalpha() for start, end in found)


@given(st.text(st.characters() | st.sampled_from("(（)）āǚḿ字 \x00\ud800\uffff"), max_size=60))
def test_any_text_can_be_looked_at(text: str) -> None:
    assert all(0 <= start < end <= len(text) for start, end in pinyin_noise(text))


def test_every_letter_of_a_toned_reading_has_the_class_that_sends_a_page_here() -> None:
    _, classes = character_tables()
    assert {int(classes[ord(letter)]) for letter in "āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜńňǹḿ"} == {CharClass.TONED}
