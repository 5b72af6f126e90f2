"""Whatever a message is made of, the store takes it or keeps it unread: counted, bounded, and never an exception."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acquire.canonical import utc_now
from acquire.store.database import connect
from acquire.store.entries import absent, lost_between, walked
from acquire.store.ingest import ingest
from acquire.store.unreadable import MOST, MOST_OF_TOPIC

TOPIC = "dosimetry/v1/clinic/electrometer-1/readings"
STREAM, SOURCE, ASK = (str(uuid4()) for _ in range(3))


def reading(**changed: Any) -> dict[str, Any]:
    return {
        "kind": "scalar", "quantity": "charge", "unit": "C", "value": 1e-9, "time": utc_now(), "monotonic_s": 1.0,
        "raw": "1", **changed,
    }  # fmt: skip


def envelope(**changed: Any) -> dict[str, Any]:
    return {
        "schema": "readings/1", "stream": STREAM, "first_seq": 1, "source": SOURCE, "head": 1, "oldest": 1,
        "ended": None, "ask": ASK, "epoch": None, "older": 0, "readings": [reading()], **changed,
    }  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(tmp_path / "store.db", create=True)) as connection:
        yield connection


def unreadable(store: sqlite3.Connection) -> int:
    (total,) = store.execute("SELECT coalesce(sum(count), 0) FROM unreadable").fetchone()
    return int(total)


def holds(store: sqlite3.Connection) -> None:
    """Invariants 2 and 3 of docs/noloss.md section 8, and a database that is whole."""
    for stream, through in store.execute("SELECT stream, through FROM stream").fetchall():
        (number,) = store.execute("SELECT number FROM streams WHERE stream = ?", (stream,)).fetchone()
        gone = [(gone.first, gone.last) for gone in lost_between(store, stream, 1, 2**62)]
        assert absent(store, number, 1, through) == [run for run in gone if run[0] <= through]
        assert not list(walked(store, stream, through + 1, through + 1))
    assert store.execute("PRAGMA quick_check").fetchone()[0] == "ok"


BIG = 2**63
HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "not JSON": b"hello",
    "not UTF-8": b'{"schema":"\xff\xfe"}',
    "null": b"null",
    "a list": b"[]",
    "100,000 brackets": b"[" * 100_000 + b"]" * 100_000,
    "100,000 objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "NaN": json.dumps(envelope(head=float("nan"))).encode(),
    "Infinity": json.dumps(envelope(head=float("inf"))).encode(),
    "1e999": json.dumps(envelope()).replace('"head": 1', '"head": 1e999').encode(),
    "a huge integer": json.dumps(envelope()).replace('"head": 1', '"head": 1' + "0" * 5000).encode(),
    "seq near 2^63": json.dumps(envelope(first_seq=BIG - 2, head=BIG - 1)).encode(),
    "a head above all": json.dumps(envelope(head=BIG)).encode(),
    "older above all": json.dumps(envelope(older=BIG)).encode(),
    "negative": json.dumps(envelope(first_seq=-1, head=-1)).encode(),
    "seq 0": json.dumps(envelope(first_seq=0)).encode(),
    "more entries than head": json.dumps(envelope(readings=[reading()] * 2)).encode(),
    "oldest above head": json.dumps(envelope(oldest=50)).encode(),
    "too many entries": json.dumps(envelope(head=20_000, readings=[1] * 20_000)).encode(),
    "a lone surrogate": json.dumps(envelope(source="\ud800")).encode(),
    "a stream of 1 MiB": json.dumps(envelope(stream="s" * 1_048_576)).encode(),
    "an ask of 1 MiB": json.dumps(envelope(ask="a" * 1_048_576)).encode(),
    "a schema of 1 MiB": json.dumps(envelope(schema="s" * 1_048_576)).encode(),
    "an unknown schema": json.dumps(envelope(schema="readings/2")).encode(),
    "a stream of control characters": json.dumps(envelope(stream="\x1b[2J\n")).encode(),
    "an unknown end": json.dumps(envelope(ended="exploded")).encode(),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_envelope_is_kept_unread_and_the_good_one_beside_it_is_stored(
    store: sqlite3.Connection, name: str
) -> None:
    good = json.dumps(envelope()).encode()
    done = ingest(store, "clinic", [(TOPIC, HOSTILE[name]), (TOPIC, good)])
    assert done.unreadable == unreadable(store) == 1
    assert [(a.stream, a.through) for a in done.answers] == [(STREAM, 1)]
    ((what, message),) = store.execute("SELECT what, message FROM alarm").fetchall()
    assert what == "unreadable message"
    assert len(message) < 600
    holds(store)


TOPICS = [
    "dosimetry/v1/other/electrometer-1/readings",
    "dosimetry/v1/clinic//readings",
    "dosimetry/v1/clinic/Electrometer 1/readings",
    "dosimetry/v1/clinic/daemon/readings",
    "dosimetry/v1/clinic/sessions/readings",
    "dosimetry/v1/clinic/\x1b[31m\n2026 [error] forged/readings",
    "dosimetry/v1/clinic/\u202eelectrometer/readings",
    "dosimetry/v1/clinic/" + "e" * 60_000 + "/readings",
    "dosimetry/v1/clinic/../readings",
    "elsewhere",
]


@pytest.mark.parametrize("topic", TOPICS, ids=range(len(TOPICS)))
def test_a_message_under_a_hostile_topic_makes_no_stream(store: sqlite3.Connection, topic: str) -> None:
    done = ingest(store, "clinic", [(topic, json.dumps(envelope()).encode())])
    assert (done.answers, done.unreadable) == ([], 1)
    assert store.execute("SELECT count(*) FROM stream").fetchone()[0] == 0
    (kept,) = store.execute("SELECT topic FROM unreadable").fetchone()
    assert len(kept) <= 200
    assert kept.isprintable()
    assert all(text.isprintable() for row in store.execute("SELECT subject, message FROM alarm") for text in row)


def test_nobody_adds_to_the_stream_of_another_instrument_or_source(store: sqlite3.Connection) -> None:
    """A host may write under its own topics only; it must not reach another's stream by naming its id there."""
    ingest(store, "clinic", [(TOPIC, json.dumps(envelope()).encode())])
    forged = json.dumps(envelope(first_seq=2, head=2)).encode()
    other = TOPIC.replace("electrometer-1", "electrometer-2")
    stranger = json.dumps(envelope(first_seq=2, head=2, source=str(uuid4()))).encode()
    done = ingest(store, "clinic", [(other, forged), (TOPIC, stranger)])
    assert (done.answers, done.unreadable) == ([], 2)
    assert store.execute("SELECT through, head FROM stream").fetchone()[:] == (1, 1)


ENTRIES: dict[str, Any] = {
    "null": None,
    "a number": 5,
    "text": "x" * 100_000,
    "no kind": {},
    "unknown kind": {"kind": "nonsense"},
    "kind is a list": {"kind": []},
    "a marker of no measurement": {"kind": "marker", "mark": "begin", "measurement": "x", "session": "s", "step": "b",
                                   "time": "t"},
    "value is text": reading(value="1"),
    "value is true": reading(value=[True]),
    "value beyond a double": reading(value="@1e999"),
    "monotonic beyond a double": reading(monotonic_s="@1e999"),
    "uncertainty below zero": reading(u=-1),
    "element is a number": reading(element=5),
    "element is a surrogate": reading(element="\ud800"),
    "also is a list": reading(also=[]),
    "gap of a negative count": {"kind": "gap", "reason": "r", "count": -1, "from": "a", "to": "b"},
    "withheld of a huge size": {"kind": "withheld", "reason": "r", "bytes": "@1" + "0" * 400, "sha256": "x"},
    "nested 500 deep": reading(origin=json.loads("[" * 500 + "]" * 500)),
}  # fmt: skip


@pytest.mark.parametrize("name", ENTRIES)
def test_a_hostile_entry_is_refused_with_its_body_and_its_neighbours_are_stored(
    store: sqlite3.Connection, name: str
) -> None:
    text = json.dumps(envelope(head=3, readings=[reading(), ENTRIES[name], reading()]))
    payload = text.replace('"@1', "1").replace('999"', "999").replace('000"', "000").encode()
    done = ingest(store, "clinic", [(TOPIC, payload)])
    if done.unreadable:  # the text as a whole is no JSON: nothing of it is believed
        assert name in ("element is a surrogate", "value beyond a double", "monotonic beyond a double")
        return
    assert [a.through for a in done.answers] == [3]
    assert [row[0] for row in store.execute("SELECT status FROM entry ORDER BY seq")] == ["stored", "refused", "stored"]
    holds(store)


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
    | st.sampled_from([2**62, 2**63, -1, 0, STREAM, ASK, "readings/1", "closed", "begin", "marker", "gap"])
)  # fmt: skip
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
ENTRY = st.dictionaries(st.sampled_from([*reading(), "mark", "measurement", "session", "count", "from"]), JSON)
CHANGES = st.fixed_dictionaries(
    {},
    optional={key: JSON for key in envelope() if key != "readings"} | {"readings": st.lists(JSON | ENTRY, max_size=4)},
)


SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=SLOW)
@given(st.lists(st.tuples(st.sampled_from([TOPIC, *TOPICS]), CHANGES), min_size=1, max_size=4), st.binary(max_size=60))
def test_any_message_is_taken_or_counted(
    store: sqlite3.Connection, messages: list[tuple[str, dict[str, Any]]], noise: bytes
) -> None:
    before = unreadable(store)
    sent = [(topic, json.dumps(envelope(**changes)).encode()) for topic, changes in messages] + [(TOPIC, noise)]
    done = ingest(store, "clinic", sent)
    assert done.unreadable == unreadable(store) - before
    assert done.unreadable >= 1  # the noise
    assert len(done.answers) <= len(sent) - done.unreadable
    holds(store)


def test_a_flood_of_different_messages_is_bounded_and_no_count_is_lost(store: sqlite3.Connection) -> None:
    flood = [(TOPIC, b"nonsense %d" % n) for n in range(500)]
    flood += [(f"dosimetry/v1/clinic/e{n % 3000}/readings", b"%d" % n + b"x" * 10_000) for n in range(4000)]
    for n in range(0, len(flood), 200):
        ingest(store, "clinic", flood[n : n + 200])
    rows, total, kept = store.execute("SELECT count(*), sum(count), sum(length(beginning)) FROM unreadable").fetchone()
    assert total == len(flood)
    assert rows <= MOST + 1
    assert kept <= (MOST + 1) * 4096
    of_topic = store.execute("SELECT count(*) FROM unreadable WHERE topic = ?", (TOPIC,)).fetchone()[0]
    assert of_topic == MOST_OF_TOPIC + 1
    assert store.execute("SELECT count(*) FROM alarm").fetchone()[0] <= MOST + 1
    assert store.execute("SELECT count FROM unreadable WHERE topic = '*'").fetchone()[0] > 1000
