"""The store takes whatever the bus brings: nothing of it stops the store, and nothing of it is dropped unseen."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquire.bus.names import Topics
from acquire.canonical import canonical
from acquire.store import entries
from acquire.store import ingest as module
from acquire.store.database import connect
from acquire.store.ingest import ingest, ingest_one_by_one
from acquire.store.judge import Place, Said

TOPIC = Topics("clinic").readings("electrometer-1")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = connect(tmp_path / "store.db", create=True)
    connection.execute("PRAGMA synchronous=OFF")
    yield connection
    connection.close()


def envelope(**changes: object) -> dict[str, object]:
    return {
        "schema": "readings/1", "stream": str(uuid4()), "first_seq": 1, "readings": [], "source": str(uuid4()),
        "head": 0, "oldest": 1, "ended": None, "ask": str(uuid4()), "epoch": None, "older": 0,
    } | changes  # fmt: skip


def reading(number: int = 1, **changes: object) -> dict[str, object]:
    return {
        "kind": "scalar", "quantity": "charge", "unit": "C", "value": float(number), "monotonic_s": 1.0,
        "time": "2027-02-03T09:12:00.000000Z", "raw": str(number),
    } | changes  # fmt: skip


def give(store: sqlite3.Connection, *messages: dict[str, object]) -> module.Ingested:
    return ingest(store, "clinic", [(TOPIC, json.dumps(m).encode()) for m in messages])


def count(store: sqlite3.Connection, table: str) -> int:
    return int(store.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


@pytest.mark.parametrize(
    "changes",
    [
        {"older": 10**30}, {"older": -1}, {"head": 2**63}, {"head": -1}, {"first_seq": 0}, {"oldest": 0},
        {"oldest": 5}, {"stream": ""}, {"stream": "x" * 65}, {"source": "x" * 10_000}, {"ask": "x" * 65},
        {"epoch": "x" * 65}, {"epoch": 7}, {"ended": "tired"}, {"first_seq": 1.5}, {"readings": [reading()]},
        {"schema": "readings/2"}, {"stream": None}, {"readings": {}},
    ],
)  # fmt: skip
def test_an_envelope_that_cannot_be_true_is_kept_unread_and_not_answered(
    store: sqlite3.Connection, changes: dict[str, object]
) -> None:
    done = give(store, envelope(**changes))
    assert (done.answers, done.unreadable) == ([], 1)
    assert (count(store, "stream"), count(store, "unreadable")) == (0, 1)


def test_a_claim_of_endless_loss_is_one_range_and_what_comes_after_all_counts(store: sqlite3.Connection) -> None:
    """Whoever says that four quintillion entries are gone must neither stop the store nor fill its disk."""
    claim = envelope(head=2**61, oldest=2**61, first_seq=2**61, readings=[reading(1)])
    assert [a.through for a in give(store, claim, claim).answers] == [2**61]
    assert [tuple(row) for row in store.execute("SELECT first, last FROM lost")] == [(1, 2**61 - 1)]
    (answer,) = give(store, claim | {"first_seq": 7, "readings": [reading(2)]}).answers
    assert answer.through == 2**61
    stream = str(claim["stream"])
    assert [(e.seq, e.status) for e in entries.walked(store, stream, 1, 2**62)] == [
        (1, "lost"), (7, "stored"), (8, "lost"), (2**61, "stored"),
    ]  # fmt: skip
    assert entries.counts(store) == {"stored": 2, "lost": 2**61 - 2}


def test_sixty_claims_of_far_losses_take_no_room(store: sqlite3.Connection) -> None:
    """60 messages of 15 kB made a store of 2.2 GB where each lost seq was a row."""
    (before,) = store.execute("PRAGMA page_count").fetchone()
    for n in range(1, 61):
        far = 10**6 * n
        readings = [reading(far, note="x" * 100) for _ in range(50)]
        give(store, envelope(stream="s-1", source="a", head=far + 49, oldest=far, first_seq=far, readings=readings))
    (after,) = store.execute("PRAGMA page_count").fetchone()
    assert (count(store, "lost"), count(store, "entries")) == (60, 3000)
    assert (after - before) * 4096 < 1.5e6


def test_a_poison_entry_is_refused_and_its_neighbours_are_stored(store: sqlite3.Connection) -> None:
    poison: list[object] = [
        {"kind": "scalar"}, {"kind": "dance"}, [], None, 7, "text", reading(value="seven"), reading(u=-1.0),
        {"kind": "marker", "mark": "begin", "measurement": "no-uuid", "session": "s", "step": "x", "time": "t"},
    ]  # fmt: skip
    for n, each in enumerate(poison):
        message = envelope(readings=[reading(1), each, reading(2)], head=3)
        (answer,) = give(store, message).answers
        assert answer.through == 3, f"poison {n}: {each!r}"
    statuses = dict(store.execute("SELECT status, count(*) FROM entry GROUP BY status").fetchall())
    assert statuses == {"stored": 2 * len(poison), "refused": len(poison)}
    assert all(row["reason"] for row in store.execute("SELECT reason FROM entry WHERE status = 'refused'"))


def test_an_entry_that_the_database_itself_refuses_is_refused_alone(store: sqlite3.Connection) -> None:
    """Rule 4.3: tried alone in a savepoint."""
    store.execute(
        "CREATE TRIGGER picky BEFORE INSERT ON entries WHEN new.status = 0 AND new.element = 'X-13'"
        " BEGIN SELECT RAISE(ABORT, 'not this one'); END"
    )
    message = envelope(readings=[reading(1), reading(2, element="X-13"), reading(3)], head=3)
    (answer,) = give(store, message).answers
    assert answer.through == 3
    rows = store.execute("SELECT seq, status, reason, body FROM entry ORDER BY seq").fetchall()
    assert [r["status"] for r in rows] == ["stored", "refused", "stored"]
    assert "not this one" in rows[1]["reason"]
    assert bytes(rows[1]["body"]) == canonical(reading(2, element="X-13"))


def test_a_message_that_cannot_be_digested_at_all_does_not_stop_the_others(
    store: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge_all = module.judge_all

    def explode(said: Said, place: Place) -> object:
        if any(b'"raw":"13"' in raw.replace(b" ", b"") for raw in said.as_they_came()):
            raise RuntimeError("an error of our own")
        return judge_all(said, place)

    monkeypatch.setattr(module, "judge_all", explode)
    messages = [(TOPIC, json.dumps(envelope(readings=[reading(n)], head=1)).encode()) for n in (12, 13, 14)]
    with pytest.raises(RuntimeError):
        ingest(store, "clinic", messages)
    assert count(store, "entry") == 0, "all or nothing"
    done = ingest_one_by_one(store, "clinic", messages)
    assert (len(done.answers), done.unreadable, count(store, "entry")) == (2, 1, 2)
    (why,) = store.execute("SELECT why FROM unreadable").fetchone()
    assert "an error of our own" in why


def test_one_answer_for_each_stream_and_ask_in_a_transaction(store: sqlite3.Connection) -> None:
    message = envelope(readings=[reading(1)], head=3)
    more = message | {"first_seq": 2, "readings": [reading(2), reading(3)]}
    done = give(store, message, more, more, message | {"ask": "another"})
    assert sorted((a.through, a.query == "another") for a in done.answers) == [(3, False), (3, True)]


@settings(max_examples=200, deadline=None)
@given(payload=st.one_of(st.binary(max_size=300), st.builds(lambda v: json.dumps(v).encode(), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4), max_leaves=12,
))))  # fmt: skip
def test_noise_is_kept_unread(payload: bytes) -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    from acquire.store.database import migrate  # noqa: PLC0415

    migrate(connection)
    done = ingest(connection, "clinic", [(TOPIC, payload)])
    assert (done.answers, done.unreadable) == ([], 1)
    connection.close()


@settings(max_examples=200, deadline=None)
@given(
    entry=st.dictionaries(
        st.sampled_from(["kind", "quantity", "unit", "value", "time", "monotonic_s", "raw", "mark", "element"]),
        st.one_of(
            st.sampled_from(["scalar", "marker", "gap", "withheld", "unparsed", "begin", "\x00", "é\u2028"]),
            st.none(), st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**70), 2**70),
            st.lists(st.none(), max_size=2),
        ),
    )
)  # fmt: skip
def test_any_entry_is_stored_or_refused_with_a_reason(entry: dict[str, object]) -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    from acquire.store.database import migrate  # noqa: PLC0415

    migrate(connection)
    (answer,) = give(connection, envelope(readings=[entry], head=1)).answers
    assert answer.through == 1
    row = connection.execute("SELECT status, reason FROM entry").fetchone()
    assert row["status"] == "stored" or row["reason"]
    connection.close()
