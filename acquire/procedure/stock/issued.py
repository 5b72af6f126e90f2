"""Which coefficients are in force: confirmed by a second person, not withdrawn, in their time, not ended by an event.

Of several the one that was confirmed last counts. A coefficient of a reader ends with whatever was done to the reader
after its readings; element corrections compare elements with each other, and stay.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from acquire.canonical import parse
from acquire.procedure.stock.events import EquipmentEvent, ends_of
from acquire.procedure.stock.terms import Terms


@dataclass(frozen=True, slots=True)
class Issued:
    """One confirmed calibration. `first_read`: when its first reading was taken, or of stated ones when confirmed."""

    id: str
    batch: str
    reader: str
    issues: str
    terms: Terms
    version: int
    output: Mapping[str, Any]
    computed_by: str
    confirmed_by: str
    confirmed_at: str
    valid_from: date
    first_read: str

    @property
    def certificate(self) -> str:
        """What stands for it as the source of a factor: results and records print it."""
        of = self.terms.certificate if self.issues == "stated" else f"{self.terms.dose_gy:g} Gy, {self.terms.source}"
        return f"calibration {self.id} v{self.version} ({of}), computed by {self.computed_by}, confirmed by" \
               f" {self.confirmed_by}"  # fmt: skip

    @property
    def eccs(self) -> dict[str, float]:
        """Element corrections by element; none where only the reader was calibrated."""
        return {} if self.issues == "rcf" else {e["element"]: e["ecc"] for e in self.output["elements"]}

    @property
    def has_coefficient(self) -> bool:
        """Whether it issues a coefficient of the reader."""
        return "coefficient" in self.output

    @property
    def value(self) -> dict[str, Any]:
        """Value and unit of the reader's coefficient."""
        return {name: self.output["coefficient"][name] for name in ("value", "unit")}

    def holds(self, on: date) -> bool:
        """Whether a day lies within its time, both ends included."""
        return self.valid_from <= on <= self.terms.valid_until


def issued(connection: sqlite3.Connection, batch: str | None = None) -> list[Issued]:
    """Every confirmed calibration that was not withdrawn, the one confirmed last at the end; of a batch or of all."""
    rows = connection.execute(
        "SELECT c.*, m.version, m.computed_by, m.who AS confirmed_by, m.at AS confirmed_at, m.valid_from, r.output,"
        " r.inputs FROM element_calibration_mark m JOIN element_calibration c ON c.id = m.calibration"
        " JOIN element_calibration_result r ON r.calibration = m.calibration AND r.version = m.version"
        " WHERE m.mark = 'confirmed' AND (?1 IS NULL OR c.batch = ?1) AND NOT EXISTS (SELECT 1 FROM"
        " element_calibration_mark w WHERE w.calibration = m.calibration AND w.mark = 'withdrawn')"
        " ORDER BY m.audit_entry",
        (batch,),
    )
    return [_issued(row) for row in rows]


def _issued(row: sqlite3.Row) -> Issued:
    times = [part["read_at"] for part in parse(row["inputs"]).get("parts", ()) if "read_at" in part]
    return Issued(
        row["id"], row["batch"], row["reader"], row["issues"], Terms.model_validate(parse(row["terms"])),
        row["version"], parse(row["output"]), row["computed_by"], row["confirmed_by"], row["confirmed_at"],
        date.fromisoformat(row["valid_from"]), min(times, default=row["confirmed_at"]),
    )  # fmt: skip


def corrections(found: Sequence[Issued], on: date) -> dict[tuple[str, str], Issued]:
    """By (element, reader), the calibration whose element correction holds on a day."""
    return {(name, each.reader): each for each in found if each.holds(on) for name in each.eccs}


def ended_by(connection: sqlite3.Connection, each: Issued) -> EquipmentEvent | None:
    """What was done to the reader since the calibration was read; None where nothing ended it."""
    read = datetime.fromisoformat(each.first_read)
    return next((e for e in ends_of(connection, each.reader) if datetime.fromisoformat(e.moment) >= read), None)


def coefficient_of(connection: sqlite3.Connection, batch: str, reader: str, on: date) -> tuple[Issued | None, str]:
    """The calibration that gives the reader's coefficient for a batch on a day, and else why there is none."""
    found = [e for e in issued(connection, batch) if e.reader == reader and e.has_coefficient]
    if not found:
        return None, f"no calibration session has given {reader} a coefficient for batch {batch}"
    newest = found[-1]
    for each in reversed(found):
        if each.holds(on) and ended_by(connection, each) is None:
            return each, ""
    if (event := ended_by(connection, newest)) is not None:
        return None, f"{newest.id} of {reader} ended with '{event.what}' at {event.moment} ({event.reason.rstrip('.')})"
    return None, f"{newest.id} of {reader} holds from {newest.valid_from} to {newest.terms.valid_until}"
