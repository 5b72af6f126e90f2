"""The dated tables of unit limits in the store: added by a person for stated days of service, never changed, withdrawn
with a reason. What is read of them is pure (acquire.billing).
"""

from __future__ import annotations

import hashlib
import sqlite3
from datetime import date, timedelta

from acquire.billing.cms_files import excerpt, kind_of, mue_limits, pair_edits
from acquire.billing.payer_file import read_payer_table
from acquire.billing.tables import Table
from acquire.canonical import utc_now
from acquire.errors import Refused
from acquire.procedure.documents import kept
from acquire.store import audit
from acquire.store.database import transaction

KIND = "billing table"
NAMES = {
    "mue-practitioner": "CMS MUE, practitioners", "mue-hospital": "CMS MUE, outpatient hospital",
    "pairs": "CMS code pairs",
}  # fmt: skip
QUARTER = timedelta(days=100)  # CMS publishes these tables by quarter


def add_table(
    connection: sqlite3.Connection, name: str, body: bytes, who: str, valid: tuple[date, date] | None
) -> tuple[int, Table]:
    """Read and keep a table; returns its number. `valid`: the first and last date of service, of a file of CMS.

    Raises FileProblem for a file that is none; Refused where its days are not stated, or stated twice.
    """
    table, keep = _read(name, body, valid)
    sha256, file = kept.to_keep(connection, KIND, name, keep)
    row = audit.row(
        "billing_table", what="added", kind=table.kind, name=table.name, valid_from=table.valid_from.isoformat(),
        valid_until=table.valid_until.isoformat(), file_sha256=table.sha256, sha256=sha256, who=who, at=utc_now(),
    )  # fmt: skip
    with transaction(connection):
        keys = audit.keep(connection, who, "billing table added", table.name, rows=[*file, row], new=table.sha256)
    return int(keys[-1][0]), table


def withdraw_table(connection: sqlite3.Connection, number: int, who: str, reason: str) -> None:
    """A table holds no longer, with the reason. Raises Refused: no such table, withdrawn already, no reason."""
    if not reason.strip():
        raise Refused("Say why the table is withdrawn.")
    with transaction(connection):
        row = connection.execute("SELECT * FROM billing_table WHERE n = ? AND what = 'added'", (number,)).fetchone()
        if row is None:
            raise Refused(f"There is no table {number}; `acquire billing table list` shows them.")
        if connection.execute("SELECT 1 FROM billing_table WHERE withdraws = ?", (number,)).fetchone():
            raise Refused(f"Table {number} was withdrawn already.")
        same = {key: row[key] for key in ("kind", "name", "valid_from", "valid_until", "file_sha256", "sha256")}
        gone = audit.row(
            "billing_table", what="withdrawn", **same, withdraws=number, reason=reason, who=who, at=utc_now()
        )
        audit.keep(connection, who, "billing table withdrawn", row["name"], rows=[gone], old=str(number), reason=reason)


def tables(connection: sqlite3.Connection) -> list[tuple[int, Table]]:
    """The tables that stand, each with its number, in the order in which they were added."""
    rows = connection.execute(
        "SELECT * FROM billing_table t WHERE what = 'added' AND NOT EXISTS"
        " (SELECT 1 FROM billing_table w WHERE w.withdraws = t.n) ORDER BY n"
    ).fetchall()
    return [(row["n"], _stored(connection, row)) for row in rows]


def _stored(connection: sqlite3.Connection, row: sqlite3.Row) -> Table:
    name, body = kept.fetch(connection, row["sha256"])
    days = date.fromisoformat(row["valid_from"]), date.fromisoformat(row["valid_until"])
    return _table(row["kind"], name, body, row["file_sha256"], days)


def _read(name: str, body: bytes, valid: tuple[date, date] | None) -> tuple[Table, bytes]:
    """The table, and what is kept of its file."""
    sha256 = hashlib.sha256(body).hexdigest()
    if b"payer-table/" in body[:65536]:
        if valid is not None:
            raise Refused(f"{name} states its days itself; leave --from and --until out.")
        return _table("payer", name, body, sha256, None), body
    kind = kind_of(body, name)
    if valid is None:
        raise Refused(
            f"{name} ({NAMES[kind]}) does not say for which dates of service it holds; give --from and --until, as its"
            " page at CMS states them."
        )
    if not timedelta(0) <= valid[1] - valid[0] <= QUARTER:
        raise Refused(f"{NAMES[kind]} is published by quarter; {valid[0]} to {valid[1]} is none.")
    table = _table(kind, name, body, sha256, valid)
    return table, excerpt(table.pairs) if kind == "pairs" else body


def _table(kind: str, name: str, body: bytes, sha256: str, valid: tuple[date, date] | None) -> Table:
    if kind == "payer" or valid is None:
        payer = read_payer_table(body, name)
        return Table(
            "payer", payer.payer, payer.valid_from, payer.valid_until, sha256, limits=payer.limits, apart=payer.apart
        )
    if kind == "pairs":
        return Table(kind, NAMES[kind], *valid, sha256, pairs=pair_edits(body, name))
    return Table(kind, NAMES[kind], *valid, sha256, limits=mue_limits(body, name, kind))
