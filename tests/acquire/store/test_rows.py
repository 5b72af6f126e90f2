"""How entries lie in the store's file: how many bytes each takes, what is packed, and that a damaged one is named."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from every_stream import MEASUREMENT, mark
from hypothesis import given
from hypothesis import strategies as st

from acquire.canonical import canonical, utc_now
from acquire.packing import packed, unpacked
from acquire.store import entries
from acquire.store.attribution import measurement, readings_of_element
from acquire.store.database import connect
from acquire.store.entries import Damaged, body_at, micros, utc_text
from acquire.store.ingest import ingest

MOST_BYTES = 1.25  # of the bodies


@pytest.fixture
def store(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(tmp_path / "store.db", create=True)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        yield connection


def reading(n: int, **more: Any) -> dict[str, Any]:
    """As an electrometer gives it: some 230 bytes."""
    return {
        "kind": "scalar", "quantity": "charge", "unit": "C", "value": 1.566964e-8 + n * 1e-13, "elapsed_s": 10.611268,
        "monotonic_s": 10000 + n / 100, "time": "2027-02-03T09:12:00.000000Z", "range": "2e-08",
        "raw": f"+{15 + n % 9}.66964E-09NCOUL,+0000010.611268secs,+00115RDNG#",
    } | more  # fmt: skip


def give(store: sqlite3.Connection, readings: list[Any], *, stream: str = "s-1", first: int = 1, **more: Any) -> None:
    head = first + len(readings) - 1
    message = {
        "schema": "readings/1", "stream": stream, "first_seq": first, "source": f"of-{stream}", "head": head,
        "oldest": 1, "ended": None, "ask": "a", "epoch": None, "older": 0, "readings": readings,
    } | more  # fmt: skip
    topic = f"dosimetry/v1/clinic/electrometer-{stream}/readings"
    (answer,) = ingest(store, "clinic", [(topic, json.dumps(message).encode())]).answers
    assert answer.through == head


def pages(store: sqlite3.Connection) -> int:
    used, free = (store.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "freelist_count"))
    return int(used - free)


def test_a_reading_takes_a_quarter_more_than_its_body_at_most(store: sqlite3.Connection) -> None:
    before, size = pages(store), 0
    for first in range(1, 20_001, 500):
        given_now = [reading(n) for n in range(first, first + 500)]
        size += sum(len(canonical(each)) for each in given_now)
        give(store, given_now, first=first)
    assert 225 <= size / 20_000 <= 242
    taken = (pages(store) - before) * 4096
    print(f"\n{taken / 20_000:.0f} bytes for a reading of {size / 20_000:.0f}: {taken / size:.3f}")
    assert taken <= MOST_BYTES * size


def test_so_it_does_where_many_instruments_give_one_at_a_time(store: sqlite3.Connection) -> None:
    """50 streams that grow in turn, each a reading a commit: also what a commit itself leaves behind counts."""
    before, size = pages(store), 0
    for n in range(1, 101):
        size += len(canonical(reading(n))) * 50
        for stream in range(50):
            give(store, [reading(n)], stream=f"s-{stream}", first=n)
    taken = (pages(store) - before) * 4096
    print(f"\n{taken / size:.3f} times the bodies")
    assert taken <= 1.35 * size


def test_a_glow_curve_is_packed_and_read_as_it_came(store: sqlite3.Connection) -> None:
    counts = [float(Random(n).randrange(5000)) for n in range(400)]
    curve = reading(1, kind="glow-curve", axes={"signal": {"unit": "1", "values": counts}})
    give(store, [curve, reading(2)])
    kept = [bytes(body) for (body,) in store.execute("SELECT body FROM entries ORDER BY seq")]
    assert kept[0][:1] == b"x"
    assert len(kept[0]) < 0.6 * len(canonical(curve))
    assert kept[1] == canonical(reading(2))
    assert body_at(store, "s-1", 1) == curve
    give(store, [curve, reading(2)])
    assert store.execute("SELECT count(*) FROM conflicts").fetchone()[0] == 0, "it is the same as what is packed"


@given(st.binary(max_size=3000))
def test_any_body_comes_back(body: bytes) -> None:
    assert unpacked(packed(body)) == body
    assert packed(body)[:1] == b"x" or packed(body) == body


@given(st.datetimes())
def test_a_moment_comes_back(moment: Any) -> None:
    if moment.year >= 1000:
        text = moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        assert utc_text(micros(text)) == text


def test_the_views_of_the_released_tables_say_what_they_said(store: sqlite3.Connection) -> None:
    before = utc_now()
    give(store, [reading(1, element="T-1"), {"kind": "gap", "reason": "full", "count": 3, "from": "a", "to": "b"}])
    rows = [dict(row) for row in store.execute("SELECT * FROM entry JOIN stream USING (stream) ORDER BY seq")]
    assert [(r["stream"], r["seq"], r["kind"], r["status"], r["reason"], r["element"]) for r in rows] == [
        ("s-1", 1, "scalar", "stored", None, "T-1"), ("s-1", 2, "gap", "refused", "full", None),
    ]  # fmt: skip
    assert before <= rows[0]["received_at"] <= utc_now()
    assert len(rows[0]["received_at"]) == len(before)
    assert rows[0]["through"] == 2


def damage(store: sqlite3.Connection, seq: int, flip: int = 0x10) -> None:
    (body,) = store.execute("SELECT body FROM entries WHERE seq = ?", (seq,)).fetchone()
    altered = bytearray(body)
    altered[len(altered) // 2] ^= flip
    store.execute("UPDATE entries SET body = ? WHERE seq = ?", (bytes(altered), seq))


@pytest.mark.parametrize("seq", [1, 2, 3, 4])
def test_a_measurement_with_a_damaged_entry_is_broken_and_names_it(store: sqlite3.Connection, seq: int) -> None:
    give(store, [mark("begin"), reading(1), reading(2), mark("end"), reading(3)])
    assert (measurement(store, MEASUREMENT).state, len(measurement(store, MEASUREMENT).readings)) == ("ended", 2)
    damage(store, seq)
    view = measurement(store, MEASUREMENT)
    assert view.state == "broken"
    assert view.reason == f"entry {seq} is damaged: its bytes are not those that were stored"
    with pytest.raises(Damaged, match=f"Entry {seq} of stream s-1 is damaged"):
        body_at(store, "s-1", seq)


def test_a_damaged_element_gives_no_reading_and_is_named(store: sqlite3.Connection) -> None:
    give(store, [reading(1, element="T-1"), reading(2, element="T-2")])
    damage(store, 1)
    with pytest.raises(Damaged, match="Entry 1 of stream s-1 is damaged"):
        readings_of_element(store, "T-1")
    assert [r.seq for r in readings_of_element(store, "T-2")] == [2]


def test_every_flipped_bit_of_a_packed_body_is_noticed(store: sqlite3.Connection) -> None:
    give(store, [reading(1, note="abc " * 300)])
    (kept,) = store.execute("SELECT body FROM entries").fetchone()
    for bit in range(len(kept) * 8):
        altered = bytearray(kept)
        altered[bit // 8] ^= 1 << bit % 8
        store.execute("UPDATE entries SET body = ?", (bytes(altered),))
        entry = entries.entry_at(store, "s-1", 1)
        assert entry is not None
        assert entry.status == "damaged" or entry.body == canonical(reading(1, note="abc " * 300)), f"bit {bit}"


def test_an_entry_altered_on_the_way_is_not_taken_and_its_source_may_send_it_again(store: sqlite3.Connection) -> None:
    from acquire.checksum import checksum, seed  # noqa: PLC0415

    bodies = [reading(n) for n in range(1, 4)]
    sums = [checksum(seed("s-1"), n, canonical(body)) for n, body in enumerate(bodies, 1)]
    message = {
        "schema": "readings/1", "stream": "s-1", "first_seq": 1, "source": "a", "head": 3, "oldest": 1, "ended": None,
        "ask": "a", "epoch": None, "older": 0, "checksums": sums,
        "readings": [bodies[0], bodies[1] | {"value": 0.1035}, bodies[2]],
    }  # fmt: skip
    topic = "dosimetry/v1/clinic/electrometer-1/readings"
    (answer,) = ingest(store, "clinic", [(topic, json.dumps(message).encode())]).answers
    assert answer.through == 1
    assert [seq for (seq,) in store.execute("SELECT seq FROM entries ORDER BY seq")] == [1, 3]
    (alarm,) = store.execute("SELECT what, subject, message FROM alarm").fetchall()
    assert tuple(alarm)[:2] == ("damaged on the way", "electrometer-1")
    again = message | {"first_seq": 2, "checksums": sums[1:2], "readings": bodies[1:2]}
    (answer,) = ingest(store, "clinic", [(topic, json.dumps(again).encode())]).answers
    assert answer.through == 3
    assert body_at(store, "s-1", 2) == bodies[1]


@pytest.mark.parametrize("sums", [[], [1, 2], [-1], [2**32], ["1"], "1", [1.5]])
def test_checksums_that_cannot_be_true_are_not_believed(store: sqlite3.Connection, sums: Any) -> None:
    message = {
        "schema": "readings/1", "stream": "s-1", "first_seq": 1, "source": "a", "head": 1, "oldest": 1, "ended": None,
        "ask": "a", "epoch": None, "older": 0, "checksums": sums, "readings": [reading(1)],
    }  # fmt: skip
    done = ingest(store, "clinic", [("dosimetry/v1/clinic/electrometer-1/readings", json.dumps(message).encode())])
    assert (done.answers, done.unreadable) == ([], 1)
