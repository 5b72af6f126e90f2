"""The door before every command, and the commands for people: login, logout, whoami, user."""

from __future__ import annotations

import inspect
import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import typer
import typer.main
from command_line import acquire
from people_known import logged_in, password_file, staffed

sys.path.insert(0, str(Path(__file__).parents[1] / "procedure"))

from cases import case_c, case_e

from acquire.cli.acts import ACTS, BY_PASSWORD, OF_THE_HOST, READS
from acquire.cli.door import ASKS, put_before
from acquire.cli.let_in import let_in
from acquire.cli.main import app
from acquire.cli.on_demand import registered
from acquire.cli.place import open_store
from acquire.duties import Act
from acquire.errors import Refused
from acquire.people import here
from acquire.procedure.session.session import get_session
from acquire.store import audit
from acquire.store.database import connect, transaction


def commands() -> Iterator[tuple[str, Any]]:
    """What each command of the program runs, as it is called."""
    yield from _below(typer.main.get_command(app), ())


def _below(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield " ".join(path), command.callback.__wrapped__
        return
    for name, each in command.commands.items():
        yield from _below(each, (*path, name))


def test_every_command_stands_in_the_table_once_and_none_is_there_that_is_not() -> None:
    places = [*ACTS, *READS, *OF_THE_HOST, *BY_PASSWORD]
    assert sorted(name for name, _ in commands()) == sorted(places)


def test_a_command_that_stands_nowhere_does_not_start() -> None:
    outer, inner = typer.Typer(), typer.Typer()
    outer.command("erase")(print)
    inner.command("erase")(print)
    outer.add_typer(inner, name="store")
    with pytest.raises(LookupError, match="'erase' stands nowhere"):
        registered(outer)["erase"].main(["--help"])
    with pytest.raises(LookupError, match="'store erase' stands nowhere"):
        registered(outer)["store"].main(["erase", "--help"])


def test_whoever_is_asked_for_a_name_is_asked_at_the_door() -> None:
    for name, callback in commands():
        asked = inspect.signature(inspect.unwrap(callback)).parameters
        names = [each for each in (*ASKS, "confirmed_by") if each in asked]
        assert bool(names) == (name in ACTS), name
        assert hasattr(callback, "__wrapped__") == (name in ACTS or name in READS), name


def test_a_command_that_reads_sees_one_moment_and_can_write_nothing(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    connect(path, create=True).close()
    write = "INSERT INTO alarm (raised_at, what, subject, message, last_at) VALUES ('t', 'w', ?, 'm', 't')"
    count = "SELECT count(*) FROM alarm"
    seen = []

    def whoami() -> None:
        with open_store(None, f"sqlite:///{path}") as store:
            seen.extend(store.execute(count).fetchone())
            with closing(connect(path)) as other:
                other.execute(write, ("another",))
            seen.extend(store.execute(count).fetchone())
            with pytest.raises(sqlite3.OperationalError), transaction(store):
                store.execute(write, ("a transaction",))

    put_before(whoami, "whoami")()
    with closing(connect(path)) as store:
        assert (seen, store.execute(count).fetchone()[0]) == ([0, 0], 1)


class Clinic:
    """A store with accounts, an order, a plan and a session whose dots lie on the patient."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.connection = connect(folder / "store.db", create=True)
        staffed(self.connection)
        case, _ = case_e()
        with here("MD-1", "MP-1", "MP-2", "RT-1"):
            case.add(self.connection)
            self.session = case.start(self.connection)

    def run(self, who: str | None, *words: str) -> Any:
        env = {**os.environ, "ACQUIRE_LOGIN": str(self.folder / "nobody")}
        env = env if who is None else logged_in(self.connection, who, self.folder)
        return acquire(*words, "--store", f"sqlite:///{self.folder / 'store.db'}", cwd=self.folder, env=env)

    def says(self, who: str | None, *words: str) -> str:
        done = self.run(who, *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refuses(self, who: str | None, sentence: str, *words: str) -> None:
        done = self.run(who, *words)
        assert (done.returncode, done.stdout) == (1, "")
        assert sentence in done.stderr
        assert "Traceback" not in done.stderr

    def last(self) -> sqlite3.Row:
        return self.connection.execute("SELECT * FROM audit ORDER BY n DESC LIMIT 1").fetchone()


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    made = Clinic(tmp_path)
    yield made
    made.connection.close()


def test_who_does_it_is_who_is_logged_in(clinic: Clinic) -> None:
    place = ("session", "place", clinic.session, "E1", "e1-1")
    clinic.refuses(None, "Nobody is logged in to this store: log in (acquire login).", *place, "--by", "MD-1")
    clinic.refuses("MD-1", "MD-1 is logged in, not MP-1: a name that is typed", *place, "--by", "MP-1")
    clinic.refuses("AD-1", "AD-1 (administrator) may not measure; that is for a physicist or dosimetrist", *place)
    clinic.refuses("AU-1", "AU-1 (auditor) may not measure", *place)
    clinic.refuses("RO-1", "RO-1 (radiation-oncologist) may not measure", *place)
    assert clinic.says("MD-1", *place) == f"{clinic.session}: e1-1 at E1.\n"
    assert clinic.last()["who"] == "MD-1"
    clinic.says("RT-1", "session", "beam-given", clinic.session, "E1", "--by", "rt-1")
    assert clinic.last()["who"] == "RT-1"


def test_a_second_person_shows_who_it_is(clinic: Clinic) -> None:
    clinic.says("MD-1", "session", "place", clinic.session, "E1", "e1-1")
    says = ("session", "exclude", clinic.session, "e1-1", "--reason", "dropped", "--confirmed-by")
    given = ("--confirm-password-file", password_file("RT-1", clinic.folder))
    clinic.refuses("MD-1", "Nobody can be asked for the password of RT-1 here: name a file", *says, "RT-1")
    clinic.refuses("MD-1", "The account or the password is wrong.", *says, "MP-1", *given)
    own = ("--confirm-password-file", password_file("MD-1", clinic.folder))
    clinic.refuses("MD-1", "with a reason, by one person and confirmed by another", *says, "md-1", *own)
    admin = ("--confirm-password-file", password_file("AD-1", clinic.folder))
    clinic.refuses("MD-1", "AD-1 (administrator) may not be the second person", *says, "AD-1", *admin)
    clinic.says("MD-1", *says, "rt-1", *given)
    row = clinic.connection.execute("SELECT who, confirmed_by FROM statement WHERE what = 'excluded'").fetchone()
    assert tuple(row) == ("MD-1", "RT-1")


def test_reading_needs_nobody(clinic: Clinic) -> None:
    assert "READY" in clinic.says(None, "session", "status", clinic.session)
    clinic.says(None, "results", clinic.session)
    clinic.refuses(None, "Nobody is logged in", "results", clinic.session, "--calculate")


def test_from_no_account_to_people(tmp_path: Path) -> None:
    """The first account, the others, own passwords, a lock; by commands alone, in words."""
    store, login = ("--store", f"sqlite:///{tmp_path / 's.db'}"), tmp_path / "login"
    env = {**os.environ, "ACQUIRE_LOGIN": str(login)}
    for name in ("admin", "first", "own"):
        (tmp_path / name).write_text(f"the {name} of words\n")

    def ran(code: int, *words: str) -> str:
        done = acquire(*words, *store, cwd=tmp_path, env=env)
        assert done.returncode == code, done.stderr
        assert "of words" not in done.stdout + done.stderr
        return str(done.stdout + done.stderr)

    ran(0, "store", "create")
    assert "This store has no accounts; whoever owns its file makes the first one" in ran(1, "whoami")
    add = ("user", "add", "AD-1", "--name", "Ada Strator", "--password-file", "admin")
    assert "The first account is an administrator's" in ran(1, *add, "--role", "physicist")
    assert "there is no way back" in ran(0, *add, "--role", "administrator")
    assert "Nobody is logged in to this store" in ran(1, *add, "--role", "administrator")
    assert "AD-1 (Ada Strator, administrator) is logged in." in ran(0, "login", "AD-1", "--password-file", "admin")
    assert login.stat().st_mode & 0o777 == 0o600
    assert "479 minutes left" in ran(0, "whoami")
    said = ran(0, "user", "add", "MP-1", "--name", "Mary Phys", "--role", "physicist", "--password-file", "first")
    assert "MP-1 sets an own password before anything else" in said
    ran(0, "login", "mp-1", "--password-file", "first")
    assert "set an own one first" in ran(1, "order", "cancel", "ORD-1", "--reason", "x")
    ran(0, "user", "password", "MP-1", "--password-file", "first", "--new-password-file", "own")
    assert "There is no order ORD-1" in ran(1, "order", "cancel", "ORD-1", "--reason", "x")
    assert "may not keep accounts" in ran(1, "user", "role", "MP-1", "--role", "administrator", "--reason", "x")
    login.chmod(0o644)
    assert "is not a file that you alone may read" in ran(1, "order", "cancel", "ORD-1", "--reason", "x")
    login.chmod(0o600)
    assert "Logged out." in ran(0, "logout")
    assert "Nobody is logged in" in ran(1, "logout")
    ran(0, "login", "AD-1", "--password-file", "admin")
    assert "MP-1: dosimetrist, active." in ran(0, "user", "role", "MP-1", "--role", "dosimetrist", "--reason", "moved")
    assert "MP-1: dosimetrist, locked." in ran(0, "user", "lock", "MP-1", "--reason", "left")
    assert "MP-1 is locked; an administrator unlocks it" in ran(1, "login", "MP-1", "--password-file", "own")
    assert "MP-1: dosimetrist, active." in ran(0, "user", "unlock", "MP-1", "--reason", "came back")
    ran(0, "user", "password", "MP-1", "--reset", "--new-password-file", "first")
    found = json.loads(ran(0, "user", "list", "--json"))
    assert [(f["account"], f["roles"], f["state"], f["failures"]) for f in found] == [
        ("AD-1", ["administrator"], "active", 0), ("MP-1", ["dosimetrist"], "active", 0)
    ]  # fmt: skip
    assert "Accounts" in ran(0, "user", "list")
    assert "audit chain hold" in ran(0, "store", "verify")


REAL = """site = "clinic"
[broker]
mode = "external"
[store]
url = "sqlite:///store.db"
[spool]
path = "spool.db"
[[instrument]]
id = "electrometer-1"
model = "keithley-6517b"
resource = "tcp:192.0.2.1:5025"
"""


def test_a_patient_before_real_instruments_needs_accounts(tmp_path: Path) -> None:
    (tmp_path / "service.toml").write_text(REAL)
    connection = connect(tmp_path / "store.db", create=True)
    case, _ = case_c()
    case.add(connection)
    for name, body in (case.inventory, case.calibration_file):
        (tmp_path / name).write_bytes(body)
    files = ("--inventory", "inventory.toml", "--calibrations", "calibrations.toml", "--config", "service.toml")
    done = acquire("session", "start", "ORD-C-1", *files, "--by", "MD-1", cwd=tmp_path)
    assert done.returncode == 1
    assert "A patient is measured with real instruments by people who log in: this store has no accounts" in done.stderr
    done = acquire("session", "start", "ORD-C-1", *files, "--by", "MD-1", "--simulated", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert get_session(connection, done.stdout.strip()).simulated
    warned = "electrometer-1: no patient is measured with real instruments before the store has accounts"
    assert warned in acquire("check", "service.toml", cwd=tmp_path).stderr
    staffed(connection)
    assert warned not in acquire("check", "service.toml", cwd=tmp_path).stderr
    connection.close()


def test_a_restore_keeps_accounts_and_ends_log_ins(clinic: Clinic) -> None:
    clinic.says(None, "store", "backup", "b.db")
    clinic.says("AD-1", "user", "lock", "MP-1", "--reason", "left")
    clinic.connection.close()
    before = connect(clinic.folder / "store.db")
    env = logged_in(before, "AD-1", clinic.folder)
    before.close()
    store = ("--store", f"sqlite:///{clinic.folder / 'store.db'}")
    done = acquire("store", "restore", "b.db", *store, cwd=clinic.folder, env=env)
    assert done.returncode == 0, done.stderr
    assert "Accounts and passwords stay as they were before the restore: MP-1." in done.stderr
    done = acquire("order", "cancel", "ORD-E-1", "--reason", "x", *store, cwd=clinic.folder, env=env)
    assert "This log-in has ended" in done.stderr
    done = acquire("login", "MP-1", "--password-file", password_file("MP-1", clinic.folder), *store, env=env)
    assert "MP-1 is locked" in done.stderr


def test_a_store_that_cannot_be_opened_is_restored_by_whoever_owns_the_files(clinic: Clinic) -> None:
    clinic.says(None, "store", "backup", "b.db")
    clinic.connection.close()
    for each in clinic.folder.glob("store.db*"):
        each.unlink()
    (clinic.folder / "store.db").write_bytes(b"no store any more " * 1000)
    store = ("--store", f"sqlite:///{clinic.folder / 'store.db'}")
    done = acquire("store", "restore", "b.db", "--by", "IT-1", *store, cwd=clinic.folder)
    assert done.returncode == 0, done.stderr
    assert "Accounts as they were before the restore could not be read" in done.stderr
    connection = connect(clinic.folder / "store.db")
    told = connection.execute("SELECT who FROM audit ORDER BY n DESC LIMIT 1").fetchone()["who"]
    connection.close()
    assert told == "IT-1"
    done = acquire("order", "cancel", "ORD-E-1", "--reason", "x", "--by", "IT-1", *store, cwd=clinic.folder)
    assert "Nobody is logged in to this store" in done.stderr


def test_a_name_that_was_typed_before_the_first_account_writes_nothing_after_it(tmp_path: Path) -> None:
    connection = connect(tmp_path / "store.db", create=True)
    given = {"store": f"sqlite:///{tmp_path / 'store.db'}", "config": None, "by": "MD-1"}
    with let_in(Act.MEASURE, given, "by", (None, False), needed=True):
        staffed(connection)
        with pytest.raises(Refused, match="MD-1 did not log in"), transaction(connection):
            audit.keep(connection, "MD-1", "said", "x")
    connection.close()


def test_for_how_long_a_log_in_holds_is_the_administrators_within_bounds(clinic: Clinic) -> None:
    assert clinic.says(None, "user", "hours") == "A log-in holds for 8 hours.\n"
    asked = ("user", "hours", "--reason", "shared desks", "--set")
    clinic.refuses("MD-1", "MD-1 (dosimetrist) may not keep accounts", *asked, "4")
    for hours in ("0", "0.2", "12.5", "-1"):
        assert clinic.run("AD-1", *asked, hours).returncode != 0
    clinic.refuses("AD-1", "A log-in holds for 0.25 to 12 hours", *asked, "12.5")
    clinic.refuses("AD-1", "Say why: --reason", "user", "hours", "--set", "4")
    before = clinic.says("MD-1", "whoami")
    assert clinic.says("AD-1", *asked, "4") == "A log-in holds for 4 hours.\n"
    assert (before.split("; ")[1], clinic.says("MD-1", "whoami").split("; ")[1]) == (
        "479 minutes left.\n", "239 minutes left.\n"
    )  # fmt: skip


def test_a_person_is_linked_and_unlinked_by_an_administrator(clinic: Clinic) -> None:
    config = clinic.folder / "oidc.toml"
    config.write_text('[oidc]\nissuer = "https://login.clinic.example"\nclient_id = "acquire"\n')
    by = ("--reason", "known to the clinic", "-c", str(config))
    assert "MP-1: physicist, active." in clinic.says("AD-1", "user", "link", "MP-1", "--oidc-subject", "s-1", *by)
    clinic.refuses("AD-1", "MP-1 is s-1 at https://login.clinic.example already", "user", "link", "RO-1",
                   "--oidc-subject", "s-1", *by)  # fmt: skip
    clinic.refuses("MP-1", "may not keep accounts", "user", "unlink", "MP-1", *by)
    clinic.says("AD-1", "user", "add", "MP-9", "--name", "Nona Phys", "--role", "physicist", "--oidc-subject", "s-9",
                "-c", str(config))  # fmt: skip
    listed = {each["account"]: each["oidc"] for each in json.loads(clinic.says(None, "user", "list", "--json"))}
    assert listed["MP-9"] == {"issuer": "https://login.clinic.example", "subject": "s-9"}
    assert clinic.says("AD-1", "user", "unlink", "MP-1", *by) == "MP-1: physicist, active.\n"
    clinic.refuses("AD-1", "MP-1 is linked to nobody at a provider", "user", "unlink", "MP-1", *by)
    done = clinic.run("AD-1", "login", "MP-9", "--oidc")
    assert (done.returncode, "Say whose provider: --config CONFIG" in done.stderr) == (2, True)


def test_a_table_of_the_provider_says_what_is_wrong_with_it(clinic: Clinic) -> None:
    config = clinic.folder / "oidc.toml"
    for issuer, sentence in (
        ("http://login.clinic.example", "it begins with https://"), ("https://[", "it is no address"),
        ("https://a.example/?x=1", "it is an address alone"), ("login", "it is an address alone"),
    ):  # fmt: skip
        config.write_text(f'[oidc]\nissuer = "{issuer}"\nclient_id = "acquire"\n')
        done = clinic.run("AD-1", "login", "MP-1", "--oidc", "-c", str(config))
        assert (done.returncode, sentence in done.stderr) == (2, True), done.stderr
        assert "issuer" in done.stderr
