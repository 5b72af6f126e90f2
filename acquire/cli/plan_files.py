"""plan templates, new, from-dicom: a plan document to be completed, from a template and a treatment plan's file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from acquire.cli import completing
from acquire.cli.place import By, ConfigOption, StoreOption, named_once, two_names
from acquire.cli.writing import Force, new_file, wrote
from acquire.plain_files import name_of, read_plain
from acquire.terminal.output import Json, emit, say, table

Output = Annotated[Path, typer.Option("--output", "-o", help="File to write.")]
Given = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="Values that are known, by their place's name.")
]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("templates")(plan_templates)
    app.command("new")(plan_new)
    app.command("from-dicom")(plan_from_dicom)


def plan_templates(
    name: Annotated[str | None, typer.Argument(metavar="[TEMPLATE]", help="One, with what it asks for.")] = None,
    as_json: Json = False,
) -> None:
    """The templates of plans; of one, every value that it asks for."""
    from acquire.plan_templates import template, templates  # noqa: PLC0415

    found = templates() if name is None else [template(name)]
    if as_json:
        emit([{"template": t.name, "says": t.says, "asks": [_asked(p) for p in t.places]} for t in found])
    elif name is None:
        rows = [(t.name, t.says, len(t.places)) for t in found]
        table("Templates", ("template", "what for", "asks for"), rows)
    else:
        asks = [(p.name, p.kind, p.says) for p in found[0].places]
        table(found[0].says, ("value", "kind", "what it is"), asks)


def plan_new(
    template: Annotated[str, typer.Argument(metavar="TEMPLATE")],
    output: Output,
    given: Given = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """A plan document from a template, with the values that are given; the others are still asked for in it."""
    from acquire.plan_templates import filled  # noqa: PLC0415
    from acquire.plan_templates import template as template_of  # noqa: PLC0415
    from acquire.plan_templates.filling import of_words  # noqa: PLC0415

    chosen = template_of(template)
    text = filled(chosen.text, of_words(chosen.text, _given(given)))
    with new_file(output, force=force) as file:
        file.write(text.encode())
    _told(output, text, {"template": chosen.name}, as_json=as_json)


def plan_from_dicom(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    order: Annotated[str, typer.Option(help="The order that the plan is for.", autocompletion=completing.orders)],
    template: Annotated[str, typer.Option(help="One of `acquire plan templates`.")],
    output: Output,
    by: By,
    given: Given = None, force: Force = False,
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """A plan document from an approved DICOM RT Plan: ports, energies, MU, gantry, SSD, or source and dwell times.

    No expected dose is taken from a beam dose. Another file than that of the plan that is here puts that plan's
    expected doses back to "to be confirmed".
    """
    from acquire.cli.orders import orders_room  # noqa: PLC0415
    from acquire.plan_templates import template as template_of  # noqa: PLC0415
    from acquire.plan_templates.filling import filled, of_words  # noqa: PLC0415
    from acquire.plan_templates.from_rt_plan import document  # noqa: PLC0415
    from acquire.procedure.documents.identities import same_patient  # noqa: PLC0415
    from acquire.procedure.documents.order import get_order  # noqa: PLC0415
    from acquire.procedure.session.planning import get_plan  # noqa: PLC0415
    from acquire.procedure.session.rt_plan_seen import another_rt_plan, saw_rt_plan  # noqa: PLC0415
    from acquire.rtplan import LARGEST, read_rt_plan  # noqa: PLC0415

    chosen, words = template_of(template), _given(given)
    plan = read_rt_plan(read_plain(file, LARGEST), name_of(file))
    with orders_room(config, store) as (connection, patients, _):
        get_order(connection, order)
        compared = same_patient(connection, patients, order, plan.patient)
        newest = connection.execute("SELECT max(version) FROM plan WHERE order_id = ?", (order,)).fetchone()[0]
        text = document(chosen, plan, order, (newest or 0) + 1)
        text = filled(text, of_words(text, words))
        with new_file(output, force=force) as made:  # nothing is written down of a plan whose document cannot be made
            saw_rt_plan(connection, order, plan.uid, plan.sha256, by)
            made.write(text.encode())
        waits = another_rt_plan(connection, get_plan(connection, order, newest)) if newest else None
    said = {"template": chosen.name, "order": order, "uid": plan.uid, "sha256": plan.sha256, "waits": waits}
    if not compared:
        say(f"Not compared: of the patient of order {order} no record number is known to hold the file's against.")
    if waits:
        say(waits)
    _told(output, text, {**said, "patient": "as in the order" if compared else "not compared"}, as_json=as_json)


def _given(words: list[str] | None) -> Mapping[str, str]:
    return named_once(words or (), lambda word: two_names(word, "NAME=VALUE", "port=B1"), "value")


def _told(path: Path, text: str, said: Mapping[str, Any], *, as_json: bool) -> None:
    from acquire.procedure.documents.to_fill import places  # noqa: PLC0415

    asks = places(text)
    sentence = f"{path}: {len(asks)} value(s) are still asked for; `acquire plan check` says which."
    wrote(path, sentence, as_json=as_json, **said, asks=[_asked(p) for p in asks])


def _asked(place: Any) -> dict[str, Any]:
    return {"name": place.name, "kind": place.kind, "says": place.says, "lines": list(place.lines)}
