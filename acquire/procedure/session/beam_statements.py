"""What people say of beams, each by one and confirmed by another: kept under the audit trail, and nothing overwritten.

Which parts of a signal are the irradiation; that a measurement is of the rest of an interrupted beam; that no beam was
given in a step after all; that the detectors of two points lay as planned.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from acquire.canonical import utc_now
from acquire.procedure.documents.people import two_people
from acquire.store import audit
from acquire.store.database import transaction

IRRADIATION = "irradiation"
What = Literal["rest", "no-beam", "as-planned", "order"]


@dataclass(frozen=True, slots=True)
class PartSaid:
    """One part of a measurement's signal at a point, and what it was; times on the instrument's own clock in s.

    mu: as the console shows it, of every part that is of the irradiation.
    """

    point: str
    measurement: str
    begin_s: float
    end_s: float
    nc: float
    what: str
    reason: str
    who: str
    confirmed_by: str
    mu: float | None = None

    @property
    def counts(self) -> bool:
        """Whether the part belongs to the irradiation of its step."""
        return self.what == IRRADIATION

    @property
    def says(self) -> str:
        """The sentence that stands with the result."""
        was = "is of the irradiation" if self.counts else f"is not of the irradiation ({self.what})"
        mu = "" if self.mu is None else f" and {self.mu:g} MU"
        return (
            f"The part of {self.nc:.4g} nC in {self.end_s - self.begin_s:.1f} s{mu} {was}:"
            f" {self.reason.strip().rstrip('.')} ({self.who}, confirmed by {self.confirmed_by})."
        )


@dataclass(frozen=True, slots=True)
class BeamStatement:
    """One statement of a session.

    subject: of a rest its measurement, of no beam the step, of an order the step in which the beam of `step` came, else
    the two points. of_session, of_step: of a rest, where its beam began, if that was in another session.
    """

    what: What
    step: str | None
    subject: str
    reason: str
    who: str
    confirmed_by: str
    at: str
    of_session: str | None = None
    of_step: str | None = None


def every_part_said(connection: sqlite3.Connection, session_id: str) -> list[PartSaid]:
    """All that was said of parts in a session, oldest first."""
    rows = connection.execute(
        "SELECT point, measurement, begin_s, end_s, nc, what, reason, who, confirmed_by, mu FROM beam_part_said"
        " WHERE session = ? ORDER BY n",
        (session_id,),
    )
    return [PartSaid(**dict(row)) for row in rows]


def beam_statements(connection: sqlite3.Connection, session_id: str, what: What | None = None) -> list[BeamStatement]:
    """All statements of a session (or those of a kind), oldest first."""
    rows = connection.execute(
        "SELECT what, step, subject, reason, who, confirmed_by, at, of_session, of_step FROM beam_statement"
        " WHERE session = ?1 AND (?2 IS NULL OR what = ?2) ORDER BY n",
        (session_id, what),
    )
    return [BeamStatement(**dict(row)) for row in rows]


def rests(connection: sqlite3.Connection, session_id: str) -> Mapping[str, BeamStatement]:
    """The measurements that are the rest of an interrupted beam."""
    return {each.subject: each for each in beam_statements(connection, session_id, "rest")}


def keep_parts(connection: sqlite3.Connection, session_id: str, step: str, said: Sequence[PartSaid]) -> None:
    """One row for each part, and one entry of the audit trail. Raises Refused for one person twice, or no reason."""
    first = said[0]
    two_people("Parts of a beam are assigned", first.who, first.confirmed_by, first.reason)
    at = utc_now()
    rows = [audit.row("beam_part_said", session=session_id, at=at, **asdict(each)) for each in said]
    new = ", ".join(f"{each.nc:.4g} nC at {each.point} {each.what}" for each in said)
    with transaction(connection):
        audit.keep(
            connection, first.who, "beam parts assigned", session_id, rows=rows,
            new=f"{step}: {new}, confirmed by {first.confirmed_by}", reason=first.reason,
        )  # fmt: skip


def measured_elsewhere(connection: sqlite3.Connection, session_id: str, step: str) -> Sequence[tuple[str, str]]:
    """(session, step) of every rest of a step's beam that was measured in another session and has begun."""
    rows = connection.execute(
        "SELECT b.session, b.step FROM beam_statement b JOIN attempt_mark m ON m.measurement = b.subject AND"
        " m.mark = 'begun' WHERE b.of_session = ? AND b.of_step = ? AND NOT EXISTS (SELECT 1 FROM attempt_mark x"
        " WHERE x.measurement = b.subject AND x.mark = 'abandoned' AND x.beam_given = 0) ORDER BY b.n",
        (session_id, step),
    )
    return [(row["session"], row["step"]) for row in rows]


def statement_row(
    session_id: str,
    what: What,
    step: str | None,
    subject: str,
    who: str,
    confirmed_by: str | None,
    reason: str | None,
    of: tuple[str, str] | None = None,
) -> audit.Row:
    """The row of a statement; of: session and step in which its beam began. Raises Refused unless two people say it."""
    said = {
        "rest": "The rest of an interrupted beam is measured",
        "no-beam": "That no beam was given is stated",
        "as-planned": "That two points were measured as planned is stated",
        "order": "The order of the beams is stated",
    }[what]
    two_people(said, who, confirmed_by, reason)
    return audit.row(
        "beam_statement", session=session_id, what=what, step=step, subject=subject, reason=reason, who=who,
        confirmed_by=confirmed_by, at=utc_now(), of_session=of[0] if of else None, of_step=of[1] if of else None,
    )  # fmt: skip
