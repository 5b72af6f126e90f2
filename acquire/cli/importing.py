"""import: what is in reader files, by the formats there are; and, where asked for, into the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from acquire.cli import completing
from acquire.cli.judged import Judging, findings_json, limits_of, told_of
from acquire.cli.place import ConfigOption
from acquire.errors import Refused
from acquire.terminal.output import Json, emit, say, table, tell
from acquire.terminal.progress import waiting
from drivers import Misuse

if TYPE_CHECKING:
    from acquire.cli.giving import Given
    from acquire.quality import Finding
    from drivers.files import Format, Rejected
    from drivers.reading import Sample

QUALITY_CONTROL = ("pmt-noise", "reference-light", "background")
LARGEST_MB = 64.0  # a program that reads a file holds up to 25 times its size (measured, WinREMS)


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("import")(import_files)


def import_files(
    files: Annotated[list[Path], typer.Argument(help="TLD or OSL reader files.", metavar="FILE...")],
    option: Annotated[list[str] | None, typer.Option(help="An option of the files' format, key=value.")] = None,
    file_format: Annotated[str | None, typer.Option("--format", help="Read all files as this format.")] = None,
    largest_mb: Annotated[float, typer.Option(help="A larger file is not read.")] = LARGEST_MB,
    limits: Annotated[Path | None, typer.Option(help="The site's limits for curves, a TOML file.")] = None,
    keep: Annotated[
        bool, typer.Option("--store", help="Give them to the service (--config) as well, which stores them.")
    ] = False,
    instrument: Annotated[
        str | None,
        typer.Option(help="With --store: whose files they are.", autocompletion=completing.instruments),
    ] = None,
    config: ConfigOption = None,
    as_json: Json = False,
) -> None:
    """What is in reader files: readouts, what was rejected and why, and what to doubt. Without --store nothing is
    stored; with it the files go into the drop folder of the reader, and from there the way of every reading.

    The files of one reader run are given together: its curves are judged against each other.
    """
    if keep and option:
        raise Misuse("--option is for looking: what is stored is read with the settings of the instrument.")
    from drivers.files import formats, problems  # noqa: PLC0415 - only here

    judging = Judging(limits_of(limits))
    options = options_given(formats(), option or [])
    chosen = format_named(formats(), file_format)
    listed: list[dict[str, Any]] = []
    readouts: list[dict[str, Any]] = []
    with waiting("Reading") as now:
        for n, file in enumerate(files, 1):
            now(f"Reading {file} ({n} of {len(files)})")
            told, of_file = _file(file, options, chosen, largest_mb, judging)
            listed.append(told)
            readouts += of_file
        now("Judging the curves")
        findings = judging.findings()
    for sentence in problems():
        say(sentence)
    empty = [f["file"] for f in listed if f["readouts"] == 0]
    given = _give(files, listed, config, instrument) if keep and not empty else []
    _show(listed, readouts, findings, given, as_json)
    if len(empty) == len(listed):
        raise Refused("No readout was found in these files.")
    if keep and empty:
        raise Refused(f"No readout was found in {', '.join(empty)}: nothing was stored.")


def _give(
    files: Sequence[Path], listed: Sequence[Mapping[str, Any]], config: Path | None, instrument: str | None
) -> list[Given]:
    from acquire.cli.giving import give  # noqa: PLC0415 - brings the configuration

    return give(config, [(file, each["format"]) for file, each in zip(files, listed, strict=True)], instrument)


def options_given(known: Mapping[str, Format], given: list[str]) -> dict[str, str]:
    """key=value texts. Raises Misuse for a key that is an option of no format."""
    allowed = sorted({key for each in known.values() for key in each.options.model_fields})
    options = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not equals or key not in allowed:
            raise Misuse(f"'{each}' is no option of a file format; write key=value, the keys are {', '.join(allowed)}.")
        options[key] = value
    return options


def of_format(fmt: Format, options: Mapping[str, str]) -> dict[str, str]:
    """Those of the options that a format has."""
    return {key: value for key, value in options.items() if key in fmt.options.model_fields}


def format_named(known: Mapping[str, Format], name: str | None) -> Format | None:
    """The format that was named. Raises Misuse."""
    if name is not None and name not in known:
        raise Misuse(f"There is no file format '{name}'; there are {', '.join(known)}.")
    return known[name] if name else None


def _file(
    file: Path, options: dict[str, str], chosen: Format | None, largest_mb: float, judging: Judging
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What is told of a file, and of its readouts. Raises Misuse for a wrong value of an option."""
    from drivers.files import ReaderFile, Unreadable, options_of, shown  # noqa: PLC0415

    readouts: list[dict[str, Any]] = []
    reasons: list[str] = []
    notes: list[str] = []
    name, fmt = shown(str(file)), None  # of one that cannot be read, the path that was given
    try:
        with ReaderFile(file, largest_mb, chosen) as opened:
            known = opened.format
            given = opened.readings(options_of(known, of_format(known, options)) if known else None)
            _sort(given, readouts, reasons, notes, judging)
        name, fmt = opened.name, known.name if known else None
    except Unreadable as error:
        reasons.append(f"{error}{_as_columns(file) if chosen is None else ''}")
    told = {"file": name, "format": fmt, "readouts": len(readouts), "rejected": len(reasons)}
    return told | {"reason": " ".join(reasons) or None, "notes": notes}, readouts


def _as_columns(file: Path) -> str:
    """Where else a file is read that no reader wrote: what programs for glow curves exchange; else nothing."""
    from acquire.glow import looks_like_columns  # noqa: PLC0415 - brings scipy

    if not file.is_file():
        return ""
    try:
        with file.open("rb") as there:
            head = there.read(4096).decode("utf-8", "replace")
    except OSError:
        return ""
    return " It looks like two columns of temperature and signal: `acquire fit` reads those." * looks_like_columns(head)


def _sort(
    given: Iterable[Sample | Rejected | str], readouts: list[dict[str, Any]], reasons: list[str], notes: list[str],
    judging: Judging,
) -> None:  # fmt: skip
    from drivers.reading import Sample  # noqa: PLC0415

    for each in given:
        if isinstance(each, Sample):
            readouts.append(_readout(each))
            judging.add(each, len(readouts))
        elif isinstance(each, str):
            notes.append(each)
        else:
            reasons.append(each.reason)


def _show(
    listed: list[dict[str, Any]], readouts: list[dict[str, Any]], findings: list[Finding], given: list[Given],
    as_json: bool,
) -> None:  # fmt: skip
    if as_json:
        stored = {"given": [asdict(each) for each in given]} if given else {}
        emit({"files": listed, "readouts": readouts, **findings_json(findings), **stored})
        return
    of_file = ("file", "format", "readouts", "rejected", "reason")
    table("Files", of_file, [tuple(f[c] for c in of_file) for f in listed])
    of_readout = (
        "element",
        "kind",
        "channel",
        "points",
        "sum",
        "unit",
        "flags",
    )  # in --json: what its record says of itself
    table("Readouts", of_readout, [tuple(_cell(r.get(c)) for c in of_readout) for r in readouts])
    for file in listed:
        for note in file["notes"]:
            tell(f"{file['file']}, {note}.")
    for sentence in told_of(findings):
        tell(sentence)
    for each in given:
        tell(f"{each.file} is given to {each.instrument}, which stores it: {each.lies}.")


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.8g}"
    return ", ".join(value) if isinstance(value, list) else value


def _readout(sample: Sample) -> dict[str, Any]:
    signal = sample.axes.get("signal") or next(iter(sample.axes.values()), None)
    element = sample.element
    if element is not None and sample.element_index is not None:
        element = f"{element}.{sample.element_index}"
    said = {
        "channel": sample.channel,
        "record": sample.role if sample.role != "sample" else None,
        "position": sample.position,
        "run": sample.run,
        "reader": sample.reader,
        "software": sample.software,
        "flags": [str(flag) for flag in sample.flags],
        "attributes": sample.attributes,
    }
    return {
        "file": sample.origin["file"],
        "element": element,
        "kind": sample.role if sample.role in QUALITY_CONTROL else sample.kind,
        "points": len(signal.values) if signal else 1,
        "sum": sample.value,
        "unit": sample.unit,
    } | {key: value for key, value in said.items() if value}
