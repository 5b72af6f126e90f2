"""Who looked at a patient's identity and at a record stands in the audit trail, and reading waits for nobody."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from command_line import acquire
from messages_v2 import order as v2_order
from people_known import everybody, logged_in
from signable import ready, to_sign, whole

from acquire.errors import Refused
from acquire.orders import Site
from acquire.patients import PatientsFile, beside
from acquire.people import looks as all_looks
from acquire.people.looks import looks
from acquire.procedure.documents.identities import look_up
from acquire.procedure.documents.messages import receive
from acquire.procedure.documents.patients import orders_of_patient
from acquire.procedure.session.session import get_session
from acquire.procedure.signing.standing import standing
from acquire.store.database import connect


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[tuple[sqlite3.Connection, str]]:
    connection = connect(tmp_path / "store.db", create=True)
    yield connection, await ready(connection)
    connection.close()


def report(connection: sqlite3.Connection, session: str, folder: Path, who: str | None, *words: str) -> Any:
    env = {**os.environ, "ACQUIRE_LOGIN": str(folder / "nobody")} if who is None else logged_in(connection, who, folder)
    made = acquire("report", session, "-o", f"{os.urandom(4).hex()}.html", *words, "--store", "sqlite:///store.db",
                   cwd=folder, env=env)  # fmt: skip
    assert made.returncode == 0, made.stderr
    return made


async def test_whoever_prints_a_record_stands_in_the_trail_and_no_signature_is_moved_by_it(
    made: Any, tmp_path: Path
) -> None:
    connection, session = made
    before = to_sign(connection, session)
    report(connection, session, tmp_path, "AU-1")
    assert to_sign(connection, session) == before
    with everybody():
        whole(connection, session)
    report(connection, session, tmp_path, "MP-1", "--format", "json", "--version", "1")
    report(connection, session, tmp_path, None)
    assert standing(connection, get_session(connection, session)).is_signed
    order = get_session(connection, session).order_id
    asked = acquire("order", "looks", order, "--json", "--store", "sqlite:///store.db", cwd=tmp_path)
    found = [(each["who"], each["what"], each["subject"], each["shown"]) for each in json.loads(asked.stdout)]
    assert found == [
        ("AU-1", "record looked at", session, "the draft as html"),
        ("MP-1", "record looked at", session, "version 1 as json"),
        ("acquire", "record looked at", session, "version 1 as html, by somebody who is not logged in"),
    ]
    said = acquire("order", "looks", order, "--store", "sqlite:///store.db", cwd=tmp_path)
    assert "AU-1" in said.stdout


async def test_a_busy_store_is_read_and_says_that_the_look_is_not_written(made: Any, tmp_path: Path) -> None:
    connection, session = made
    env = logged_in(connection, "MP-1", tmp_path)
    connection.execute("BEGIN IMMEDIATE")
    done = acquire("report", session, "-o", "busy.html", "--store", "sqlite:///store.db", cwd=tmp_path, env=env)
    connection.execute("ROLLBACK")
    assert (done.returncode, done.stdout) == (0, "busy.html\n")
    assert "That you looked could not be written down: the store is busy, full or can only be read." in done.stderr
    assert (tmp_path / "busy.html").read_bytes().startswith(b"<!doctype html>")
    assert looks(connection, [get_session(connection, session).order_id]) == []


def test_an_identity_is_not_shown_where_the_look_cannot_be_written(tmp_path: Path) -> None:
    connection = connect(tmp_path / "store.db", create=True)
    with PatientsFile(beside(tmp_path / "store.db")) as room:
        assert receive(connection, room, v2_order(), Site()).code == "AA"
        (order,) = connection.execute("SELECT id FROM orders").fetchone()
        look_up(connection, room, order, "MD-1")
        (found,) = looks(connection, orders_of_patient(connection, order))
        assert (found.who, found.what, found.subject) == ("MD-1", all_looks.IDENTITY, order)
        connection.execute("PRAGMA query_only = ON")
        with pytest.raises(Refused, match="so no identity is shown; try again"):
            look_up(connection, room, order, "MD-1")
    connection.close()
