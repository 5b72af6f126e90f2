"""Accounts, passwords, log-ins: one person is one account, and nobody writes in another's name."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from people_known import ADMINISTRATOR, STAFF, everybody, password_of, staffed

from acquire.errors import Refused
from acquire.people import (
    MAY,
    Account,
    Act,
    Role,
    add_account,
    change,
    forgive,
    get_account,
    has_accounts,
    here,
    log_in,
    log_ins,
    log_out,
    must_be_allowed,
    must_be_own,
    prove,
    set_password,
    who_holds,
)
from acquire.people.passwords import LONGEST_WAIT_S, failures_of, hashed, wait_s
from acquire.people.restored import carry_over
from acquire.procedure.results.verify import verify_store
from acquire.store import audit
from acquire.store.database import connect, transaction


@pytest.fixture
def store(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = connect(tmp_path / "store.db", create=True)
    yield connection
    assert verify_store(connection) == []
    connection.close()


def never(seconds: float) -> None:
    assert seconds == 0


def written(connection: sqlite3.Connection, who: str, **more: str) -> None:
    row = audit.row("order_cancelled", order_id="ORD-1", who=who, reason="x", at="now")
    with transaction(connection):
        audit.keep(connection, who, "order cancelled", "ORD-1", rows=[replace(row, values={**row.values, **more})])


def test_the_first_account_is_an_administrator_and_there_is_no_second_first_one(store: sqlite3.Connection) -> None:
    physicist = Account("MP-1", "Mary Phys", (Role.PHYSICIST,))
    with pytest.raises(Refused, match="The first account is an administrator's"):
        add_account(store, physicist, "h", None)
    add_account(store, ADMINISTRATOR, "h", None)
    for other in (physicist, Account("AD-2", "Other", (Role.ADMINISTRATOR,))):
        with pytest.raises(Refused, match="every later one is made by an administrator"):
            add_account(store, other, "h", None)


@pytest.mark.parametrize(
    "other",
    [Account("md-1", "Somebody Else", (Role.THERAPIST,)), Account("MD-9", "dora  DOSIM", (Role.THERAPIST,)),
     Account("X-1", "New", (Role.THERAPIST,), ("MD-1",)), Account("MD-1 ", "New", (Role.THERAPIST,)),
     Account("", "New", (Role.THERAPIST,)), Account("МD-1", "New", (Role.THERAPIST,)),
     Account("acquire", "New", (Role.THERAPIST,)), Account("X-1", " ", (Role.THERAPIST,)),
     Account("X-1", "New", ()), Account("X-1", "New", (Role.ADMINISTRATOR, Role.PHYSICIST)),
     Account("X-1", "New", (Role.AUDITOR, Role.PHYSICIAN)), Account("X-1", "N\u202eew", (Role.THERAPIST,))],
    ids=lambda account: f"{account.id} {account.name}",
)  # fmt: skip
def test_one_person_has_one_account(store: sqlite3.Connection, other: Account) -> None:
    staffed(store)
    with here("AD-1"), pytest.raises(Refused):
        add_account(store, other, "h", "AD-1")


def test_without_accounts_names_are_taken_as_typed_and_with_them_never_again(store: sqlite3.Connection) -> None:
    with transaction(store):
        audit.keep(store, "anybody", "said", "x")
    staffed(store)
    for who in ("anybody", "MD-1", "md-1", "AD-1", ""):
        with pytest.raises(Refused, match="did not log in: this store takes nothing in a name that was only typed"):
            written(store, who)
    with here("MD-1"), pytest.raises(sqlite3.IntegrityError):  # let through; there is no such order
        written(store, "MD-1")


def test_a_second_person_must_be_here_too(store: sqlite3.Connection) -> None:
    staffed(store)
    row = audit.row("statement", session="s", what="excluded", reason="x", who="MD-1", confirmed_by="RT-1", at="now")
    with here("MD-1"), transaction(store), pytest.raises(Refused, match="RT-1 did not log in"):
        audit.keep(store, "MD-1", "statement", "s", rows=[row])


def test_a_password_is_proved_and_a_wrong_one_is_not_told_from_an_unknown_account(store: sqlite3.Connection) -> None:
    staffed(store)
    assert prove(store, "mp-1", password_of("MP-1"), "log in", never).id == "MP-1"
    said = set()
    for account, password in (("MP-1", "wrong"), ("NOBODY", "wrong"), ("MP-1", ""), ("MP-1", "x" * 5000)):
        with pytest.raises(Refused) as refused:
            prove(store, account, password, "log in", never)
        said.add(str(refused.value))
    assert said == {"The account or the password is wrong."}


def test_each_failure_makes_the_next_trial_wait_longer_and_a_right_one_ends_that(store: sqlite3.Connection) -> None:
    staffed(store)
    waited: list[float] = []
    for _ in range(7):
        with pytest.raises(Refused):
            prove(store, "MP-1", "guessed again", "log in", waited.append)
    assert waited == [0, 0, 0, 1, 2, 4, 8]
    assert wait_s(1000) == LONGEST_WAIT_S
    prove(store, "MP-1", password_of("MP-1"), "log in", waited.append)
    assert waited[-1] == 16
    assert failures_of(store, "MP-1") == 0
    assert prove(store, "RO-1", password_of("RO-1"), "log in", never).id == "RO-1"


def test_a_trial_that_is_killed_has_been_counted(store: sqlite3.Connection) -> None:
    staffed(store)

    def killed(seconds: float) -> None:
        raise KeyboardInterrupt

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            prove(store, "MP-1", password_of("MP-1"), "log in", killed)
    assert failures_of(store, "MP-1") == 3
    with here("AD-1"):
        forgive(store, "MP-1", "AD-1")
    assert failures_of(store, "MP-1") == 0


def test_a_locked_account_gets_in_nowhere(store: sqlite3.Connection) -> None:
    staffed(store)
    token = log_in(store, get_account(store, "MP-1"))
    with here("AD-1"):
        change(store, "MP-1", "AD-1", state="locked", reason="left the house")
        with pytest.raises(Refused, match="AD-1 is the last administrator"):
            change(store, "AD-1", "AD-1", state="locked", reason="left the house")
        with pytest.raises(Refused, match="Say why"):
            change(store, "MP-1", "AD-1", state="active", reason=" ")
    with pytest.raises(Refused, match="MP-1 is locked"):
        prove(store, "MP-1", password_of("MP-1"), "log in", never)
    with here("AD-1"):
        change(store, "MP-1", "AD-1", state="active", reason="came back")
    with pytest.raises(Refused, match="This log-in has ended"):
        who_holds(store, token)


def test_a_password_that_is_reset_ends_what_was_logged_in_with_the_old_one(store: sqlite3.Connection) -> None:
    staffed(store)
    token, other = log_in(store, get_account(store, "MP-1")), log_in(store, get_account(store, "MD-1"))
    with here("AD-1"):
        set_password(store, get_account(store, "MP-1"), "set over the phone", "AD-1")
    with pytest.raises(Refused, match="This log-in has ended"):
        who_holds(store, token)
    assert who_holds(store, other).account.id == "MD-1"


def test_a_log_in_holds_for_its_time_in_its_boot_and_no_clock_lengthens_it(
    store: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    staffed(store)
    now = 1000.0
    monkeypatch.setattr(log_ins, "monotonic_s", lambda: now)
    token = log_in(store, get_account(store, "MP-1"))
    assert who_holds(store, token).account.id == "MP-1"
    for moment in (1000.0 + 8 * 3600, 999.0):
        monkeypatch.setattr(log_ins, "monotonic_s", lambda moment=moment: moment)
        with pytest.raises(Refused, match="is over, by its hours or by a restart"):
            who_holds(store, token)
    monkeypatch.setattr(log_ins, "monotonic_s", lambda: now)
    monkeypatch.setattr(log_ins, "boot", lambda: "another")
    with pytest.raises(Refused, match="is over, by its hours or by a restart"):
        who_holds(store, token)


def test_a_new_log_in_ends_the_one_of_the_same_file_and_a_log_out_ends_it(store: sqlite3.Connection) -> None:
    staffed(store)
    first = log_in(store, get_account(store, "MP-1"))
    second = log_in(store, get_account(store, "MD-1"), before=first)
    with pytest.raises(Refused, match="This log-in has ended"):
        who_holds(store, first)
    log_out(store, second)
    for token in (second, "made up", None):
        with pytest.raises(Refused, match="log in \\(acquire login\\)"):
            who_holds(store, token)


def test_nothing_of_a_token_or_password_is_in_the_store(store: sqlite3.Connection, tmp_path: Path) -> None:
    staffed(store)
    token = log_in(store, prove(store, "MP-1", password_of("MP-1"), "log in", never))
    store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    held = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert token.encode() not in held
    assert password_of("MP-1").encode() not in held


@pytest.mark.parametrize("password", ["short", "x" * 257, "this is mp-1 of old", "i am Mary Phys"])
def test_a_password_that_is_easily_found_is_refused(password: str) -> None:
    with pytest.raises(Refused, match="A password"):
        hashed(password, "MP-1", "Mary Phys")


def test_a_password_that_another_person_set_is_good_for_an_own_one_only(store: sqlite3.Connection) -> None:
    staffed(store)
    account = get_account(store, "MP-1")
    must_be_own(store, account)
    with here("AD-1"):
        set_password(store, account, "set over the phone", "AD-1")
    with pytest.raises(Refused, match="a password that another person set"):
        must_be_own(store, account)
    with here("MP-1"), pytest.raises(Refused, match="the password it has now"):
        set_password(store, account, "set over the phone", "MP-1")
    with here("MP-1"):
        set_password(store, account, "nobody else knows", "MP-1")
    must_be_own(store, account)


def test_every_act_is_somebodys_and_an_administrator_measures_nothing() -> None:
    assert set(MAY) == set(Act)
    assert [act for act, roles in MAY.items() if not roles] == []
    clinical = {Role.PHYSICIAN, Role.PHYSICIST, Role.DOSIMETRIST, Role.THERAPIST}
    for act in (Act.MEASURE, Act.CALCULATE, Act.STATE, Act.PLAN, Act.CONFIRM, Act.OPERATE):
        assert MAY[act] <= clinical
    assert {act for act in Act if Role.AUDITOR in MAY[act]} == {Act.OWN_PASSWORD}
    with pytest.raises(Refused, match=r"AU-1 \(auditor\) may not measure; that is for a physicist or dosimetrist"):
        must_be_allowed("AU-1", [Role.AUDITOR], Act.MEASURE)


def test_a_restore_brings_nobody_back_and_takes_nobody_away(store: sqlite3.Connection, tmp_path: Path) -> None:
    staffed(store)
    token = log_in(store, get_account(store, "MP-1"))
    store.execute("VACUUM INTO ?", (str(tmp_path / "copy.db"),))
    with here("AD-1"):
        change(store, "MP-1", "AD-1", state="locked", reason="left the house")
        change(store, "MD-1", "AD-1", roles=[Role.PHYSICIST], reason="examined")
        set_password(store, get_account(store, "RO-2"), "set over the phone", "AD-1")
        add_account(store, Account("NEW-1", "Nora New", (Role.THERAPIST,)), "h", "AD-1")
    copy, bare = connect(tmp_path / "copy.db"), connect(tmp_path / "bare.db", create=True)
    with everybody():
        for each in (copy, bare):
            with transaction(each):
                kept = carry_over(each, store, "AD-1")
            assert get_account(each, "MP-1").state == "locked"
            assert get_account(each, "MD-1").roles == (Role.PHYSICIST,)
            assert has_accounts(each)
            with pytest.raises(Refused, match="a password that another person set"):
                must_be_own(each, get_account(each, "RO-2"))
            assert verify_store(each) == []
            assert {"MP-1", "MD-1", "RO-2", "NEW-1"} <= set(kept)
    with pytest.raises(Refused, match="This log-in has ended"):
        who_holds(copy, token)
    assert len(STAFF) + 2 == copy.execute("SELECT count(DISTINCT id) FROM account").fetchone()[0]
    copy.close()
    bare.close()
