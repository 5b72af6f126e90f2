"""A session of people who logged in, measured and calculated, to be signed."""

from __future__ import annotations

import sqlite3
from typing import Any

from noticed import WITHIN, calculated, diode_case
from people_known import everybody, staffed

from acquire.people import get_account
from acquire.procedure.signing.writing import write
from acquire.record import build
from acquire.record.signing import sign


async def ready(connection: sqlite3.Connection, nc: float = WITHIN) -> str:
    """One diode's port, measured by MD-1 and calculated by MP-1; the order is RO-1's."""
    staffed(connection)
    with everybody():
        case = diode_case()
        case.add(connection)
        return await calculated(connection, case, nc)


def to_sign(connection: sqlite3.Connection, session: str) -> str:
    return str(build(connection, session)["to_sign"])


def signs(connection: sqlite3.Connection, session: str, who: str) -> Any:
    return sign(connection, session, get_account(connection, who), to_sign(connection, session))


def reviewed(connection: sqlite3.Connection, session: str, who: str = "MP-1") -> None:
    write(connection, session, "review", "Within the tolerance; agrees with the plan.", who)
    signs(connection, session, who)


def interpreted(connection: sqlite3.Connection, session: str, who: str = "RO-1") -> None:
    write(connection, session, "interpretation", "The entrance dose is as planned.", who)
    write(connection, session, "decision", "No change.", who, "unchanged")
    signs(connection, session, who)


def whole(connection: sqlite3.Connection, session: str) -> None:
    """A version signed by both."""
    reviewed(connection, session)
    interpreted(connection, session)
