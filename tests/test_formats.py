"""Files give pages with exact offsets, say what is wrong with them, and are written whole or not at all."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.datatypes import InputError, Label, Page, ScanResult, UsageError, Verdict
from detector.formats import (
    Fields,
    Inputs,
    Kind,
    NewFile,
    Passed,
    Read,
    Record,
    Scanned,
    Skipped,
    Source,
    Unreadable,
    find_sources,
    kind_of,
    plan_copies,
    read_labelled,
    read_sources,
    scan_records,
)
from detector.formats import reading as reading_module
from detector.formats.writing import replace_text


def read(path: Path | str, fields: Fields | None = None) -> list[Read]:
    return list(read_sources(find_sources([path]), fields or Fields()))


def pages(path: Path | str, fields: Fields | None = None) -> list[Page]:
    return [record.page for record in read(path, fields) if isinstance(record, Record)]


def problems(path: Path | str) -> list[tuple[str, str]]:
    return [(found.source, found.reason) for found in read(path) if isinstance(found, Unreadable)]


# Finding


def test_a_folder_is_walked_in_sorted_order(tmp_path: Path) -> None:
    for name in ("b/2.txt", "b/1.md", "a.txt", "c.jsonl.gz", "c.pdf", "b/.x.txt.tmp", "Z.TXT"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found = list(find_sources([tmp_path]))
    assert [each.id for each in found if isinstance(each, Source)] == [
        "Z.TXT",
        "a.txt",
        "b/1.md",
        "b/2.txt",
        "c.jsonl.gz",
    ]
    assert [os.path.relpath(each.path, tmp_path) for each in found if isinstance(each, Skipped)] == [
        "b/.x.txt.tmp",
        "c.pdf",
    ]


def test_links_do_not_lead_in_circles(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "b.txt").symlink_to(tmp_path / "a.txt")
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.txt")
    found = read(tmp_path)
    assert [each.page.id for each in found if isinstance(each, Record)] == ["a.txt", "b.txt"]
    assert [each for each in found if isinstance(each, Unreadable)] == [
        Unreadable(str(tmp_path / "gone.txt"), "no such file or directory")
    ]
    assert sorted(os.path.basename(each.path) for each in found if isinstance(each, Skipped)) == ["again", "pipe.txt"]


def test_a_named_file_has_its_name_as_id(tmp_path: Path) -> None:
    (tmp_path / "page.markdown").write_text("# a")
    assert pages(tmp_path / "page.markdown") == [Page("# a", "page.markdown")]


@pytest.mark.parametrize("name", ["page.pdf", "crawl.warc.gz.gz", "table.parquet.gz", "README", ".txt"])
def test_an_unknown_suffix_is_refused_when_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"a")
    [(source, reason)] = problems(tmp_path / name)
    assert source == str(tmp_path / name)
    assert "known suffixes are .txt, .md" in reason


def test_a_missing_path_is_unreadable(tmp_path: Path) -> None:
    assert problems(tmp_path / "none.txt") == [(str(tmp_path / "none.txt"), "no such file or folder")]


def test_a_folder_that_cannot_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert problems(tmp_path) == [(str(tmp_path), "permission denied")]


def test_kinds() -> None:
    assert kind_of("a.json.gz") is Kind.JSON_LINES
    assert kind_of("a.gz") is None
    assert kind_of("a.txt.gz.gz") is None


# Text


def test_line_ends_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("一\r\n二\n三\r".encode())
    assert pages(tmp_path / "a.txt")[0].text == "一\r\n二\n三\r"


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfab")
    [record] = read(tmp_path / "a.txt")
    assert isinstance(record, Record)
    assert record.decoded is not None
    assert (record.page.text, record.decoded.bom_bytes) == ("ab", 3)


def test_an_empty_file_is_an_empty_page(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"")
    (tmp_path / "b.jsonl").write_bytes(b"")
    assert pages(tmp_path) == [Page("", "a.txt")]
    assert problems(tmp_path) == []


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"ab\x00cd", "is binary"),
        (b"\xff\xfea\x00\x00\xd8", "is not UTF-16-LE (at byte 4)"),
        (b"ab\xff", "is not UTF-8 (at byte 2)"),
        (b"\xef\xbb\xbfab\xff", "is not UTF-8 (at byte 5)"),
        (b"\xed\xa0\x80", "is not UTF-8 (at byte 0)"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_what_is_no_text_is_unreadable(tmp_path: Path, data: bytes, said: str, packed: bool) -> None:
    path = tmp_path / ("a.txt.gz" if packed else "a.txt")
    path.write_bytes(gzip.compress(data) if packed else data)
    [(source, reason)] = problems(path)
    assert source == str(path)
    assert said in reason


@pytest.mark.parametrize("data", [b"no gzip at all", gzip.compress(b"x" * 9999)[:-12], b"", gzip.compress(b"a")[:5]])
def test_broken_gzip(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.txt.gz").write_bytes(data)
    found = read(tmp_path / "a.txt.gz")
    assert [type(each) for each in found] == [Record if not data else Unreadable]


def test_a_text_that_is_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_module, "MAX_PAGE_BYTES", 10)
    (tmp_path / "a.txt").write_bytes(b"x" * 11)
    (tmp_path / "b.txt").write_bytes(b"x" * 10)
    assert [source for source, _ in problems(tmp_path)] == [str(tmp_path / "a.txt")]


def test_stdin_is_one_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("一\r\n".encode())))
    assert pages("-") == [Page("一\r\n", "-")]
    assert not sys.stdin.buffer.closed


# JSON lines


def write_lines(path: Path, *lines: object) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_ids_and_urls(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "a.jsonl",
        {"id": "x", "text": "1", "url": "http://a.example"},
        {"id": 7, "text": "2", "url": 3},
        {"text": "3"},
        {"id": None, "text": "4"},
    )
    assert pages(path) == [
        Page("1", "x", "http://a.example"),
        Page("2", "7"),
        Page("3", "a.jsonl:3"),
        Page("4", "a.jsonl:4"),
    ]


def test_other_fields_can_be_named(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.ndjson", {"key": "k", "body": "b", "link": "l"})
    assert pages(path, Fields("body", "key", "link")) == [Page("b", "k", "l")]


def test_a_lone_surrogate_survives(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "a\\ud800"}')
    assert pages(tmp_path / "a.jsonl")[0].text == "a\ud800"


def test_bad_lines_are_named_and_the_rest_is_read(tmp_path: Path) -> None:
    lines = [
        b'{"text": "good"}',
        b"{broken",
        b"",
        b'["list"]',
        b'{"id": 1}',
        b'{"text": 5}',
        b'{"text": "a", "id": {}}',
        b'{"text": "\xff"}',
        b'{"text": "a", "n": ' + b"[" * 100_000,
        b'{"text": "a", "n": ' + b"9" * 5000 + b"}",
        b'{"text": "last"}',
    ]
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(lines))
    assert [page.text for page in pages(path)] == ["good", "last"]
    found = problems(path)
    assert [source for source, _ in found] == [f"{path}:{number}" for number in (2, 4, 5, 6, 7, 8, 9, 10)]
    said = [
        "not valid JSON",
        "holds a list",
        "has no field 'text'",
        "holds a number in field 'text'",
        "holds an object in field 'id'",
        "not UTF-8",
        "nested",
        "",
    ]
    assert all(words in reason for words, (_, reason) in zip(said, found, strict=True))


@pytest.mark.parametrize("text", ['[{"text": "a"},\n{"text": "b"}]', '{\n  "text": "a"\n}'])
def test_a_json_file_that_is_no_json_lines_is_named_once(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    [(source, reason)] = problems(tmp_path / "a.json")
    assert source == str(tmp_path / "a.json")
    assert "one object in each line" in reason


def test_a_line_that_is_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_module, "MAX_PAGE_BYTES", 30)
    path = write_lines(tmp_path / "a.jsonl", {"text": "a"}, {"text": "x" * 200}, {"text": "b"})
    assert pages(path) == [Page("a", "a.jsonl:1"), Page("b", "a.jsonl:3")]
    assert [source for source, _ in problems(path)] == [f"{path}:2"]


def test_a_broken_tail_comes_after_the_pages_before_it(tmp_path: Path) -> None:
    rows = b"".join(b'{"text": "%d"}\n' % os.getpid() for _ in range(3))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(rows)[:-8])
    found = read(tmp_path / "a.jsonl.gz")
    assert [type(each) for each in found] == [Record, Record, Record, Unreadable]


# Labelled pages


def test_labelled_pages(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "a.jsonl",
        {
            "id": "a",
            "text": "good spam",
            "kind": "injected",
            "lang": "en",
            "spans": [
                {"start": 7, "end": 9, "label": "spun"},
                {"start": 5, "end": 7, "label": "porn"},
            ],
        },
        {"id": "b", "text": "", "spans": [], "kind": "unclear", "notes": "more keys do no harm"},
    )
    first, second = read_labelled(path)
    assert [(span.start, span.end, span.label) for span in first.spans] == [(5, 7, Label.PORN), (7, 9, Label.SPUN)]
    assert (first.lang, first.kind, first.url) == ("en", "injected", None)
    assert second.kind == "unclear"


GOOD = {"id": "a", "text": "good spam", "spans": []}


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ([], "a list where a JSON object"),
        ({"id": "a", "spans": []}, "needs the field 'text'"),
        ({"id": "a", "text": "a"}, "needs the field 'spans'"),
        ({**GOOD, "id": 3}, "'id' needs a string"),
        ({**GOOD, "kind": "odd"}, "unknown kind 'odd'"),
        ({**GOOD, "lang": 1}, "'lang'"),
        ({**GOOD, "spans": [{"start": 5, "end": 10, "label": "porn"}]}, "[5, 10) does not fit a text of 9"),
        ({**GOOD, "spans": [{"start": 5, "end": 5, "label": "porn"}]}, "[5, 5)"),
        ({**GOOD, "spans": [{"start": True, "end": 5, "label": "porn"}]}, "[True, 5)"),
        ({**GOOD, "spans": [{"start": 5, "end": 6, "label": "nice"}]}, "unknown label 'nice'"),
        ({**GOOD, "spans": [{"start": 5, "end": 6, "label": ["porn"]}]}, "unknown label"),
        ({**GOOD, "spans": [{"start": 5, "end": 6}]}, "start, end and label"),
        ({**GOOD, "spans": [{"start": a, "end": a + 2, "label": "porn"} for a in (4, 5)]}, "overlap"),
    ],
)
def test_a_malformed_labelled_page_is_named_by_its_line(tmp_path: Path, page: object, said: str) -> None:
    path = write_lines(tmp_path / "a.jsonl", GOOD, page)
    with pytest.raises(InputError) as caught:
        list(read_labelled(path))
    assert str(caught.value).startswith(f"{path}:2: ")
    assert said in str(caught.value)


def test_a_labelled_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.jsonl: no such file"):
        list(read_labelled(tmp_path / "none.jsonl"))


# Writing


def test_an_error_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("old")
    sink = NewFile(str(path))
    with pytest.raises(ZeroDivisionError), sink:
        _write_and_fail(sink)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.jsonl"]


def _write_and_fail(sink: NewFile) -> None:
    sink.write("new" * 100_000)
    raise ZeroDivisionError


def test_a_discarded_file_never_stood_there(tmp_path: Path) -> None:
    with NewFile(str(tmp_path / "out.txt")) as sink:
        sink.write("new")
        sink.discard()
    assert os.listdir(tmp_path) == []


def test_nothing_stands_under_the_name_before_the_end(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "out.txt"
    with NewFile(str(path)) as sink:
        sink.write("new")
        assert not path.exists()
        assert [kind_of(name) for name in os.listdir(path.parent)] == [None]
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_gzip_is_written_the_same_each_time(tmp_path: Path) -> None:
    for name in ("a.txt.gz", "b.txt.gz"):
        with NewFile(str(tmp_path / name)) as sink:
            sink.write("一" * 100)
    assert (tmp_path / "a.txt.gz").read_bytes() == (tmp_path / "b.txt.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.txt.gz").read_bytes()).decode() == "一" * 100


def test_a_device_is_not_replaced() -> None:
    with NewFile(os.devnull) as sink:
        sink.write("new")
    assert not os.path.isfile(os.devnull)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link.txt").symlink_to(tmp_path / "real.txt")
    with NewFile(str(tmp_path / "link.txt")) as sink:
        sink.write("new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


def test_a_path_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "below.txt"):
        with pytest.raises(UsageError, match=r"^cannot write "), NewFile(str(path)):
            pass


def test_a_link_to_a_pipe_is_written_to(tmp_path: Path) -> None:
    code = "from detector.formats import NewFile\nwith NewFile('/dev/stdout') as file: file.write('a')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"a"), done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("chars", [1, 100_000])
def test_a_full_disk_is_an_error_that_says_so(chars: int) -> None:
    with pytest.raises(UsageError, match="No space left"), NewFile("/dev/full") as sink:
        sink.write("x" * chars)


def test_inputs_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "link.txt").symlink_to(tmp_path / "a.txt")
    inputs = Inputs([str(tmp_path / "in"), str(tmp_path / "a.txt"), "-"])
    for refused in ("in", "in/x.jsonl", "in/deep/er", "a.txt", "link.txt", "in/../a.txt"):
        with pytest.raises(UsageError):
            inputs.refuse_overwriting(str(tmp_path / refused))
    for allowed in ("in.jsonl", "inner/x", "b.txt"):
        inputs.refuse_overwriting(str(tmp_path / allowed))
    inputs.refuse_overwriting("-")


def test_plans_that_would_clash_are_refused(tmp_path: Path) -> None:
    for name in ("a/x.txt", "b/x.txt", "a/y.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "file").write_text("")

    def plan(*paths: str, out: str) -> list[str]:
        given = [path if path == "-" else str(tmp_path / path) for path in paths]
        output = out if out == "-" else os.path.join(tmp_path, out)
        return [os.path.relpath(copy.target, tmp_path) for copy in plan_copies(given, find_sources(given), output)[0]]

    assert plan("a", out="out") == ["out/x.txt", "out/y.jsonl"]
    assert plan("a/x.txt", out="x2.txt") == ["x2.txt"]
    assert plan("a/x.txt", out="out/") == ["out/x.txt"]
    assert plan("a/x.txt", out="b2") == ["b2"]
    with pytest.raises(UsageError, match="both be written"):
        plan("a", "b", out="out")
    with pytest.raises(UsageError, match="itself an input"):
        plan("a/x.txt", out="a/x.txt")
    with pytest.raises(UsageError, match="itself an input"):
        plan("a/x.txt", out="a")
    with pytest.raises(UsageError, match="inside the input folder"):
        plan("a", out="a/out")
    with pytest.raises(UsageError, match="is a file"):
        plan("a", out="file")
    with pytest.raises(UsageError, match="JSON lines, so"):
        plan("a/y.jsonl", out="y.txt")
    with pytest.raises(UsageError, match="only a single file"):
        plan("a", out="-")
    with pytest.raises(UsageError, match="no name inside a folder"):
        plan("-", out="a/../b")


class Batches:
    """Scans two pages at a time, as the detector does with more, and says how many pages it has taken."""

    def __init__(self, *, lose_last: bool = False) -> None:
        self.taken = 0
        self._lose_last = lose_last

    def scan_many(self, pages: Iterable[str | Page], /) -> Iterator[ScanResult]:
        waiting: list[Page] = []
        for page in pages:
            assert isinstance(page, Page)
            self.taken += 1
            waiting.append(page)
            if len(waiting) == 2:
                yield from self._results(waiting)
                waiting = []
        if not self._lose_last:
            yield from self._results(waiting)

    def _results(self, pages: list[Page]) -> list[ScanResult]:
        return [ScanResult(page.id, len(page.text), Verdict.CLEAN, (), page.text) for page in pages]


def records(*names: str) -> Iterator[Record | Unreadable | Skipped]:
    """Return a record for each name; one that begins with ! is unreadable, one with ? skipped."""
    for name in names:
        if name.startswith("!"):
            yield Unreadable(name, "broken")
        elif name.startswith("?"):
            yield Skipped(name)
        else:
            yield Record(Source(name, name, Kind.TEXT), Page(name, name))


@given(st.lists(st.sampled_from(["a", "b", "!x", "?y"]), max_size=12))
def test_results_meet_their_records_in_order(names: list[str]) -> None:
    found = list(scan_records(Batches(), records(*names)))
    assert all(each.record.page.id == each.result.id for each in found if isinstance(each, Scanned))
    order = [
        each.result.id if isinstance(each, Scanned) else each.source if isinstance(each, Unreadable) else each.path
        for each in found
        if not isinstance(each, Passed)
    ]
    assert order == names


def test_no_more_than_a_batch_is_read_ahead() -> None:
    scanner = Batches()
    for number, _ in enumerate(scan_records(scanner, records(*"abcdefgh")), 1):
        assert scanner.taken - number <= 2


def test_a_scanner_that_loses_a_page_is_noticed() -> None:
    with pytest.raises(RuntimeError, match="page 'c'"):
        list(scan_records(Batches(lose_last=True), records("a", "b", "c")))


def test_replacing_keeps_every_other_character() -> None:
    line = ' { "n" : 1e5, "text":"old \\u4e00", "x": [1.0, {"text": "inner"}], "b": 12345678901234567890.10 }\r\n'
    assert replace_text(line, "text", "一") == line.replace('"old \\u4e00"', '"\\u4e00"')
    assert replace_text('{"text": "一二"}', "text", "一") == '{"text": "一"}'
    assert replace_text('{"text": "一\\ud800"}', "text", "二\ud800") == '{"text": "\\u4e8c\\ud800"}'
    assert replace_text('{"text": "a", "text": "b"}', "text", "c") == '{"text": "a", "text": "c"}'


json_values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5)


@given(st.dictionaries(st.text(), json_values), st.text(), st.booleans(), st.sampled_from([None, 2]))
def test_a_replaced_line_reads_like_the_old_one(
    fields: dict[str, object], text: str, ascii_only: bool, indent: int | None
) -> None:
    line = json.dumps({**fields, "text": "old"}, ensure_ascii=ascii_only, indent=indent)
    assert list(json.loads(replace_text(line, "text", text)).items()) == list({**fields, "text": text}.items())
