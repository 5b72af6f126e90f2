"""A calibration session: begun with its terms, fed with elements, computed, and confirmed by a second person.

Until it is confirmed nothing of it is in force. What it was computed from stays with what it gave, reading by reading.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, get_args
from uuid import uuid4

from pydantic import ValidationError

from acquire.canonical import canonical, digest, parse, utc_now
from acquire.errors import Refused
from acquire.procedure.documents.moment import has_happened
from acquire.procedure.documents.people import same_person
from acquire.procedure.stock import formulas
from acquire.procedure.stock.batches import get_batch
from acquire.procedure.stock.elements import element_named
from acquire.procedure.stock.events import ElementEvent, event_rows
from acquire.procedure.stock.history import is_set_aside
from acquire.procedure.stock.issued import coefficient_of
from acquire.procedure.stock.prepared import prepare
from acquire.procedure.stock.readouts import parts_of
from acquire.procedure.stock.sessions import get_calibration, newest, newest_version, state_of
from acquire.procedure.stock.terms import Issues, Terms
from acquire.store import audit
from acquire.store.database import transaction
from drivers.plain_words import plain


def begin(
    connection: sqlite3.Connection, who: str, batch: str, reader: str, issues: Issues, terms: dict[str, Any]
) -> str:
    """Begin a calibration session; returns its id. `terms`: the fields of Terms. Raises Refused."""
    found = terms_of(terms)
    get_batch(connection, batch)
    if issues not in get_args(Issues) or (issues == "stated") != bool(found.stated):
        raise Refused(f"A calibration issues {', '.join(get_args(Issues))}; '{issues}' does not go with these terms.")
    today = datetime.now(UTC).date()
    if found.valid_until < today:
        raise Refused(f"valid_until {found.valid_until} has passed; today is {today}.")
    _ranges(issues, found)
    if issues != "stated":
        _ = found.outlier_rule  # held against its own limits now, and not when everything is read
    last, _ = coefficient_of(connection, batch, reader, today)
    if "rcf" in issues and last is not None and found.change_limit_percent is None:
        raise Refused(
            f"{reader} has a coefficient for batch {batch} ({last.id}): say by how much the new one may differ in"
            " percent (change_limit_percent)."
        )
    name = f"cal-{uuid4().hex[:8]}"
    rows = [audit.row("element_calibration", id=name, batch=batch, reader=reader, issues=issues,
                      terms=canonical(found.model_dump(mode="json", exclude_none=True)), started_at=utc_now(),
                      started_by=who)]  # fmt: skip
    with transaction(connection):
        audit.keep(connection, who, "calibration begun", name, rows=rows, new=f"{issues} of {batch} on {reader}")
    return name


def add(
    connection: sqlite3.Connection,
    calibration: str,
    who: str,
    role: str,
    elements: Sequence[str],
    *,
    cycle: int = 1,
    moment: str | None = None,
    run: str | None = None,
) -> None:
    """Enter elements that were irradiated to the session's dose, or read as blanks, in one cycle. Raises Refused.

    moment: when they were irradiated. run: the reader run in which their readings are, by where it begins ("FILE, byte
    N", as results print it), or a file that holds one; without it the first readings count that come in after this
    entry.
    """
    row = get_calibration(connection, calibration)
    _is_open(connection, calibration)
    if role not in ("irradiated", "blank") or cycle < 1:
        raise Refused("Elements are entered as irradiated or as blank, in cycle 1, 2, ...")
    if row["issues"] == "stated":
        raise Refused(f"{calibration} states its corrections; nothing is read for it.")
    if (role == "irradiated") == (moment is None):
        raise Refused("Say when the elements were irradiated (with its offset); blanks have no such time.")
    if moment is not None:
        has_happened(moment)
    with transaction(connection):
        for name in elements:
            _fits(connection, row, name)
        known = parts_of(connection, calibration)
        if twice := sorted({p.element for p in known if (p.cycle, p.role) == (cycle, role)} & set(elements)):
            raise Refused(f"{', '.join(twice)} is in cycle {cycle} of {calibration} already.")
        first = len(known) + 1
        rows = [
            audit.row("element_calibration_part", calibration=calibration, n=n, element=name, role=role, cycle=cycle,
                      moment=moment, run=run, at=utc_now(), who=who)
            for n, name in enumerate(dict.fromkeys(elements), start=first)
        ]  # fmt: skip
        new = f"{len(rows)} {role}, cycle {cycle}"
        audit.keep(connection, who, "calibration elements", calibration, rows=rows, new=new)


def compute(connection: sqlite3.Connection, calibration: str, who: str) -> dict[str, Any]:
    """Compute the coefficients from what was read until now, as a new version where anything changed; the output."""
    with transaction(connection):
        row = get_calibration(connection, calibration)
        _is_open(connection, calibration)
        inputs = prepare(connection, row)
        formula = formulas.newest()
        output = formula.calculate(parse(canonical(inputs)))
        made, last = (canonical(inputs), canonical(output)), newest(connection, calibration)
        if last is None or (last["inputs"], last["output"]) != made:
            version = 1 if last is None else last["version"] + 1
            rows = [audit.row("element_calibration_result", calibration=calibration, version=version,
                              formula=formula.name, inputs=made[0], inputs_sha256=digest(made[0]).hex(), output=made[1],
                              output_sha256=digest(made[1]).hex(), at=utc_now(), who=who)]  # fmt: skip
            new = f"v{version} {output['decision']}"
            audit.keep(connection, who, "calibration computed", calibration, rows=rows, new=new)
    return {"version": newest_version(connection, calibration), **output}


def confirm(connection: sqlite3.Connection, calibration: str, who: str) -> int:
    """A second person confirms what was computed last: from today it is in force. Returns the version.

    Elements that lie outside are withdrawn or to be repeated from now on; one that was set aside and has a correction
    again is in use again. Raises Refused for the one who began or computed it, for what is not to be issued, and where
    the readings are others than it was computed from.
    """
    with transaction(connection):
        row, last = get_calibration(connection, calibration), newest(connection, calibration)
        _is_open(connection, calibration)
        if last is None:
            raise Refused(f"{calibration} has not been computed yet (acquire calibration compute).")
        for first in (last["who"], row["started_by"]):
            if same_person(first, who):
                raise Refused(f"{first} began or computed {calibration}; another person must confirm it.")
        output = parse(last["output"])
        if output["why"]:
            raise Refused(f"{calibration} is not to be issued: {' '.join(output['why'])}")
        if canonical(prepare(connection, row)) != last["inputs"]:
            raise Refused(f"What {calibration} was computed from has changed since; compute it again, and look at it.")
        rows = [_mark(connection, calibration, "confirmed", last, who, valid_from=_today().isoformat())]
        rows += _set_aside(connection, calibration, output, last["who"], who)
        new = f"v{last['version']}, computed by {last['who']}"
        audit.keep(connection, who, "calibration confirmed", calibration, rows=rows, new=new)
    return int(last["version"])


def give_up(connection: sqlite3.Connection, calibration: str, who: str, reason: str) -> str:
    """Reject a calibration that is not confirmed, or withdraw one that proved wrong; returns which. Raises Refused.

    A withdrawn one is in force for nothing from now on. Results that were made with it stay as they are
    (acquire.procedure.stock.touched lists them).
    """
    if not reason.strip():
        raise Refused("Say why.")
    with transaction(connection):
        get_calibration(connection, calibration)
        state, last = state_of(connection, calibration), newest(connection, calibration)
        if state in ("rejected", "withdrawn"):
            raise Refused(f"{calibration} is {state} already.")
        mark = "withdrawn" if state == "confirmed" else "rejected"
        meant = last or {"version": 0, "who": "nobody"}
        rows = [_mark(connection, calibration, mark, meant, who, reason=reason)]
        audit.keep(connection, who, f"calibration {mark}", calibration, rows=rows, reason=reason)
    return mark


def _set_aside(
    connection: sqlite3.Connection, calibration: str, output: dict[str, Any], computed_by: str, who: str
) -> list[audit.Row]:
    """What becomes of elements with this calibration, as events that are made with its confirmation."""
    rows: list[audit.Row] = []
    for each in output["outside"]:
        if each["becomes"] in ("withdrawn", "to-repeat"):
            event = ElementEvent(each["becomes"], f"{calibration}: {each['why']}", confirmed_by=who)
            rows += event_rows(connection, [each["element"]], event, computed_by)
    for entry in output.get("elements", ()):
        if is_set_aside(connection, entry["element"]):
            again = ElementEvent("returned", f"{calibration}: it has a correction again", confirmed_by=who)
            rows += event_rows(connection, [entry["element"]], again, computed_by)
    return rows


def _mark(
    connection: sqlite3.Connection, calibration: str, mark: str, meant: Any, who: str, **said: str | None
) -> audit.Row:
    n = connection.execute(
        "SELECT count(*) FROM element_calibration_mark WHERE calibration = ?", (calibration,)
    ).fetchone()[0]
    return audit.row(
        "element_calibration_mark", calibration=calibration, n=n + 1, mark=mark, version=meant["version"],
        computed_by=meant["who"], who=who, at=utc_now(), **said,
    )  # fmt: skip


def _ranges(issues: Issues, terms: Terms) -> None:
    """No sizes of corrections and coefficients are published: the site says which it believes. Raises Refused."""
    if "rcf" not in issues and terms.coefficient_range is not None:
        raise Refused(f"A calibration of {issues} issues no coefficient of a reader (coefficient_range).")
    if ("ecc" in issues or issues == "stated") and terms.ecc_range is None:
        raise Refused("Say which element corrections you believe (ecc_range, lowest and highest); none are published.")
    if "rcf" in issues and terms.coefficient_range is None:
        raise Refused(
            "Say which coefficients of the reader you believe (coefficient_range, lowest and highest, in the"
            " coefficient's unit); none are published."
        )


def terms_of(terms: dict[str, Any]) -> Terms:
    """The terms of a calibration as they are given. Raises Refused with the sentence of the first that cannot be."""
    try:
        return Terms.model_validate({name: value for name, value in terms.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(each) for each in first["loc"])
        raise Refused(f"{f'{where}: ' if where else ''}{plain(first)}.") from error


def _fits(connection: sqlite3.Connection, row: sqlite3.Row, name: str) -> None:
    element = element_named(connection, name)
    if element.batch != row["batch"]:
        raise Refused(f"{name} is of batch {element.batch}; {row['id']} is of batch {row['batch']}.")
    if element.reader != row["reader"]:
        raise Refused(f"{name} is read by {element.reader}; {row['id']} is of {row['reader']}.")


def _is_open(connection: sqlite3.Connection, calibration: str) -> None:
    if (state := state_of(connection, calibration)) not in ("begun", "computed"):
        raise Refused(f"{calibration} is {state}; what it is stays. Begin another one.")


def _today() -> date:
    return datetime.now(UTC).date()
