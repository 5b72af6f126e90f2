"""calibration begin, add, compute, confirm, reject, list, show, touched, ended: coefficients, and what ends them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

import typer

from acquire.cli import completing, file_calibrations
from acquire.cli.elements import day, either
from acquire.cli.place import By, ConfigOption, StoreOption, number, open_store
from acquire.terminal.output import Json, emit, say, table, tell
from drivers import Misuse

app = typer.Typer(no_args_is_help=True, help="Calibrations: of elements and readers, and of files; what ended them.")

Calibration = Annotated[str, typer.Argument(metavar="CALIBRATION")]


def register(parent: typer.Typer) -> None:
    """Add these commands."""
    file_calibrations.register(app)
    parent.add_typer(app, name="calibration")


@app.command("begin")
def begin(
    batch: str,
    reader: Annotated[str, typer.Option(help="The instrument that reads the elements.")],
    issues: Annotated[Literal["ecc", "rcf", "ecc+rcf"], typer.Option(help="Element corrections, the reader, or both.")],
    dose_gy: Annotated[float, number("--dose-gy", "The known dose, in Gy.")],
    u_percent: Annotated[float, number("--u-percent", "Its standard uncertainty, k = 1, in percent.")],
    source: Annotated[str, typer.Option(help="The beam or source it is given in.")],
    rule: Annotated[Literal["grubbs", "modified-z", "none"], typer.Option(help="By which rule elements are outside.")],
    outside: Annotated[Literal["withdrawn", "to-repeat"], typer.Option(help="What becomes of elements outside.")],
    valid_until: Annotated[str, typer.Option(metavar="DATE", help="The last day on which it holds.")],
    by: By,
    rule_limit: Annotated[float | None, number("--rule-limit", "grubbs: significance; modified-z: score.")] = None,
    dof: Annotated[float | None, number("--dof", "Degrees of freedom of the dose's uncertainty.")] = None,
    repeat_u_percent: Annotated[
        float | None, number("--repeat-u-percent", "With one cycle: how a readout repeats, k = 1, in percent.")
    ] = None,
    repeat_dof: Annotated[float | None, number("--repeat-dof", "Its degrees of freedom.")] = None,
    repeat_source: Annotated[str | None, typer.Option(help="Where that is from.")] = None,
    change_limit_percent: Annotated[
        float | None, number("--change-limit-percent", "How far a reader's coefficient may be from the last one.")
    ] = None,
    history_percent: Annotated[
        float | None, number("--history-percent", "How far an element's correction may be from its own earlier ones.")
    ] = None,
    ecc_range: Annotated[
        tuple[float, float] | None, typer.Option(metavar="LOW HIGH", help="Which element corrections are believed.")
    ] = None,
    coefficient_range: Annotated[
        tuple[float, float] | None,
        typer.Option(metavar="LOW HIGH", help="Which coefficients of the reader are believed, in their unit."),
    ] = None,
    readings: Annotated[int, typer.Option(help="How often each element is read in a cycle.")] = 1,
    readout: Annotated[list[str] | None, typer.Option(help="What the record that counts says, key=value.")] = None,
    channel: Annotated[str | None, typer.Option(help="The detector of the reader that counts.")] = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    as_json: Json = False,
) -> None:
    """Begin a calibration session. What a clinic decides has no default."""
    from acquire.procedure.stock import calibrating  # noqa: PLC0415

    terms: dict[str, Any] = {
        "dose_gy": dose_gy, "dose_u_percent": u_percent, "dose_dof": dof, "source": source, "rule": rule,
        "rule_limit": rule_limit, "outside": outside, "valid_until": day("--valid-until", valid_until),
        "repeat_u_percent": repeat_u_percent, "repeat_dof": repeat_dof, "repeat_source": repeat_source,
        "change_limit_percent": change_limit_percent, "history_percent": history_percent,
        "ecc_range": ecc_range, "coefficient_range": coefficient_range,
        "readings": readings, "channel": channel,
        "readout": dict(_pair(each) for each in readout or ()),
    }  # fmt: skip
    with open_store(config, store) as connection:
        name = calibrating.begin(connection, by, batch, reader, issues, terms)
    emit({"calibration": name}) if as_json else tell(name)


@app.command("add")
def add(
    calibration: Calibration,
    role: Annotated[Literal["irradiated", "blank"], typer.Argument()],
    by: By,
    elements: Annotated[
        list[str] | None, typer.Argument(metavar="ELEMENT...", autocompletion=completing.elements)
    ] = None,
    batch: Annotated[str | None, typer.Option("--batch", help="All elements of this batch that are in use.")] = None,
    cycle: Annotated[int, typer.Option(help="Which annealing, irradiation and readout: 1, 2, ...")] = 1,
    at: Annotated[str | None, typer.Option(help="When they were irradiated: 2027-02-05T10:31:00+01:00.")] = None,
    run: Annotated[
        str | None,
        typer.Option(help="The reader run, by where it begins, or the file; else the first readings from now on."),
    ] = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    as_json: Json = False,
) -> None:
    """Enter elements that were irradiated to the dose, or that are read as blanks."""
    from acquire.procedure.stock import calibrating  # noqa: PLC0415
    from acquire.procedure.stock.elements import every_element  # noqa: PLC0415
    from acquire.procedure.stock.history import is_set_aside  # noqa: PLC0415

    either(elements, batch)
    with open_store(config, store) as connection:
        names = elements or [
            e.element for e in every_element(connection, batch) if not is_set_aside(connection, e.element)
        ]
        calibrating.add(connection, calibration, by, role, names, cycle=cycle, moment=at, run=run)
    if as_json:
        emit({"calibration": calibration, "role": role, "cycle": cycle, "elements": names})
    else:
        tell(f"{calibration}: {len(names)} {role} in cycle {cycle}.")


@app.command("compute")
def compute(
    calibration: Calibration, by: By, config: ConfigOption = None, store: StoreOption = None, as_json: Json = False
) -> None:
    """Compute the coefficients from what was read, and show them with everything that lies outside."""
    from acquire.procedure.stock import calibrating  # noqa: PLC0415

    with open_store(config, store) as connection:
        output = calibrating.compute(connection, calibration, by)
    emit({"calibration": calibration, **output}) if as_json else _print(calibration, output)


@app.command("confirm")
def confirm(
    calibration: Calibration, by: By, config: ConfigOption = None, store: StoreOption = None, as_json: Json = False
) -> None:
    """A second person stands by what was computed, or was entered from a file: from now on it is in force."""
    from acquire.procedure.stock import calibrating  # noqa: PLC0415

    with open_store(config, store) as connection:
        if file_calibrations.is_of_file(connection, calibration):
            said = file_calibrations.confirmed(connection, calibration, by)
            emit(said) if as_json else tell(f"{calibration} of {said['of']} is in force, confirmed by {by}.")
            return
        version = calibrating.confirm(connection, calibration, by)
    if as_json:
        emit({"calibration": calibration, "version": version, "state": "confirmed"})
    else:
        tell(f"{calibration} v{version} is in force, confirmed by {by}.")


@app.command("reject")
def reject(
    calibration: Calibration,
    by: By,
    reason: Annotated[str, typer.Option("--reason", help="What is wrong with it.")],
    config: ConfigOption = None,
    store: StoreOption = None,
    as_json: Json = False,
) -> None:
    """Reject a calibration; one that is in force is withdrawn, and the results it touched are listed."""
    from acquire.procedure.stock import calibrating  # noqa: PLC0415
    from acquire.procedure.stock.touched import touched as touched_by  # noqa: PLC0415

    with open_store(config, store) as connection:
        if file_calibrations.is_of_file(connection, calibration):
            state, found = file_calibrations.given_up(connection, calibration, by, reason)
        else:
            state = calibrating.give_up(connection, calibration, by, reason)
            found = [asdict(each) for each in touched_by(connection, calibration)]
    if as_json:
        emit({"calibration": calibration, "state": state, "touched": found})
        return
    tell(f"{calibration} is {state}.")
    _print_touched(found)


@app.command("touched")
def touched(
    calibration: Calibration, config: ConfigOption = None, store: StoreOption = None, as_json: Json = False
) -> None:
    """Every result that a calibration is in, of the store or of a calibration file."""
    from acquire.procedure.stock.touched import touched as touched_by  # noqa: PLC0415

    with open_store(config, store) as connection:
        found = [asdict(each) for each in touched_by(connection, calibration)]
    emit({"calibration": calibration, "touched": found}) if as_json else _print_touched(found)


@app.command("list")
def calibration_list(config: ConfigOption = None, store: StoreOption = None, as_json: Json = False) -> None:
    """Every calibration session with its state."""
    from acquire.procedure.stock.summary import summaries  # noqa: PLC0415

    with open_store(config, store) as connection:
        found = summaries(connection)
    if as_json:
        emit(found)
        return
    columns = ("calibration", "batch", "reader", "issues", "state", "confirmed_by", "valid_until", "ended")
    rows = [(*(each[name] for name in columns), _coefficient(each["coefficient"])) for each in found]
    table("Calibrations", (*columns, "coefficient"), rows)


@app.command("show")
def show(
    calibration: Calibration, config: ConfigOption = None, store: StoreOption = None, as_json: Json = False
) -> None:
    """One calibration session: its terms, what was entered and is not read yet, what it gave, and who stands by it."""
    from acquire.procedure.stock.summary import summary  # noqa: PLC0415

    with open_store(config, store) as connection:
        found = summary(connection, calibration)
    if as_json:
        emit(found)
        return
    for key in ("batch", "reader", "issues", "state", "started_by", "confirmed_by", "valid_until", "ended"):
        tell(f"{key}: {found[key] or ''}")
    for name, value in found["terms"].items():
        if name != "stated":
            tell(f"{name}: {value}")
    for sentence in found["unread"]:
        say(f"Not read: {sentence}.")
    if found["output"] is not None:
        _print(calibration, found["output"])


@app.command("ended")
def ended(
    equipment: Annotated[str, typer.Argument(metavar="READER", help="The detector, instrument or reader.")],
    what: Annotated[
        str,
        typer.Argument(metavar="WHAT", help="repair, fall, cable, lamp, high-voltage, photomultiplier, filter, ..."),
    ],
    at: Annotated[str, typer.Option(help="When, with its offset: 2027-02-05T10:31:00+01:00.")],
    by: By,
    reason: Annotated[str, typer.Option("--reason", help="What was done.")],
    config: ConfigOption = None,
    store: StoreOption = None,
    as_json: Json = False,
) -> None:
    """Something happened to a detector, an instrument or a reader that ends its calibrations from that moment on."""
    from acquire.procedure.stock.events import ended as event  # noqa: PLC0415
    from acquire.procedure.stock.summary import summaries  # noqa: PLC0415

    said: Any = what
    with open_store(config, store) as connection:
        event(connection, equipment, said, at, reason, by)
        ends = [e["calibration"] for e in summaries(connection) if e["reader"] == equipment and e["ended"]]
        of_files = file_calibrations.ended_of_files(connection, equipment, at)
        unknown = file_calibrations.named_nowhere(connection, equipment)
    ends += of_files
    if as_json:
        emit({"equipment": equipment, "what": what, "at": at, "ended": ends, "touched": of_files})
        return
    tell(f"{equipment}: {what} at {at}. Ended: {', '.join(ends) or 'no calibration of the store'}.")
    if unknown:
        say(f"No inventory and no batch of this store names {equipment}: is it spelt as there?")
    file_calibrations.print_touched(of_files)


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals and value):
        raise Misuse(f"--readout: '{text}' is no key=value, such as recordType=TL.")
    return key, value


def _coefficient(found: dict[str, Any] | None) -> str:
    if found is None:
        return ""
    return f"{found['name']} {found['value']:.5g} {found['unit']} (u {found['u_percent']:.2g} %)"


def _print(calibration: str, output: dict[str, Any]) -> None:
    rows = [
        (e["element"], f"{e['ecc']:.4f}", f"{e['u_percent']:.2f}", f"{e['dof']:g}" if "dof" in e else "",
         f"{e['scatter_percent']:.2f}" if "scatter_percent" in e else "")
        for e in output.get("elements", ())
    ]  # fmt: skip
    if rows:
        table(f"Element corrections of {calibration}", ("element", "ECC", "u %", "dof", "own scatter %"), rows)
    if output["outside"]:
        columns = ("element", "why", "becomes")
        table("Outside", columns, [tuple(each[name] for name in columns) for each in output["outside"]])
    if (found := output.get("coefficient")) is not None:
        parts = [(r["name"], f"{r['u_percent']:.3f}", r["kind"], f"{r['dof']:g}" if "dof" in r else "", r["source"])
                 for r in found["rows"]]  # fmt: skip
        table("Budget of the coefficient", ("part", "u %", "type", "dof", "source"), parts)
        value = f"{found['name']} = {found['numbers']} = {found['value']:.6g} {found['unit']}"
        tell(f"{value}, u = {found['u_percent']:.2f} %, U = {found['expanded_percent']:.2f} % (k = {found['k']:.2f})")
    if (change := output.get("change")) is not None:
        tell(f"Change against {change['from']}: {change['percent']:+.2f} %")
    for sentence in output["why"]:
        say(sentence)
    tell(f"{calibration}: {output['decision']}.")


def _print_touched(found: list[dict[str, Any]]) -> None:
    if not found:
        tell("It is in no result.")
        return
    columns = ("session", "point", "version", "at", "decision", "dose_gy")
    table("Results it is in", columns, [tuple(each[name] for name in columns) for each in found])
