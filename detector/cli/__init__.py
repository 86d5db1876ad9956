"""A command line comes in; one function of the package is called, and what it says is printed with an exit code."""

from __future__ import annotations

import json
import os
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from detector import __version__
from detector.cli.options import (
    common_options,
    fail_option,
    format_option,
    model_option,
    parse_drop,
    paths_argument,
    quiet_option,
    refuse_stdin_twice,
    run_options,
)
from detector.datatypes import DetectorError, UsageError
from detector.outcomes import Tally, say, tell_run

if TYPE_CHECKING:
    from detector.formats import Fields
    from detector.pipeline import Detector
    from detector.runs import Settings

REFUSED, INTERRUPTED, PIPE_CLOSED, TOLD_TO_END = 2, 130, 141, 143
EXIT_CODES = """\b
Exit codes:
  0  done
  1  with --fail-on-spam: something to cut, or a bad page, was found
  2  wrong usage, or a bundle or an output that cannot be used
  3  done, but some input could not be read (each is named)"""


class Refusal(click.ClickException):
    """An error that the user can mend."""

    exit_code = REFUSED


class Commands(click.Group):
    """Turns the package's errors into messages and keeps exit code 1 for spam found."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except DetectorError as error:
            raise Refusal(str(error)) from error
        except BrokenPipeError:  # the reader has seen enough
            _forget_stdout()
            ctx.exit(PIPE_CLOSED)
        except OSError as error:
            _forget_stdout()
            raise Refusal(f"cannot write the output: {error.strerror or error}") from error
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(INTERRUPTED)


def _forget_stdout() -> None:
    """Send what is still in the buffer nowhere, so that it does not raise again when Python ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def _show_version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        click.echo(f"detector {__version__}")  # the package's metadata takes 30 ms to read
        ctx.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show the version."
)
def main() -> None:
    """Find and cut spam that was injected into web pages.

    \b
    Examples:
      detector scan pages/ -o spans.jsonl
      detector clean crawl.jsonl.gz -o cleaned.jsonl.gz
      detector explain page.txt
    """


def load_detector(
    model: str | None, labels: str | None = None, min_score: float | None = None, *, visible_only: bool = False
) -> Detector:
    """Return the detector that the options ask for; NumPy is first imported here."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # serving multiplies no matrices; 50 ms less to start
    from detector.pipeline import Detector

    return Detector.load(model, labels=labels, min_score=min_score, visible_only=visible_only)


@main.command(epilog=EXIT_CODES)
@paths_argument
@click.option("-o", "--output", metavar="OUT", default="-", help="The file or folder/ to write.  [default: stdout]")
@format_option
@common_options
@run_options
@fail_option
@quiet_option
def scan(
    paths: tuple[str, ...],
    output: str,
    format_: str,
    jobs: int,
    resume: bool,
    fail_on_spam: bool,
    quiet: bool,
    **common: Any,
) -> None:
    """Say where the spam is: one JSON line a page.

    PATH is a text, Markdown, HTML, JSON-lines, Parquet, WARC or WET file, a folder of them, or - for one text on stdin.
    Offsets are half-open and count Unicode code points of the decoded text (of HTML: of its source), a byte order mark
    not counted. With a folder for OUT it is a run: shards and a journal, by --jobs workers, which --resume goes on with
    after any stop.

    \b
    Examples:
      detector scan pages/ -o spans.jsonl
      detector scan pages/ -o run/ --jobs 8
      detector scan crawl.jsonl.gz --text-field content | head
      detector scan docs/ --format sarif --fail-on-spam -o spam.sarif
    """
    from detector.formats import Inputs, NewFile, find_sources, read_sources, scan_records
    from detector.outputs import OUTPUTS

    refuse_stdin_twice(paths)
    Inputs(paths).refuse_overwriting(output)
    detector = _detector_of(common)
    if output != "-" and (os.path.isdir(output) or output.endswith(("/", os.sep))):
        asked = _settings("scan", detector, paths, common, format=format_)
        _run(asked, detector, output, jobs=jobs, resume=resume, quiet=quiet, fail_on_spam=fail_on_spam)
    _refuse_run_options(jobs, resume)
    writer, tally = OUTPUTS[format_](detector.bundle_name), Tally()
    with NewFile(output) as sink:
        sink.write(writer.head())
        records = read_sources(find_sources(paths), _fields_of(common))
        for scanned in tally.count(scan_records(detector, records)):
            sink.write(writer.page(scanned.record, scanned.result))
        sink.write(writer.tail())
    _exit(tally.finish(quiet=quiet, fail_on_spam=fail_on_spam))


@main.command(epilog=EXIT_CODES)
@paths_argument
@click.option("-o", "--output", metavar="OUT", required=True, help="The file or folder to write, - for stdout.")
@click.option(
    "--drop-pages", metavar="VERDICT,...", default="", help="Leave out pages of these verdicts and name them."
)
@common_options
@run_options
@fail_option
@quiet_option
def clean(
    paths: tuple[str, ...],
    output: str,
    drop_pages: str,
    jobs: int,
    resume: bool,
    fail_on_spam: bool,
    quiet: bool,
    **common: Any,
) -> None:
    """Write the same files with the spam cut out.

    A folder, or several paths, give the same tree inside OUT, with a journal: a run, by --jobs workers, which --resume
    goes on with after any stop. A single file gives the file OUT. Other fields stay as they are; lines that cannot be
    read are left out and named, as are files of no known suffix. An input is never overwritten, and OUT may not lie
    inside an input folder.

    \b
    Examples:
      detector clean pages/ -o cleaned/
      detector clean crawl.jsonl -o cleaned.jsonl --drop-pages spam_page,spun_page
      detector clean - -o - < page.txt
    """
    from detector.formats import clean_copies, find_sources, is_run, plan_copies

    refuse_stdin_twice(paths)
    drop = parse_drop(drop_pages)
    if is_run(paths, output):
        detector = _detector_of(common)
        asked = _settings("clean", detector, paths, common, drop=tuple(sorted(drop)))
        _run(asked, detector, output, jobs=jobs, resume=resume, quiet=quiet, fail_on_spam=fail_on_spam)
    _refuse_run_options(jobs, resume)
    copies, aside = plan_copies(paths, find_sources(paths), output)
    detector, tally = _detector_of(common), Tally()
    list(tally.count(aside))
    for scanned in tally.count(clean_copies(detector, copies, drop, _fields_of(common))):
        if scanned.dropped:
            say(f"dropped: {scanned.result.id} ({scanned.result.verdict}) of {scanned.record.source.path}")
    _exit(tally.finish(quiet=quiet, fail_on_spam=fail_on_spam))


@main.command(epilog=EXIT_CODES)
@click.argument("path")
@click.option("--color/--no-color", "colour", default=None, help="Mark in colour or not.  [default: on a terminal]")
@common_options
@quiet_option
def explain(path: str, colour: bool | None, quiet: bool, **common: Any) -> None:
    """Show pages with their spans marked, and why each was found.

    Without colour (NO_COLOR, a pipe) a span is shown as [label: text]. A reason's number is its part of the span's
    log-odds: what it adds to (or takes from) the odds that the span is what its label says.

    \b
    Examples:
      detector explain page.txt
      curl -s https://example.org/page.txt | detector explain -
    """
    from detector.formats import Record, Scanned, find_sources, read_sources
    from detector.terminal import show_page, wants_colour

    colour = wants_colour(sys.stdout) if colour is None else colour
    detector, tally = _detector_of(common), Tally()
    records = read_sources(find_sources([path]), _fields_of(common))
    explained = (
        Scanned(record, replace(detector.explain(record.page), id=record.page.id))
        if isinstance(record, Record)
        else record
        for record in records
    )
    for scanned in tally.count(explained):
        _write_stdout(show_page(scanned.result, colour=colour, excerpts=scanned.record.page.html) + "\n")
    _exit(tally.finish(quiet=quiet))


@main.command()
@click.argument("labelled", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o", "--output", metavar="BUNDLE", required=True, type=click.Path(path_type=Path), help="The new bundle."
)
@click.option("--base", metavar="NAME", help="The bundle to start from.  [default: the shipped one]")
@click.option("--from-scratch", is_flag=True, help="Start from the training data instead of a bundle.")
@click.option(
    "--corpora",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of clean documents and real spam that --from-scratch reads.",
)
@click.option("--dry-run", is_flag=True, help="Read and check everything, write nothing.")
@click.option("--quiet", is_flag=True, help="Do not tell what is being done.")
def train(
    labelled: tuple[Path, ...],
    output: Path,
    base: str | None,
    from_scratch: bool,
    corpora: Path | None,
    dry_run: bool,
    quiet: bool,
) -> None:
    """Fit a bundle on labelled pages; its figures go to stdout as JSON.

    A labelled page is a line {"id", "text", "spans": [{"start", "end", "label"}], "lang"?, "kind"?, "url"?}.

    \b
    Examples:
      detector train reviewed.jsonl -o models/mine
      detector train reviewed.jsonl -o models/mine --dry-run
      detector train --from-scratch --corpora corpora/ -o models/new
    """
    if from_scratch and base is not None:
        raise UsageError("--base and --from-scratch exclude each other; give one")
    if not labelled and not from_scratch:
        raise UsageError("no labelled pages to learn from; give JSON-lines files, or --from-scratch")
    from detector.training import train_bundle

    figures = train_bundle(
        labelled,
        output,
        base=base,
        from_scratch=from_scratch,
        corpora=corpora,
        dry_run=dry_run,
        report=_say_nothing if quiet else say,
    )
    _write_stdout(json.dumps(figures, indent=2) + "\n")


@main.command()
@click.argument("gold")
@model_option
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def evaluate(gold: str, model: str | None, as_json: bool) -> None:
    """Measure a bundle on GOLD, a JSON-lines file of labelled pages.

    \b
    Example:
      detector evaluate gold.jsonl --model models/mine
    """
    from detector.formats import read_labelled

    pages = list(read_labelled(gold))
    if not pages:
        raise UsageError(f"{gold} holds no page to measure on")
    detector = load_detector(model)
    from detector.evaluation import evaluate_pages, format_figures

    figures = evaluate_pages(detector, pages)
    _write_stdout((json.dumps(figures, indent=2) if as_json else format_figures(figures).rstrip("\n")) + "\n")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a bundle.")
def models(as_json: bool) -> None:
    """List the bundles that --model can name."""
    from detector.model import list_bundles

    found = list_bundles()
    if not found:
        say("no bundle found; `detector train --from-scratch` makes one")
    for bundle in found:
        if as_json:
            line = {"name": bundle.name, "path": str(bundle.path), "made": bundle.made}
            _write_stdout(json.dumps({**line, "labels": list(bundle.labels), "metrics": bundle.metrics}) + "\n")
        else:
            numbers = [f"{name} {value:g}" for name, value in bundle.metrics.items() if isinstance(value, int | float)]
            lines = [f"{bundle.name}  made by {bundle.made}  {bundle.path}", f"  labels: {', '.join(bundle.labels)}"]
            _write_stdout("\n".join([*lines, *([f"  {', '.join(numbers)}"] if numbers else [])]) + "\n")


def _detector_of(common: dict[str, Any]) -> Detector:
    return load_detector(common["model"], common["labels"], common["min_score"], visible_only=common["visible_only"])


def _fields_of(common: dict[str, Any]) -> Fields:
    from detector.formats import Fields, encoding_named

    encoding = common["encoding"]
    if encoding is not None:
        encoding_named(encoding)  # raises for one that does not exist
    return Fields(common["text_field"], common["id_field"], common["url_field"], encoding)


def _settings(
    command: str, detector: Detector, paths: tuple[str, ...], common: dict[str, Any], **more: Any
) -> Settings:
    from detector.runs import Settings

    if "-" in paths:
        raise UsageError("the standard input has no name inside a folder; give a file with -o")
    chosen = {name: common[name] for name in ("labels", "min_score", "visible_only")}
    return Settings(command, paths, detector.bundle_name, fields=_fields_of(common), **chosen, **more)


def _run(
    asked: Settings, detector: Detector, folder: str, *, jobs: int, resume: bool, quiet: bool, fail_on_spam: bool
) -> NoReturn:
    """Do a run, tell about it and exit."""
    from detector.runs import Progress, Stopped, run

    try:
        progress = None if quiet else lambda bytes_left: Progress(bytes_left, sys.stderr)
        journal = run(asked, detector, folder, jobs=jobs, resume=resume, progress=progress)
    except (KeyboardInterrupt, Stopped) as stop:
        say(f"stopped; the same command with --resume goes on with {folder}")
        _exit(INTERRUPTED if isinstance(stop, KeyboardInterrupt) else TOLD_TO_END)
    with closing(journal):
        code = tell_run(journal, quiet=quiet, fail_on_spam=fail_on_spam)
    _exit(code)


def _refuse_run_options(jobs: int, resume: bool) -> None:
    if jobs > 1 or resume:
        raise UsageError("--jobs and --resume are for runs: give a folder with -o (for a new one, end it with /)")


def _exit(code: int) -> NoReturn:
    click.get_current_context().exit(code)


def _say_nothing(_message: str) -> None:
    """Stand in for `say` where nothing is to be said."""


def _write_stdout(text: str) -> None:
    """Write a text as UTF-8, whatever the locale says, and what has no UTF-8 as escapes."""
    sys.stdout.buffer.write(text.encode(errors="backslashreplace"))
    sys.stdout.buffer.flush()
