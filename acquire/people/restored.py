"""After a restore people are who they were before it: a backup brings nobody back, and takes nobody away."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import Any

from acquire.canonical import utc_now
from acquire.people.accounts import every_account, log_ins_ended, row_of
from acquire.people.linked import carried
from acquire.people.log_ins import hours_of
from acquire.store import audit

WHY = "kept over a restore"


def carry_over(connection: sqlite3.Connection, replaced: sqlite3.Connection, who: str) -> list[str]:
    """Bring accounts, passwords, links and hours as they stood in the store that a backup replaces; every log-in ends.

    Returns whose account, password or link came from there. Inside the caller's transaction.
    """
    rows: list[audit.Row] = []
    kept: list[str] = []
    here = {each.id: each for each in every_account(connection)}
    for account in every_account(replaced):
        now = here.get(account.id)
        changed = []
        if now is None or replace(now, version=account.version) != account:
            changed.append(row_of(replace(account, version=(now.version if now else 0) + 1), who, WHY))
        newest, had = _password(replaced, account.id), _password(connection, account.id)
        if newest is not None and (had is None or had["hash"] != newest["hash"]):
            n = (had["n"] if had else 0) + 1
            changed.append(audit.row("account_password", **{**dict(newest), "n": n, "at": utc_now()}))
        rows += changed
        kept += [account.id] if changed else []
    linked = carried(connection, replaced, who, WHY)
    rows += linked
    kept += [each for row in linked if (each := str(row.values["account"])) not in kept]
    if (hours := hours_of(replaced)) != hours_of(connection):
        rows.append(audit.row("log_in_hours", hours=hours, reason=WHY, who=who, at=utc_now()))
    rows += log_ins_ended(connection)
    if rows:
        audit.keep(connection, who, f"accounts {WHY}", "accounts", rows=rows, new=", ".join(kept))
    return kept


def _password(connection: sqlite3.Connection, account: str) -> Any:
    newest = "SELECT account, n, hash, who FROM account_password WHERE account = ? ORDER BY n DESC LIMIT 1"
    return connection.execute(newest, (account,)).fetchone()
