"""convert: the readouts of a reader's file as a file of another format, with what it cannot say in sentences."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acquire.cli.importing import LARGEST_MB, format_named, of_format, options_given
from acquire.cli.writing import Force, new_file
from acquire.errors import Refused
from acquire.terminal.output import Json, emit, tell
from acquire.terminal.progress import waiting
from drivers import Misuse

if TYPE_CHECKING:
    from drivers.files import Format
    from drivers.files.converting import Converted
    from drivers.reading import Sample


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(convert)


def convert(
    file: Annotated[Path, typer.Argument(help="A TLD or OSL reader's file.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The file to make: NAME.binx, NAME.xsyg, NAME.xlum or NAME.ASC.")
    ],
    version: Annotated[int, typer.Option(help="Of BINX: 6, 7 or 8.")] = 8,
    option: Annotated[list[str] | None, typer.Option(help="An option of the file's format, key=value.")] = None,
    file_format: Annotated[str | None, typer.Option("--format", help="Read the file as this format.")] = None,
    leave_out: Annotated[bool, typer.Option("--leave-out", help="Write the others where some cannot be.")] = False,
    force: Force = False,
    largest_mb: Annotated[float, typer.Option(help="A larger file is not read.")] = LARGEST_MB,
    as_json: Json = False,
) -> None:  # fmt: skip
    """The readouts of a reader's file as a file of another format. What it cannot hold is named, nothing is made up."""
    from drivers.files.converting import converted  # noqa: PLC0415 - only here
    from drivers.files.targets import target  # noqa: PLC0415

    into = target(output.suffix, version)
    if output.exists() and output.samefile(file):
        raise Refused(f"{output} is the file itself; the reader's original is left as it is.")
    with waiting(f"Reading {file}"):
        source, samples, unread, notes = _read(file, option or [], file_format, largest_mb)
    if not samples:
        raise Refused(*unread, f"No readout was found in {file.name}.")
    try:
        with waiting(f"Converting {file}"):
            made = converted(samples, into, source)
    except Misuse as error:
        raise Refused(f"{file.name} cannot be written as {into.format.name}. {error}") from error
    missing = [*unread, *made.left_out]
    if missing and not leave_out:
        raise Refused(*missing, f"Nothing was written; --leave-out writes the rest ({_number(made)}).")
    with new_file(output, force=force) as made_file:
        made_file.write(made.data)
    _show(output, made, [*missing, *notes], as_json)


def _read(
    file: Path, option: list[str], file_format: str | None, largest_mb: float
) -> tuple[Format | None, list[Sample], list[str], list[str]]:
    """The format, readouts, why others are none, and what is in the file beside them. Raises Refused, Misuse."""
    from drivers.files import ReaderFile, Unreadable, formats, options_of  # noqa: PLC0415
    from drivers.reading import Sample  # noqa: PLC0415

    given, chosen = options_given(formats(), option), format_named(formats(), file_format)
    samples: list[Sample] = []
    unread: list[str] = []
    notes: list[str] = []
    try:
        with ReaderFile(file, largest_mb, chosen) as opened:
            known = opened.format
            for each in opened.readings(options_of(known, of_format(known, given)) if known else None):
                if isinstance(each, Sample):
                    samples.append(each)
                elif isinstance(each, str):
                    notes.append(f"{opened.name}, {each}.")
                else:
                    unread.append(each.reason)
    except Unreadable as error:
        raise Refused(str(error)) from error
    return known, samples, unread, notes


def _show(output: Path, made: Converted, missing: list[str], as_json: bool) -> None:
    if as_json:
        emit({
            "file": str(output), "bytes": len(made.data), "readouts": made.readouts, "left_out": missing,
            "not_said": made.not_said, "said_by_itself": made.said_by_itself, "read_with": made.read_with,
        })  # fmt: skip
        return
    tell(f"{output}: {_number(made)}.")
    for sentence in (*missing, *made.not_said, *made.said_by_itself):
        tell(sentence)


def _number(made: Converted) -> str:
    return f"{made.readouts} readout{'s' if made.readouts > 1 else ''}"
