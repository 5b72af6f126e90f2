"""order add, change, cancel, list, show, messages: the physician's orders, as files, as messages and by hand."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from acquire.cli.amiss import consulted
from acquire.cli.place import By, ConfigOption, OrderId, StoreOption, file_bytes, open_store, store_path
from acquire.cli.signing import cover
from acquire.errors import Refused
from acquire.plain_files import name_of
from acquire.terminal.output import Json, day_and_minute, emit, say, table, tell, told

orders = typer.Typer(no_args_is_help=True, help="The physician's orders.")

OrderFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="FHIR ServiceRequest or Bundle (JSON), HL7 v2, or an order form (TOML).")
]
OrderState = Literal["draft", "ordered", "planned", "measured", "cancelled"]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the audit trail.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    orders.command("cover")(cover)
    app.add_typer(orders, name="order")


@contextmanager
def orders_room(config: Path | None, store: str | None) -> Iterator[tuple[sqlite3.Connection, Any, Any]]:
    """(store, patients' room, site) that a command means. Raises Misuse, FileProblem, StoreError, PatientsError."""
    from acquire.config import OrdersConfig, PatientsConfig  # noqa: PLC0415
    from acquire.config_part import orders_part  # noqa: PLC0415
    from acquire.procedure.documents.site import patients_of, site_of  # noqa: PLC0415

    asked, kept, folder = OrdersConfig(), PatientsConfig(), Path()
    if config is not None:
        part = orders_part(config)
        consulted(config)
        asked, folder = part.orders, config.parent
        kept = part.patients if store is None else kept  # another store has patients of its own
    path = store_path(config, store)
    with open_store(config, store) as connection, patients_of(path, kept, folder) as patients:
        yield connection, patients, site_of(asked)


@orders.command("add")
def order_add(
    file: OrderFile, by: By, config: ConfigOption = None, store: StoreOption = None, as_json: Json = False
) -> None:
    """Take an order for 77331 from a file, whose kind is known by its content; a physicist's wish is a draft."""
    from acquire.orders.read import is_message  # noqa: PLC0415
    from acquire.procedure.documents.order import add_order, copied_need  # noqa: PLC0415

    body = file_bytes(file)
    with orders_room(config, store) as (connection, patients, site):
        if is_message(body):
            _messages(connection, patients, site, body, name_of(file), by, as_json=as_json)
            return
        order = add_order(connection, body, name_of(file), by, patients=patients, site=site)
        notice = copied_need(connection, order)
    _told(order, notice, "is in the store", as_json=as_json)


@orders.command("change")
def order_change(
    file: OrderFile,
    by: By,
    reason: Reason,
    config: ConfigOption = None,
    store: StoreOption = None,
    as_json: Json = False,
) -> None:
    """A new version of an order, from its whole new text; a session under way stops at its next step."""
    from acquire.procedure.documents.order import change_order, copied_need  # noqa: PLC0415

    with orders_room(config, store) as (connection, patients, site):
        order = change_order(connection, file_bytes(file), name_of(file), by, reason, patients=patients, site=site)
        notice = copied_need(connection, order)
    _told(order, notice, f"is v{order.version} now; its plan is to be confirmed against it", as_json=as_json)


@orders.command("cancel")
def order_cancel(
    order: OrderId,
    by: By,
    reason: Reason,
    config: ConfigOption = None,
    store: StoreOption = None,
    as_json: Json = False,
) -> None:
    """Cancel an order: no session of it is started, and one under way stops at its next step."""
    from acquire.procedure.documents.cancelled import cancel_order  # noqa: PLC0415

    with open_store(config, store) as connection:
        cancel_order(connection, order, by, reason)
    told(f"Order {order} is cancelled.", as_json=as_json, order=order, cancelled=True)


@orders.command("list")
def order_list(
    state: Annotated[
        OrderState | None, typer.Option("--state", case_sensitive=False, help="Only those in this state.")
    ] = None,
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """All orders, the newest first, with day and state."""
    from acquire.procedure.session import lists  # noqa: PLC0415

    with open_store(config, store) as connection:
        found = [_order(order) | {"state": now} for order, now in lists.orders(connection, state)]
    if as_json:
        emit(found)
        return
    rows = [(o["id"], o["version"], day_and_minute(o["authored_on"]), o["requester"], o["state"]) for o in found]
    table("Orders", ("order", "version", "authored", "requester", "state"), rows)


@orders.command("show")
def order_show(order: OrderId, config: ConfigOption = None, store: StoreOption = None, as_json: Json = False) -> None:
    """One order with its versions. Who the patient is is not printed."""
    from acquire.procedure.documents.cancelled import cancelled  # noqa: PLC0415
    from acquire.procedure.documents.order import copied_need, get_order, versions_of  # noqa: PLC0415

    with open_store(config, store) as connection:
        newest = get_order(connection, order)
        found = _order(newest)
        notices = [copied_need(connection, newest), cancelled(connection, order)]
        found["notices"] = [str(each) for each in notices if each]
        found["versions"] = [
            {"version": v.version, "at": v.at, "by": v.who, "reason": v.reason} for v in versions_of(connection, order)
        ]
    if as_json:
        emit(found)
    else:
        for key, value in found.items():
            tell(f"{key}: {value}")


@orders.command("messages")
def order_messages(config: ConfigOption = None, store: StoreOption = None, as_json: Json = False) -> None:
    """Messages that were taken, and what the listener refused or could not read, counted."""
    with open_store(config, store) as connection:
        taken = connection.execute("SELECT at, sender, control_id, says FROM message_taken ORDER BY at").fetchall()
        refused = connection.execute(
            "SELECT last_at AS at, what, subject, count, message FROM alarm"
            " WHERE what IN ('order message refused', 'order listener') ORDER BY last_at"
        ).fetchall()
    if as_json:
        emit({"taken": [dict(each) for each in taken], "refused": [dict(each) for each in refused]})
        return
    table("Messages taken", ("at", "sender", "control id", ""), [tuple(each) for each in taken])
    table("Refused or not read", ("last", "what", "of", "times", ""), [tuple(map(str, each)) for each in refused])


def _messages(
    connection: sqlite3.Connection, patients: Any, site: Any, body: bytes, name: str, by: str, *, as_json: bool
) -> None:
    """Take the messages of a file, each by itself. Raises Refused where one was not taken; the others were."""
    from acquire.orders.hl7_message import messages_of_file  # noqa: PLC0415
    from acquire.orders.problems import NotAnOrder  # noqa: PLC0415
    from acquire.procedure.documents.messages import receive  # noqa: PLC0415

    try:
        found = messages_of_file(body)
    except NotAnOrder as error:
        raise Refused(f"{name}: {error}") from error
    answers = [receive(connection, patients, each, site, by=by) for each in found]
    told = [{"control_id": a.control_id, "answer": a.code, "says": a.says, "repeat": a.is_repeat} for a in answers]
    if as_json:
        emit({"messages": told})
    else:
        for each in answers:
            if each.code == "AA":
                tell(each.says + (" (It was here before.)" if each.is_repeat else ""))
    if wrong := [f"{name}, message {a.control_id or '?'}: {a.says}" for a in answers if a.code != "AA"]:
        raise Refused(*wrong)


def _told(order: Any, notice: str | None, what: str, *, as_json: bool) -> None:
    if as_json:
        emit({**_order(order), "notices": [notice] if notice else []})
        return
    if notice:
        say(notice)
    if order.draft:
        say(f"Order {order.id} is a draft: {order.draft}. Nothing is planned, measured or charged on it.")
    tell(f"Order {order.id} {what}.")


def _order(order: Any) -> dict[str, Any]:
    """What may be printed of an order: everything but who the patient is."""
    kept = {name: getattr(order, name) for name in (*order.__slots__, "lacks") if name != "patient"}
    return {name: value if isinstance(value, str | int | float | None) else str(value) for name, value in kept.items()}


@orders.command("looks")
def order_looks(order: OrderId, config: ConfigOption = None, store: StoreOption = None, as_json: Json = False) -> None:
    """Who looked at the identity of this order's patient, and printed a record of the patient's sessions, and when."""
    from dataclasses import asdict  # noqa: PLC0415

    from acquire.people.looks import looks  # noqa: PLC0415
    from acquire.procedure.documents.order import get_order  # noqa: PLC0415
    from acquire.procedure.documents.patients import orders_of_patient  # noqa: PLC0415

    with open_store(config, store) as connection:
        get_order(connection, order)
        found = looks(connection, orders_of_patient(connection, order))
    if as_json:
        emit([asdict(each) for each in found])
        return
    table(f"Looks at the patient of {order}", ("at", "who", "what", "of", "shown"), [
        (each.at, each.who, each.what, each.subject, each.shown) for each in found
    ])  # fmt: skip
