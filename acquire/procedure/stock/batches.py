"""Batches: what all of their elements have in common, and the site's limits for them."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import asdict, dataclass
from typing import Any

from acquire.canonical import utc_now
from acquire.dosimetry.luminescence import Background, Depletion, depletion_corrected
from acquire.errors import Refused
from acquire.procedure.documents.people import two_people
from acquire.store import audit
from acquire.store.database import transaction

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch, one version.

    background              when the background is taken off, as in a plan: after an element's sensitivity, or before
    limit_gy                what an element may receive in all; None: the site states no limit
    limit_readings          how often it may be read in all
    depletion_per_reading   OSL: the fraction of its signal that one reading takes away, and the form that corrects it
    """

    batch: str
    kind: str
    material: str
    background: Background
    limit_gy: float | None = None
    limit_readings: int | None = None
    depletion_per_reading: float | None = None
    depletion: Depletion | None = None


def put_batch(
    connection: sqlite3.Connection, who: str, batch: Batch, reason: str | None = None, confirmed_by: str | None = None
) -> int:
    """Enter a batch, or another version of it by two people with a reason; returns the version. The same changes
    nothing. Raises Refused."""
    _check(batch)
    with transaction(connection):
        version, last = _newest(connection, batch.batch)
        if last == batch:
            return version
        if last is not None:
            two_people(
                f"Batch {batch.batch} is in the store with other terms; it is changed", who, confirmed_by, reason
            )
            if last.kind != batch.kind:
                raise Refused(f"Batch {batch.batch} is of kind {last.kind}; another kind is another batch.")
        values = asdict(batch) | {"version": version + 1, "who": who, "at": utc_now()}
        if last is not None:
            values |= {"reason": reason, "confirmed_by": confirmed_by}
        new = f"v{version + 1}, {batch.kind} {batch.material}"
        rows = [audit.row("element_batch", **values)]
        audit.keep(connection, who, "batch of elements", batch.batch, rows=rows, new=new, reason=reason)
    return version + 1


def get_batch(connection: sqlite3.Connection, name: str) -> Batch:
    """The newest version of a batch. Raises Refused, naming those there are."""
    _, found = _newest(connection, name)
    if found is None:
        known = ", ".join(batches(connection)) or "none yet (acquire elements batch)"
        raise Refused(f"The store has no batch '{name}'; it has {known}.")
    return found


def batches(connection: sqlite3.Connection) -> list[str]:
    """The names of all batches."""
    return [row["batch"] for row in connection.execute("SELECT DISTINCT batch FROM element_batch ORDER BY batch")]


def must_be_id(name: str, what: str) -> None:
    """Raises Refused for what cannot name an element or batch in a plan."""
    if not _ID.fullmatch(name):
        raise Refused(f"'{name}' cannot name {what}: letters, digits, '.', '_' and '-', the first a letter or digit.")


def _newest(connection: sqlite3.Connection, name: str) -> tuple[int, Batch | None]:
    row = connection.execute(
        "SELECT * FROM element_batch WHERE batch = ? ORDER BY version DESC LIMIT 1", (name,)
    ).fetchone()
    return (0, None) if row is None else (int(row["version"]), _batch(row))


def _batch(row: sqlite3.Row) -> Batch:
    values: dict[str, Any] = {name: row[name] for name in Batch.__slots__}
    return Batch(**values)


def _check(batch: Batch) -> None:
    must_be_id(batch.batch, "a batch")
    if not batch.material.strip():
        raise Refused("A batch needs its material, for example 'LiF:Mg,Ti 3x3x0.9 mm'.")
    if (batch.depletion is None) != (batch.depletion_per_reading is None):
        raise Refused("Depletion needs both: how much one reading takes away, and the form (growing or falling).")
    if batch.depletion is not None and batch.depletion_per_reading is not None:
        depletion_corrected([1.0], batch.depletion_per_reading, batch.depletion)
    for limit, unit in ((batch.limit_gy, "Gy"), (batch.limit_readings, "readings")):
        if limit is not None and limit <= 0:
            raise Refused(f"A limit of {limit:g} {unit} lets nothing be measured; it must be above 0.")
