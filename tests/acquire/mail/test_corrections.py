"""A signed record that is corrected: whoever had the old one is told, once, and who cannot be told stands there."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from mail_servers import Clocks, Inbox, mail_server, notices_config
from people_known import everybody
from signable import interpreted, ready, reviewed, whole

from acquire.duties import Role
from acquire.mail import Courier, Sender
from acquire.mail.known import recipients_not_known
from acquire.people import change, get_account, log_in
from acquire.people.looks import looked_at_record
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.session import get_session
from acquire.procedure.signing.corrections import corrections, told_of, who_had
from acquire.procedure.signing.standing import standing
from acquire.procedure.signing.writing import amend, give
from acquire.store.database import connect

T = TypeVar("T")


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[tuple[sqlite3.Connection, str]]:
    connection = connect(tmp_path / "store.db", create=True)
    session = await ready(connection)
    with everybody():
        yield connection, session
        assert verify_store(connection) == []
    connection.close()


def courier(connection: sqlite3.Connection, port: int, clocks: Clocks | None = None) -> Courier:
    async def use(work: Callable[[sqlite3.Connection], T]) -> T:
        return work(connection)

    config = notices_config(port)
    assert config.mail is not None
    return Courier(use, config, Sender(config.mail, Path("/"), 5.0), clocks or Clocks())


async def test_whoever_signed_printed_or_was_given_a_version_is_told_of_its_correction_once(made: Any) -> None:
    connection, session = made
    whole(connection, session)
    give(connection, session, 1, b"bytes", "html", "the hospital's chart", "MP-1")
    assert looked_at_record(
        connection, session, "version 1 as html", log_in(connection, get_account(connection, "MP-2"))
    )
    assert looked_at_record(
        connection, session, "the draft as html", log_in(connection, get_account(connection, "MD-1"))
    )
    assert corrections(connection) == []
    amend(connection, session, "a chip was read again", "RO-1")
    assert who_had(connection, session, 2) == ["MP-1", "RO-1", "MP-2", "the hospital's chart"]
    reviewed(connection, session, "MP-2")
    assert corrections(connection) == [], "what is not signed yet corrects nothing"
    interpreted(connection, session)
    assert who_had(connection, session, 2) == ["MP-1", "the hospital's chart"], "who signed the new one knows it"
    inbox = Inbox()
    async with mail_server(inbox) as port:
        for _ in range(2):
            await courier(connection, port).look()
    assert inbox.to == ["mp-1@clinic.example"]
    mail = inbox.mails[0]
    assert str(mail["Subject"]) == f"Corrected: version 2 of the record of {session}"
    assert f"acquire session versions {session}" in str(mail.get_payload())
    assert "chip" not in str(mail.get_payload())
    assert told_of(connection, session, 2) == [("MP-1", "mailed")]
    assert [each.untold for each in corrections(connection)] == [("the hospital's chart",)]
    assert standing(connection, get_session(connection, session)).is_signed, "to tell of it changes nothing"


async def test_a_correction_that_no_server_takes_is_said_and_tried_again(made: Any) -> None:
    connection, session = made
    whole(connection, session)
    amend(connection, session, "typing", "RO-1")
    reviewed(connection, session, "MP-2")
    interpreted(connection, session)
    inbox, clocks = Inbox(), Clocks()
    inbox.refuses = ["550 no"]
    async with mail_server(inbox) as port:
        told = courier(connection, port, clocks)
        await told.look()
        await told.look()
        assert told_of(connection, session, 2) == [("MP-1", "not-delivered")]
        clocks.pass_(61)
        await told.look()
    assert told_of(connection, session, 2) == [("MP-1", "not-delivered"), ("MP-1", "mailed")]


async def test_recipients_who_could_acknowledge_nothing_are_named(made: Any) -> None:
    connection, _ = made
    config = notices_config(25)
    assert recipients_not_known(connection, config) == []
    change(connection, "MP-1", "AD-1", roles=[Role.DOSIMETRIST], reason="x")
    change(connection, "MP-2", "AD-1", state="locked", reason="x")
    said = recipients_not_known(connection, config)
    assert said == [
        "the recipient 'MP-1' of notices is no physicist in the store, and could acknowledge nothing",
        "the account of the recipient 'MP-2' of notices is locked",
    ]
    other = config.model_copy(update={"recipient": (config.recipient[0].model_copy(update={"name": "MP-7"}),)})
    assert recipients_not_known(connection, other) == [
        "the recipient 'MP-7' of notices has no account in the store, and could acknowledge nothing"
    ]
