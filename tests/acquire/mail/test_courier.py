"""Notices reach people by mail, over somebody else's server; whatever it does delays nothing and is not forgotten."""

from __future__ import annotations

import asyncio
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from certificates import Authority
from mail_servers import PASSWORD, USER, Clocks, Inbox, mail_server, notices_config, server_context
from noticed import BEYOND, calculated, diode_case

from acquire.mail import Courier, Sender
from acquire.mail import courier as courier_module
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.notices import Notice, acknowledge, notices
from acquire.store.database import connect

T = TypeVar("T")


@pytest.fixture(scope="module")
def measured_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one notice: beyond the action level."""
    path = tmp_path_factory.mktemp("noticed") / "store.db"
    connection = connect(path, create=True)
    case = diode_case()
    case.add(connection)
    asyncio.run(calculated(connection, case, BEYOND))
    connection.close()
    return path


@pytest.fixture
def store(measured_store: Path, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = connect(Path(shutil.copy(measured_store, tmp_path)))
    yield connection
    connection.close()


def used(connection: sqlite3.Connection) -> Any:
    async def use(work: Callable[[sqlite3.Connection], T]) -> T:
        return work(connection)

    return use


class Told:
    """A courier over a server, with clocks that a test moves."""

    def __init__(self, connection: sqlite3.Connection, port: int, deadline_s: float = 5.0, **mail: Any) -> None:
        self.connection, self.clocks = connection, Clocks()
        self.config = notices_config(port, **mail)
        assert self.config.mail is not None
        self.sender = Sender(self.config.mail, Path("/"), deadline_s)
        self.courier = self.begun_anew()

    def begun_anew(self) -> Courier:
        """As after the end of the program: nothing is remembered but what the store has."""
        self.courier = Courier(used(self.connection), self.config, self.sender, self.clocks)
        return self.courier

    async def after(self, minutes: float) -> None:
        self.clocks.pass_(minutes)
        await self.courier.look()

    @property
    def notice(self) -> Notice:
        return notices(self.connection)[0]

    @property
    def marks(self) -> list[tuple[str, str | None, int | None]]:
        return [(m.what, m.name or m.role, m.round) for m in self.notice.marks]


async def test_both_roles_are_told_the_same_day_and_the_mail_names_no_patient(store: sqlite3.Connection) -> None:
    inbox = Inbox()
    async with mail_server(inbox) as port:
        told = Told(store, port)
        await told.after(0)
        await told.after(1)
    assert inbox.to == ["mp-1@clinic.example", "ro-1@clinic.example"]
    assert told.marks == [("mailed", "MP-1", 0), ("mailed", "RO-1", 0)]
    mail = inbox.mails[0]
    text = str(mail.get_payload())
    assert re.fullmatch(r"Notice 1: ACTION at C2 of s-\w+", str(mail["Subject"]))
    assert "acquire hold lift 1 --by MP-1" in text
    (patient,) = store.execute("SELECT patient FROM orders").fetchone()
    assert patient.split("/")[-1] not in text
    assert not re.search(r"\d+\.\d+ ?(c?Gy|nC|%)", text)
    assert verify_store(store) == []


async def test_unread_for_two_hours_goes_to_the_stand_in_and_reminders_come_until_it_is_read(
    store: sqlite3.Connection,
) -> None:
    inbox = Inbox()
    async with mail_server(inbox) as port:
        told = Told(store, port)
        await told.after(0)
        await told.after(119)
        assert len(inbox.mails) == 2
        await told.after(2)
        assert sorted(inbox.to[2:]) == ["mp-1@clinic.example", "mp-2@clinic.example", "ro-1@clinic.example"]
        assert ("stand-in", "physicist", None) in told.marks
        assert str(inbox.mails[2]["Subject"]).startswith("Reminder 1: ")
        acknowledge(store, 1, "MP-2", ["physicist"])
        await told.after(120)
        assert inbox.to[5:] == ["ro-1@clinic.example"]
        acknowledge(store, 1, "RO-1", ["physician"])
        await told.after(600)
    assert len(inbox.mails) == 6
    assert told.notice.stands == "acknowledged; HOLDS the next fraction"


async def test_no_clock_that_is_set_moves_the_stand_ins_time_and_a_machine_that_was_off_does(
    store: sqlite3.Connection,
) -> None:
    async with mail_server(Inbox()) as port:
        told = Told(store, port)
        await told.after(0)
        told.clocks.day += timedelta(days=3)
        await told.after(10)
        told.clocks.day -= timedelta(days=30)
        await told.after(100)
        assert told.notice.stands.startswith("waits for physicist and physician; HOLDS")
        told.begun_anew()
        told.clocks.boot, told.clocks.boot_s = "boot-2", 5.0
        told.clocks.day += timedelta(minutes=15)
        await told.after(0)
        assert "with the stand-in" in told.notice.stands


async def test_a_program_that_ends_before_it_wrote_down_that_it_sent_sends_the_same_mail_again(
    store: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = Inbox()

    def ends(*_: object) -> None:
        raise SystemExit

    async with mail_server(inbox) as port:
        told = Told(store, port)
        with monkeypatch.context() as patched:
            patched.setattr(courier_module, "_mailed", ends)
            with pytest.raises(SystemExit):
                await told.after(0)
        told.begun_anew()
        await told.after(0)
        await told.after(1)
    assert inbox.to == ["mp-1@clinic.example", "mp-1@clinic.example", "ro-1@clinic.example"]
    assert inbox.mails[0]["Message-ID"] == inbox.mails[1]["Message-ID"] != inbox.mails[2]["Message-ID"]


async def test_greylisting_is_waited_for_and_is_no_failure(store: sqlite3.Connection) -> None:
    inbox = Inbox()
    inbox.refuses = ["451 4.7.1 Greylisted, come again"] * 2
    async with mail_server(inbox) as port:
        told = Told(store, port)
        await told.after(0)
        await told.after(0.1)
        assert inbox.to == []
        await told.after(3)
    assert len(inbox.to) == 2
    assert {what for what, _, _ in told.marks} == {"mailed"}


@pytest.mark.parametrize(
    ("refusal", "tries"), [("550 5.1.1 Jane Doe is unknown", 1), ("450 4.2.0 Jane Doe has no room", 3)]
)
async def test_what_cannot_be_delivered_is_shown_once_without_the_servers_words_and_tried_on(
    store: sqlite3.Connection, refusal: str, tries: int
) -> None:
    inbox = Inbox()
    async with mail_server(inbox) as port:
        told = Told(store, port)
        for _ in range(tries + 2):
            inbox.refuses = [refusal] * 2
            await told.after(130)
        assert told.notice.not_delivered[:2] == ["MP-1", "RO-1"]
        assert len([what for what, name, _ in told.marks if (what, name) == ("not-delivered", "MP-1")]) == 1
        assert f"no mail reached {', '.join(told.notice.not_delivered)}" in told.notice.stands
        assert "Jane" not in str([each.reason for each in told.notice.marks])
        inbox.refuses = []
        await told.after(130)
        assert told.notice.not_delivered == []


async def test_a_connection_lost_in_the_middle_of_a_mail_is_tried_again(store: sqlite3.Connection) -> None:
    inbox = Inbox()
    inbox.drops_data = 1
    async with mail_server(inbox) as port:
        told = Told(store, port)
        await told.after(0)
        assert told.marks == [("mailed", "RO-1", 0)]
        await told.after(3)
    assert told.marks == [("mailed", "RO-1", 0), ("mailed", "MP-1", 0)]
    assert inbox.mails[0]["Message-ID"] == inbox.mails[2]["Message-ID"]


async def test_a_server_that_hangs_or_is_not_there_ends_in_time_and_is_told(store: sqlite3.Connection) -> None:
    inbox = Inbox()
    inbox.hangs = 1
    async with mail_server(inbox) as port:
        told = Told(store, port, deadline_s=0.1)
        async with asyncio.timeout(5):
            for _ in range(3):
                await told.after(130)
        assert told.notice.not_delivered[:1] == ["MP-1"]
        why = [m.reason for m in told.notice.marks if m.what == "not-delivered"]
        assert why[0] == "the mail server gave no answer within 0.1 s"
    absent = Told(store, 1)
    await absent.after(0)
    assert absent.notice.waits_for == ("physicist", "physician")


async def test_a_service_that_is_stopped_does_not_wait_for_a_hanging_server(store: sqlite3.Connection) -> None:
    inbox = Inbox()
    inbox.hangs = 1
    async with mail_server(inbox) as port:
        told = Told(store, port, deadline_s=600.0)
        running = asyncio.create_task(told.courier.run())
        await asyncio.sleep(0.2)
        running.cancel()
        async with asyncio.timeout(2):
            await asyncio.gather(running, return_exceptions=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("mail-authority"))


async def test_over_starttls_with_a_log_in_and_only_to_whom_the_certificate_names(
    store: sqlite3.Connection, authority: Authority, tmp_path: Path
) -> None:
    password = tmp_path / "password"
    password.write_bytes(PASSWORD)
    mail = {
        "security": "starttls", "ca_file": str(authority.certificate), "username": USER.decode(),
        "password_file": str(password),
    }  # fmt: skip
    for hosts, mode, delivered in (("IP:127.0.0.1", 0o600, 2), ("DNS:else", 0o600, 0), ("IP:127.0.0.1", 0o640, 0)):
        password.chmod(mode)
        inbox, name = Inbox(), f"mail-{hosts[:3]}-{mode}"
        async with mail_server(inbox, server_context(*authority.issue(name, hosts=hosts))) as port:
            told = Told(store, port, **mail)
            told.clocks.pass_(1000 * (1 + delivered))
            await told.courier.look()
        assert len(inbox.to) == delivered
        store.execute("DELETE FROM notice_waiting")


async def test_without_a_configuration_what_is_due_is_noticed_all_the_same(store: sqlite3.Connection) -> None:
    await Courier(used(store), None, None, Clocks()).look()
    assert notices(store)[0].marks == ()
