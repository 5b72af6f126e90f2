"""`acquire check` says beforehand what `acquire run` would stumble on, and leaves nothing behind: each planted."""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from acquire import account
from acquire.cli.main import app
from acquire.errors import FileProblem, Refused

CONFIG = """\
site = "field"
[broker]
mode = "{mode}"
port = {port}
[spool]
path = "spool.db"
[store]
url = "sqlite:///{store}"
[[simulator]]
id = "sim-a"
model = "keithley-6517b"
listen = "{listen}"
[[instrument]]
id = "{id}"
model = "{model}"
resource = "{resource}"
"""
SOUND = {
    "mode": "mosquitto", "port": 0, "store": "store.db", "listen": "tcp:127.0.0.1:0", "id": "electrometer-1",
    "model": "keithley-6517b", "resource": "simulator:sim-a",
}  # fmt: skip


def check(folder: Path, **otherwise: object) -> Result:
    file = folder / "service.toml"
    file.write_text(CONFIG.format(**(SOUND | otherwise)))
    before = sorted(path.name for path in folder.iterdir())
    done = CliRunner().invoke(app, ["check", str(file)])
    assert sorted(path.name for path in folder.iterdir()) == before, "something was left behind"
    return done


def finds(done: Result) -> str:
    assert isinstance(done.exception, Refused), done.stdout
    return str(done.exception)


def test_what_is_sound_is_found_so(tmp_path: Path) -> None:
    assert check(tmp_path).exit_code == 0


@pytest.mark.parametrize("how", ["the same name", "a link", "a second name"])
def test_spool_and_store_in_one_file(tmp_path: Path, how: str) -> None:
    store = "spool.db" if how == "the same name" else "linked.db"
    if how == "a link":
        (tmp_path / store).symlink_to("spool.db")
    elif how == "a second name":
        (tmp_path / "spool.db").touch()
        os.link(tmp_path / "spool.db", tmp_path / store)
    done = check(tmp_path, store=store)
    assert isinstance(done.exception, FileProblem)
    assert "line 8, store.url: this file is the spool's; spool and store must be two files" in finds(done)


@pytest.mark.parametrize(
    ("otherwise", "sentence"),
    [
        ({"model": "winrems", "resource": "tcp:192.0.2.1:1"}, "'electrometer-1' is a winrems, which is read by files"),
        ({"resource": "dir:."}, "'electrometer-1' is a keithley-6517b, which is read by a wire, and no folder"),
        ({"model": "ptw-unidos-tango", "resource": "/dev/null"}, "'electrometer-1' is a ptw-unidos-tango, which is"),
        ({"model": "keithley-617", "resource": "GPIB0::27::INSTR"}, "GPIB0::27::INSTR is VISA"),
        ({"resource": "tcp:192.0.2.1"}, "'electrometer-1': 'tcp:192.0.2.1' is no TCP address"),
        ({"model": "ptw-unidos-tango"}, "the simulator 'sim-a' a keithley-6517b; give it one of its own model"),
        ({"id": "Electro meter"}, "'Electro meter' is not written as it must be: "),
    ],
)
def test_what_cannot_be_where_it_is_said_to_be(tmp_path: Path, otherwise: dict[str, str], sentence: str) -> None:
    said = finds(check(tmp_path, **otherwise))
    assert sentence in said
    assert "^" not in said, "a regular expression is no sentence"


def test_two_instruments_at_one_place(tmp_path: Path) -> None:
    more = 'tcp:192.0.2.1:1"\n[[instrument]]\nid = "other"\nmodel = "keithley-6485"\nresource = "tcp:192.0.2.1:1'
    assert "'electrometer-1' is at tcp:192.0.2.1:1; one port has one instrument" in finds(
        check(tmp_path, resource=more)
    )


@pytest.mark.parametrize("whose", ["the broker", "the simulator 'sim-a'"])
def test_a_port_in_use(tmp_path: Path, whose: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as has_it:
        port = has_it.getsockname()[1]
        otherwise = {"port": port} if whose == "the broker" else {"listen": f"tcp:127.0.0.1:{port}"}
        said = finds(check(tmp_path, **otherwise))
    assert f"{whose} cannot listen on 127.0.0.1:{port}: process {os.getpid()} (" in said


def test_a_port_of_two(tmp_path: Path) -> None:
    said = finds(check(tmp_path, port=47001, listen="tcp:127.0.0.1:47001"))
    assert "the broker and the simulator 'sim-a' are both to listen on 127.0.0.1:47001" in said


def _newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (n)")
        db.execute("PRAGMA user_version = 4000")


@pytest.mark.parametrize("name", ["spool.db", "store.db"])
@pytest.mark.parametrize(
    ("plant", "sentence"),
    [
        (_newer, "has schema 4000, this program knows "),
        (lambda path: path.write_text("Dear diary"), "is no database; move it elsewhere"),
    ],
)
def test_a_file_of_a_newer_program_or_of_none(
    tmp_path: Path, name: str, plant: Callable[[Path], None], sentence: str
) -> None:
    plant(tmp_path / name)
    assert f"{tmp_path / name} {sentence}" in finds(check(tmp_path))


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    """The process table takes no file, not even root's."""
    said = finds(check(tmp_path, store="/proc/dosimetry/store.db"))
    assert "service.toml: in /proc no database can be kept: it cannot be written (" in said


def test_a_file_of_another_account_beside_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What root left there: the owner of the folder is told how it gets it back."""
    (tmp_path / "spool.db").touch()
    (tmp_path / "spool.db-wal").touch()
    if os.geteuid() != 0:
        pytest.skip("only root can give a file to somebody else")
    os.chown(tmp_path / "spool.db-wal", 4711, 4711)
    said = finds(check(tmp_path))
    assert f"{tmp_path / 'spool.db-wal'} belongs to the account 4711 and what is around it to root" in said
    assert f"as root, `chown root: {tmp_path / 'spool.db-wal'}` gives it back." in said


def test_an_account_that_does_not_own_it_is_told_who_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "store.db").touch()
    monkeypatch.setattr(account.os, "geteuid", lambda: 4711)
    said = finds(check(tmp_path))
    owner = account.name_of(os.getuid())
    assert f"store.db belongs to the account {owner}, and this one is 4711; ask as that account, with `sudo -u" in said


def test_a_serial_port_that_this_account_may_not_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may open everything, so the system's answer is given here; /dev/null stands for the port."""
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != "/dev/null")
    me = account.name_of(os.geteuid())
    said = finds(check(tmp_path, resource="/dev/null"))
    assert f"'electrometer-1': the account {me} may not open /dev/null; `adduser {me} root` as root lets it." in said


def test_a_serial_port_that_is_not_plugged_in_is_a_warning(tmp_path: Path) -> None:
    done = check(tmp_path, resource="/dev/ttyUSB99")
    assert done.exit_code == 0
    assert "Warning: 'electrometer-1': there is no /dev/ttyUSB99 now; plug it in, or name another" in done.stderr
