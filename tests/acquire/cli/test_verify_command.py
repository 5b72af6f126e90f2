"""`acquire store verify` and `store anchor`, as commands: what they print, their JSON and exit codes, a terminal."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import acquire

from acquire.procedure.results import verify
from acquire.store import audit
from acquire.store.anchoring import append
from acquire.store.anchors import anchor
from acquire.store.database import connect
from acquire.terminal import progress

sys.path.append(str(Path(__file__).parents[1] / "procedure"))

from every_row import filled


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    path = tmp_path_factory.mktemp("verified") / "store.db"
    connection = connect(path, create=True)
    session = asyncio.run(filled(connection))
    append(path.with_name("anchors.jsonl"), anchor(connection).line)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()
    return path, session


@pytest.fixture
def store(made: tuple[Path, str], tmp_path: Path) -> tuple[Path, str]:
    """A copy to be changed, and its session."""
    path = tmp_path / "store.db"
    path.write_bytes(made[0].read_bytes())
    (tmp_path / "anchors.jsonl").write_bytes(made[0].with_name("anchors.jsonl").read_bytes())
    return path, made[1]


def data(*words: str) -> Any:
    done = acquire(*words)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def url(path: Path) -> tuple[str, str]:
    return "--store", f"sqlite:///{path}"


def by_sql(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_store_that_holds_says_how_much_was_held(store: tuple[Path, str]) -> None:
    path, session = store
    done = acquire("store", "verify", *url(path))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("and the audit chain hold; held against no anchor.\n")
    found = data("store", "verify", *url(path), "--json")
    assert found["problems"] == []
    assert (found["session"], found["anchor"], found["says"]) == (None, None, "held against no anchor")
    assert found["rows"] > 60
    assert found["entries"] > 50
    assert found["results"] == 5
    one = data("store", "verify", "--session", session, *url(path), "--json")
    assert one["session"] == session
    assert 0 < one["rows"] < found["rows"]


def test_the_anchor_that_is_printed_is_a_line_of_an_anchor_file(store: tuple[Path, str], tmp_path: Path) -> None:
    path, _ = store
    printed = acquire("store", "anchor", *url(path)).stdout
    file = tmp_path / "printed.jsonl"
    file.write_text(printed)
    said = data("store", "anchor", *url(path), "--json")
    assert {k: v for k, v in said.items() if k != "at"} == {k: v for k, v in json.loads(printed).items() if k != "at"}
    found = data("store", "verify", "--anchor", str(file), *url(path), "--json")
    assert (found["anchor"], found["says"]) == ({"file": str(file), "lines": 1}, f"held against 1 line of {file}")


def test_what_does_not_hold_is_said_on_stderr_with_exit_code_1(store: tuple[Path, str]) -> None:
    path, session = store
    by_sql(path, "DROP TRIGGER environment_no_update", "UPDATE environment SET temperature_c = 25 WHERE n = 1")
    done = acquire("store", "verify", *url(path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "The trigger environment_no_update of table environment was dropped" in done.stderr
    assert f"The air 1 of session {session} (table environment) was changed; MD-1 made it (audit entry" in done.stderr
    assert "Held against no anchor." in done.stderr
    found = json.loads(acquire("store", "verify", *url(path), "--json").stdout)
    assert len(found["problems"]) == 2


def emptied(path: Path, index: str) -> None:
    """Put the root of an empty index in the place of one that is full."""
    connection = sqlite3.connect(path)
    name, table, sql = connection.execute(
        "SELECT name, tbl_name, sql FROM sqlite_master WHERE name = ?", (index,)
    ).fetchone()
    connection.execute(f"DROP INDEX {name}")
    connection.execute("CREATE TABLE spare (n TEXT)")
    connection.execute("CREATE INDEX spare_n ON spare (n)")
    connection.execute("PRAGMA writable_schema = ON")
    changed = "UPDATE sqlite_master SET name = ?, tbl_name = ?, sql = ? WHERE name = 'spare_n'"
    connection.execute(changed, (name, table, sql))
    connection.commit()
    connection.close()
    by_sql(path, "DROP TABLE spare")


@pytest.mark.parametrize(
    "index", ["session_state_session", "entries_measurement", "entries_element", "entries_of_elements"]
)
@pytest.mark.parametrize("whole", [True, False])
def test_an_index_that_was_emptied_is_found_with_the_store_and_with_a_session(
    store: tuple[Path, str], index: str, whole: bool
) -> None:
    path, session = store
    emptied(path, index)
    done = acquire("store", "verify", *(() if whole else ("--session", session)), *url(path))
    assert done.returncode == 1
    assert index in done.stderr
    assert "(table session_state) was" not in done.stderr


def test_control_characters_in_a_changed_row_do_not_reach_the_terminal(store: tuple[Path, str]) -> None:
    path, _ = store
    by_sql(path, "DROP TRIGGER placement_no_update", "UPDATE placement SET dosimeter = char(27) || '[2J' WHERE id = 1")
    assert "\x1b" not in acquire("store", "verify", *url(path)).stderr


def test_a_chain_made_anew_is_found_with_the_anchor_the_configuration_names(store: tuple[Path, str]) -> None:
    path, _ = store
    connection = connect(path)
    (trigger,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'audit_no_update'").fetchone()
    connection.execute("DROP TRIGGER audit_no_update")
    link = audit.FIRST
    for row in connection.execute("SELECT * FROM audit ORDER BY n").fetchall():
        entry = {**dict(row), "who": "MD-9", "previous": link}
        link = audit.seal(entry)
        values = (entry["previous"], link, row["n"])
        connection.execute("UPDATE audit SET who = 'MD-9', previous = ?, hash = ? WHERE n = ?", values)
    connection.execute(trigger)
    (last,) = connection.execute("SELECT max(n) FROM audit").fetchone()
    connection.close()
    assert acquire("store", "verify", *url(path)).returncode == 0
    config = path.with_name("clinic.toml")
    config.write_text(
        'site = "clinic"\n[broker]\nmode = "external"\n[store]\nurl = "sqlite:///store.db"\nanchor = "anchors.jsonl"\n'
    )
    done = acquire("store", "verify", "--config", str(config))
    assert done.returncode == 1
    assert f"line 1: entry {last} of the audit trail had another hash on" in done.stderr
    assert "Held against 1 line of" in done.stderr


def test_an_anchor_beside_the_store_is_warned_of(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    for place, warned in (("anchors.jsonl", 1), ("elsewhere/anchors.jsonl", 0)):
        text = f'site = "clinic"\n[broker]\nmode = "embedded"\n[store]\nurl = "sqlite:///s.db"\nanchor = "{place}"\n'
        (tmp_path / "clinic.toml").write_text(text)
        warnings = data("check", str(tmp_path / "clinic.toml"), "--json")["warnings"]
        assert sum("lies beside the store" in each for each in warnings) == warned


def test_a_session_or_file_that_is_not_there_is_refused(store: tuple[Path, str]) -> None:
    path, _ = store
    done = acquire("store", "verify", "--session", "s-none", *url(path))
    assert (done.returncode, "There is no session s-none" in done.stderr) == (1, True)
    done = acquire("store", "verify", "--anchor", str(path.with_name("none")), *url(path))
    assert (done.returncode, "none: the anchor file cannot be read: No such file" in done.stderr) == (2, True)


def test_a_store_too_wrong_to_list_says_where_it_stopped(
    store: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = store
    monkeypatch.setattr(verify, "MOST", 3)
    by_sql(path, "DROP TRIGGER environment_no_update", "UPDATE environment SET temperature_c = 25")
    connection = connect(path)
    said = verify.verify_store(connection)
    connection.close()
    assert len(said) == 4
    assert said[-1] == "There may be more; these are the first 3."


def test_a_terminal_is_shown_how_far_it_is_and_the_line_is_gone_in_the_end() -> None:
    main, other = pty.openpty()
    code = (
        f"import {progress.__name__} as p\np.EVERY_S = 0\nwith p.progress() as show:\n"
        "    show('audit entries', 1000, 5000)"
    )
    subprocess.run([sys.executable, "-c", code], stderr=other, check=True)
    os.close(other)
    assert os.read(main, 1000) == b"audit entries: 1000 of 5000\r\x1b[K"
    os.close(main)


def test_nothing_of_it_goes_into_a_pipe(capfd: pytest.CaptureFixture[str]) -> None:
    with progress.progress() as show:
        show("audit entries", 1000, 5000)
    assert capfd.readouterr().err == ""
