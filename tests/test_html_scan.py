"""Pages of HTML come in; what is cut of their source, and what stays, is judged here."""

from __future__ import annotations

import gzip
import json
import pickle
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.cli import main
from detector.datatypes import Label, Page, Span, UsageError, Verdict
from detector.html_spans import to_source, with_blocks
from detector.html_text import Claim, OwnLinks, Suspicion, cut_source, decode_page, extract, parse
from detector.html_text.encoding import known_encoding
from detector.pipeline import Detector

SPAM = ["slot gacor hari ini", "judi online terpercaya", "agen bola resmi", "situs slot online", "togel online"]
LINKS = " ".join(f'<a href="http://x{n}q7z.example/{n}">{term}</a>' for n, term in enumerate(SPAM))
MENU = "".join(
    f'<li><a href="/part/{n}">{name}</a></li>' for n, name in enumerate(["Home", "News", "About us", "Contact"])
)
ARTICLE = (
    "<h1>Mending a dry stone wall</h1>\n<p>Set every stone on its <b>longest</b> face, and sort the stones first.</p>\n"
    "<p>Each stone should cross a joint below it and run its length into the wall, not along it.</p>\n"
)


def page(*parts: str) -> str:
    return f"<!doctype html>\n<html><head><title>Walls</title></head>\n<body>\n{''.join(parts)}</body></html>\n"


CLEAN = page(ARTICLE, "<ul>", MENU, "</ul>\n")


@pytest.mark.parametrize(
    "block",
    [
        f"<div style='display:none'>{LINKS}</div>\n",
        f"<div><div><p>{LINKS}</p></div></div>\n",
        f"<DIV STYLE=display:none>{LINKS}</DIV>\n",
        f"<p>{' | '.join(SPAM)}</p>\n",
        f"<ul>{''.join(f'<li>{term}' for term in SPAM)}</ul>\n",
        f"<!-- {LINKS} -->\n",
        f"<noscript>{LINKS}</noscript>\n",
        f"<script>document.write('<div>{LINKS}</div>')</script>\n",
        f"<style>.q7zx1{{display:none}}</style><div class=q7zx1>{LINKS}</div>\n",
        f"<div style='display:none'>{'<br>'.join(SPAM)}<br></div>\n",
    ],
)
def test_a_block_goes_with_its_markup(detector: Detector, block: str) -> None:
    source = page(ARTICLE, block, "<p>Fill the middle as you go, never afterwards.</p>\n")
    result = detector.scan_html(source)
    assert result.clean_text == source.replace(block, "")
    assert result.verdict is Verdict.INJECTED
    assert {span.label for span in result.spans} == {Label.GAMBLING}
    assert result.chars == len(source)


@pytest.mark.parametrize(
    "block",
    [
        "",
        f"<ul style='display:none'>{MENU}</ul>",
        f"<div class='menu' aria-hidden='true'><ul>{MENU}</ul></div>",
        "<div style='position:absolute;left:-9999px'><a href='#main'>Skip to the content</a></div>",
        "<div hidden><a href='https://www.facebook.com/walls'>Facebook</a><a href='https://twitter.com/walls'>Twitter</a></div>",
        "<noscript><img src='https://stats.example.com/p.gif' alt='counter of visits'></noscript>",
    ],
)
def test_clean_pages_stay_as_they_are(detector: Detector, block: str) -> None:
    source = page(ARTICLE, block)
    result = detector.scan_html(source)
    assert result.spans == ()
    assert result.verdict is Verdict.CLEAN
    assert result.clean_text == source


def test_a_title_keeps_its_real_part(detector: Detector) -> None:
    real = "Mending a dry stone wall in the hills"
    source = page(ARTICLE).replace("Walls", f"{real} | {' | '.join(SPAM)}")
    assert f"<title>{real}</title>" in detector.scan_html(source).clean_text


def test_keywords_go_with_their_element(detector: Detector) -> None:
    meta = f'<meta name="keywords" content="{", ".join(SPAM)}">'
    source = page(ARTICLE).replace("</head>", meta + "</head>")
    assert detector.scan_html(source).clean_text == page(ARTICLE)


@pytest.mark.parametrize(
    "element",
    [
        f'<meta name="description" content="{", ".join(SPAM)}">',
        f"<META CONTENT='{', '.join(SPAM)}' NAME=keywords>",
        f'<meta property="og:title" content="{" | ".join(SPAM)}">',
        f'<script type="application/ld+json">{{"@type": "Article", "name": "{", ".join(SPAM)}"}}</script>',
    ],
)
def test_what_says_things_about_a_page_goes_whole(detector: Detector, element: str) -> None:
    source = page(ARTICLE).replace("</head>", element + "</head>")
    assert detector.scan_html(source).clean_text == page(ARTICLE)


def test_empty_elements_and_rules_go_with_what_they_served(detector: Detector) -> None:
    empty = "<span id='x7q2k'></span>" * 2
    block = f"<style>#x7q2k{{display:none}}</style>{empty}<div id='x7q2k'>{LINKS}</div>"
    assert detector.scan_html(page(ARTICLE, block)).clean_text == page(ARTICLE)


def test_an_address_says_which_links_lead_away() -> None:
    found = extract("<p><a href='//one.example/a'>a</a> <a href='http://www.two.example/b'>b</a> <a href='/c'>c</a>")
    ranges = {"a": (0, 1), "b": (2, 3), "c": (4, 5)}
    for url, own in ((None, "c"), ("http://one.example/", "ac"), ("https://m.two.example/x", "bc")):
        links = OwnLinks(found, url)
        assert "".join(name for name, place in ranges.items() if links.hold(*place)) == own


@pytest.mark.parametrize(
    ("href", "log_odds", "kept"),
    [("/lottery", 2.0, 0), ("http://walls.example/x", 2.0, 0), ("/lottery", 5.0, 2), ("http://q.example/", 2.0, 1)],
)
def test_weak_finds_in_a_menu_are_left_out(href: str, log_odds: float, kept: int) -> None:
    """What stays on the site is left out where it is weak; where something in such a link is strong, all are kept."""
    found = extract(f"<a href='{href}'>results</a> <a href='/trend' title='trends'>draws</a>")
    assert found.text == "results draws\ntrends"
    spans = [Span(0, 7, Label.GAMBLING, 0.9, log_odds), Span(14, 20, Label.GAMBLING, 0.9, 2.0)]
    nothing = Suspicion([0], [20], [-9.0], [0])
    assert len(with_blocks(found, "http://walls.example/", spans, nothing, explained=False)) == kept


def test_an_attribute_goes_whole(detector: Detector) -> None:
    titled = page(ARTICLE, f"<p title='{', '.join(SPAM)}' class=a>A wall of dry stone, one man high.</p>\n")
    assert detector.scan_html(titled).clean_text == page(ARTICLE, "<p class=a>A wall of dry stone, one man high.</p>\n")
    source = page(ARTICLE, f'<p>A wall: <img src="wall.jpg" alt="{", ".join(SPAM)}"></p>\n')
    assert '<img src="wall.jpg">' in detector.scan_html(source).clean_text


@pytest.mark.xfail(strict=True, reason="a known failure of the shipped model: a short clean line beside spam goes too")
def test_an_attribute_goes_from_beside_a_short_line(detector: Detector) -> None:
    titled = page(ARTICLE, f"<p title='{', '.join(SPAM)}' class=a>A wall.</p>\n")
    assert detector.scan_html(titled).clean_text == page(ARTICLE, "<p class=a>A wall.</p>\n")


def test_what_a_visitor_does_not_see_can_be_left_out(detector: Detector) -> None:
    source = page(ARTICLE, f"<div style='display:none'>{LINKS}</div>\n")
    seeing = Detector.load(visible_only=True)
    assert detector.scan_html(source).spans
    assert not seeing.scan_html(source).spans
    assert not pickle.loads(pickle.dumps(seeing)).scan_html(source).spans


def test_bytes_are_decoded(detector: Detector) -> None:
    source = page("<p>砌石墙要把石头的长面放在下面。</p>", f"<div style='display:none'>{LINKS}</div>\n")
    result = detector.scan_html(source.encode("gb18030"))
    assert result.text == source
    assert detector.scan_html(source.replace("墙", "牆").encode("big5", "ignore"), encoding="big5").text
    assert detector.scan_html(b"\xef\xbb\xbf" + source.encode()).text == source
    with pytest.raises(UsageError, match="unknown encoding"):
        detector.scan_html(b"x", encoding="no-such-thing")


def test_pages_of_both_kinds_share_a_batch(detector: Detector) -> None:
    source = page(ARTICLE, f"<p>{' | '.join(SPAM)}</p>\n")
    text = f"A line of prose, and then another one.\n{' | '.join(SPAM)}\n"
    found = list(
        detector.scan_many([Page(source, "h", html=True), Page(text, "t"), CLEAN, Page(CLEAN, "c", html=True)])
    )
    assert [result.id for result in found] == ["h", "t", "", "c"]
    assert found[0].spans == detector.scan_html(source).spans
    assert found[1].spans == detector.scan(text).spans
    assert found[3].spans == ()


def test_reasons_sum_to_the_log_odds(detector: Detector) -> None:
    source = page(ARTICLE, f"<div style='display:none'>{LINKS}</div>\n")
    result = detector.explain(Page(source, html=True))
    assert result.spans
    for span in result.spans:
        assert sum(reason.log_odds for reason in span.reasons) + span.bias == pytest.approx(span.log_odds)


def test_what_is_only_reported_has_its_text_alone() -> None:
    found = extract("<p>spun <b>text</b></p>")
    spans = to_source(found, [Span(0, 9, Label.SPUN, 0.9)], frozenset({Label.PORN}))
    assert [found.document.source[span.start : span.end] for span in spans] == ["spun", "text"]


PIECES = st.sampled_from(
    [
        "one two",
        "three",
        "<p>",
        "</p>",
        "<div class=x>",
        "</div>",
        "<b>",
        "</b>",
        "<a href='//q.example/'>",
        "</a>",
        "<br>",
        "<ul>",
        "<li>",
        "</ul>",
        "<img src=x alt='a picture'>",
        "<!-- some comment that is rather long, with words -->",
        "&amp;",
        "<table><tr><td>",
        "</table>",
        "<title>a_b</title>",
        "<script>x<y</script>",
        "<form>",
        "</form>",
        "\n",
    ]
)


def kept_text(source: str) -> str:
    return "".join(extract(source).text.split())


@settings(max_examples=300)
@given(st.lists(PIECES, max_size=25).map("".join), st.integers(0, 400), st.integers(1, 60))
def test_cutting_takes_the_text_and_no_other(source: str, start: int, length: int) -> None:
    """Whatever is cut, the ranges are sorted and disjoint, and text outside of the claim is still there afterwards."""
    found = extract(source)
    start = min(start, len(found.text))
    end = min(start + length, len(found.text))
    cuts = cut_source(found, [Claim(start, end)])
    edges = [edge for left, right, _ in cuts for edge in (left, right)]
    assert edges == sorted(edges)
    assert all(left < right for left, right, _ in cuts)
    if end > found.flow_chars:
        return
    left = "".join(
        source[right:until] for right, until in zip([0, *edges[1::2]], [*edges[::2], len(source)], strict=True)
    )
    outside = {run for run in range(found.flow_runs)} - {run for run, _, _ in found.runs_between(start, end)}
    gone = [found.starts[run] for run in outside for low, high, _ in cuts if low <= found.starts[run] < high]
    assert all(not source[at].isalnum() or source[at - 1] == "&" for at in gone)
    assert kept_text(left).count("three") <= kept_text(source).count("three")


WELL_FORMED = st.recursive(
    st.sampled_from(["alpha", "beta gamma", "<br>", "<img src=x>", "delta"]),
    lambda inner: st.tuples(st.sampled_from(["div", "span", "b", "section", "em"]), st.lists(inner, max_size=4)).map(
        lambda pair: f"<{pair[0]}>{''.join(pair[1])}</{pair[0]}>"
    ),
    max_leaves=12,
)


@settings(max_examples=300)
@given(WELL_FORMED, st.integers(0, 60), st.integers(1, 40))
def test_cutting_leaves_whole_markup_whole(source: str, start: int, length: int) -> None:
    found = extract(source)
    cuts = cut_source(found, [Claim(min(start, len(found.text)), min(start + length, len(found.text)))])
    kept, last = [], 0
    for left, right, _ in cuts:
        kept.append(source[last:left])
        last = right
    rest = "".join([*kept, source[last:]])
    document = parse(rest)
    assert all(element.end > element.close or element.name in ("br", "img") for element in document.elements())
    assert rest.count("</") == sum(element.end > element.close for element in document.elements())


@given(st.binary(max_size=200), st.sampled_from([None, "utf-8", "gbk", "shift_jis", "euc-kr", "big5", "utf-16"]))
def test_any_bytes_are_decoded(data: bytes, encoding: str | None) -> None:
    decoded = decode_page(data, encoding)
    assert decoded.cut([]) == data
    chars = len(decoded.text)
    if chars > 2:
        cut = decoded.cut([(1, 2)])
        assert len(cut) <= len(data)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "big5", "cp932", "euc-kr", "utf-16-le"])
def test_cutting_bytes_is_cutting_text(encoding: str) -> None:
    text = {"cp932": "これは日本語です。", "euc-kr": "한국어 문장입니다."}.get(encoding, "這是中文的句子。") * 3000
    decoded = decode_page((b"\xff\xfe" if encoding == "utf-16-le" else b"") + text.encode(encoding), encoding)
    assert decoded.text == text
    cut = decode_page(decoded.cut([(3, 9), (20_000, 20_001)]), encoding)
    assert cut.text == text[:3] + text[9:20_000] + text[20_001:]


@given(
    st.text("aé好\u3000ー한Ђ𠀀\ufffd\n", max_size=60),
    st.sampled_from(["utf-8", "gb18030", "big5hkscs", "cp932", "cp949"]),
    st.lists(st.integers(0, 60), max_size=6),
    st.sampled_from([b"", b"\xff", b"\x81"]),
)
def test_cut_bytes_are_those_of_the_characters(text: str, encoding: str, edges: list[int], broken: bytes) -> None:
    data = text.encode(encoding, "ignore")
    known = data.decode(encoding)
    decoded = decode_page(data + broken, encoding)  # what is broken behind them changes nothing before
    places = sorted({min(edge, len(known)) for edge in edges})
    ranges = list(zip(places[::2], places[1::2], strict=False))
    kept = known
    for start, end in reversed(ranges):
        kept = kept[:start] + kept[end:]
    assert decoded.cut(ranges) == kept.encode(encoding) + broken


@pytest.mark.parametrize(
    ("name", "codec"), [("GB2312", "gb18030"), ("utf8", "utf-8"), ("rot13", None), ("zip", None), ("x\0", None)]
)
def test_names_of_encodings(name: str, codec: str | None) -> None:
    assert known_encoding(name) == codec


def test_the_command_cleans_a_folder_byte_for_byte(tmp_path: Path) -> None:
    block = f"<div style='display:none'>{LINKS}</div>\r\n"
    source = page("<p>砌石墙要把石头的长面放在下面。</p>\r\n", block, "<p>再把中间填满。</p>\r\n")
    data = b"<meta charset=gbk>" + source.encode("gbk") + b"<p>\xff\xff\x80</p>"
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "in" / "sub" / "a.htm").write_bytes(data)
    (tmp_path / "in" / "b.html").write_bytes(CLEAN.encode("utf-8"))
    result = CliRunner().invoke(main, ["clean", str(tmp_path / "in"), "-o", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out" / "sub" / "a.htm").read_bytes() == data.replace(block.encode("gbk"), b"")
    assert (tmp_path / "out" / "b.html").read_bytes() == CLEAN.encode("utf-8")


def test_the_command_scans_and_explains_the_source(tmp_path: Path) -> None:
    source = page(ARTICLE, f"<p>{' | '.join(SPAM)}</p>\n")
    path = tmp_path / "a.html"
    path.write_text(source, encoding="utf-8")
    scanned = CliRunner().invoke(main, ["scan", str(path), "--quiet"])
    found = json.loads(scanned.output)
    assert [source[span["start"] : span["end"]] for span in found["spans"]] == [f"<p>{' | '.join(SPAM)}</p>"]
    explained = CliRunner().invoke(main, ["explain", str(path), "--quiet"])
    assert f"line {source[: found['spans'][0]['start']].count(chr(10)) + 1}, column 1:" in explained.output
    hidden = tmp_path / "h.html"
    hidden.write_text(page(ARTICLE, f"<div hidden>{LINKS}</div>"), encoding="utf-8")
    seen = CliRunner().invoke(main, ["scan", str(hidden), "--visible-only", "--quiet"])
    assert json.loads(seen.output)["spans"] == []


def test_a_run_over_html_keeps_to_what_is_visible(tmp_path: Path) -> None:
    block = f"<div hidden>{LINKS}</div>\n"
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.html.gz").write_bytes(gzip.compress(page(ARTICLE, block).encode()))

    def run(out: str, *options: str) -> Result:
        return CliRunner().invoke(main, ["clean", str(tmp_path / "in"), "-o", str(tmp_path / out), *options])

    def cleaned(out: str) -> str:
        return gzip.decompress((tmp_path / out / "a.html.gz").read_bytes()).decode()

    assert run("all").exit_code == 0
    assert cleaned("all") == page(ARTICLE)
    assert run("seen", "--visible-only").exit_code == 0
    assert cleaned("seen") == page(ARTICLE, block)
    assert run("seen", "--visible-only", "--resume").exit_code == 0
    refused = run("seen", "--resume")
    assert refused.exit_code == 2
    assert "visible_only: True, now False" in refused.output
