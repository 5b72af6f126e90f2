"""Withheld originals and their way back: docs/noloss.md rules 3.10 and 4.2."""

from __future__ import annotations

import sqlite3

import pytest
from network import RETENTION_S, World, reading, to_send

from acquire.canonical import digest
from acquire.spool import encoding, originals, pruning
from acquire.spool.journal import stand_in
from acquire.store import streams
from acquire.store.attribution import measurement
from acquire.store.database import transaction
from acquire.store.events import SessionEvents
from acquire.store.ingest import ingest
from acquire.store.sealing import Sealing, hash_of


def entry(world: World, seq: int) -> sqlite3.Row:
    row: sqlite3.Row = world.store.execute("SELECT * FROM entry WHERE seq = ?", (seq,)).fetchone()
    return row


def states(world: World) -> list[str]:
    return [each["state"] for each in originals.listed(world.journal.db)]


def measured_around(world: World) -> str:
    """A measurement of a reading, a withheld original and a reading; all of it confirmed."""
    world.begin()
    each = world.measurement
    assert each is not None
    world.append_reading()
    world.append_withheld()
    world.append_reading()
    world.end()
    world.settle()
    return each


def test_an_original_comes_back_under_its_own_number_and_heals_its_measurement(world: World) -> None:
    each = measured_around(world)
    assert measurement(world.store, each).state == "broken"
    world.resend()
    world.settle()
    row = entry(world, 3)
    assert (row["kind"], row["status"], bytes(row["body"])) == ("scalar", "stored", world.emitted[2].original)
    view = measurement(world.store, each)
    assert (view.state, [r.seq for r in view.readings]) == ("ended", [2, 3, 4])
    (kept,) = world.store.execute("SELECT seq, body, reason FROM stand_in").fetchall()
    assert (kept["seq"], bytes(kept["body"]), kept["reason"]) == (3, world.emitted[2].body, "too large")
    assert states(world) == ["sent"]
    assert world.store.execute("SELECT count(*) FROM conflict").fetchone()[0] == 0


def test_it_is_sent_once_and_a_repetition_changes_nothing(world: World) -> None:
    measured_around(world)
    world.resend()
    sent = [world.to_store[-1] for _ in range(20) if world.send()]
    world.settle()
    before = [tuple(row) for row in world.store.execute("SELECT * FROM entry")]
    for payload in sent * 2:
        world.deliver(payload)
    world.resend()
    world.settle()
    assert [tuple(row) for row in world.store.execute("SELECT * FROM entry")] == before


def test_it_is_sent_after_a_crash_too(world: World) -> None:
    measured_around(world)
    world.resend()
    world.crash_source()
    world.settle()
    assert (entry(world, 3)["kind"], states(world)) == ("scalar", ["sent"])


def test_a_broker_that_still_refuses_holds_nothing_up_and_is_told(world: World) -> None:
    measured_around(world)
    world.takes_no_originals = True
    world.resend()
    appended_at = {}
    for n in range(60):
        world.append_reading()
        appended_at[world.emitted[-1].seq] = n
        world.flow()
    longest = world.source.limits.longest_resend_s
    stored = [row["seq"] for row in world.store.execute("SELECT seq FROM entry WHERE seq > 5 ORDER BY seq")]
    assert len(stored) >= 60 - longest, "a live stream waits for the attempt under way at most"
    assert (entry(world, 3)["kind"], states(world)) == ("withheld", ["withheld"])
    world.takes_no_originals = False
    world.resend()
    world.settle()
    assert (entry(world, 3)["kind"], states(world)) == ("scalar", ["sent"])


def test_a_store_that_is_silent_is_no_refusal(world: World) -> None:
    measured_around(world)
    world.resend()
    for _ in range(300):
        while world.send():
            pass
        world.to_store.clear()
        world.now += 1.0
    assert states(world) == ["to be sent"]
    world.settle()
    assert states(world) == ["sent"]


def test_a_connection_that_breaks_on_it_thrice_ends_the_attempt(world: World) -> None:
    measured_around(world)
    world.resend()
    broken = 0
    for _ in range(20):
        message = world.source.next(world.now)
        if message is not None and message.original:
            world.source.sent(message, 1, 100, world.now)
            world.source.broke(message)
            world.source.connected()
            broken += 1
        elif message is not None:
            entries = world.journal.read(message.stream.number, message.first, message.most, 10**6)
            payload = encoding.readings(world.source, message, entries if message.entries else [])
            world.source.sent(message, len(entries) if message.entries else 0, len(payload), world.now)
            world.deliver(payload)
            world.hear(world.to_source.pop())
    assert (broken, states(world)) == (3, ["withheld"])


def test_a_store_restored_from_before_gets_the_original_again(world: World) -> None:
    measured_around(world)
    backup = world.backup()
    world.resend()
    world.settle()
    world.restore(backup)
    assert entry(world, 3)["kind"] == "withheld"
    world.settle()
    assert (entry(world, 3)["kind"], states(world)) == ("scalar", ["sent"])
    backup.close()


def test_an_original_older_than_the_journal_comes_back_and_goes_after_the_retention(world: World) -> None:
    measured_around(world)
    world.lose_link()
    world.append_reading()
    world.settle()
    world.now += RETENTION_S + 1
    world.begin_pass()
    world.flow()
    assert world.prune() >= 5, "the stand-in is no longer held"
    assert states(world) == ["withheld"], "an original that was not sent stays"
    world.resend()
    world.settle()
    row = world.store.execute("SELECT kind FROM entry WHERE seq = 3 AND stream = ?", (world.emitted[2].stream,))
    assert (row.fetchone()["kind"], states(world)) == ("scalar", ["sent"])
    pruning.note_pass(world.journal, RETENTION_S, world.now + RETENTION_S - 60)
    assert states(world) == ["sent"]
    pruning.note_pass(world.journal, RETENTION_S, world.now + RETENTION_S + 60)
    assert states(world) == []


def test_what_an_older_program_kept_as_a_conflict_is_none_any_more(world: World) -> None:
    each = measured_around(world)
    e = world.emitted[2]
    assert e.original is not None
    with transaction(world.store):
        stream, content = streams.named(world.store, e.stream), digest(e.original)
        assert stream is not None
        row = (stream.number, e.seq, content, e.original, "then")
        world.store.execute("INSERT INTO conflicts VALUES (?, ?, ?, ?, ?, NULL)", row)
        sealing = Sealing(world.store)  # as the migration to this schema does
        sealing.add("conflict", stream, e.seq, row=hash_of(e.seq, content.hex(), "then", e.original))
        sealing.keep()
    world.resend()
    world.settle()
    assert world.store.execute("SELECT count(*) FROM conflict").fetchone()[0] == 0
    assert measurement(world.store, each).state == "ended"


@pytest.mark.parametrize("other", [b"not JSON", stand_in(b"x", "r"), reading(99)])
def test_nothing_but_the_original_takes_the_place_of_its_stand_in(world: World, other: bytes) -> None:
    measured_around(world)
    s = next(iter(world.source.streams.values()))
    message = world.source.next(world.now + 100)
    assert message is not None
    body = other if other != b"not JSON" else b"1"
    world.deliver(to_send(world.source, message._replace(stream=s, first=3), [body]))
    assert (entry(world, 3)["kind"], entry(world, 3)["status"]) == ("withheld", "refused")


def test_the_session_is_told_of_what_the_original_made_whole(world: World) -> None:
    measured_around(world)
    events = SessionEvents(world.store)
    told = events.fetch(world.store)
    events.write_down(world.store)
    assert [r["seq"] for _, e in told if e["event"] == "attached" for r in e["detail"]["readings"]] == [2]
    world.resend()
    while world.send():
        pass
    done = ingest(world.store, "clinic", [("dosimetry/v1/clinic/electrometer-1/readings", m) for m in world.to_store])
    assert done.originals == {world.emitted[2].stream: 3}
    events.again(done.originals)
    again = [e for _, e in events.fetch(world.store)]
    assert [r["seq"] for e in again if e["event"] == "attached" for r in e["detail"]["readings"]] == [3, 4]
    fresh = [e for _, e in SessionEvents(world.store).fetch(world.store)]
    assert [e["event"] for e in fresh] == [e["event"] for e in again], "a crash before it was told leaves nothing out"


def test_a_session_waits_for_an_original_that_is_on_its_way(world: World) -> None:
    measured_around(world)
    world.lose_link()
    world.append_reading()
    world.settle()
    assert world.stream is not None
    assert world.source.unconfirmed_streams(world.stream) == 0
    world.resend()
    assert world.source.unconfirmed_streams(world.stream) == 1
    world.settle()
    assert world.source.unconfirmed_streams(world.stream) == 0
