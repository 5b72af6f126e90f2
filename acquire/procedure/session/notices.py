"""Notices: what must reach people because of a result, or because one is not there, and what became of each.

A notice is a row made in the transaction of its cause, so that it cannot be forgotten by a program that ends in between
and is never made twice. It is open until every role that it is for has acknowledged it. Some hold the next fraction's
session until a physicist or physician lifts them. Everything here is kept under the audit trail.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from acquire.canonical import parse, utc_now
from acquire.errors import Refused
from acquire.procedure.documents.people import two_people
from acquire.store import audit
from acquire.store.database import transaction
from acquire.store.present import PROGRAM

Cause = Literal["ACTION", "OUT OF TOLERANCE", "TWICE OUT", "INVALID", "RESULT AWAITED", "RESULT NOT THERE"]
Role = Literal["physicist", "physician"]
MarkWhat = Literal["mailed", "not-delivered", "stand-in", "acknowledged", "lifted"]

SAYS: Mapping[Cause, str] = {
    "ACTION": "is beyond the action level",
    "OUT OF TOLERANCE": "is out of tolerance",
    "TWICE OUT": "is out of tolerance for the second time in a row",
    "INVALID": "was measured and gave no number",
    "RESULT AWAITED": "has no result yet, and one is due soon",
    "RESULT NOT THERE": "has no result, and its time has come",
}
HOLDS: frozenset[Cause] = frozenset({"ACTION", "TWICE OUT", "RESULT NOT THERE"})
ROLES: Mapping[Cause, tuple[Role, ...]] = {
    cause: ("physicist",) if cause == "INVALID" else ("physicist", "physician") for cause in SAYS
}


@dataclass(frozen=True, slots=True)
class Mark:
    """What happened to a notice; `round` 0 is its first mail, then come the reminders."""

    what: MarkWhat
    role: Role | None
    name: str | None
    round: int | None
    reason: str | None
    who: str
    confirmed_by: str | None
    at: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice about a point of a session, with its marks, oldest first.

    version 0: there was no result. answered: it asked for a result, and there is one now.
    """

    n: int
    session: str
    order: str
    fraction: int
    point: str
    cause: Cause
    version: int
    holds: bool
    simulated: bool
    at: str
    answered: bool
    marks: tuple[Mark, ...]

    @property
    def waits_for(self) -> tuple[Role, ...]:
        """The roles that have not acknowledged it."""
        done = {each.role for each in self.marks if each.what == "acknowledged"}
        return () if self.answered else tuple(role for role in ROLES[self.cause] if role not in done)

    @property
    def lifted(self) -> Mark | None:
        """Who lifted the hold, and why."""
        return next((each for each in self.marks if each.what == "lifted"), None)

    @property
    def is_holding(self) -> bool:
        """Whether the next fraction's session waits for it."""
        return self.holds and self.lifted is None and not self.answered

    @property
    def not_delivered(self) -> list[str]:
        """To whom no mail could be delivered, as far as is known now."""
        last = {each.name: each.what for each in self.marks if each.name is not None}
        return [name for name, what in last.items() if name is not None and what == "not-delivered"]

    @property
    def says(self) -> str:
        """What it is about, in a sentence without a full stop."""
        return f"{self.point} of session {self.session} ({self.order}, fraction {self.fraction}) {SAYS[self.cause]}"

    @property
    def stands(self) -> str:
        """How it stands, in words."""
        if self.answered:
            return "the result has come"
        said = [f"waits for {' and '.join(self.waits_for)}"] if self.waits_for else ["acknowledged"]
        said += ["with the stand-in"] if self.waits_for and any(m.what == "stand-in" for m in self.marks) else []
        said += [f"no mail reached {', '.join(self.not_delivered)}"] if self.not_delivered else []
        if self.holds:
            said.append("HOLDS the next fraction" if self.lifted is None else f"lifted by {self.lifted.who}")
        return "; ".join(said)


def is_made(connection: sqlite3.Connection, session_id: str, point: str, cause: Cause, version: int) -> bool:
    """Whether this notice is there."""
    same = "SELECT 1 FROM notice WHERE session = ? AND point = ? AND cause = ? AND version = ?"
    return connection.execute(same, (session_id, point, cause, version)).fetchone() is not None


def make(
    connection: sqlite3.Connection, session_id: str, point: str, cause: Cause, version: int, who: str = PROGRAM
) -> None:
    """A notice, inside the caller's transaction; nothing where it is there already."""
    if is_made(connection, session_id, point, cause, version):
        return
    n = int(connection.execute("SELECT coalesce(max(n), 0) + 1 FROM notice").fetchone()[0])
    made = audit.row(
        "notice", n=n, session=session_id, point=point, cause=cause, version=version, holds=int(cause in HOLDS),
        at=utc_now(),
    )  # fmt: skip
    audit.keep(connection, who, "notice", f"{session_id} {point}", rows=[made], new=f"{n} arisen")


def mark(
    connection: sqlite3.Connection,
    notice: Notice,
    what: MarkWhat,
    who: str = PROGRAM,
    *,
    role: Role | None = None,
    name: str | None = None,
    round: int | None = None,
    reason: str | None = None,
    confirmed_by: str | None = None,
) -> None:
    """What happened to a notice, inside the caller's transaction."""
    made = audit.row(
        "notice_mark", notice=notice.n, what=what, role=role, name=name, round=round, reason=reason, who=who,
        confirmed_by=confirmed_by, at=utc_now(),
    )  # fmt: skip
    subject = f"{notice.session} {notice.point}"
    audit.keep(connection, who, "notice", subject, rows=[made], new=f"{notice.n} {what}", reason=reason)


def notices(connection: sqlite3.Connection, session_id: str | None = None, *, unread: bool = False) -> list[Notice]:
    """All notices, or those about a session, oldest first; `unread`: those that a role is still to acknowledge."""
    rows = connection.execute(
        "SELECT n.*, s.order_id, s.fraction, s.simulated FROM notice n JOIN session s ON s.id = n.session"
        " WHERE (?1 IS NULL OR n.session = ?1) AND (?2 = 0 OR (SELECT count(*) FROM notice_mark m"
        " WHERE m.notice = n.n AND m.what = 'acknowledged') < CASE n.cause WHEN 'INVALID' THEN 1 ELSE 2 END)"
        " ORDER BY n.n",
        (session_id, int(unread)),
    ).fetchall()
    return [each for each in (_notice(connection, row) for row in rows) if each.waits_for or not unread]


def notice_named(connection: sqlite3.Connection, n: int) -> Notice:
    """Raises Refused when there is none of that number."""
    for each in notices(connection):
        if each.n == n:
            return each
    raise Refused(f"There is no notice {n}; `acquire notices list` shows all.")


def acknowledge(connection: sqlite3.Connection, n: int, who: str, roles: Sequence[Role]) -> Notice:
    """Somebody has read a notice, for each of their roles; said again by a role, nothing is changed.

    Raises Refused where there is none, or where it is for other roles.
    """
    with transaction(connection):
        notice = notice_named(connection, n)
        if not set(roles) & set(ROLES[notice.cause]):
            has = " and ".join(roles) or "neither"
            raise Refused(f"Notice {n} is for the {' and the '.join(ROLES[notice.cause])}; {who} is a {has}.")
        for role in notice.waits_for:
            if role in roles:
                mark(connection, notice, "acknowledged", who, role=role)
    return notice_named(connection, n)


def lift(
    connection: sqlite3.Connection,
    n: int,
    who: str,
    roles: Sequence[Role],
    reason: str,
    confirmed_by: str | None = None,
) -> Notice:
    """The next fraction may be measured again. Beyond the action level a second person confirms it.

    Raises Refused: no hold, lifted already, no reason, neither role, or one person only where two are needed.
    """
    if not roles:
        raise Refused(f"A physicist or physician lifts a hold; {who} is neither.")
    with transaction(connection):
        notice = notice_named(connection, n)
        if not notice.holds or notice.answered:
            raise Refused(f"Notice {n} holds nothing: {notice.says}; {notice.stands}.")
        if notice.lifted is not None:
            raise Refused(f"The hold of notice {n} was lifted by {notice.lifted.who} at {notice.lifted.at}.")
        if not reason.strip():
            raise Refused("Say why the hold is lifted.")
        if notice.cause == "ACTION" or confirmed_by is not None:
            two_people("A hold beyond the action level is lifted", who, confirmed_by, reason)
        mark(connection, notice, "lifted", who, role=roles[0], reason=reason, confirmed_by=confirmed_by)
    return notice_named(connection, n)


def plain(notice: Notice) -> dict[str, Any]:
    """As it stands in JSON: for a command and for the record."""
    return {
        "notice": notice.n, "session": notice.session, "order": notice.order, "fraction": notice.fraction,
        "point": notice.point, "cause": notice.cause, "version": notice.version or None, "at": notice.at,
        "holds": notice.holds, "holding": notice.is_holding, "waits_for": list(notice.waits_for),
        "not_delivered": notice.not_delivered, "says": notice.says, "stands": notice.stands,
        "marks": [asdict(each) for each in notice.marks],
    }  # fmt: skip


def has_result(connection: sqlite3.Connection, session_id: str, point: str) -> bool:
    """Whether the newest version of a point's result is one; INVALID is none."""
    row = connection.execute(
        "SELECT output FROM result WHERE session = ? AND point = ? ORDER BY version DESC LIMIT 1", (session_id, point)
    ).fetchone()
    return row is not None and parse(row["output"])["decision"] != "INVALID"


def _notice(connection: sqlite3.Connection, row: sqlite3.Row) -> Notice:
    marks = connection.execute(
        "SELECT what, role, name, round, reason, who, confirmed_by, at FROM notice_mark WHERE notice = ? ORDER BY n",
        (row["n"],),
    )
    return Notice(
        n=row["n"], session=row["session"], order=row["order_id"], fraction=row["fraction"], point=row["point"],
        cause=row["cause"], version=row["version"], holds=bool(row["holds"]), simulated=bool(row["simulated"]),
        at=row["at"], answered=row["version"] == 0 and has_result(connection, row["session"], row["point"]),
        marks=tuple(Mark(**dict(each)) for each in marks),
    )  # fmt: skip
