"""Directed tests of the source's rules: what an answer may and may not do (docs/noloss.md section 3)."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import uuid4

import pytest
from network import World, reading, said

from acquire.spool.journal import Journal, SpoolError
from acquire.store.attribution import measurement


def settled_world(world: World, count: int = 4) -> World:
    for _ in range(count):
        world.append_reading()
    world.settle()
    return world


def test_first_answer_pairs_and_asks_anew_before_anything_is_believed(world: World) -> None:
    world.append_reading()
    world.send()
    world.deliver(world.to_store.pop())
    answer = world.to_source.pop()
    query = world.source.query
    world.hear(answer)
    assert world.journal.store == answer.store
    assert world.source.query != query
    assert all(s.through == 0 for s in world.source.streams.values())


def test_an_answer_to_an_old_question_counts_for_nothing(world: World) -> None:
    settled_world(world)
    world.append_reading()
    world.send()
    world.deliver(world.to_store.pop())
    late = world.to_source.pop()
    world.reconnect(wiped=True)
    world.hear(late)
    assert world.stream is not None
    assert world.stream.through == late.through - 1


def test_another_store_is_not_believed(world: World) -> None:
    settled_world(world)
    world.append_reading()
    world.send()
    world.deliver(world.to_store.pop())
    foreign = world.to_source.pop()._replace(store=str(uuid4()))
    effects = world.source.answer(
        foreign.stream, foreign.through, foreign.store, foreign.epoch, foreign.query, world.now
    )
    assert [e.what for e in effects] == ["alarm"]
    assert world.stream is not None
    assert world.stream.through == foreign.through - 1


def test_a_store_put_back_by_hand_is_noticed_by_the_floor(world: World) -> None:
    settled_world(world, 2)
    old = world.backup()
    for _ in range(3):
        world.append_reading()
    world.settle()
    old.backup(world.store)  # same epoch: nobody said so
    world.append_reading()
    world.settle()
    (count,) = world.store.execute("SELECT count(*) FROM entry").fetchone()
    assert count == 6
    old.close()


def test_a_store_that_knows_more_than_the_spool_ends_the_stream(world: World) -> None:
    settled_world(world)
    assert world.stream is not None
    answer_to = world.source.query
    store, epoch = world.store.execute("SELECT store, epoch FROM identity").fetchone()
    effects = world.source.answer(world.stream.stream, 99, store, epoch, answer_to, world.now)
    assert [e.what for e in effects] == ["receded", "alarm", "through"]
    assert world.stream.ended == "receded"
    assert world.stream.through == world.stream.head


def test_only_an_ask_begun_after_the_end_proves_that_the_end_was_heard(world: World) -> None:
    settled_world(world)
    world.append_reading()
    world.send()
    payload = world.to_store.pop()
    stream = world.stream
    assert stream is not None
    world.lose_link()
    world.deliver(payload)  # it was sent before the end and does not tell it
    world.hear(world.to_source.pop())
    assert stream.through == stream.head
    assert not stream.end_heard
    world.settle()
    assert stream.end_heard


def test_nothing_below_the_watermark_is_sent_twice_without_need(world: World) -> None:
    for _ in range(20):
        world.append_reading()
    world.settle()
    world.to_store.clear()
    for _ in range(3):
        world.append_reading()
    while world.send():
        pass
    assert [said(p)["first_seq"] for p in world.to_store] == [21]


def test_an_ended_stream_takes_no_entry(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "spool.db")
    row = journal.open_stream("electrometer-1")
    journal.end_stream(row.number, "closed")
    with pytest.raises(SpoolError, match="has ended"):
        journal.append([(row.number, [(reading(1), None)])])
    journal.close()


def test_one_spool_one_process(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "spool.db")
    with pytest.raises(SpoolError, match="in use by another process"):
        Journal(tmp_path / "spool.db")
    journal.close()
    Journal(tmp_path / "spool.db").close()


def test_a_damaged_spool_is_kept_aside_and_work_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    Journal(path).close()
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    journal = Journal(path)
    assert journal.moved_aside is not None
    assert journal.moved_aside.read_bytes().endswith(b"\xff" * 100)
    assert journal.open_stream("electrometer-1").head == 0
    journal.close()


def test_a_refused_entry_that_may_have_been_a_marker_breaks_the_measurement(world: World) -> None:
    world.begin()
    each = world.measurement
    assert each is not None
    world.append_reading()
    world.append(b'{"kind":"marker","mark":"perhaps"}')
    world.append_reading()
    world.end()
    world.settle()
    view = measurement(world.store, each)
    assert view.state == "broken"
    assert len(view.readings) == 1
    assert "may have been a marker" in str(view.reason)


def test_a_refused_reading_does_not_break_the_measurement(world: World) -> None:
    world.begin()
    each = world.measurement
    assert each is not None
    world.append_reading()
    world.append(b'{"kind":"unparsed","monotonic_s":1,"quantity":"charge","raw":"??","time":"t","unit":"C"}')
    world.append_reading()
    world.end()
    world.settle()
    view = measurement(world.store, each)
    assert (view.state, len(view.readings), view.refused) == ("ended", 2, 1)


def test_nothing_is_attached_beyond_the_watermark(world: World) -> None:
    settled_world(world, 1)
    world.begin()
    each = world.measurement
    assert each is not None
    for _ in range(12):
        world.append_reading()
    while world.send():
        pass
    later = world.to_store[1:]
    assert later, "the window holds more than one message"
    for payload in later:
        world.deliver(payload)  # the first one is lost: a gap
    before = measurement(world.store, each)
    (through,) = world.store.execute("SELECT through FROM stream").fetchone()
    assert all(r.seq <= through for r in before.readings)
    world.settle()
    assert len(measurement(world.store, each).readings) == 12


def test_same_key_with_another_content_is_kept_as_a_conflict(world: World) -> None:
    settled_world(world, 3)
    world.append_reading()
    world.send()
    payload = world.to_store.pop()
    world.deliver(payload)
    other = payload.replace(b'"value":4.0', b'"value":5.0')
    world.deliver(other)
    assert world.store.execute("SELECT what FROM alarm").fetchone()[0] == "damaged on the way", "its checksum is there"
    world.store.execute("DELETE FROM alarm")
    world.deliver(re.sub(rb'"checksums":\[[^]]*\],|,"crc32":\d+', b"", other))
    (count,) = world.store.execute("SELECT count(*) FROM conflict").fetchone()
    assert count == 1
    rows = world.store.execute("SELECT body FROM entry ORDER BY seq").fetchall()
    assert b'"value":4.0' in bytes(rows[-1]["body"])
    (what,) = world.store.execute("SELECT what FROM alarm").fetchone()
    assert what == "conflict"


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"", "not a readings message"),
        (b"\xff\xfe", "not a readings message"),
        (b"[]", "not a readings message"),
        (b"[" * 100_000, "not a readings message"),
        (b'{"schema":"readings/1"}', "not a readings message"),
    ],
)
def test_an_envelope_that_cannot_be_read_is_kept_and_counted(world: World, payload: bytes, why: str) -> None:
    world.deliver(payload)
    world.deliver(payload)
    row = world.store.execute("SELECT * FROM unreadable").fetchone()
    assert row["count"] == 2
    assert row["bytes"] == len(payload)
    assert row["beginning"] == payload[:4096]
    assert row["why"].startswith(why)
    assert world.to_source == []


def test_an_envelope_that_contradicts_itself_is_not_believed(world: World) -> None:
    world.append_reading()
    world.send()
    world.flow()
    world.append_reading()
    world.flow()
    world.flow()
    world.append_reading()
    world.send()
    good = world.to_store.pop()
    head = said(good)["head"]
    world.deliver(good.replace(f'"head":{head}'.encode(), b'"head":0'))
    assert world.store.execute("SELECT why FROM unreadable").fetchone()["why"].startswith("with numbers")
