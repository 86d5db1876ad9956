"""Parquet, WARC, WET and packed files give the pages of plain ones, are written again whole, and say what is broken."""

from __future__ import annotations

import builtins
import gzip
import io
import json
import random
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from detector.datatypes import Label, Page, ScanResult, Span, UsageError, Verdict
from detector.formats import (
    Fields,
    NewFile,
    Record,
    Unreadable,
    clean_copies,
    find_sources,
    kind_of,
    plan_copies,
    read_source,
    read_sources,
)
from detector.formats import reading as reading_module
from detector.formats.encodings import decode_page, encoding_named
from detector.formats.packing import pack, zstd_library

pyarrow = pytest.importorskip("pyarrow")
pytest.importorskip("fastwarc")
import pyarrow.parquet as parquet  # noqa: E402  # behind the check that it is there

SIMPLIFIED = "今天下午，市图书馆举办了一场读书会。SPAM大家围坐在一起，谈了各自最近读的书。"
TRADITIONAL = "今天下午，市圖書館舉辦了一場讀書會。SPAM大家圍坐在一起，談了各自最近讀的書。"
JAPANESE = "今日の午後、市の図書館で読書会が開かれました。SPAMみんなで最近読んだ本について話しました。"
KOREAN = "오늘 오후 시립 도서관에서 독서회가 열렸습니다. SPAM모두 둘러앉아 최근에 읽은 책을 이야기했습니다."


class Words:
    """Finds SPAM; what begins with BAD is a spam page."""

    def scan_many(self, pages: Iterable[str | Page], /) -> Iterator[ScanResult]:
        for page in pages:
            assert isinstance(page, Page)
            starts = [at for at in range(len(page.text)) if page.text.startswith("SPAM", at)]
            spans = tuple(Span(at, at + 4, Label.PORN, 0.9) for at in starts)
            verdict = Verdict.SPAM_PAGE if page.text.startswith("BAD") else Verdict.CLEAN
            yield ScanResult(page.id, len(page.text), verdict, spans, page.text)


def read(path: Path, fields: Fields | None = None) -> list[Any]:
    return list(read_sources(find_sources([path]), fields or Fields()))


def pages(path: Path, fields: Fields | None = None) -> list[Page]:
    return [record.page for record in read(path, fields) if isinstance(record, Record)]


def reason(path: Path, fields: Fields | None = None) -> str:
    [found] = [each.reason for each in read(path, fields) if isinstance(each, Unreadable)]
    return str(found)


def clean(source: Path, target: Path, *, drop: Iterable[Verdict] = (), fields: Fields | None = None) -> list[Any]:
    copies, _ = plan_copies([str(source)], find_sources([source]), str(target))
    return list(clean_copies(Words(), copies, frozenset(drop), fields or Fields()))


# Packing


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("name", ["a.txt", "a.jsonl"])
def test_packed_files_are_read_and_written(tmp_path: Path, name: str, suffix: str) -> None:
    text = '{"text": "a SPAM"}\n' * 3
    path, target = tmp_path / (name + suffix), tmp_path / ("out" + name + suffix)
    path.write_bytes(pack(text.encode(), path.name))
    assert len(pages(path)) == (3 if "jsonl" in name else 1)
    assert not [each for each in clean(path, target) if isinstance(each, Unreadable)]
    unpack = gzip.decompress if suffix == ".gz" else zstd_library().decompress
    assert unpack(target.read_bytes()).decode() == text.replace("SPAM", "")
    clean(path, tmp_path / ("again" + name + suffix))
    assert target.read_bytes() == (tmp_path / ("again" + name + suffix)).read_bytes()


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_packed_file_that_breaks_off_is_named_wherever_it_does(tmp_path: Path, suffix: str) -> None:
    draw = random.Random(4)
    text = "".join(json.dumps({"text": str(draw.random())}) + "\n" for _ in range(50))
    path = tmp_path / ("a.jsonl" + suffix)
    whole = pack(text.encode(), path.name)
    for length in (*range(1, 30, 7), len(whole) // 2, len(whole) - 9, len(whole) - 4, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert [each.whole for each in read(path) if isinstance(each, Unreadable)] == [True], length


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_packed_file_with_a_broken_middle_is_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / ("a.jsonl" + suffix)
    whole = bytearray(pack(random.Random(5).randbytes(4000).hex().encode(), path.name))
    whole[len(whole) // 2] ^= 0xFF
    path.write_bytes(whole)
    assert any(isinstance(each, Unreadable) for each in read(path))


def test_members_of_a_gzip_file_are_read_one_behind_the_other(tmp_path: Path) -> None:
    draw = random.Random(7)
    lines = [json.dumps({"text": draw.randbytes(draw.choice((3, 400_000))).hex()}) + "\n" for _ in range(6)]
    members = [gzip.compress(line.encode()) for line in lines]
    path = tmp_path / "a.jsonl.gz"
    padding = b"\0" * 70_000  # tapes have blocks of one size
    path.write_bytes(padding.join(members) + padding)
    assert [page.text for page in pages(path)] == [json.loads(line)["text"] for line in lines]
    path.write_bytes(b"".join(members) + b"what is no member")
    assert len(pages(path)) == 6
    assert reason(path).startswith("is no gzip file that can be unpacked: ")
    path.write_bytes(b"".join(members)[:-3])
    assert reason(path) == "breaks off: the end of the gzip file is missing"


# Encodings


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (SIMPLIFIED, "gb18030"),
        (TRADITIONAL, "big5"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc_jp"),
        (KOREAN, "euc_kr"),
        ("Сегодня днём в городской библиотеке SPAM прошла встреча читателей.", "cp1251"),
        (SIMPLIFIED, "utf-16"),
        (SIMPLIFIED, "utf-8-sig"),
    ],
)
def test_encodings_that_nobody_declares(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(("# \n" * 500 + text * 3).encode(encoding))
    [page] = pages(path)
    assert page.text == "# \n" * 500 + text * 3
    clean(path, tmp_path / "b.txt")
    assert (tmp_path / "b.txt").read_bytes() == ("# \n" * 500 + text * 3).replace("SPAM", "").encode(encoding)


def test_a_folder_of_mixed_encodings(tmp_path: Path) -> None:
    for name, text, encoding in (("a", SIMPLIFIED, "gb18030"), ("b", SIMPLIFIED, "utf-8"), ("c", KOREAN, "euc_kr")):
        (tmp_path / f"{name}.txt").write_bytes(text.encode(encoding))
    assert [page.text for page in pages(tmp_path)] == [SIMPLIFIED, SIMPLIFIED, KOREAN]


def test_a_declared_encoding_is_for_what_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("好".encode("gb18030"))
    (tmp_path / "b.txt").write_bytes("好".encode())
    (tmp_path / "c.jsonl").write_bytes('{"text": "好 SPAM"}\n'.encode("gb18030"))
    assert [page.text for page in pages(tmp_path, Fields(encoding="gb2312"))] == ["好", "好", "好 SPAM"]
    clean(tmp_path / "c.jsonl", tmp_path / "d.jsonl", fields=Fields(encoding="gb2312"))
    assert (tmp_path / "d.jsonl").read_bytes() == '{"text": "好 "}\n'.encode("gb18030")


def test_a_wrongly_declared_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"ab\xff\xff")
    (tmp_path / "b.jsonl").write_bytes(b'{"text": "\xff\xff"}\n')
    assert "neither UTF-8 (at byte 2) nor cp949, as was declared" in reason(
        tmp_path / "a.txt", Fields(encoding="euc-kr")
    )
    assert "neither UTF-8 nor cp949" in reason(tmp_path / "b.jsonl", Fields(encoding="euc-kr"))


def test_utf8_with_a_broken_place_is_not_guessed_to_be_something_else(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes((SIMPLIFIED * 5).encode() + b"\xe4\xbd\xff\xff\xff\xff" + SIMPLIFIED.encode())
    assert reason(tmp_path / "a.txt").startswith("is not UTF-8 (at byte ")


def test_names_of_encodings() -> None:
    assert [encoding_named(name) for name in ("GBK", "big5", "Shift_JIS", "ks_c_5601-1987", "latin1")] == [
        "gb18030",
        "big5hkscs",
        "cp932",
        "cp949",
        "cp1252",
    ]
    for name in ("klingon", "zlib"):
        with pytest.raises(UsageError):
            encoding_named(name)


def test_bytes_that_are_not_cut_stay_as_they_were() -> None:
    data = b"\x87\x90a\x81\xe0"  # cp932 has two places for this sign; writing it again would give the second twice
    text = data.decode("cp932")
    assert text.encode("cp932") != data
    assert decode_page(data, said_by_user="cp932").cut([(1, 2)]) == b"\x87\x90\x81\xe0"
    stateful = decode_page("あ a あ".encode("iso2022_jp"), said_by_user="iso2022_jp")
    assert stateful.cut([(1, 4)]).decode("iso2022_jp") == "ああ"


def test_what_a_page_declares_of_itself_is_a_hint() -> None:
    assert decode_page(SIMPLIFIED.encode("gb18030"), said_by_page="shift_jis").text == SIMPLIFIED
    assert decode_page(SIMPLIFIED.encode("gb18030"), said_by_page="nonsense").text == SIMPLIFIED
    assert decode_page("あ".encode("iso2022_jp"), said_by_page="iso-2022-jp").text == "あ"


# Parquet


def write_table(path: Path, columns: dict[str, Any], schema: Any = None, **options: Any) -> Path:
    parquet.write_table(pyarrow.table(columns, schema=schema), path, **options)
    return path


def test_parquet_pages(tmp_path: Path) -> None:
    path = write_table(
        tmp_path / "a.parquet",
        {"id": ["x", None, "z"], "text": ["a", "b", None], "url": ["http://a.example", None, None]},
    )
    assert pages(path) == [Page("a", "x", "http://a.example"), Page("b", "a.parquet:2")]
    assert "holds null" in reason(path)
    path = write_table(tmp_path / "b.parquet", {"key": [7], "body": ["b"]})
    assert pages(path, Fields("body", "key")) == [Page("b", "7")]


@pytest.mark.parametrize("kind", ["string", "large_string", "dictionary"])
def test_parquet_keeps_rows_columns_schema_and_packing(tmp_path: Path, kind: str) -> None:
    types = {
        "string": pyarrow.string(),
        "large_string": pyarrow.large_string(),
        "dictionary": pyarrow.dictionary(pyarrow.int32(), pyarrow.string()),
    }
    schema = pyarrow.schema(
        [
            pyarrow.field("n", pyarrow.int8(), nullable=False),
            pyarrow.field("text", types[kind], metadata={"what": "the text"}),
            ("nested", pyarrow.struct([("a", pyarrow.list_(pyarrow.float64()))])),
        ],
        metadata={"made": "by a test"},
    )
    rows: list[dict[str, Any]] = [
        {"n": n % 100, "text": f"{n} SPAM", "nested": {"a": [n / 2] * (n % 3)}} for n in range(3000)
    ]
    table = pyarrow.Table.from_pylist(rows, schema)
    path = tmp_path / "a.parquet"
    parquet.write_table(table, path, compression={"n": "zstd", "text": "gzip", "nested.a.list.element": "none"})
    assert not [each for each in clean(path, tmp_path / "b.parquet") if isinstance(each, Unreadable)]
    written = parquet.ParquetFile(tmp_path / "b.parquet")
    assert written.schema_arrow.equals(parquet.ParquetFile(path).schema_arrow, check_metadata=True)
    assert written.schema_arrow.metadata == {b"made": b"by a test"}
    assert written.read().to_pylist() == [{**row, "text": row["text"].replace("SPAM", "")} for row in rows]
    group = written.metadata.row_group(0)
    assert [group.column(n).compression for n in range(3)] == ["ZSTD", "GZIP", "UNCOMPRESSED"]


def test_parquet_leaves_out_dropped_and_unreadable_rows(tmp_path: Path) -> None:
    path = write_table(tmp_path / "a.parquet", {"text": ["a", None, "BAD", "b SPAM"], "n": [1, 2, 3, 4]})
    clean(path, tmp_path / "b.parquet", drop=[Verdict.SPAM_PAGE])
    assert parquet.read_table(tmp_path / "b.parquet").to_pylist() == [{"text": "a", "n": 1}, {"text": "b ", "n": 4}]
    empty = write_table(tmp_path / "c.parquet", {"text": pyarrow.array([], pyarrow.string())})
    clean(empty, tmp_path / "d.parquet")
    assert parquet.read_table(tmp_path / "d.parquet").num_rows == 0


def test_parquet_is_written_the_same_each_time(tmp_path: Path) -> None:
    path = write_table(tmp_path / "a.parquet", {"text": [f"{n} SPAM" for n in range(500)]})
    for name in ("b.parquet", "c.parquet"):
        clean(path, tmp_path / name)
    assert (tmp_path / "b.parquet").read_bytes() == (tmp_path / "c.parquet").read_bytes()


def test_broken_parquet_is_named(tmp_path: Path) -> None:
    path = write_table(tmp_path / "a.parquet", {"text": [str(n) * 50 for n in range(2000)]}, compression="none")
    whole = path.read_bytes()
    footer = bytearray(whole)
    footer[-30:-10] = b"x" * 20
    for broken in (b"", b"PAR1", whole[:-4], whole[: len(whole) // 2], bytes(footer)):
        path.write_bytes(broken)
        assert reason(path).startswith("is no Parquet file that can be read: ")
        assert [each.whole for each in clean(path, tmp_path / "b.parquet")] == [True]
        assert not (tmp_path / "b.parquet").exists()
    middle = bytearray(whole)
    middle[20:200] = b"\xff" * 180
    path.write_bytes(middle)
    assert any(isinstance(each, Unreadable) for each in read(path))


def test_parquet_without_a_text_column(tmp_path: Path) -> None:
    assert "has no column 'text'; --text-field" in reason(write_table(tmp_path / "a.parquet", {"body": ["a"]}))
    assert "column 'text' holds int64" in reason(write_table(tmp_path / "a.parquet", {"text": [1]}))
    assert "column 'id' holds double" in reason(write_table(tmp_path / "a.parquet", {"text": ["a"], "id": [0.5]}))


# WARC


def warc_record(kind: str, block: bytes, *, media: str = "text/plain", url: str = "http://a.example/1") -> bytes:
    head = f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:{kind}-{zlib.crc32(block)}>\r\n"
    head += f"WARC-Target-URI: {url}\r\nWARC-Date: 2026-01-01T00:00:00Z\r\nContent-Type: {media}\r\n"
    return f"{head}Content-Length: {len(block)}\r\n\r\n".encode() + block + b"\r\n\r\n"


def response(body: bytes, *headers: str, status: str = "HTTP/1.1 200 OK") -> bytes:
    block = "\r\n".join([status, *headers]).encode() + b"\r\n\r\n" + body
    return warc_record("response", block, media="application/http; msgtype=response")


WET = [
    warc_record("warcinfo", b"software: a test", media="application/warc-fields"),
    warc_record("conversion", "一 SPAM\n".encode(), url="http://a.example/1"),
    warc_record("conversion", b"clean", url="http://b.example/2"),
    warc_record("metadata", b"fetchTimeMs: 5", media="application/warc-fields"),
]


def write_warc(path: Path, records: list[bytes]) -> Path:
    path.write_bytes(b"".join(pack(record, path.name) for record in records))
    return path


@pytest.mark.parametrize("name", ["a.warc", "a.warc.gz", "a.warc.wet.gz", "a.wet.zst"])
def test_wet_pages_are_read_and_written(tmp_path: Path, name: str) -> None:
    path = write_warc(tmp_path / name, WET)
    found = pages(path)
    assert [(page.text, page.url) for page in found] == [
        ("一 SPAM\n", "http://a.example/1"),
        ("clean", "http://b.example/2"),
    ]
    assert all(page.id.startswith("urn:uuid:conversion-") for page in found)
    clean(path, tmp_path / ("b" + name))
    cut = WET[1].replace(b"SPAM", b"").replace(b"Content-Length: 9", b"Content-Length: 5")
    assert (tmp_path / ("b" + name)).read_bytes() == b"".join(pack(record, name) for record in (WET[0], cut, *WET[2:]))


def test_digests_of_a_changed_record_are_renewed(tmp_path: Path) -> None:
    record = WET[1].replace(b"Content-Type", b"WARC-Block-Digest: sha1:OLD\r\nContent-Type")
    clean(write_warc(tmp_path / "a.warc", [record]), tmp_path / "b.warc")
    written = (tmp_path / "b.warc").read_bytes()
    assert b"OLD" not in written
    from fastwarc.warc import ArchiveIterator

    assert [again.verify_block_digest() for again in ArchiveIterator(io.BytesIO(written), parse_http=False)] == [True]


def test_http_responses_of_plain_text(tmp_path: Path) -> None:
    packed = gzip.compress("好 SPAM".encode("gb18030"))
    records = [
        response(packed, "Content-Type: text/plain; charset=gb2312", "Content-Encoding: gzip", "X-Kept: yes"),
        response(b"6\r\na SPAM\r\n0\r\n\r\n", "Content-Type: text/plain", "Transfer-Encoding: chunked"),
        response(b"\x89PNG", "Content-Type: image/png"),
    ]
    path = write_warc(tmp_path / "a.warc", records)
    assert [page.text for page in pages(path)] == ["好 SPAM", "a SPAM"]
    clean(path, tmp_path / "b.warc")
    assert [page.text for page in pages(tmp_path / "b.warc")] == ["好 ", "a "]
    written = (tmp_path / "b.warc").read_bytes()
    assert written.endswith(records[2])
    assert b"X-Kept: yes\r\n" in written
    assert b"Content-Encoding" not in written
    assert b"chunked" not in written


def test_http_responses_of_html(tmp_path: Path) -> None:
    latin = "Content-Type: text/html; charset=iso-8859-1"
    records = [
        response("<p>好人SPAM".encode(), latin),  # what servers say of every page
        response(
            "<meta charset=gbk><p>好人SPAM".encode("gbk") + b"\xff\x00", "Content-Type: text/html; charset=euc-kr"
        ),
        response("<p>한국어SPAM".encode("cp949"), "Content-Type: application/xhtml+xml; charset=EUC-KR"),
        response(gzip.compress(b"<p>clean"), latin, "Content-Encoding: gzip"),
    ]
    path = write_warc(tmp_path / "a.warc.gz", records)
    found = pages(path)
    assert [page.text for page in found] == [
        "<p>好人SPAM",
        "<meta charset=gbk><p>好人SPAM\ufffd\x00",
        "<p>한국어SPAM",
        "<p>clean",
    ]
    assert all(page.html for page in found)
    clean(path, tmp_path / "b.warc")
    written = (tmp_path / "b.warc").read_bytes()
    assert "<meta charset=gbk><p>好人".encode("gbk") + b"\xff\x00\r\n" in written
    assert "<p>한국어\r\n".encode("cp949") in written
    assert written.endswith(records[3])


@pytest.mark.parametrize("name", ["a.html", "a.htm.gz", "a.XHTML.zst"])
def test_html_is_read_and_written_packed(tmp_path: Path, name: str) -> None:
    data = "<meta charset=gbk><p>好人SPAM".encode("gbk") + b"\xff"
    (tmp_path / name).write_bytes(pack(data, name))
    [page] = pages(tmp_path / name)
    assert page.html
    assert page.text == "<meta charset=gbk><p>好人SPAM\ufffd"
    clean(tmp_path / name, tmp_path / "out.html")
    assert (tmp_path / "out.html").read_bytes() == data.replace(b"SPAM", b"")


def test_dropped_pages_leave_a_warc_file(tmp_path: Path) -> None:
    path = write_warc(tmp_path / "a.warc", [*WET, warc_record("conversion", b"BAD")])
    clean(path, tmp_path / "b.warc", drop=[Verdict.SPAM_PAGE])
    assert b"BAD" not in (tmp_path / "b.warc").read_bytes()


@pytest.mark.parametrize("name", ["a.warc", "a.warc.gz", "a.warc.zst"])
def test_a_warc_file_that_breaks_off_is_named_wherever_it_does(tmp_path: Path, name: str) -> None:
    whole = write_warc(tmp_path / name, WET).read_bytes()
    ends, at = set() if name.endswith(".zst") else {0}, 0  # no bytes are no zstd frame
    for record in WET:
        at += len(pack(record, name))
        ends.add(at)
    for length in range(0, len(whole), 1 if name == "a.warc" else 13):
        (tmp_path / name).write_bytes(whole[:length])
        broken = [each.whole for each in read(tmp_path / name) if isinstance(each, Unreadable)]
        assert broken == ([] if length in ends else [True]), length


def test_corrupt_warc_records_are_named(tmp_path: Path) -> None:
    whole = b"".join(WET)
    at = whole.index(b"WARC/1.0", 10)
    for broken in (
        whole[:at] + b"XXXX" + whole[at + 4 :],
        whole.replace(b"Content-Length: 9", b"Content-Length: 999999"),
        whole.replace(b"Content-Length: 9", b"Content-Length: x"),
        whole.replace(b"Content-Length: 9\r\n", b""),
        b"no WARC file at all",
        random.Random(6).randbytes(5000),
    ):
        (tmp_path / "a.warc").write_bytes(broken)
        assert [each.whole for each in read(tmp_path / "a.warc") if isinstance(each, Unreadable)] == [True]
        clean(tmp_path / "a.warc", tmp_path / "b.warc")
        assert not (tmp_path / "b.warc").exists()


def test_records_that_are_too_long_are_named_or_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from detector.formats import warc as warc_module

    monkeypatch.setattr(reading_module, "MAX_PAGE_BYTES", 100)
    monkeypatch.setattr(warc_module, "_HELD_BYTES", 100)
    large = warc_record("resource", b"x" * 70_000, media="video/mp4")
    path = write_warc(tmp_path / "a.warc", [WET[1], large, warc_record("conversion", b"y" * 101), WET[2]])
    assert "longer than" in reason(path)
    clean(path, tmp_path / "b.warc")
    assert (tmp_path / "b.warc").read_bytes().count(large) == 1
    assert [page.text for page in pages(tmp_path / "b.warc")] == ["一 \n", "clean"]


# Without the extra


@pytest.mark.parametrize(
    ("name", "missing"),
    [("a.parquet", "pyarrow"), ("a.warc.gz", "fastwarc"), ("a.txt.zst", "backports"), ("a.txt", "charset_normalizer")],
)
def test_a_missing_library_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, missing: str
) -> None:
    if missing == "backports":
        monkeypatch.setattr("sys.version_info", (3, 11))
    (tmp_path / name).write_bytes(SIMPLIFIED.encode("gb18030") if name == "a.txt" else gzip.compress(b"x"))
    real: Callable[..., Any] = builtins.__import__

    def refuse(wanted: str, *rest: Any) -> Any:
        if wanted.split(".")[0] == missing:
            raise ImportError(wanted)
        return real(wanted, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert "pip install 'spam-span-detector[io]'" in reason(tmp_path / name)
    if missing == "backports":
        with pytest.raises(UsageError, match="io"), NewFile(str(tmp_path / "b.txt.zst")):
            pass
        assert sorted(path.name for path in tmp_path.iterdir()) == [name]


def test_kinds_of_io() -> None:
    assert kind_of("CC-MAIN-1.warc.wet.gz") == "WARC"
    assert kind_of("a.parquet.gz") is None


def test_stretches_of_lines_are_the_file(tmp_path: Path) -> None:
    from detector.formats import Range

    path = tmp_path / "a.jsonl"
    draw = random.Random(8)
    lines = [json.dumps({"text": "好" * draw.randint(0, 9)}, ensure_ascii=False) for _ in range(40)]
    path.write_bytes("\n".join(["", *lines, ""]).encode())
    size = path.stat().st_size
    [source] = find_sources([path])
    whole = [(record.line, record.page) for record in read(path)]
    for step in (1, 7, 30, size):
        found = []
        for start in range(0, size, step):
            lines_before = path.read_bytes()[:start].count(b"\n")
            starts_here = start == 0 or path.read_bytes()[start - 1 : start] == b"\n"
            stretch = Range(start, min(start + step, size), lines_before + (1 if starts_here else 2))
            with path.open("rb") as raw:
                found += [(each.line, each.page) for each in read_source(source, raw=raw, lines=stretch)]  # type: ignore[arg-type, union-attr]
        assert found == whole


@pytest.mark.parametrize("size", [0, 1, 16383, 16384, 16385, 49152, 100_000])
@pytest.mark.parametrize("limit", [1, 16384, 49152, 99_999, 1 << 26])
def test_a_page_is_read_in_pieces_that_begin_small_and_grow(size: int, limit: int) -> None:
    class Asked(io.BytesIO):
        most_asked = 0

        def read(self, most: int | None = -1, /) -> bytes:
            self.most_asked = max(self.most_asked, most or 0)
            return super().read(most)

    data = bytes(number % 251 for number in range(size))
    stream = Asked(data)
    assert reading_module._read_at_most(stream, limit) == data[:limit]
    assert stream.most_asked <= max(16384, 2 * size)  # a small page never asks for a megabyte
