"""patients show, original, key, rotate, verify: the identities that are kept apart from the measurements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from acquire.cli.amiss import consulted
from acquire.cli.orders import orders_room
from acquire.cli.place import By, ConfigOption, OrderId, SecondPerson, StoreOption, file_bytes, store_path
from acquire.cli.writing import Force, new_file, wrote
from acquire.errors import Refused
from acquire.terminal.output import Json, emit, tell, told
from acquire.terminal.progress import waiting
from drivers import Misuse

if TYPE_CHECKING:
    from acquire.patients import Identity

patients = typer.Typer(no_args_is_help=True, help="Who the patients are, kept apart from the measurements.")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(patients, name="patients")


@patients.command("show")
def patients_show(
    order: OrderId, by: By,
    history: Annotated[bool, typer.Option("--history", help="And what was known before.")] = False,
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Who the patient of an order is: for the record alone. That somebody looked is kept in the audit trail."""
    from acquire.procedure.documents.identities import look_up  # noqa: PLC0415
    from acquire.procedure.documents.patient_changes import versions_of  # noqa: PLC0415

    with orders_room(config, store) as (connection, room, _):
        patient, identity = look_up(connection, room, order, by)
        before = versions_of(connection, room, patient) if history else []
    if as_json:
        emit({"patient": patient, **_plain(identity)} | ({"versions": [
            {"version": v.version, "at": v.at, "who": v.who, "why": v.why, **_plain(v.identity)} for v in before
        ]} if history else {}))  # fmt: skip
        return
    tell(f"patient: {patient}")
    _say(identity)
    for each in before:
        tell(f"v{each.version}, {each.at}, {each.who}{', ' if each.why else ''}{each.why}")
        _say(each.identity)


def _plain(identity: Identity) -> dict[str, Any]:
    return {
        "name": identity.name, "birth_date": identity.birth_date, "sex": identity.sex,
        "identifiers": [
            {"value": each.value, "kind": each.kind, "authority": each.authority} for each in identity.identifiers
        ],
    }  # fmt: skip


def _say(identity: Identity) -> None:
    for key in ("name", "birth_date", "sex"):
        tell(f"{key}: {getattr(identity, key)}")
    for each in identity.identifiers:
        tell(f"identifier: {each.value} ({' of '.join(filter(None, (each.kind, each.authority)))})")


@patients.command("correct")
def patients_correct(
    order: OrderId,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The right identity: patient-form/1 (TOML).")],
    by: By, confirmed_by: SecondPerson,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the audit trail.")],
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Put the mistyped identity of an order's patient right, by two people; what was known before stays."""
    from acquire.orders.form import read_patient  # noqa: PLC0415
    from acquire.procedure.documents.identities import patient_now  # noqa: PLC0415
    from acquire.procedure.documents.patient_changes import correct  # noqa: PLC0415

    right = read_patient(file_bytes(file), str(file))
    with orders_room(config, store) as (connection, room, _):
        patient = patient_now(connection, order)
        said = correct(connection, room, patient, right, by, confirmed_by, reason)
    told(f"{said[:1].upper()}{said[1:]}.", as_json=as_json, order=order, patient=patient)


@patients.command("original")
def patients_original(
    order: OrderId, by: By, output: Annotated[Path, typer.Option("--output", "-o", help="The new file.")],
    version: Annotated[int | None, typer.Option(help="Of the order; the newest by default.")] = None,
    force: Force = False,
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """The file or message that an order came as, byte by byte. That somebody looked is kept in the audit trail."""
    from acquire.procedure.documents.identities import original_of  # noqa: PLC0415

    with orders_room(config, store) as (connection, room, _):
        name, body = original_of(connection, room, order, by, version)
    with new_file(output, force=force) as file:
        file.write(body)
    said = f"{output}: {name}, {len(body)} bytes, as it came."
    wrote(output, said, as_json=as_json, order=order, name=name, bytes=len(body))


@patients.command("key")
def patients_key(
    output: Annotated[Path, typer.Option("--output", "-o", help="The new key file.")], as_json: Json = False
) -> None:
    """Make a key for the patients' file: to be named as key_file under [patients], and to be kept elsewhere, too."""
    from acquire.patients import make_key  # noqa: PLC0415

    make_key(output)
    said = f"{output} holds a new key. Without it no identity can be read: keep a copy elsewhere."
    told(said, as_json=as_json, file=str(output))


@patients.command("rotate")
def patients_rotate(
    key: Annotated[Path, typer.Option("--key", help="The new key file.")],
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Encrypt all identities anew with another key, or for the first time; then name it in the configuration."""
    from acquire.config import PatientsConfig  # noqa: PLC0415
    from acquire.config_part import orders_part  # noqa: PLC0415
    from acquire.patients import PatientsError, read_key  # noqa: PLC0415
    from acquire.procedure.documents.site import patients_of  # noqa: PLC0415

    if config is None and store is None:
        raise Misuse("Say whose patients: --config CONFIG (or ACQUIRE_CONFIG), or --store sqlite:///PATH.")
    kept, folder = PatientsConfig(), Path()
    if config is not None and store is None:
        kept, folder = orders_part(config).patients, config.parent
        consulted(config)
    new, path = read_key(key), store_path(config, store)
    try:
        room = patients_of(path, kept, folder)
    except PatientsError:
        if kept.key_file is None:
            raise
        room = patients_of(path, kept.model_copy(update={"key_file": None}), folder)  # not encrypted yet
    with room, waiting("Encrypting"):
        done = room.change_key(new)
    told(
        f"{done} rows are encrypted with {key} now. Name it as key_file under [patients] in every configuration.",
        as_json=as_json,
        rows=done,
        key=str(key),
    )


@patients.command("verify")
def patients_verify(config: ConfigOption = None, store: StoreOption = None, as_json: Json = False) -> None:
    """Hold every identity against the mark that the store's audit trail seals."""
    from acquire.procedure.documents.identities import verify_identities  # noqa: PLC0415

    with orders_room(config, store) as (connection, room, _), waiting("Verifying"):
        held, wrong = verify_identities(connection, room)
    if as_json:
        emit({"held": held, "wrong": wrong})
    if wrong:
        raise Refused(*wrong)
    if not as_json:
        tell(f"{held} identities are what was told.")
