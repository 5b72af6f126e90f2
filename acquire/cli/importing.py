"""import: what is in reader files, by the formats there are. Nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from acquire.errors import Refused
from acquire.terminal.output import Json, emit, say, table
from drivers import Misuse

if TYPE_CHECKING:
    from drivers.files import FileReadings, Format
    from drivers.reading import Sample

LARGEST_MB = 64.0  # a program that reads a file holds up to 25 times its size (measured, WinREMS)


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("import")(import_files)


def import_files(
    files: Annotated[list[Path], typer.Argument(help="TLD or OSL reader files.", metavar="FILE...")],
    option: Annotated[list[str] | None, typer.Option(help="An option of the files' format, key=value.")] = None,
    file_format: Annotated[str | None, typer.Option("--format", help="Read all files as this format.")] = None,
    largest_mb: Annotated[float, typer.Option(help="A larger file is not read.")] = LARGEST_MB,
    as_json: Json = False,
) -> None:
    """What is in reader files: readouts, and what was rejected and why. Nothing is stored."""
    from drivers.files import formats, problems  # noqa: PLC0415 - only here

    options = _options(formats(), option or [])
    chosen = _format(formats(), file_format)
    listed: list[dict[str, Any]] = []
    readouts: list[dict[str, Any]] = []
    for file in files:
        found = _read(file, options, chosen, largest_mb)
        if isinstance(found, str):
            listed.append(_file(file, None, 0, 1, found))
        else:
            why = " ".join(r.reason for r in found.rejected) or None
            listed.append(_file(file, found.format, len(found.samples), len(found.rejected), why, found.notes))
            readouts += [_readout(each) for each in found.samples]
    for sentence in problems():
        say(sentence)
    _show(listed, readouts, as_json)
    if all(f["readouts"] == 0 for f in listed):
        raise Refused("No readout was found in these files.")


def _options(known: Mapping[str, Format], given: list[str]) -> dict[str, str]:
    """key=value texts. Raises Misuse for a key that is an option of no format."""
    allowed = sorted({key for each in known.values() for key in each.options.model_fields})
    options = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not equals or key not in allowed:
            raise Misuse(f"'{each}' is no option of a file format; write key=value, the keys are {', '.join(allowed)}.")
        options[key] = value
    return options


def _format(known: Mapping[str, Format], name: str | None) -> Format | None:
    """The format that was named. Raises Misuse."""
    if name is not None and name not in known:
        raise Misuse(f"There is no file format '{name}'; there are {', '.join(known)}.")
    return known[name] if name else None


def _read(file: Path, options: dict[str, str], chosen: Format | None, largest_mb: float) -> FileReadings | str:
    """What a file gave, or the sentence that says why nothing. Raises Misuse for a wrong value of an option."""
    from drivers.files import Unreadable, options_of, parse_file, read_whole, shown, sniff  # noqa: PLC0415

    try:
        data = read_whole(file, largest_mb, follow=True)
    except Unreadable as error:
        return str(error)
    try:
        fmt = chosen or sniff(data)
    except Misuse as error:
        return f"{shown(file.name)}: {error}"
    declared = {key: value for key, value in options.items() if fmt and key in fmt.options.model_fields}
    given = options_of(fmt, declared) if fmt else None
    try:
        return parse_file(shown(file.name), data, given, fmt)
    except Misuse as error:
        return str(error)


def _show(listed: list[dict[str, Any]], readouts: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        emit({"files": listed, "readouts": readouts})
        return
    of_file = ("file", "format", "readouts", "rejected", "reason")
    table("Files", of_file, [tuple(f[c] for c in of_file) for f in listed])
    of_readout = ("element", "kind", "channel", "points", "sum", "unit", "flags", "attributes")
    table("Readouts", of_readout, [tuple(_cell(r.get(c)) for c in of_readout) for r in readouts])


def _cell(value: Any) -> Any:
    if isinstance(value, dict):
        return ", ".join(f"{key} {text}" for key, text in value.items())
    return ", ".join(value) if isinstance(value, list) else value


def _file(
    path: Path, fmt: str | None, readouts: int, rejected: int, reason: str | None, notes: list[str] | None = None
) -> dict[str, Any]:
    from drivers.files import shown  # noqa: PLC0415

    # As before: a file that was read by its name, one that could not be by the path that was given.
    name = shown(path.name if fmt else str(path))
    return {
        "file": name,
        "format": fmt,
        "readouts": readouts,
        "rejected": rejected,
        "reason": reason,
        "notes": notes or [],
    }


def _readout(sample: Sample) -> dict[str, Any]:
    signal = sample.axes.get("signal") or next(iter(sample.axes.values()), None)
    element = sample.element
    if element is not None and sample.element_index is not None:
        element = f"{element}.{sample.element_index}"
    said = {
        "channel": sample.channel,
        "flags": [str(flag) for flag in sample.flags],
        "attributes": sample.attributes,
    }
    return {
        "file": sample.origin["file"],
        "element": element,
        "kind": sample.kind if sample.role == "sample" else sample.role,
        "points": len(signal.values) if signal else 1,
        "sum": sample.value,
        "unit": sample.unit,
    } | {key: value for key, value in said.items() if value}
