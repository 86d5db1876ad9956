"""What several commands share: their arguments and options as decorators, and what is read out of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from detector.datatypes import BAD_VERDICTS, UsageError, Verdict

OUTPUT_FORMATS = ("jsonl", "dolma", "sarif")
Command = TypeVar("Command", bound=Callable[..., Any])


def several(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Return the options as one decorator, in the order in which help shows them."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


format_option = click.option(
    "--format",
    "format_",
    type=click.Choice(OUTPUT_FORMATS),
    default="jsonl",
    show_default=True,
    help="What is written.",
)
paths_argument = click.argument("paths", nargs=-1, required=True, metavar="PATH...")
model_option = click.option("--model", metavar="NAME", help="A bundle's name or folder.  [default: the shipped one]")
common_options = several(
    model_option,
    click.option("--labels", metavar="LABEL,...", help="Which labels are found and cut.  [default: all that are spam]"),
    click.option("--min-score", type=click.FloatRange(0, 1), help="The least score of a span that is kept."),
    click.option("--visible-only", is_flag=True, help="HTML: judge only what a visitor sees."),
    click.option("--text-field", default="text", show_default=True, help="JSON lines, Parquet: the text's field."),
    click.option("--id-field", default="id", show_default=True, help="JSON lines, Parquet: the id's field."),
    click.option("--url-field", default="url", show_default=True, help="JSON lines, Parquet: the address's field."),
    click.option("--encoding", metavar="NAME", help="The encoding of what is not UTF-8.  [default: it is guessed]"),
)
run_options = several(
    click.option("--jobs", metavar="N", type=click.IntRange(1), default=1, show_default=True, help="Worker processes."),
    click.option("--resume", is_flag=True, help="Go on with the run in the output folder."),
)
quiet_option = click.option("--quiet", is_flag=True, help="No summary; unreadable input is named all the same.")
fail_option = click.option("--fail-on-spam", is_flag=True, help="Exit with 1 if there is spam to cut or a bad page.")


def parse_drop(names: str) -> frozenset[Verdict]:
    """Return the verdicts named in a comma-separated string; only bad pages can be dropped."""
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted:
        if name not in BAD_VERDICTS:
            raise UsageError(f"pages of verdict {name!r} cannot be dropped; only {' and '.join(sorted(BAD_VERDICTS))}")
    return frozenset(map(Verdict, wanted))


def refuse_stdin_twice(paths: tuple[str, ...]) -> None:
    if paths.count("-") > 1:
        raise UsageError("the standard input (-) can be read only once")
