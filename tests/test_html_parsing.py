"""Sources come in; their tags, texts, links and offsets are compared with what the WHATWG standard says of them."""

from __future__ import annotations

import measure_hostile
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from detector.html_text import extract, parse
from detector.html_text.extraction import HtmlText
from detector.html_text.lexing import attributes_of, raw_text_end, texts_of
from detector.html_text.references import decode, decoded_runs
from detector.html_text.tokens import read_tokens

PARTS = st.sampled_from(
    [
        "<",
        ">",
        "</",
        "<!",
        "<!--",
        "-->",
        "--!>",
        "<!-->",
        "<![CDATA[",
        "]]>",
        "<?",
        "/",
        "=",
        '"',
        "'",
        "&",
        "&amp;",
        "&lt",
        "&#x41;",
        "&#65",
        "&#xD800;",
        "&notit;",
        "\x00",
        "\r\n",
        "a",
        "b",
        "div",
        "p",
        "<div>",
        "</div>",
        "<p>",
        "</p>",
        "<b>",
        "</b>",
        "<a",
        "href=x>",
        "</a>",
        "<li>",
        "<td>",
        "<tr>",
        "<table>",
        "</table>",
        "<svg>",
        "</svg>",
        "<title>",
        "</title>",
        "<script>",
        "</script>",
        "<style>",
        "</style>",
        "<textarea>",
        "<select>",
        "<option>",
        "<form>",
        "</form>",
        "<br>",
        "<img",
        "alt='x'>",
        "<plaintext>",
        "<noscript>",
        "中文",
    ]
)
SOURCES = st.one_of(st.text(max_size=80), st.lists(PARTS, max_size=30).map("".join))


def texts(source: str) -> list[str]:
    """Return the text of each piece, references decoded, blank ones left out."""
    tokens = parse(source).tokens
    found = [source[start:end] for start, end in zip(tokens.piece_starts, tokens.piece_ends, strict=True)]
    return [text if piece in tokens.verbatim else decode(text) for piece, text in enumerate(found)]


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("a<b>c</b>d", ["a", "c", "d"]),
        ("a < b", ["a < b"]),
        ("a <3", ["a <3"]),
        ("<a title='>'>x", ["x"]),
        ('<a title="<b>">x', ["x"]),
        ("<a b=c'd>x", ["x"]),
        ('<a "b>x', ["x"]),
        ("<a ='b>'>x", ["'>x"]),
        ("<a b='c'd='>'>x", ["x"]),
        ("a</>b", ["a", "b"]),
        ("a</ b>c", ["a", "c"]),
        ("a<?php x ?>b", ["a", "b"]),
        ("a<!doctype html>b", ["a", "b"]),
        ("a<!-->b", ["a", "b"]),
        ("a<!--->b", ["a", "b"]),
        ("a<!--x--!>b", ["a", "b"]),
        ("a<!--x", ["a"]),
        ("a<!x>b", ["a", "b"]),
        ("a<b", ["a"]),
        ("a<", ["a<"]),
        ("a</", ["a</"]),
        ("<title>a<b>&amp;</title>c", ["a<b>&", "c"]),
        ("<textarea><p>x</textarea>y", ["<p>x", "y"]),
        ("<script>a<b>'</scrip>'</script>x", ["x"]),
        ("<script><!--<script></script>--></script>x", ["x"]),
        ("<script><!--</script>x", ["x"]),
        ("<style>a<b></STYLE >x", ["x"]),
        ("<plaintext>a</plaintext>&amp;", ["a</plaintext>&amp;"]),
        ("<svg><![CDATA[<a>]]></svg>x", ["<a>", "x"]),
        ("<svg><title>a<b>c</svg>", ["a", "c"]),
        ("<svg><style>a<b>c</style></svg>", ["a", "c"]),
        ("<![CDATA[a]]>b", ["b"]),
        ("&notit; &amp &#x80; &#0;", ["¬it; & € \ufffd"]),
        ("<DIV>x</dIv>", ["x"]),
    ],
)
def test_texts(source: str, wanted: list[str]) -> None:
    assert texts(source) == wanted


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("<p>x<div>MARK", "div"),
        ("<p>x<ul>MARK", "ul"),
        ("<ul><li>a<li>MARK", "ul li"),
        ("<ul><li>a<ul><li>MARK", "ul li ul li"),
        ("<dl><dt>a<dd>MARK", "dl dd"),
        ("<table><tr><td>a<td>MARK", "table tr td"),
        ("<table><tr><td>a<tr><td>MARK", "table tr td"),
        ("<table><tr><td><table><tr><td>MARK", "table tr td table tr td"),
        ("<table><tr><td>a</table>MARK", ""),
        ("<td>MARK", ""),
        ("<select><option>a<option>MARK", "select option"),
        ("<h1>a<h2>MARK", "h2"),
        ("<b><p>x</b>MARK", "p"),
        ("<p><b>x</p>MARK", "b"),
        ("<p><b>x</p><p>MARK", "p b"),
        ("<a href=x>y<a href=z>MARK", "a"),
        ("<div><span></div>MARK", ""),
        ("<span><div></span>MARK", "span div"),
        ("</div>MARK", ""),
        ("<p></br>MARK", "p"),
        ("<form><div></form>MARK", "div"),
        ("<button>a<button>MARK", "button"),
        ("<svg><p>MARK", "p"),
        ("<ruby>a<rt>b<rt>MARK", "ruby rt"),
        ("<div/>MARK", "div"),
        ("<svg/>MARK", ""),
        ("<image>MARK", ""),
        ("<body><head><p>MARK", "p"),
        ("<p>a</body></html>MARK", "p"),
    ],
)
def test_where_a_text_stands(source: str, path: str) -> None:
    document = parse(source)
    number = document.tree.pieces[-1]
    names = []
    while number > 0:
        names.append(document.opened[number][3])
        number = document.opened[number][2]
    assert " ".join(reversed(names)) == path


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        (" a=b c=\"d e\" f='g' h", [("a", "b"), ("c", "d e"), ("f", "g"), ("h", "")]),
        (" A=1 a=2", [("a", "1")]),
        (' a="b"c=d', [("a", "b"), ("c", "d")]),
        (" a = b", [("a", "b")]),
        (" =a", [("=a", "")]),
        (" a/b", [("a", ""), ("b", "")]),
        (' href="?a=1&copy=2&amp;x"', [("href", "?a=1&copy=2&x")]),
    ],
)
def test_attributes(written: str, wanted: list[tuple[str, str]]) -> None:
    found = list(attributes_of(written, at=0))
    assert [(each.name, each.value) for each in found] == wanted
    for each in found:
        assert decode(written[each.value_start : each.value_end], in_attribute=True) == each.value


def test_links() -> None:
    source = "<a href='http://x.org/?a=1&amp;b=2' REL=nofollow>x</a><a name=y>z</a><area href=/q><a data-href=w>v</a>"
    assert [(link.href, link.nofollow) for link in parse(source).links] == [
        ("http://x.org/?a=1&b=2", True),
        ("/q", False),
    ]


def test_text_of_a_page_has_a_line_for_every_block() -> None:
    page = "<title>T</title><h1>A</h1><p>one\n  two <b>three</b><br>four</p><ul><li>x<li>y</ul><pre>p\nq</pre>"
    assert extract(page).text == "T\nA\none two three\nfour\nx\ny\np\nq"


def test_what_stands_beside_the_flow() -> None:
    page = (
        '<meta name=keywords content="k1,k2"><img alt="a picture"><p title="of it">x</p>'
        "<!-- a comment that is long enough to be read <b>and bold</b> -->"
        '<script type="application/ld+json">{"name": "some name \\u4e2d"}</script>'
        "<script>document.write('<p>written \\'here\\'</p>')</script><script>var x = 'not read at all'</script>"
    )
    lines = extract(page).text.split("\n")
    assert lines[:2] == ["k1,k2", "x"]
    assert [line.strip() for line in lines[2:]] == [
        "a picture", "of it", "a comment that is long enough to be read and bold", "some name 中", "written 'here'",
    ]  # fmt: skip


def check_offsets(page: HtmlText) -> None:
    """Each run says what stands at its place in the source."""
    source = page.document.source
    for number, offset in enumerate(page.offsets):
        start, end = page.starts[number], page.ends[number]
        said = page.text[offset : offset + page.lengths[number]]
        assert 0 <= start <= end <= len(source)
        if number < page.flow_runs and end - start == len(said) and "&" not in source[start:end]:
            assert source[start:end] == said
    ends = [offset + length for offset, length in zip(page.offsets, page.lengths, strict=True)]
    assert all(end <= start for end, start in zip(ends, page.offsets[1:], strict=False))
    starts = page.starts[: page.flow_runs]
    assert starts == sorted(starts)


@given(SOURCES)
@example("<form a><div><p></form>x<b>")
@example("<p><a title='some words'>x<p>y")
@example("<title>\n&NewLine;&lt</title>")
def test_any_source_is_read_and_keeps_its_offsets(source: str) -> None:
    page = extract(source)
    check_offsets(page)
    document = page.document
    for element in document.elements():
        assert 0 <= element.start <= element.inner <= len(source)
        assert element.inner <= element.close <= element.end <= len(source) or element.number in document.torn
        assert element.parent < element.number


@given(st.text(max_size=60))
def test_runs_of_references_tile_the_text(text: str) -> None:
    runs = list(decoded_runs(text, at=3))
    assert "".join(said for _, _, said in runs) == decode(text)
    edges = [3, *(end for _, end, _ in runs)]
    assert [start for start, _, _ in runs] == edges[:-1]
    assert edges[-1] == 3 + len(text) or not text


@given(SOURCES, st.sampled_from(["script", "style", "title"]))
def test_raw_text_ends_inside_the_source(source: str, name: str) -> None:
    assert 0 <= raw_text_end(source, name, 0) <= len(source)


@pytest.mark.parametrize("name", measure_hostile.sources())
def test_time_is_linear(name: str) -> None:
    """Four times the input takes about four times as long; `scripts/measure_hostile.py` measures whole scans."""
    make = measure_hostile.sources()[name]
    small, large = make(5_000), make(20_000)
    for _ in range(3):  # another process may be in the way
        times = measure_hostile.seconds(small), measure_hostile.seconds(large)
        if measure_hostile.is_linear(*times):
            return
    pytest.fail(f"{times[0]:.4f} s, then {times[1]:.4f} s")


@given(SOURCES)
@example("<title><a></title>b")
@example("<p title='<b>'>x<!-- <i> -->y</p")
@example('<i="" ="=\'">>\'')
@example('<i ="= ">>">')
@example("<script>'</script ><p>'</script>x")
@example("<i a='x' b=\"y 'z' \">1<i a='x' 'y'>2<i a= 'x>y'>3<i a=\"'x>'\">4")
def test_fragments_are_read_as_pages_are(source: str) -> None:
    """Without svg and math, reading tag by tag finds the texts that reading in arrays does."""
    if "svg" in source or "math" in source:
        return
    tokens = parse(source).tokens
    found = [
        (start, source[start:end], piece in tokens.verbatim)
        for piece, (start, end) in enumerate(zip(tokens.piece_starts, tokens.piece_ends, strict=True))
        if piece not in tokens.valued
    ]
    assert list(texts_of(source)) == found


@given(SOURCES.map(lambda source: f"<script>{source}</script>{source}<!--<script>x</script>-->"))
@example("<script><!--<script></script>--></script>x")
@example("<title><script>x</script></title><p title='<script>y</script>'>z")
@example("<script>x</SCRIPT><b>y</b><script>z</script>")
@example("<iframe><script></iframe></script>x</iframe>y")
def test_scripts_guessed_wrongly_change_nothing(source: str) -> None:
    found = read_tokens(source)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("detector.html_text.tokens._guess_scripts", lambda *given: [])
        exact = read_tokens(source)
    assert found.starts.tolist() == exact.starts.tolist()
    assert found.ends.tolist() == exact.ends.tolist()
    assert (found.piece_starts, found.piece_ends, found.piece_gaps) == (
        exact.piece_starts, exact.piece_ends, exact.piece_gaps,
    )  # fmt: skip
    assert (found.texts, found.scripts, found.comments) == (exact.texts, exact.scripts, exact.comments)


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("<p>a</p><p>b", "a\nb"),
        ("<p>a <b>b</b>c", "a bc"),
        ("<a href=x>a</a><a href=y>b</a>", "a b"),
        ("<a href=x>a</a>b", "ab"),
        ("a<br>b", "a\nb"),
        ("a\u3000<b>\u3000</b>b", "a\u3000 b"),
        ("<p>a</p>\n\t<p>b", "a\nb"),
        ("a<!-- x -->b", "ab"),
        ("<title>T</title><meta name=keywords content=k>x", "T\nk\nx"),
        ("<pre>a\nb<b>c\nd</b></pre>e\nf", "a\nbc\nd\ne f"),
        ("<img alt='no text'>a", "a\nno text"),
        ("<img ALT = 'no text'>a", "a\nno text"),
        ("<img alt=word>a", "a\nword"),
        ("<p data-alt='no'>a", "a"),
    ],
)
def test_what_parts_texts(source: str, wanted: str) -> None:
    assert extract(source).text == wanted
