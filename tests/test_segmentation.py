"""Segments tile every page, and break where a line or a sentence ends."""

from __future__ import annotations

from itertools import pairwise
from time import perf_counter

import numpy as np
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from detector.folding import CharClass, fold_pages
from detector.segmentation import MAX_SEGMENT_CHARS, Segments, cut_segments

any_text = st.text(st.characters() | st.sampled_from("\n\r。！？”）. \u200b\x03\ud800\uffff字a-_*"), max_size=80)
long_text = st.builds(
    lambda unit, times: unit * times, st.text("字a。\n-_", min_size=1, max_size=9), st.integers(1, 120)
)
any_pages = st.lists(any_text | long_text, min_size=1, max_size=5)


def pieces(text: str) -> list[str]:
    """Return the segments of a text in which folding drops nothing."""
    batch = fold_pages([text])
    found = cut_segments(batch)
    first = batch.page_starts[0]
    return [text[start - first : end - first] for start, end in zip(found.starts, found.ends, strict=True)]


def of_page(segments: Segments, page: int, start: int) -> list[tuple[int, int]]:
    mine = segments.page == page
    return list(zip((segments.starts[mine] - start).tolist(), (segments.ends[mine] - start).tolist(), strict=True))


@given(any_pages)
def test_segments_tile_every_page(pages: list[str]) -> None:
    batch = fold_pages(pages)
    segments = cut_segments(batch)
    assert (np.diff(segments.page) >= 0).all()
    for page, (start, end) in enumerate(zip(batch.page_starts.tolist(), batch.page_ends.tolist(), strict=True)):
        found = of_page(segments, page, start)
        assert "".join("x" * (right - left) for left, right in found) == "x" * (end - start)
        assert not found or (found[0][0] == 0 and found[-1][1] == end - start)
        assert all(left[1] == right[0] for left, right in pairwise(found))
        assert all(left < right <= left + MAX_SEGMENT_CHARS for left, right in found)


@given(any_pages)
def test_lines_tile_every_page_and_hold_their_segments(pages: list[str]) -> None:
    batch = fold_pages(pages)
    segments = cut_segments(batch)
    assert int((segments.line_ends - segments.line_starts).sum()) == int((batch.page_ends - batch.page_starts).sum())
    line = segments.line
    assert (segments.line_page[line] == segments.page).all()
    assert (segments.line_starts[line] <= segments.starts).all()
    assert (segments.ends <= segments.line_ends[line]).all()
    for start, end in zip(segments.line_starts, segments.line_ends, strict=True):
        breaks = np.flatnonzero(batch.classes[start:end] == CharClass.NEWLINE)
        assert breaks.tolist() in ([], [end - start - 1])


@given(st.text("字。-_*\n", max_size=60))
def test_a_segment_never_holds_a_rule_beside_other_text(text: str) -> None:
    for piece in pieces(text):
        if regex.search(r"([-_*])\1\1", piece):
            assert len(set(piece)) == 1
    assert "".join(pieces(text)) == text


@given(any_pages)
def test_a_page_is_cut_alike_alone_and_in_a_batch(pages: list[str]) -> None:
    batch = fold_pages(pages)
    segments = cut_segments(batch)
    for number, page in enumerate(pages):
        alone = fold_pages([page])
        expected = of_page(cut_segments(alone), 0, int(alone.page_starts[0]))
        assert of_page(segments, number, int(batch.page_starts[number])) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("一。二！三", ["一。", "二！", "三"]),
        ("他说：“好。”她走了。", ["他说：“好。”", "她走了。"]),
        ("好！！！走", ["好！！！", "走"]),
        ("（好。）走", ["（好。）", "走"]),
        ("“好！”）』走了。」", ["“好！”）』", "走了。」"]),
        ("好。  走", ["好。  ", "走"]),
        ("好。”\n走", ["好。”\n", "走"]),  # the line's end breaks, not the mark before it
        ("好。) \r\n走", ["好。) \r", "\n", "走"]),
        ("好。）", ["好。）"]),
        ("好）走。", ["好）走。"]),  # a closing mark breaks nothing by itself
        ("一\n二", ["一\n", "二"]),
        ("一。\n二", ["一。\n", "二"]),
        ("\n一", ["\n", "一"]),
        ("一\n\n二\n", ["一\n", "\n", "二\n"]),
        ("一\r\n二", ["一\r", "\n", "二"]),
        ("version 3.11 is out", ["version 3.11 is out"]),
        ("好的---好的", ["好的", "---", "好的"]),  # a rule parts text like a line
        ("好的***好的", ["好的", "***", "好的"]),
        ("好的--好的", ["好的--好的"]),
        ("-—-—-", ["-—-—-"]),  # three different marks are no rule
        ("———", ["———"]),
        ("----____////", ["----", "____", "////"]),
        ("好。---走\n===", ["好。", "---", "走\n", "==="]),
        ("好\n---\n走", ["好\n", "---", "\n", "走"]),
        ("https://example.org/a-b", ["https://example.org/a-b"]),
        ("字" * 241, ["字" * 240, "字"]),
        ("字" * 480, ["字" * 240, "字" * 240]),
        ("", []),
    ],
)
def test_breaks_stand_behind_lines_and_sentences(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


CLOSERS = {CharClass.SENTENCE_END, CharClass.CLOSE, CharClass.QUOTE, CharClass.SPACE}


def slow_sentence_breaks(classes: list[int]) -> set[int]:
    """Return where sentences begin on a page without rules: behind an end and the closing marks after it."""
    breaks = set()
    for at in (at for at, kind in enumerate(classes) if kind == CharClass.SENTENCE_END):
        behind = at + 1
        while behind < len(classes) and classes[behind] in CLOSERS:
            behind += 1
        if behind < len(classes) and classes[behind] != CharClass.NEWLINE:
            breaks.add(behind)
    return breaks


closing_runs = st.lists(
    st.builds(lambda unit, times: unit * times, st.text("。！？”）』 字\n", max_size=3), st.integers(1, 25)), max_size=8
).map("".join)


@given(st.lists(closing_runs, min_size=1, max_size=3))
def test_sentences_break_where_a_slow_walk_over_closing_marks_ends(pages: list[str]) -> None:
    batch = fold_pages(pages)
    segments = cut_segments(batch)
    for page, (first, end) in enumerate(zip(batch.page_starts.tolist(), batch.page_ends.tolist(), strict=True)):
        classes = batch.classes[first:end].tolist()
        breaks = {0} if classes else set()
        breaks |= slow_sentence_breaks(classes)
        breaks |= {at + 1 for at, kind in enumerate(classes[:-1]) if kind == CharClass.NEWLINE}
        edges = [*sorted(breaks), len(classes)]
        expected = [at for left, right in pairwise(edges) for at in range(left, right, MAX_SEGMENT_CHARS)]
        assert [start for start, _ in of_page(segments, page, first)] == expected


def seconds_to_cut(text: str) -> float:
    batch = fold_pages([text])
    took = []
    for _ in range(3):
        start = perf_counter()
        cut_segments(batch)
        took.append(perf_counter() - start)
    return min(took)


@pytest.mark.parametrize(
    "text",
    ["。" * 200_000, "。”" * 100_000, "。" + "”" * 200_000, ("。" + "”" * 999) * 200, ("。" * 999 + "”") * 200],
    ids=["ends", "ends and marks in turn", "one end", "long runs of marks", "long runs of ends"],
)
def test_runs_of_closing_marks_are_cut_in_about_the_time_of_plain_sentences(text: str) -> None:
    assert len(cut_segments(fold_pages([text])).starts) == -(-len(text) // MAX_SEGMENT_CHARS)
    assert seconds_to_cut(text) < 15 * seconds_to_cut("好的。”" * 50_000) + 0.1


def test_pages_without_a_visible_character_have_no_segment() -> None:
    assert len(cut_segments(fold_pages(["", "\u200b\u200d", "\ufeff"])).starts) == 0
    assert cut_segments(fold_pages(["", "a", "\u200b"])).page.tolist() == [1]
