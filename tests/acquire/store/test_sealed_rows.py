"""Rows and their audit entries: written together or not at all, sealed in a form no database changes, or on upgrade."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import struct
from pathlib import Path
from typing import Any

import pytest

from acquire.store import audit, database, upgrade
from acquire.store.canonical_rows import shape
from acquire.store.database import connect, transaction
from acquire.store.record_tables import PEOPLE
from acquire.store.sealed_rows import HeldRows

ACQUIRE = Path(audit.__file__).parents[1]


@pytest.fixture
def store(tmp_path: Path):
    made = connect(tmp_path / "store.db", create=True)
    yield made
    made.close()


def document(n: int = 1, body: bytes = b"x") -> audit.Row:
    return audit.row("document", sha256=f"{n:064x}", kind="plan", name=f"{n}.toml", body=body, added_at="now")


def problems(connection: sqlite3.Connection) -> list[str]:
    return list(HeldRows(connection, None, lambda *_: None).verify())


def test_a_row_and_its_entry_go_in_together(store: sqlite3.Connection) -> None:
    with transaction(store):
        keys = audit.keep(store, "MD-1", "did", "thing", rows=[document(1), document(2)], reason="because")
    assert keys == [(f"{1:064x}",), (f"{2:064x}",)]
    entry = store.execute("SELECT * FROM audit").fetchone()
    named = json.loads(entry["rows"])
    assert [(table, tuple(key)) for table, key, _ in named] == [("document", key) for key in keys]
    assert entry["hash"] == audit.seal(dict(entry))
    assert problems(store) == []


def test_the_number_a_table_gives_is_the_key_that_is_sealed(store: sqlite3.Connection) -> None:
    store.execute("PRAGMA foreign_keys = OFF")
    row = audit.row("time_out", session="s-1", read_by="MD-1", confirmed_by="RT-1", stated=b"{}", at="now")
    with transaction(store):
        assert audit.keep(store, "MD-1", "time-out", "s-1", rows=[row, row]) == [(1,), (2,)]
    assert problems(store) == []


def test_outside_of_a_transaction_nothing_is_written(store: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.ProgrammingError, match="inside one transaction"):
        audit.keep(store, "MD-1", "did", "thing", rows=[document()])
    assert store.execute("SELECT count(*) FROM document").fetchone()[0] == 0


@pytest.mark.parametrize("row", [audit.row("document", sha256="x"), audit.row("document", no_such_column=1)])
def test_a_row_that_is_refused_leaves_neither_row_nor_entry(store: sqlite3.Connection, row: audit.Row) -> None:
    with pytest.raises(sqlite3.Error), transaction(store):
        audit.keep(store, "MD-1", "did", "thing", rows=[document(), row])
    assert store.execute("SELECT (SELECT count(*) FROM document), (SELECT count(*) FROM audit)").fetchone()[:] == (0, 0)


def test_only_tables_of_people_are_written_so(store: sqlite3.Connection) -> None:
    with pytest.raises(ValueError, match="alarm is no table of what people make"), transaction(store):
        audit.keep(store, "MD-1", "did", "thing", rows=[audit.row("alarm", what="x")])


def test_no_other_code_writes_these_tables() -> None:
    """Neither insertion nor change: in the program's text there is none but that of `keep`."""
    tables = "|".join([*PEOPLE, "audit"])
    writes = re.compile(
        rf"(?i)\b(?:insert\s+(?:or\s+\w+\s+)?into|replace\s+into|update|delete\s+from)\s+(?:{tables})\b"
    )
    found = {str(path.relative_to(ACQUIRE)): writes.findall(path.read_text()) for path in ACQUIRE.rglob("*.py")}
    assert {path for path, hits in found.items() if hits} == set()
    assert 'f"INSERT INTO {table} (' in (ACQUIRE / "store" / "audit.py").read_text()


def test_every_row_says_after_which_receipt_it_was_made(store: sqlite3.Connection) -> None:
    for table in PEOPLE:
        assert ("made_after", "INTEGER") in shape(store, table).columns, table
    with transaction(store):
        audit.keep(store, "MD-1", "did", "thing", rows=[document(1)])
        store.execute("INSERT INTO received VALUES (7, 0, 1)")
        audit.keep(store, "MD-1", "did", "thing", rows=[document(2)])
    assert [row[0] for row in store.execute("SELECT made_after FROM document ORDER BY sha256")] == [0, 7]


# --- the canonical form ------------------------------------------------------------------------------------------


def every_type() -> sqlite3.Connection:
    made = sqlite3.connect(":memory:")
    made.row_factory = sqlite3.Row
    made.execute("CREATE TABLE t (i INTEGER, r REAL, x TEXT, b BLOB, k TEXT PRIMARY KEY) STRICT")
    return made


def canonical_of(i: Any = None, r: Any = None, x: Any = None, b: Any = None) -> Any:
    made = every_type()
    made.execute("INSERT INTO t VALUES (?, ?, ?, ?, 'k')", (i, r, x, b))
    shaped = shape(made, "t")
    return json.loads(shaped.canonical(made.execute(shaped.by_key, ("k",)).fetchone()))


@pytest.mark.parametrize("value", [0.1, 22.0, 1e-320, 1.7976931348623157e308, -2.5, float("inf"), 5e-324])
def test_a_real_is_its_sixty_four_bits(value: float) -> None:
    assert canonical_of(r=value)[1]["r"] == {"real": struct.pack(">d", value).hex()}


@pytest.mark.parametrize("value", [0, -1, 2**63 - 1, -(2**63), 2**53 + 1])
def test_an_integer_is_itself(value: int) -> None:
    assert canonical_of(i=value)[1]["i"] == value


@pytest.mark.parametrize("value", ["", "ä", "a\x00b", "\u202e", "e\u0301", '"\\', "null", "1"])
def test_a_text_is_its_code_points(value: str) -> None:
    assert canonical_of(x=value)[1]["x"] == {"text": value}


def test_bytes_are_their_digest_and_null_is_left_out() -> None:
    assert canonical_of(b=b"\x00\xff")[1] == {
        "b": {"sha256": hashlib.sha256(b"\x00\xff").hexdigest()},
        "k": {"text": "k"},
    }


def test_no_two_contents_have_one_form() -> None:
    said = [canonical_of(**each) for each in (
        {}, {"i": 1}, {"r": 1.0}, {"x": "1"}, {"b": b"1"}, {"x": ""}, {"b": b""}, {"i": 0}, {"r": 0.0},
        {"x": '{"real":"3ff0000000000000"}'},
    )]  # fmt: skip
    assert len({json.dumps(each, sort_keys=True) for each in said}) == len(said)


def test_a_text_that_is_none_has_a_form_of_its_own() -> None:
    made = every_type()
    made.execute("INSERT INTO t (k, x) VALUES ('k', CAST(x'61ff' AS TEXT)), ('l', 'a\\xff')")
    shaped = shape(made, "t")
    one, two = (json.loads(shaped.canonical(made.execute(shaped.by_key, (k,)).fetchone()))[1]["x"] for k in "kl")
    assert (one, two) == ({"no text": "61ff"}, {"text": "a\\xff"})


def test_a_column_added_later_changes_no_digest() -> None:
    made = every_type()
    made.execute("INSERT INTO t VALUES (1, 1.5, 'x', x'00', 'k')")
    before = shape(made, "t")
    digest = before.digest(made.execute(before.by_key, ("k",)).fetchone())
    made.execute("ALTER TABLE t ADD COLUMN later TEXT")
    after = shape(made, "t")
    assert after.digest(made.execute(after.by_key, ("k",)).fetchone()) == digest


def test_texts_no_program_writes_are_told_and_break_nothing(store: sqlite3.Connection) -> None:
    with transaction(store):
        audit.keep(store, "MD-1", "did", "thing", rows=[document()], reason="because")
    for table in ("audit", "document"):
        store.execute(f"DROP TRIGGER {table}_no_update")
    store.execute("UPDATE document SET name = CAST(x'ff' AS TEXT)")
    store.execute("UPDATE audit SET reason = CAST(x'ff' AS TEXT)")
    chain, row = problems(store)
    assert chain == "Audit entry 1 was changed after it was written."
    assert row.startswith(r"The plan file \xff (table document) was changed; MD-1 made it (audit entry 1, did)")


NONSENSE = (
    "no JSON", "{}", '[["document", ["x"], 3]]', '[["alarm", [1], "x"]]', '[["no", [], ""]]', '[["document", [], ""]]',
    '[["environment", [99999999999999999999999], ""]]',
)  # fmt: skip


@pytest.mark.parametrize("rows", NONSENSE)
def test_an_entry_that_names_nonsense_breaks_nothing(store: sqlite3.Connection, rows: str) -> None:
    with transaction(store):
        audit.keep(store, "MD-1", "did", "thing", rows=[document()])
    store.execute("DROP TRIGGER audit_no_update")
    store.execute("UPDATE audit SET rows = ?", (rows,))
    said = problems(store)
    assert said[0] == "Audit entry 1 was changed after it was written."
    assert said[-1] == "The plan file 1.toml (table document) was added: no audit entry tells of it."


# --- on upgrade --------------------------------------------------------------------------------------------------


def before_13(path: Path, monkeypatch: pytest.MonkeyPatch) -> sqlite3.Connection:
    every = database.migrations()
    with monkeypatch.context() as patched:
        patched.setattr(database, "migrations", lambda: [step for step in every if step[0] < 13])
        return connect(path, create=True)


def old_rows(old: sqlite3.Connection, states: int = 3) -> None:
    old.execute("PRAGMA foreign_keys = OFF")
    old.execute("INSERT INTO document VALUES ('d', 'plan', 'plan.toml', x'00', 'now')")
    old.execute("INSERT INTO orders VALUES ('ORD-1', 'd', 'p', 'now', 'MD-1')")
    old.execute("INSERT INTO session VALUES ('s-1', 'ORD-1', 1, 1, 'd', 'd', 0, 'now', 'MD-1')")
    old.executemany(
        "INSERT INTO session_state (session, state, at, who) VALUES ('s-1', ?, 'now', 'MD-1')",
        [(f"S{n}",) for n in range(states)],
    )
    old_entry = {"n": 1, "at": "now", "who": "MD-1", "what": "session started", "subject": "s-1", "old": None,
                 "new": None, "reason": None, "previous": audit.FIRST, "rows": None}  # fmt: skip
    hash_ = audit.seal(old_entry)
    old.execute("INSERT INTO audit VALUES (1, 'now', 'MD-1', 'session started', 's-1', NULL, NULL, NULL, ?, ?)",
                (audit.FIRST, hash_))  # fmt: skip


def test_rows_of_an_earlier_release_are_sealed_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "store.db"
    old = before_13(path, monkeypatch)
    old_rows(old)
    old.close()
    store = connect(path)
    entries = store.execute("SELECT who, what, subject, rows FROM audit WHERE n > 1 ORDER BY n").fetchall()
    assert [(e["who"], e["what"], e["subject"]) for e in entries] == [
        ("acquire", "sealed on upgrade", subject) for subject in ("files", "ORD-1", "s-1")
    ]
    assert [len(json.loads(e["rows"])) for e in entries] == [1, 1, 4]
    assert problems(store) == []
    store.execute("DROP TRIGGER session_state_no_delete")
    store.execute("DELETE FROM session_state WHERE n = 2")
    assert problems(store) == [
        "State 2 of a session (table session_state) was deleted; acquire made it (audit entry 4, sealed on upgrade)."
    ]
    store.close()


def test_a_large_store_is_sealed_in_entries_of_a_bounded_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "store.db"
    old = before_13(path, monkeypatch)
    old_rows(old, states=2 * upgrade.MOST_ROWS)
    old.close()
    store = connect(path)
    sizes = [len(json.loads(row["rows"])) for row in store.execute("SELECT rows FROM audit WHERE n > 1 ORDER BY n")]
    assert sizes == [1, 1, 1000, 1000, 1]
    assert problems(store) == []
    store.close()


def test_a_new_store_has_an_empty_trail(store: sqlite3.Connection) -> None:
    assert audit.head(store) == (0, audit.FIRST)
    assert problems(store) == []
