"""Ambient conditions at a chamber: entered by people, and for each reading the entry nearest to it in time.

What cannot be at the site's altitude is refused; what the weather there seldom makes, or jumps against the last entries
at the same machine, counts where a second person confirms it (acquire.procedure.session.ambient_doubts).

A mistyped entry is not taken back: another one replaces it, at the time of the first, with a reason and a second
person. Entries near a reading that contradict each other give no number until one of them is replaced.
"""

from __future__ import annotations

import sqlite3

from acquire.canonical import utc_now
from acquire.dosimetry.station_pressure import PRESSURE_KPA, TEMPERATURE_C, pressure_unit, temperature_unit
from acquire.errors import Refused
from acquire.procedure.documents.people import two_people
from acquire.procedure.records.measured import AmbientConditions
from acquire.procedure.session.ambient_doubts import doubted, needs_second_person, never
from acquire.procedure.session.session import get_session
from acquire.store import audit
from acquire.store.database import transaction


def set_environment(
    connection: sqlite3.Connection,
    session_id: str,
    who: str,
    *,
    temperature_c: float,
    pressure_kpa: float,
    source: str,
    humidity_percent: float | None = None,
    replaces: int | None = None,
    reason: str | None = None,
    confirmed_by: str | None = None,
) -> int:
    """Enter temperature in °C, station pressure in kPa (not reduced to sea level) and relative humidity in percent.

    Returns the entry's number. `replaces`: the number of a mistyped entry of the session, in whose place and at whose
    time this one stands. Raises Refused outside 5 to 45 °C, 80 to 106 kPa or 1 to 100 %: there the unit is probably
    another one; for what no weather makes at the site's altitude; and without a reason and a second person for a
    replacement, for what is seldom there, and for a jump against the last entries at the same machine.
    """
    session = get_session(connection, session_id)
    _believable(temperature_c, pressure_kpa, humidity_percent)
    if not source.strip():
        raise Refused("Say what temperature and pressure were read from (--source).")
    never(session, pressure_kpa)
    if replaces is not None:
        _may_replace(connection, session_id, replaces, who, confirmed_by, reason)
    elif doubts := doubted(connection, session, temperature_c, pressure_kpa):
        needs_second_person(doubts, who, confirmed_by, reason)
    entered = audit.row(
        "environment", session=session_id, temperature_c=temperature_c, pressure_kpa=pressure_kpa,
        humidity_percent=humidity_percent, source=source, at=utc_now(), who=who, replaces=replaces, reason=reason,
        confirmed_by=confirmed_by,
    )  # fmt: skip
    damp = "" if humidity_percent is None else f", {humidity_percent:g} %"
    new = f"{temperature_c} °C, {pressure_kpa} kPa{damp}, {source}"
    old = None if replaces is None else f"air {replaces}"
    with transaction(connection):
        ((n,),) = audit.keep(
            connection, who, "environment", session_id, rows=[entered], old=old, new=new, reason=reason
        )
    return int(n)


def entries(connection: sqlite3.Connection, session_id: str) -> list[AmbientConditions]:
    """What counts of a session's entries, in the order they were made; one that replaces another has its time."""
    rows = connection.execute(
        "SELECT n, temperature_c, pressure_kpa, humidity_percent, source, at, replaces FROM environment"
        " WHERE session = ? ORDER BY n",
        (session_id,),
    ).fetchall()
    at = {row["n"]: row["at"] for row in rows}
    for row in rows:
        if row["replaces"] is not None:
            at[row["n"]] = at[row["replaces"]]
    replaced = {row["replaces"] for row in rows}
    kept = ("n", "temperature_c", "pressure_kpa", "humidity_percent", "source")
    return [
        AmbientConditions(**{name: row[name] for name in kept}, at=at[row["n"]])
        for row in rows
        if row["n"] not in replaced
    ]


def _believable(temperature_c: float, pressure_kpa: float, humidity_percent: float | None) -> None:
    if not TEMPERATURE_C[0] <= temperature_c <= TEMPERATURE_C[1]:
        unit = temperature_unit(temperature_c)
        likely = f"; it looks like {unit}" if unit else ""
        raise Refused(f"{temperature_c} °C is no room temperature; allowed is 5 to 45 °C{likely}.")
    if not PRESSURE_KPA[0] <= pressure_kpa <= PRESSURE_KPA[1]:
        unit = pressure_unit(pressure_kpa)
        likely = f"; it looks like {unit}" if unit else ""
        raise Refused(f"{pressure_kpa} kPa is no station pressure; allowed is 80 to 106 kPa{likely}.")
    if humidity_percent is not None and not 1 <= humidity_percent <= 100:
        raise Refused(
            f"{humidity_percent} % is no relative humidity of a room; allowed is 1 to 100 % (is it a fraction?)."
        )


def _may_replace(
    connection: sqlite3.Connection, session_id: str, n: int, who: str, confirmed_by: str | None, reason: str | None
) -> None:
    counting = [each.n for each in entries(connection, session_id)]
    if n not in counting:
        known = ", ".join(str(each) for each in counting) or "none"
        raise Refused(f"Air {n} does not count in session {session_id}; those that do: {known}.")
    two_people("An entry of the air is replaced", who, confirmed_by, reason)
