"""A run gives the same output whatever stops it, names what it cannot read, and its journal knows all of it."""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from run_with_words import WordScanner, small_parts

from detector.datatypes import UsageError
from detector.formats import Fields, writing
from detector.runs import JOURNAL, Settings, dropped_of, open_finished, plan, problems_of, run, summary_of
from detector.runs.progress import Progress
from detector.runs.work import SCRATCH

SCRIPT = str(Path(__file__).with_name("programs") / "run_with_words.py")
#: `make soak` stops runs at more moments.
MOMENTS = int(os.environ.get("SOAK_MOMENTS", "3"))


@pytest.fixture(autouse=True)
def parts_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PART_BYTES", "SPLIT_BYTES", "PART_FILES"):
        monkeypatch.setattr(plan, name, getattr(plan, name))  # so that it is put back
    small_parts()


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """Return a folder of files of every plain kind, one of them done in stretches."""
    return make_pages(tmp_path / "pages")


def make_pages(folder: Path, *, files: int = 17, lines: int = 150) -> Path:
    draw = random.Random(3)
    (folder / "deep" / "er").mkdir(parents=True)

    def text() -> str:
        words = (draw.choice(["好", "SPAM", "word", "\n", "BAD"]) for _ in range(draw.randint(1, 60)))
        return " ".join(words)

    for number in range(files):
        where = folder if number % 3 else folder / "deep"
        (where / f"{number:02}.txt").write_text(text(), encoding="utf-8")

    def line(number: int) -> str:
        found = {"text": text(), "n": number, **({"url": f"http://s{number % 4}.example/"} if number % 2 else {})}
        return json.dumps(found, ensure_ascii=bool(number % 3)) + "\n"

    big = "".join(line(number) if number % 40 else "{broken\n" for number in range(lines))
    (folder / "deep" / "er" / "big.jsonl").write_text(big, encoding="utf-8")
    (folder / "small.jsonl.gz").write_bytes(gzip.compress("".join(map(line, range(9))).encode(), mtime=0))
    (folder / "zz.json").write_text(line(1), encoding="utf-8")
    (folder / "notes.pdf").write_bytes(b"")
    return folder


def tree(top: Path) -> dict[str, bytes]:
    """Return what the files of a folder hold, but for the journal."""
    files = (path for path in sorted(top.rglob("*")) if path.is_file() and not path.name.startswith(JOURNAL))
    return {str(path.relative_to(top)): path.read_bytes() for path in files}


def settings(pages: Path, command: str = "scan", **more: Any) -> Settings:
    return Settings(command, (str(pages),), "words@1", **more)


def do(asked: Settings, folder: Path, **options: Any) -> None:
    run(asked, WordScanner(), str(folder), **options).close()


def lines_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for shard in sorted(folder.glob("spans-*")) for line in shard.read_text().splitlines()]


# What a run gives


def test_shards_are_what_a_plain_scan_writes(pages: Path, tmp_path: Path) -> None:
    do(settings(pages), tmp_path / "run")
    plain = subprocess.run(
        [sys.executable, SCRIPT, "scan", str(pages), "-o", str(tmp_path / "plain.jsonl")],
        capture_output=True,
        check=False,
    )
    assert plain.returncode == 3
    shards = sorted((tmp_path / "run").glob("spans-*.jsonl"))
    assert len(shards) > 8
    assert b"".join(shard.read_bytes() for shard in shards) == (tmp_path / "plain.jsonl").read_bytes()
    assert not (tmp_path / "run" / SCRATCH).exists()


@pytest.mark.parametrize("command", ["scan", "clean"])
def test_workers_change_nothing(pages: Path, tmp_path: Path, command: str) -> None:
    do(settings(pages, command), tmp_path / "one")
    done = subprocess.run(
        [sys.executable, SCRIPT, command, str(pages), "-o", f"{tmp_path}/two/", "--jobs", "3"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_a_clean_run_gives_the_same_tree(pages: Path, tmp_path: Path) -> None:
    do(settings(pages, "clean"), tmp_path / "out")
    given = {name: data for name, data in tree(pages).items() if name != "notes.pdf"}
    found = tree(tmp_path / "out")
    assert found.keys() == given.keys()
    big = "deep/er/big.jsonl"
    kept = [line for line in given[big].splitlines() if line != b"{broken"]
    assert [json.loads(line)["n"] for line in found[big].splitlines()] == [json.loads(line)["n"] for line in kept]
    assert b"SPAM" not in b"".join(data for name, data in found.items() if not name.endswith(".gz"))


def test_dolma_lines_stand_beside_those_of_the_documents(pages: Path, tmp_path: Path) -> None:
    do(settings(pages, format="dolma"), tmp_path / "run")
    big = (pages / "deep/er/big.jsonl").read_text(encoding="utf-8").splitlines()
    attributes = [json.loads(line) for line in (tmp_path / "run/deep/er/big.jsonl").read_text().splitlines()]
    assert len(attributes) == len(big)
    for line, found in zip(big, attributes, strict=True):
        spans = found["attributes"]["words_1__detector__porn"]
        assert len(spans) == (0 if line == "{broken" else json.loads(line)["text"].count("SPAM"))
    assert gzip.decompress((tmp_path / "run/small.jsonl.gz").read_bytes()).count(b"\n") == 9
    assert len((tmp_path / "run/deep/00.txt.jsonl").read_text().splitlines()) == 1


def test_sarif_shards_are_whole_logs(pages: Path, tmp_path: Path) -> None:
    do(settings(pages, format="sarif"), tmp_path / "run")
    logs = [json.loads(path.read_text()) for path in sorted((tmp_path / "run").glob("*.sarif"))]
    assert len(logs) > 8
    assert {log["runs"][0]["columnKind"] for log in logs} == {"unicodeCodePoints"}


# The journal


def test_the_journal_knows_every_input(pages: Path, tmp_path: Path) -> None:
    do(settings(pages), tmp_path / "run")
    with closing(sqlite3.connect(tmp_path / "run" / JOURNAL)) as base:
        assert base.execute("pragma journal_mode").fetchone() == ("wal",)
        rows = base.execute("select path, size, digest, state, pages from inputs order by number").fetchall()
    assert [path for path, *_ in rows] == sorted(
        (str(path) for path in pages.rglob("*") if path.is_file() and path.suffix != ".pdf"),
        key=lambda path: path.split("/"),
    )
    for path, size, digest, state, _ in rows:
        data = Path(path).read_bytes()
        assert (size, digest, state) == (len(data), hashlib.sha256(data).hexdigest(), "done")
    assert sum(row[4] for row in rows) == len(lines_of(tmp_path / "run"))


def test_the_summary_is_what_was_written(pages: Path, tmp_path: Path) -> None:
    do(settings(pages, "clean", drop=("spam_page",)), tmp_path / "out")
    do(settings(pages), tmp_path / "run")
    found = lines_of(tmp_path / "run")
    with closing(open_finished(str(tmp_path / "run"))) as journal:
        summary = summary_of(journal)
    assert summary.pages == len(found)
    assert summary.spans == sum(len(page["spans"]) for page in found)
    assert {str(verdict): number for verdict, number in summary.verdicts.items() if number} == {
        verdict: sum(page["verdict"] == verdict for page in found) for verdict in {page["verdict"] for page in found}
    }
    assert (summary.skipped, summary.unreadable) == (1, 4)
    assert {site.site for site in summary.sites} >= {"s1.example", "s3.example", "deep", "-"}
    lines = list(summary.lines())
    assert lines[0].endswith("1 skipped (no known suffix); 4 unreadable")
    assert lines[1].split()[:2] == ["porn", str(summary.spans)]
    with closing(open_finished(str(tmp_path / "out"))) as journal:
        bad = sum(page["verdict"] == "spam_page" for page in found)
        assert summary_of(journal).dropped == bad == len(list(dropped_of(journal, 1000)))


def test_a_run_is_told_about_and_its_exit_code(pages: Path, tmp_path: Path) -> None:
    command = [sys.executable, SCRIPT, "scan", str(pages), "-o", f"{tmp_path}/run/"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 3
    big = pages / "deep/er/big.jsonl"
    assert [line for line in done.stderr.splitlines() if line.startswith("unreadable: ")] == [
        f"unreadable: {big}:{number}: is not valid JSON: Expecting property name enclosed in double quotes"
        " at character 1"
        for number in (1, 41, 81, 121)
    ]
    assert "not clean" in done.stderr
    again = subprocess.run([*command, "--resume", "--fail-on-spam"], capture_output=True, encoding="utf-8", check=False)
    assert (again.returncode, again.stderr) == (1, done.stderr)
    assert subprocess.run([*command], capture_output=True, check=False).returncode == 2


# Input that cannot be read


def test_what_cannot_be_read_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "a.txt").write_text("good")
    (folder / "bin.txt").write_bytes(b"\0\1")
    (folder / "broken.jsonl.gz").write_bytes(gzip.compress(b'{"text": "a"}\n' * 9)[:-5])
    (folder / "gone.txt").symlink_to(folder / "nowhere")
    (folder / "loop.txt").symlink_to(folder / "loop.txt")
    (folder / "again").symlink_to(folder, target_is_directory=True)
    odd = os.fsdecode(b"\xff\xfe.txt")
    (folder / odd).write_text("SPAM")
    (folder / "wrong.jsonl").write_text('{"text": 1}\n{"body": "x"}\n{"text": "fine"}\n')
    for command in ("scan", "clean"):
        do(settings(folder, command), tmp_path / command)
        with closing(open_finished(str(tmp_path / command))) as journal:
            named = {os.path.basename(place): reason for place, reason in problems_of(journal)}
            states = dict(journal.rows("select id, state from inputs"))
        assert named.keys() == {"bin.txt", "broken.jsonl.gz", "gone.txt", "loop.txt", "wrong.jsonl:1", "wrong.jsonl:2"}
        assert "symbolic links" in named["loop.txt"]
        assert states[b"\xed\xb3\xbf\xed\xb3\xbe.txt"] == "done"
        assert states["bin.txt"] == "unreadable"
    assert {page["id"] for page in lines_of(tmp_path / "scan")} >= {"a.txt", odd, "wrong.jsonl:3"}
    assert sorted(tree(tmp_path / "clean")) == ["a.txt", "wrong.jsonl", odd]


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "a.txt").write_text("a")
    from detector.runs import work

    def refuse(path: str, **_options: bool) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr(work, "_Hashed", refuse)
    do(settings(tmp_path / "pages"), tmp_path / "run")
    with closing(open_finished(str(tmp_path / "run"))) as journal:
        assert [reason for _, reason in problems_of(journal)] == ["permission denied"]


class Meddler(WordScanner):
    """Changes files while they are scanned."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def scan_many(self, pages: Any, /) -> Iterator[Any]:
        (self._folder / "z.txt").unlink(missing_ok=True)
        with (self._folder / "m.jsonl").open("a") as file:
            file.write('{"text": "more"}\n')
        yield from super().scan_many(pages)


def test_files_that_change_or_vanish_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    for name in "abcdefz":
        (folder / f"{name}.txt").write_text(name)
    (folder / "m.jsonl").write_text('{"text": "here"}\n' * 2000)
    run(settings(folder, "clean"), Meddler(folder), str(tmp_path / "out")).close()
    with closing(open_finished(str(tmp_path / "out"))) as journal:
        named = {os.path.basename(place): reason for place, reason in problems_of(journal)}
        assert dict(journal.rows("select id, state from inputs"))["m.jsonl"] == "unreadable"
    assert named["z.txt"] == "no such file or directory"
    assert named["m.jsonl"].startswith("changed ")
    assert "m.jsonl" not in tree(tmp_path / "out")


def test_a_line_over_many_stretches_is_named_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from detector.formats import reading

    monkeypatch.setattr(reading, "MAX_PAGE_BYTES", 5000)
    monkeypatch.setattr(reading, "_PASS_BYTES", 300)
    (tmp_path / "pages").mkdir()
    lines = ['{"text": "a"}', json.dumps({"text": "x" * 20_000}), '{"text": "b"}', json.dumps({"text": "y" * 4900})]
    (tmp_path / "pages" / "a.jsonl").write_text("\n".join(lines * 2))
    do(settings(tmp_path / "pages"), tmp_path / "run")
    assert [page["id"] for page in lines_of(tmp_path / "run")] == [f"a.jsonl:{number}" for number in (1, 3, 4, 5, 7, 8)]
    with closing(open_finished(str(tmp_path / "run"))) as journal:
        assert [place.rpartition(":")[2] for place, _ in problems_of(journal)] == ["2", "6"]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["file", "run"])
def test_a_line_of_a_gigabyte_is_refused_without_the_memory_for_it(tmp_path: Path, how: str) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    first = json.dumps({"text": "x" * 10_000}) + "\n"  # what a file begins with tells whether it is text
    with (folder / "a.jsonl").open("wb") as file:
        file.write(first.encode() + b'{"text": "')
        file.seek(1 << 30, os.SEEK_CUR)  # a hole: it takes no place on the disk
        file.write(b'"}\n' + first.encode())
    program = f"""
import resource, subprocess, sys
done = subprocess.run({[sys.executable, SCRIPT, "scan", str(folder), "-o"]!r} + sys.argv[1:])
print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10)
"""
    out = f"{tmp_path}/run/" if how == "run" else f"{tmp_path}/out.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", program, out, *(["--jobs", "2"] if how == "run" else [])],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PART_BYTES": str(32 << 20)},
        check=True,
    )
    code, most_mb = map(int, done.stdout.split())
    assert (code, most_mb < 400) == (3, True), done
    assert f"{folder}/a.jsonl:2: the line is longer than 64 MB" in done.stderr
    written = [tmp_path / "out.jsonl"] if how == "file" else sorted((tmp_path / "run").glob("spans-*"))
    ids = [json.loads(line)["id"] for path in written for line in path.read_text().splitlines()]
    assert ids == ["a.jsonl:1", "a.jsonl:3"]


def test_a_page_that_kills_its_worker_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number:02}.jsonl").write_text(json.dumps({"text": "DIE" if number == 7 else "x" * 1500}) + "\n")
    done = subprocess.run(
        [sys.executable, SCRIPT, "scan", str(folder), "-o", f"{tmp_path}/run/", "--jobs", "2"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert "07.jsonl: a worker died 3 times while it read this (exit code 9)" in done.stderr
    assert len(lines_of(tmp_path / "run")) >= 10


# Going on


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"bundle": "words@2"}, "bundle: 'words@1', now 'words@2'"),
        ({"min_score": 0.5}, "min_score: None, now 0.5"),
        ({"labels": "porn"}, "labels"),
        ({"fields": Fields("body")}, "fields"),
        ({"format": "dolma"}, "format"),
        ({"command": "clean"}, "command"),
        ({"paths": ("elsewhere",)}, "paths"),
    ],
)
def test_another_bundle_or_option_is_refused(pages: Path, tmp_path: Path, change: dict[str, Any], said: str) -> None:
    do(settings(pages), tmp_path / "run")
    before = tree(tmp_path / "run")
    asked = {"command": "scan", "paths": (str(pages),), "bundle": "words@1", **change}
    with pytest.raises(UsageError, match="begun otherwise") as caught:
        do(Settings(**asked), tmp_path / "run", resume=True)
    assert said in str(caught.value)
    with pytest.raises(UsageError, match="is finished; go on with --resume, or give another folder"):
        do(settings(pages), tmp_path / "run")
    assert tree(tmp_path / "run") == before


def test_two_processes_do_not_share_a_run(pages: Path, tmp_path: Path) -> None:
    import fcntl

    (tmp_path / "run").mkdir()
    handle = os.open(tmp_path / "run", os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with pytest.raises(UsageError, match="another process"):
        do(settings(pages), tmp_path / "run")
    os.close(handle)
    do(settings(pages), tmp_path / "run")


def test_what_is_no_folder_or_no_journal_is_named(pages: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a")
    with pytest.raises(UsageError, match=r"cannot write .*/file/run: Not a directory"):
        do(settings(pages), tmp_path / "file" / "run")
    (tmp_path / "run").mkdir()
    for broken in (b"no database at all, though long enough to be one", None):
        if broken is None:  # one that broke off
            (tmp_path / "run" / JOURNAL).unlink()
            do(settings(pages), tmp_path / "run")
            broken = (tmp_path / "run" / JOURNAL).read_bytes()[:3000]
        (tmp_path / "run" / JOURNAL).write_bytes(broken)
        with pytest.raises(UsageError, match=r"is no journal that can be read .* give another folder, or remove it"):
            do(settings(pages), tmp_path / "run", resume=True)


def test_outputs_inside_inputs_are_refused(pages: Path, tmp_path: Path) -> None:
    before = tree(pages)
    with pytest.raises(UsageError, match="inside the input folder"):
        do(settings(pages, "clean"), pages / "out")
    inner = pages / "pages"
    inner.mkdir()
    (inner / "pages").mkdir()
    (inner / "pages" / "x.txt").write_text("SPAM")
    with pytest.raises(UsageError, match="input"):  # out/pages/x.txt is an input
        do(settings(inner, "clean"), pages)
    assert {name: data for name, data in tree(pages).items() if "x.txt" not in name} == before


def test_inputs_that_would_share_an_output_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.txt").write_text(name)
    with pytest.raises(UsageError, match="same file"):
        do(Settings("clean", (str(tmp_path / "a"), str(tmp_path / "b")), "words@1"), tmp_path / "out")
    do(Settings("scan", (str(tmp_path / "a"), str(tmp_path / "b")), "words@1"), tmp_path / "run")


@pytest.mark.parametrize("command", ["scan", "clean"])
@pytest.mark.parametrize("harm", ["truncate", "zero", "remove"])
def test_a_harmed_output_is_done_again(pages: Path, tmp_path: Path, command: str, harm: str) -> None:
    do(settings(pages, command), tmp_path / "run")
    whole = tree(tmp_path / "run")
    for name in (sorted(whole)[-1], "deep/er/big.jsonl" if command == "clean" else sorted(whole)[0]):
        path = tmp_path / "run" / name
        size = path.stat().st_size
        if harm == "truncate":
            os.truncate(path, size // 2)
        elif harm == "zero":
            path.write_bytes(b"\0" * size)
        else:
            path.unlink()
    do(settings(pages, command), tmp_path / "run", resume=True)
    assert tree(tmp_path / "run") == whole


def start(command: str, pages: Path, folder: Path, *options: str, slow: bool = True) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, SCRIPT, command, str(pages), "-o", f"{folder}/", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "PAGE_SECONDS": "0.003" if slow else "0"},
        preexec_fn=_hear_interrupts,
    )


def _hear_interrupts() -> None:
    """Undo what a shell does to the jobs in its background: they would not be stopped here either."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def parts_done(folder: Path) -> int:
    """Return how many parts are done by the journal of a run, -1 where there is none yet."""
    try:
        with closing(sqlite3.connect(f"file:{folder / JOURNAL}?mode=ro", uri=True)) as base:
            return int(base.execute("select count(*) from parts where done").fetchone()[0])
    except sqlite3.Error:
        return -1


def wait_for_parts(process: subprocess.Popen[bytes], folder: Path, count: int) -> None:
    """Wait until so many parts of a run are done, or the run is."""
    for _ in range(12_000):
        if parts_done(folder) >= count or process.poll() is not None:
            return
        time.sleep(0.005)
    raise AssertionError("the run does not get on")


def children_of(process_id: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process_id)], capture_output=True, check=False)
    return [int(word) for word in found.stdout.split()]


def workers_of(process_id: int) -> list[int]:
    """Return the worker processes of a run, without the tracker that multiprocessing starts."""
    lines = [(pid, Path(f"/proc/{pid}/cmdline").read_bytes()) for pid in children_of(process_id)]
    return [pid for pid, line in lines if b"spawn_main" in line]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, bytes]]]:
    """Return pages, and what an undisturbed run of each command makes of them."""
    top = tmp_path_factory.mktemp("undisturbed")
    pages = make_pages(top / "pages")
    for command in ("scan", "clean"):
        process = start(command, pages, top / command, slow=False)
        assert process.communicate() is not None
        assert process.returncode == 3
    return pages, {command: tree(top / command) for command in ("scan", "clean")}


@pytest.mark.parametrize("moment", range(MOMENTS))
@pytest.mark.parametrize("command", ["scan", "clean"])
def test_a_run_killed_at_any_moment_goes_on(
    undisturbed: tuple[Path, dict[str, dict[str, bytes]]], tmp_path: Path, command: str, moment: int
) -> None:
    """Kill the run itself, a worker of it, or tell it to stop; at the end harm the last output as a power cut does."""
    pages, expected = undisturbed
    draw = random.Random(f"{command} {moment}")
    folder = tmp_path / "run"
    for _ in range(2):
        before = parts_done(folder)
        process = start(command, pages, folder, "--jobs", "2", "--resume")
        wait_for_parts(process, folder, before + draw.randint(0, 8))
        time.sleep(draw.random() * 0.1)
        how = draw.choice(["parent", "parent", "worker", "interrupt", "terminate"])
        workers = workers_of(process.pid)
        if how == "worker" and workers:
            os.kill(draw.choice(workers), signal.SIGKILL)
        else:
            signals = {"interrupt": signal.SIGINT, "terminate": signal.SIGTERM}
            process.send_signal(signals.get(how, signal.SIGKILL))
        said = process.communicate()[1].decode()
        early = {-signal.SIGINT, -signal.SIGTERM, 1}  # Python was still starting
        assert process.returncode in {3, -signal.SIGKILL, 130, 143, *early}, said
        if process.returncode in (130, 143):
            assert "--resume" in said
    if outputs := [path for path in folder.rglob("*.*") if path.is_file() and not path.name.startswith(JOURNAL)]:
        latest = max(outputs, key=lambda path: path.stat().st_mtime_ns)
        os.truncate(latest, draw.randint(0, latest.stat().st_size))
    last = start(command, pages, folder, "--jobs", "2", "--resume", slow=False)
    said = last.communicate()[1].decode()
    assert last.returncode == 3, said
    assert tree(folder) == expected[command]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_told_to_stop_says_how_to_go_on(pages: Path, tmp_path: Path, number: int) -> None:
    process = start("clean", pages, tmp_path / "out")
    wait_for_parts(process, tmp_path / "out", 2)
    process.send_signal(number)
    said = process.communicate()[1].decode()
    assert process.returncode == 128 + number
    assert said.endswith(f"stopped; the same command with --resume goes on with {tmp_path}/out/\n")
    assert "Traceback" not in said


def test_a_full_disk_stops_the_run_and_it_goes_on(pages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    do(settings(pages, "clean"), tmp_path / "whole")
    real, left = writing._Measured.write, 3000

    def full(file: Any, data: bytes) -> int:
        nonlocal left
        left -= len(data)
        if left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(file, data)

    monkeypatch.setattr(writing._Measured, "write", full)
    for _ in range(3):
        with pytest.raises(UsageError, match="No space left on device"):
            do(settings(pages, "clean"), tmp_path / "out", resume=True)
        left = 3000
    monkeypatch.undo()
    do(settings(pages, "clean"), tmp_path / "out", resume=True)
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


@pytest.mark.slow
def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    pages = make_pages(tmp_path / "pages", lines=3000)
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    mounted = subprocess.run(mount, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        stopped = start("clean", pages, disk / "out", "--jobs", "2", slow=False)
        said = stopped.communicate()[1].decode()
        assert stopped.returncode == 2, said
        assert "No space left on device" in said or "disk is full" in said
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        resumed = start("clean", pages, disk / "out", "--resume", slow=False)
        assert resumed.communicate() is not None
        assert resumed.returncode == 3
        plain = start("clean", pages, tmp_path / "plain", slow=False)
        assert plain.communicate() is not None
        assert tree(disk / "out") == tree(tmp_path / "plain")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_plain_scan_imports_nothing_of_runs_and_formats_with_extras(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    code = f"""
import sys
from detector import cli
cli.main(["scan", {str(tmp_path / "a.txt")!r}], standalone_mode=False)
unwanted = {{"pyarrow", "fastwarc", "charset_normalizer", "backports", "sqlite3", "multiprocessing", "concurrent"}}
sys.exit(sorted(unwanted & sys.modules.keys()) or 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr


# Progress


class Screen:
    """A stream that may be a terminal."""

    def __init__(self, *, terminal: bool) -> None:
        self._terminal = terminal
        self.written = ""

    def isatty(self) -> bool:
        return self._terminal

    def write(self, text: str) -> int:
        self.written += text
        return len(text)

    def flush(self) -> None:
        pass


def test_progress_on_a_terminal_and_in_a_log() -> None:
    for terminal in (True, False):
        screen = Screen(terminal=terminal)
        clock = count(0.0, 20.0)
        progress = Progress(100_000_000, screen, clock=clock.__next__)  # type: ignore[arg-type]
        for _ in range(10):
            progress.add(10_000_000, 500)
        progress.end()
        told = screen.written.replace("\r", "\n").strip().split("\n")
        assert len(told) == (11 if terminal else 3)
        assert ("[" in told[0]) is terminal
        assert "100 MB, 0.5 MB/s" in told[-1]
        assert told[-1].strip().endswith("left")
