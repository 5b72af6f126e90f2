"""elements batch, add, list, show, import, export, event: the stock of chips and dots."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from acquire.cli import completing
from acquire.cli.place import By, ConfigOption, ElementId, StoreOption, file_bytes, number, open_store
from acquire.cli.writing import Force, new_file, wrote
from acquire.plain_files import name_of
from acquire.terminal.output import Json, emit, say, table, tell, told
from acquire.terminal.progress import progress_bar
from drivers import Misuse

app = typer.Typer(no_args_is_help=True, help="The stock of TLD chips and OSL dots: batches, elements, what happened.")

BatchOption = Annotated[str | None, typer.Option("--batch", help="Only of this batch.")]
Changed = Annotated[str | None, typer.Option("--reason", help="To change what is there: why.")]
SecondPerson = Annotated[str | None, typer.Option("--confirmed-by", help="To change what is there: the second person.")]
Day = Annotated[str | None, typer.Option(metavar="DATE", help="Such as 2027-12-31.")]


def register(parent: typer.Typer) -> None:
    """Add these commands."""
    parent.add_typer(app, name="elements")


@app.command("batch")
def batch_put(
    batch: str,
    kind: Annotated[str, typer.Option(help="tld or osl.")],
    material: Annotated[str, typer.Option(help="Such as 'LiF:Mg,Ti 3x3x0.9 mm'.")],
    background: Annotated[str, typer.Option(help="When it is taken off: after-sensitivity or before-sensitivity.")],
    by: By,
    limit_gy: Annotated[float | None, number("--limit-gy", "What an element may receive in all, in Gy.")] = None,
    limit_readings: Annotated[int | None, typer.Option(help="How often an element may be read in all.")] = None,
    depletion_per_reading: Annotated[
        float | None, number("--depletion-per-reading", "OSL: the fraction that one reading takes away.")
    ] = None,
    depletion: Annotated[str | None, typer.Option(help="OSL: growing or falling.")] = None,
    reason: Changed = None,
    confirmed_by: SecondPerson = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    as_json: Json = False,
) -> None:
    """Enter a batch, or change one."""
    from acquire.procedure.documents.asked import element_kinds  # noqa: PLC0415
    from acquire.procedure.stock.batches import Batch, put_batch  # noqa: PLC0415

    _one_of("--kind", kind, tuple(element_kinds()))
    _one_of("--background", background, ("after-sensitivity", "before-sensitivity"))
    said: Any = (batch, kind, material, background, limit_gy, limit_readings, depletion_per_reading, depletion)
    with open_store(config, store) as connection:
        version = put_batch(connection, by, Batch(*said), reason, confirmed_by)
    told(f"Batch {batch} v{version}.", as_json=as_json, batch=batch, version=version)


@app.command("add")
def element_add(
    element: str,
    batch: Annotated[str, typer.Option(help="Its batch.")],
    barcode: Annotated[str, typer.Option(help="As it is scanned.")],
    reader: Annotated[str, typer.Option(help="The instrument that reads it.")],
    read_as: Annotated[str, typer.Option(help="The text the reader gives for it.")],
    by: By,
    element_index: Annotated[int | None, typer.Option(help="Its place on a card, 1 to 4.")] = None,
    expires_on: Day = None,
    reason: Changed = None,
    confirmed_by: SecondPerson = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    as_json: Json = False,
) -> None:
    """Enter one element, or change one."""
    from acquire.procedure.stock.elements import StockElement, put_element  # noqa: PLC0415

    made = StockElement(element, batch, barcode, reader, read_as, element_index, day("--expires-on", expires_on))
    with open_store(config, store) as connection:
        version = put_element(connection, by, made, reason, confirmed_by)
    told(f"Element {element} v{version} of batch {batch}.", as_json=as_json, element=element, version=version)


@app.command("import")
def import_elements(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV table; the first line names the columns.")],
    by: By,
    certificate: Annotated[str | None, typer.Option(help="Where corrections in the table come from.")] = None,
    valid_until: Day = None,
    ecc_range: Annotated[
        tuple[float, float] | None,
        typer.Option(metavar="LOW HIGH", help="Which corrections in it are believed."),
    ] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave bad lines out and import the others.")] = False,
    config: ConfigOption = None,
    store: StoreOption = None,
    as_json: Json = False,
) -> None:
    """Elements from a CSV table: all of them, or none. Corrections in it wait for a second person."""
    from acquire.procedure.stock.importing import import_table  # noqa: PLC0415

    body, until = file_bytes(file), day("--valid-until", valid_until)
    with open_store(config, store) as connection, progress_bar(f"Importing {name_of(file)}") as shown:
        done = import_table(
            connection, body, name_of(file), by, certificate=certificate, valid_until=until, ecc_range=ecc_range,
            skip_bad=skip_bad, progress=shown,
        )  # fmt: skip
    if as_json:
        emit(asdict(done))
        return
    for sentence in done.left_out:
        say(sentence)
    left = f", {len(done.left_out)} lines left out" if done.left_out else ""
    tell(f"{len(done.added)} elements added, {len(done.unchanged)} were there as they are{left}.")
    for name in done.calibrations:
        tell(f"Its corrections are {name}; a second person confirms them: acquire calibration confirm {name}")


@app.command("export")
def export(
    output: Annotated[Path, typer.Option("-o", "--output", help="The CSV file to write.")],
    force: Force = False,
    batch: BatchOption = None,
    semicolons: Annotated[bool, typer.Option("--semicolons", help="Cells apart by ';', as Excel wants it.")] = False,
    config: ConfigOption = None,
    store: StoreOption = None,
    as_json: Json = False,
) -> None:
    """The stock as a CSV table with units, which `import` reads."""
    from acquire.procedure.stock.exporting import stock, table_of  # noqa: PLC0415

    lines = 0
    with (
        open_store(config, store) as connection,
        new_file(output, force=force) as file,
        progress_bar("Exporting") as shown,
    ):
        for line in table_of(stock(connection, batch, shown), ";" if semicolons else ","):
            file.write(line)
            lines += 1
    wrote(output, f"{output}: {lines - 1} elements.", as_json=as_json, elements=lines - 1)


@app.command("list")
def element_list(
    batch: BatchOption = None, config: ConfigOption = None, store: StoreOption = None, as_json: Json = False
) -> None:
    """Every element with its correction in force, its doses, readings and state."""
    from acquire.procedure.stock.exporting import stock  # noqa: PLC0415

    with open_store(config, store) as connection, progress_bar("Elements") as shown:
        found = list(stock(connection, batch, shown))
    if as_json:
        emit(found)
        return
    columns = ("element", "batch", "barcode", "ecc", "Gy in all", "readings", "expires on", "state")
    table("Elements", columns, [
        (e["element"], e["batch"], e["barcode"], _g(e["ecc"]), _g(e["accumulated_gy"]), e["readings"], e["expires_on"],
         e["status"]) for e in found
    ])  # fmt: skip


@app.command("show")
def element_show(
    element: ElementId, config: ConfigOption = None, store: StoreOption = None, as_json: Json = False
) -> None:
    """One element: its life, its clocks, and what forbids its use today."""
    from acquire.procedure.stock.exporting import life  # noqa: PLC0415

    with open_store(config, store) as connection:
        found = life(connection, element)
    if as_json:
        emit(found)
        return
    for key, value in found.items():
        if not isinstance(value, list):
            tell(f"{key}: {_g(value) if isinstance(value, float) or value is None else value}")
    table(
        "Irradiations",
        ("when", "Gy", "where"),
        [(i["moment"], _g(i["dose_gy"]), i["what"]) for i in found["irradiations"]],
    )
    table("Events", ("when", "what", "who", "reason"),
          [(e["moment"] or e["at"], e["what"], e["who"], e["reason"]) for e in found["events"]])  # fmt: skip
    read = [(r["moment"], _g(r["value"]), r["unit"], r["file"]) for r in found["readouts"]]
    table("Readouts", ("when", "value", "unit", "file"), read)
    for sentence in found["not_usable"]:
        say(sentence)


@app.command("event")
def event(
    what: Annotated[
        str, typer.Argument(metavar="WHAT", help="annealed, bleached, irradiated, taken-over, withdrawn or returned.")
    ],
    by: By,
    reason: Annotated[str, typer.Option("--reason", help="Why, or what was done.")],
    elements: Annotated[
        list[str] | None, typer.Argument(metavar="ELEMENT...", autocompletion=completing.elements)
    ] = None,
    batch: Annotated[str | None, typer.Option("--batch", help="All elements of this batch.")] = None,
    at: Annotated[str | None, typer.Option(help="When, with its offset: 2027-02-05T10:31:00+01:00.")] = None,
    dose_gy: Annotated[float | None, number("--dose-gy", "With irradiated and taken-over: how much, in Gy.")] = None,
    u_percent: Annotated[float | None, number("--u-percent", "Its uncertainty, k = 1, in percent.")] = None,
    source: Annotated[str | None, typer.Option(help="The beam or source; of an anneal the oven and programme.")] = None,
    readings: Annotated[int | None, typer.Option(help="With taken-over: how often it was read before.")] = None,
    confirmed_by: Annotated[str | None, typer.Option(help="With returned: the second person.")] = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    as_json: Json = False,
) -> None:
    """What happened to elements and no reader tells. Nothing is overwritten: the newest word counts."""
    from acquire.procedure.stock.elements import every_element  # noqa: PLC0415
    from acquire.procedure.stock.events import ElementEvent, note  # noqa: PLC0415

    either(elements, batch)
    said: Any = what  # held against what is allowed with everything else of it
    made = ElementEvent(said, reason, at, dose_gy, u_percent, readings, source, confirmed_by=confirmed_by)
    with open_store(config, store) as connection:
        names = elements or [e.element for e in every_element(connection, batch)]
        note(connection, names, made, by)
    told(f"{what}: {len(names)} element{'s' if len(names) > 1 else ''}.", as_json=as_json, what=what, elements=names)


def either(elements: list[str] | None, batch: str | None) -> None:
    """Raises Misuse where neither elements nor a batch are named, or both."""
    if (batch is None) == (not elements):
        raise Misuse("Name elements, or a whole batch with --batch.")


def day(option: str, text: str | None) -> date | None:
    """A date of the command line. Raises Misuse."""
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise Misuse(f"{option}: '{text}' is no date; write it as 2027-12-31.") from error


def _one_of(option: str, text: str, allowed: tuple[str, ...]) -> None:
    if text not in allowed:
        raise Misuse(f"{option}: '{text}' is none of {', '.join(allowed)}.")


def _g(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
