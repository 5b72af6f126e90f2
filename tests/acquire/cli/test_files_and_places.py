"""Files a person names are never overwritten, and a folder that can hold no database is named before one is begun."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import acquire

from acquire import filesystem
from acquire.filesystem import NO_MAPS, problem, type_of
from acquire.spool.journal import Journal, SpoolError
from acquire.store.database import StoreError, connect

CONFIG = 'site = "field"\n[broker]\nmode = "embedded"\nport = 0\n[store]\nurl = "sqlite:///deep/store.db"\n'


@pytest.fixture
def url(tmp_path: Path) -> str:
    connect(tmp_path / "store.db", create=True).close()
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.mark.parametrize("command", [("store", "export", "-o"), ("store", "backup")])
def test_a_file_that_is_there_is_left_as_it_is(url: str, tmp_path: Path, command: tuple[str, ...]) -> None:
    there = tmp_path / "there"
    there.write_text("mine")
    ran = acquire(*command, str(there), "--store", url)
    assert (ran.returncode, ran.stdout, there.read_text()) == (1, "", "mine")
    assert f"here is a file {there} already; it is left as it is" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("command", [("store", "export", "-o"), ("store", "backup"), ("bus", "contract")])
def test_a_place_that_cannot_be_written_is_one_sentence(url: str, tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "a-file").write_text("mine")
    place = str(tmp_path / "a-file" / "below")
    ran = acquire(*command, place, *(() if command[0] == "bus" else ("--store", url)))
    assert (ran.returncode, ran.stdout, "Traceback" in ran.stderr) == (1, "", False)
    assert "a-file" in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_an_export_is_whole_and_for_its_owner_alone(url: str, tmp_path: Path) -> None:
    made = tmp_path / "readings.jsonl"
    assert acquire("store", "export", "-o", str(made), "--store", url).returncode == 0
    assert made.read_text().startswith('{"row": "store"')
    assert made.stat().st_mode & 0o777 == 0o600


# --- where a database can be kept -------------------------------------------------------------------------------------


def test_a_good_folder_is_no_problem_and_nothing_is_left_in_it(tmp_path: Path) -> None:
    assert problem(tmp_path / "not" / "there" / "yet") is None
    assert list(tmp_path.iterdir()) == []


def without_shared_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's own dot-file locking has no shared memory maps: it refuses the write-ahead log as such a system does."""
    real: Callable[..., Any] = sqlite3.connect
    monkeypatch.setattr(
        filesystem.sqlite3, "connect", lambda path, **how: real(f"file:{path}?vfs=unix-dotfile", uri=True, **how)
    )


class Refusing:
    """A connection whose log cannot be mapped, with SQLite's own error of that (SQLITE_IOERR_SHMMAP)."""

    def __init__(self, code: int) -> None:
        self._code = code

    def execute(self, sql: str) -> Any:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = self._code
        raise error

    def close(self) -> None:
        """Nothing is open."""


def test_a_file_system_without_shared_memory_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_shared_memory(monkeypatch)
    assert problem(tmp_path) == f"in {tmp_path} no database can be kept: {NO_MAPS}"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("code", "why"), [(5386, NO_MAPS), (4618, NO_MAPS), (778, "disk I/O error")])
def test_the_trial_tells_maps_from_a_broken_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, why: str
) -> None:
    monkeypatch.setattr(filesystem.sqlite3, "connect", lambda *_, **__: Refusing(code))
    assert problem(tmp_path) == f"in {tmp_path} no database can be kept: {why}"


def test_a_store_and_a_spool_that_cannot_be_made_leave_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[..., Any] = sqlite3.connect

    def connecting(path: Any, **how: Any) -> Any:
        real(path).close()
        return Refusing(5386)

    monkeypatch.setattr(sqlite3, "connect", connecting)
    with pytest.raises(StoreError, match=NO_MAPS):
        connect(tmp_path / "store.db", create=True)
    with pytest.raises(SpoolError, match=NO_MAPS):
        Journal(tmp_path / "spool.db", reserve=4096)
    assert list(tmp_path.iterdir()) == []


MOUNTS = """21 1 8:1 / / rw - ext4 /dev/sda1 rw
30 21 0:41 / /data rw,relatime shared:1 - nfs4 nas:/data rw
31 30 8:2 / /data/local\\040disk rw - xfs /dev/sdb1 rw
nonsense
"""


@pytest.mark.parametrize(
    ("place", "kind"), [("/var", "ext4"), ("/data/x", "nfs4"), ("/data/local disk/y", "xfs"), ("/database", "ext4")]
)
def test_the_type_of_a_file_system_is_that_of_the_nearest_mount(tmp_path: Path, place: str, kind: str) -> None:
    (tmp_path / "mountinfo").write_text(MOUNTS)
    assert type_of(Path(place), tmp_path / "mountinfo") == kind


def test_a_network_file_system_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystem, "type_of", lambda place: "nfs4")
    assert problem(tmp_path) == (
        f"{tmp_path} is on a network file system (nfs4), where locks do not hold; use a local disk"
    )
    assert type_of(tmp_path, tmp_path / "none") is None


def test_check_run_and_create_name_the_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "deep").write_text("a file where a folder should be")
    (tmp_path / "clinic.toml").write_text(CONFIG)
    for command in (
        ("check", str(tmp_path / "clinic.toml")), ("run", str(tmp_path / "clinic.toml")),
        ("store", "create", "--store", f"sqlite:///{tmp_path / 'deep' / 'store.db'}"),
    ):  # fmt: skip
        ran = acquire(*command)
        assert (ran.returncode, "Traceback" in ran.stderr) == (1, False), ran.stderr
        assert f"in {tmp_path / 'deep'} no database can be kept: it cannot be written (Not a directory)." in ran.stderr
    assert sorted(each.name for each in tmp_path.iterdir()) == ["clinic.toml", "deep"]
