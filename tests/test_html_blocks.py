"""What spares a page the search for blocks of links: it loses none, and its elements are those of the tree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.html_text import Suspicion, extract, find_blocks, link_blocks, link_signs, parse
from detector.html_text.nesting import nesting_of

_LINKS = st.builds(
    "<a href='{}{}'{}>{}</a>".format,
    st.sampled_from(["http://one.example/", "http://two.example/", "http://own.example/", "/"]),
    st.sampled_from(["", "a1b2c3", "page"]),
    st.sampled_from(["", " rel=nofollow", " id=x7k2p"]),
    st.sampled_from(["word", "word", "other words here", ""]),
)
_TEXTS = st.sampled_from(["text ", "a longer piece of text. ", "", "<br>", "<i id=x7k2p></i>", "<i id=x7k2p></i>"])
_TAGS = st.sampled_from(
    ["div", "div style='display:none'", "ul", "span", "td1", "p hidden", "div class=q9z8y7", "section"]
)


def _element(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(
        lambda tag, parts: f"<{tag}>{''.join(parts)}</{tag.split()[0]}>", _TAGS, st.lists(inner, min_size=1, max_size=5)
    )


PAGES = st.lists(st.recursive(_LINKS | _TEXTS, _element, max_leaves=30), max_size=6).map("".join)


def _suspicion(text: str, seed: int) -> Suspicion:
    """Return made-up log-odds of segments of some characters each."""
    draw = np.random.default_rng(seed)
    edges = np.unique(np.append(draw.integers(0, len(text) + 1, len(text) // 6 + 1), [0, len(text)]))
    values = draw.choice([-5.0, -2.6, -2.0, -1.0, 0.5, 2.0], len(edges) - 1)
    return Suspicion(edges[:-1], edges[1:], values, np.zeros(len(edges) - 1, np.int64))


@given(PAGES, st.integers(0, 99))
def test_pages_that_are_passed_over_hold_no_block(page: str, seed: int) -> None:
    found = extract(page)
    suspicion = _suspicion(found.text, seed)
    blocks = find_blocks(found, "http://own.example/", suspicion, [])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(link_blocks, "may_hold_block", lambda *_: True)
        assert blocks == find_blocks(extract(page), "http://own.example/", suspicion, [])


@given(
    st.text("abc. ", min_size=1, max_size=80),
    st.integers(0, 99),
    st.lists(st.tuples(st.integers(0, 80), st.integers(0, 80))),
)
def test_the_means_of_many_ranges_are_those_of_each(text: str, seed: int, ranges: list[tuple[int, int]]) -> None:
    suspicion = _suspicion(text, seed)
    starts, ends = (np.array([each[at] for each in map(sorted, ranges)], np.int64) for at in (0, 1))
    assert suspicion.means(starts, ends).tolist() == [suspicion.mean(*sorted(each)) for each in ranges]


@pytest.mark.parametrize("written", ["id=x7k2p", "ID = 'x7k2p'", 'Id="x7k2p"'])
def test_twins_are_seen_however_they_are_written(written: str) -> None:
    assert link_signs.has_twins(f"<i {written}></i><b id=x7k2p></b>")
    assert not link_signs.has_twins(f"<i {written}></i><b id=menu></b><b id=menu></b>")


def test_a_hidden_block_is_not_passed_over() -> None:
    links = "".join(f"<a href='http://{name}.example/'>walls</a>" for name in ("one", "two", "three", "four"))
    page = extract(f"<p>Walls.</p><div style='display:none'>{links}</div>")
    suspicion = Suspicion([0, 7], [7, len(page.text)], [-5.0, -1.0], [0, 0])
    assert [page.text[block.start : block.end] for block in find_blocks(page, "own.example", suspicion, [])] == [
        "walls walls walls walls"
    ]


@given(PAGES)
def test_elements_are_nested_as_in_the_tree(page: str) -> None:
    document = parse(page.replace("<p hidden>", "<b>").replace("</p>", "</b>"))  # paragraphs end without saying so
    nesting = nesting_of(document.tokens)
    assert nesting is not None or "<" not in page or "</" not in page
    if nesting is None:
        return
    starts = document.tokens.starts
    told = {
        int(starts[begun]): (int(starts[ended]), int(starts[nesting.begun[parent]]) if parent >= 0 else 0)
        for begun, ended, parent in zip(nesting.begun, nesting.ended, nesting.parents, strict=True)
    }
    seen = {
        element.start: (element.close, document.element(element.parent).start)
        for element in document.elements()
        if element.name != "br"
    }
    assert told == seen


@pytest.mark.parametrize("page", ["<div>", "<p>one<p>two", "</div>", "<b><i></b></i>", "<svg><path/></svg>", "text"])
def test_pages_that_are_not_well_nested_are_left_to_the_tree(page: str) -> None:
    assert nesting_of(parse(page).tokens) is None
