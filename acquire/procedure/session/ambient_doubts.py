"""What is doubted of an entry of temperature and pressure: by the site's altitude, and by what was entered before."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from acquire.canonical import utc_now
from acquire.dosimetry.station_pressure import implausible, impossible
from acquire.errors import Refused
from acquire.procedure.documents.people import two_people
from acquire.procedure.session.planning import get_plan
from acquire.procedure.session.session import Session

# Assumed: how far weather and heating move kPa and °C at one machine within a day, and within a week. What moves more
# is asked for once more; older entries say nothing.
MOVES = ((timedelta(days=1), 1.5, 5.0), (timedelta(days=7), 2.5, 8.0))

LOOKED_AT = 50  # entries, of all machines


def never(session: Session, pressure_kpa: float) -> None:
    """Raises Refused for a pressure that no weather makes at the site's altitude, where that is known."""
    altitude_m = session.inventory.altitude_m
    if altitude_m is not None and (said := impossible(pressure_kpa, altitude_m)):
        raise Refused(said + ("" if said.endswith("?") else "."))


def doubted(connection: sqlite3.Connection, session: Session, temperature_c: float, pressure_kpa: float) -> list[str]:
    """What is to be looked at again before an entry counts, one sentence each."""
    altitude_m = session.inventory.altitude_m
    seldom = None if altitude_m is None else implausible(pressure_kpa, altitude_m)
    return [*([seldom] if seldom else []), *_jumps(connection, session, temperature_c, pressure_kpa)]


def needs_second_person(doubts: Sequence[str], who: str, confirmed_by: str | None, reason: str | None) -> None:
    """Raises Refused with the doubts, unless two people say with a reason that it is so."""
    try:
        two_people("It counts", who, confirmed_by, reason)
    except Refused as refused:
        said = [each if each.endswith("?") else f"{each}." for each in doubts]
        raise Refused(*said, "If it is so, a second person confirms it (--confirmed-by, with --reason).") from refused


def _jumps(
    connection: sqlite3.Connection, session: Session, temperature_c: float, pressure_kpa: float
) -> Iterator[str]:
    last = _last(connection, session)
    if last is None:
        return
    ago = abs(datetime.fromisoformat(utc_now()) - datetime.fromisoformat(last["at"]))
    allowed = next(((kpa, c) for within, kpa, c in MOVES if ago <= within), None)
    if allowed is None:
        return
    hours = f"{ago / timedelta(hours=1):.0f} h before (air {last['n']})"
    pressure = (pressure_kpa, last["pressure_kpa"], allowed[0], "kPa")
    for value, before, most, unit in (pressure, (temperature_c, last["temperature_c"], allowed[1], "°C")):
        if abs(value - before) > most:
            yield (
                f"{value:g} {unit} jumps against the {before:g} {unit} that were entered at {session.plan.machine}"
                f" {hours}: read it again"
            )


def _last(connection: sqlite3.Connection, session: Session) -> sqlite3.Row | None:
    """The newest entry that counts, of any session at the same machine."""
    rows = connection.execute(
        "SELECT e.*, s.order_id, s.plan_version FROM environment e JOIN session s ON s.id = e.session"
        " WHERE NOT EXISTS (SELECT 1 FROM environment later WHERE later.replaces = e.n) ORDER BY e.n DESC LIMIT ?",
        (LOOKED_AT,),
    ).fetchall()
    plans = {(row["order_id"], row["plan_version"]) for row in rows}
    here = {plan for plan in plans if get_plan(connection, *plan).machine == session.plan.machine}
    return next((row for row in rows if (row["order_id"], row["plan_version"]) in here), None)
