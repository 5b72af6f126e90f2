"""The cases of docs/noloss.md section 6, one by one, on the real code of both ends; named as in the fault catalogue."""

from __future__ import annotations

import shutil
import sqlite3
import time
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from network import INSTRUMENT, RETENTION_S, TOPICS, World, new_store, reading, said, to_send

from acquire.checksum import seed
from acquire.spool import rescue
from acquire.spool.file import left_aside
from acquire.spool.health import Health
from acquire.spool.journal import Journal, OpenStream
from acquire.store.attribution import measurement, outstanding
from acquire.store.entries import counts
from acquire.store.ingest import ingest
from acquire.store.tails import NotDeclared, completeness, declare_ended

DAY = 86400.0


def filled(world: World, count: int = 6) -> World:
    for _ in range(count):
        world.append_reading()
    world.settle()
    return world


def states(world: World) -> dict[str, int]:
    return counts(world.store)


def alarms(world: World) -> set[str]:
    return {row["what"] for row in world.store.execute("SELECT what FROM alarm")}


# --- the store ----------------------------------------------------------------------------------------------------


def test_answer_lost(world: World) -> None:
    filled(world)
    world.append_reading()
    world.send()
    world.deliver(world.to_store.pop())
    world.to_source.clear()
    world.settle()
    assert states(world) == {"stored": 7}


def test_stale_watermark_retained_from_another_time(world: World) -> None:
    filled(world)
    old = world.store.execute("SELECT store, epoch FROM identity").fetchone()
    assert world.stream is not None
    for through in (0, 3, 99):
        for query in (str(uuid4()), "", "x" * 100):
            effects = world.source.answer(world.stream.stream, through, old["store"], old["epoch"], query, world.now)
            assert effects == []
    assert world.stream.through == 6


def test_store_restore_old_is_filled_from_the_journal(world: World) -> None:
    filled(world, 3)
    backup = world.backup()
    world.lose_link()
    filled(world, 5)
    world.restore(backup)
    world.settle()
    assert states(world) == {"stored": 8}
    assert all(completeness(world.store, r["stream"]) in ("complete", "open") for r in streams(world))
    backup.close()


def streams(world: World) -> list[sqlite3.Row]:
    return world.store.execute("SELECT * FROM stream ORDER BY first_heard").fetchall()


def test_closing_waits_after_a_restore_until_the_sources_have_caught_up(world: World) -> None:
    filled(world, 3)
    backup = world.backup()
    world.lose_link()
    filled(world, 2)
    assert outstanding(world.store, [INSTRUMENT], []) == []
    world.restore(backup)
    assert "has not been heard" in outstanding(world.store, [INSTRUMENT], [])[0]
    world.settle()
    assert outstanding(world.store, [INSTRUMENT], []) == []
    backup.close()


def test_no_old_stream_heard_last_opens_the_way_to_closing_while_others_wait(world: World) -> None:
    """Several streams waited for the store; the first of them, all that is older than it confirmed, is heard last."""
    filled(world, 1)
    for _ in range(3):
        for _ in range(2):
            world.append_reading()
        world.lose_link()
    world.append_reading()
    while world.send():
        pass
    for payload in sorted(world.to_store, key=lambda each: -world.source.streams[str(said(each)["stream"])].number):
        world.deliver(payload)
        missing = outstanding(world.store, [INSTRUMENT], [])
        assert missing, "closing is possible while the source knows of streams that are not confirmed"
        assert "earlier stream" in missing[0]
    world.settle()
    assert outstanding(world.store, [INSTRUMENT], []) == []


def test_store_replaced_shows_what_is_older_than_the_journal_as_lost(world: World) -> None:
    filled(world, 4)
    world.now += RETENTION_S + 2 * DAY
    world.begin_pass()
    world.flow()
    assert world.prune() >= 3
    filled(world, 4)
    world.replace_store()
    world.settle()
    found = states(world)
    assert found["lost"] >= 3
    assert sum(found.values()) == 8
    assert "lost" in alarms(world)
    assert completeness(world.store, streams(world)[0]["stream"]) == "open"
    world.lose_link()
    world.settle()
    assert completeness(world.store, streams(world)[0]["stream"]) == "damaged"


def test_foreign_store_is_neither_believed_nor_pruned_for(world: World) -> None:
    filled(world, 4)
    mine = world.store
    world.store = new_store()
    world.now += RETENTION_S + 2 * DAY
    for _ in range(10):
        world.append_reading()
        world.begin_pass()
        world.flow()
    assert world.prune() == 0
    assert any("another store answers" in text for text in world.alarms)
    assert world.stream is not None
    assert world.stream.through == 4
    world.store.close()
    world.store = mine
    world.settle()
    assert states(world) == {"stored": 14}


def test_a_person_pairs_the_spool_with_another_store(world: World) -> None:
    filled(world, 4)
    world.store.close()
    world.store = new_store()
    other = world.store.execute("SELECT store FROM identity").fetchone()["store"]
    world.journal.pair(other)
    world.crash_source()
    world.settle()
    assert states(world) == {"stored": 4}


def test_store_rolled_back_by_hand_is_noticed_and_filled_up(world: World) -> None:
    filled(world, 3)
    backup = world.backup()
    filled(world, 5)
    world.restore_by_hand(backup)
    world.reconnect(wiped=True)
    world.settle()
    assert states(world) == {"stored": 8}
    assert any("went back" in text for text in world.alarms)
    backup.close()


def test_a_rolled_back_store_is_noticed_before_anything_is_pruned(world: World) -> None:
    """The guard of rule 3.7: only an answer of this very pass counts."""
    filled(world, 3)
    backup = world.backup()
    filled(world, 3)
    world.restore_by_hand(backup)
    world.now += RETENTION_S + 2 * DAY
    world.begin_pass()
    assert world.prune() == 0, "nothing has been answered yet"
    world.flow()
    assert world.prune() == 0, "the answer said that the store went back"
    world.settle()
    assert states(world) == {"stored": 6}
    backup.close()


def test_two_live_stores_of_one_record_stop_the_pruning_and_lose_nothing(world: World) -> None:
    filled(world, 3)
    second = world.backup()
    second.execute("UPDATE identity SET epoch = ?", (str(uuid4()),))
    world.append_reading()
    for turn in range(12):
        while world.send():
            pass
        messages, world.to_store = world.to_store, []
        for payload in messages:
            if turn % 2:
                world.deliver(payload)
            else:
                world.to_source += ingest(second, "clinic", [(TOPICS.readings(INSTRUMENT), payload)]).answers
        answers, world.to_source = world.to_source, []
        for answer in answers:
            world.hear(answer)
        world.now += 6.0
        world.append_reading()
    assert "two stores" in world.alarms
    world.now += 0.9 * DAY
    world.begin_pass()
    world.flow()
    assert world.prune() == 0
    world.settle()
    world.check()
    second.close()


# --- the spool ----------------------------------------------------------------------------------------------------


def test_spool_lost_leaves_an_unknown_tail_until_a_person_declares_it_ended(world: World, tmp_path: Path) -> None:
    filled(world, 3)
    world.begin()
    each = world.measurement
    assert each is not None
    world.append_reading()
    world.settle()
    lost = world.stream
    assert lost is not None
    world.journal.close()
    world.path = tmp_path / "new.db"
    world.start_source()
    for _ in range(2):
        world.append_reading()
    world.settle()
    with pytest.raises(NotDeclared, match="less than 60 s ago"):
        declare_ended(world.store, lost.stream)
    world.store.execute("UPDATE streams SET heard_boot = 'another' WHERE stream = ?", (lost.stream,))
    assert completeness(world.store, lost.stream) == "unknown tail"
    assert measurement(world.store, each).state == "open"
    done = declare_ended(world.store, lost.stream)
    assert done == {"stream": lost.stream, "instrument": INSTRUMENT, "through": 5, "lost": 0}
    assert completeness(world.store, lost.stream) == "declared ended"
    assert measurement(world.store, each).state == "interrupted"
    with pytest.raises(NotDeclared, match="has ended already"):
        declare_ended(world.store, lost.stream)
    with pytest.raises(NotDeclared, match="no stream"):
        declare_ended(world.store, "nonsense")


def test_a_declared_stream_whose_source_comes_back_speaks_for_itself_again(world: World) -> None:
    filled(world, 3)
    for _ in range(4):
        world.append_reading()
    while world.send():
        pass
    for payload in world.to_store[1:]:  # a gap: 4 to 6 are missing, the head is known
        world.deliver(payload)
    world.store.execute("UPDATE streams SET heard_boot = 'another'")
    (stream,) = streams(world)
    assert declare_ended(world.store, stream["stream"])["lost"] > 0
    world.lose_link()
    world.settle()
    (stream,) = streams(world)
    assert (stream["ended"], stream["final"]) == ("link-lost", 7)
    assert states(world) == {"stored": 7}
    assert completeness(world.store, stream["stream"]) == "complete"


def test_spool_restore_old_ends_its_streams_and_shows_what_is_lost(world: World, tmp_path: Path) -> None:
    filled(world, 3)
    world.copy_spool(tmp_path / "copy.db")
    for _ in range(4):
        world.append_reading()
    while world.send():
        pass
    world.deliver(world.to_store.pop())  # the store hears of 7, and has only the last ones
    world.put_spool_back(tmp_path / "copy.db")
    world.settle()
    (stream,) = streams(world)
    assert (stream["ended"], stream["final"], stream["head"]) == ("restored", 3, 7)
    assert states(world) == {"stored": 4, "lost": 3}
    assert completeness(world.store, stream["stream"]) == "damaged"
    world.append_reading()
    world.settle()
    assert len(streams(world)) == 2, "no seq is used again: acquisition goes on in a new stream"


def test_a_spool_put_back_by_hand_is_noticed_when_the_store_had_heard_more(world: World, tmp_path: Path) -> None:
    filled(world, 3)
    world.copy_spool(tmp_path / "copy.db")
    filled(world, 4)
    world.journal.close()
    shutil.copyfile(tmp_path / "copy.db", world.path)
    for part in ("-wal", "-shm"):
        world.path.with_name(world.path.name + part).unlink(missing_ok=True)
    world.excused = {(e.stream, e.seq) for e in world.emitted[3:]}
    world.start_source()
    world.settle()
    assert any("the store knows 7 entries" in text for text in world.alarms)
    (stream,) = streams(world)
    assert completeness(world.store, stream["stream"]) == "incomplete"


def test_a_machine_image_rolled_back_conflicts_and_goes_on_in_a_new_stream(world: World, tmp_path: Path) -> None:
    """The running process goes back in time with its file: the same seq, another content."""
    filled(world, 3)
    image = tmp_path / "image.db"
    world.copy_spool(image)
    filled(world, 4)
    other = World(image, store=world.store)
    other.journal.db.execute("UPDATE stream SET ended = NULL")
    other.source.streams[(world.stream or pytest.fail("no stream")).stream].ended = None
    s = other.stream = other.source.streams[world.stream.stream]
    other.journal._open_streams[s.number] = OpenStream(seed(s.stream), s.head)
    other.source.connected()
    other.numbers = 100
    other.append_reading()  # seq 4 again
    for _ in range(30):
        other.flow()
    assert "conflict" in alarms(world)
    assert other.stream is None, "the stream ended as receded"
    rows = world.store.execute("SELECT seq, body FROM entry ORDER BY seq").fetchall()
    assert [bytes(r["body"]) for r in rows][3] == world.emitted[3].body, "what was there first stays"
    (kept,) = world.store.execute("SELECT body FROM conflict").fetchone()
    assert bytes(kept) == reading(101)
    other.append_reading()
    other.flow()
    other.journal.close()


def test_two_sources_for_one_instrument_raise_an_alarm_and_mix_nothing(world: World, tmp_path: Path) -> None:
    other = World(tmp_path / "other.db", store=world.store)
    other.numbers = 1000
    for _ in range(4):
        for each in (world, other):
            each.append_reading()
            each.flow()
            each.flow()
    assert "two sources" in alarms(world)
    found = streams(world)
    assert {r["source"] for r in found} == {world.source.source, other.source.source}
    assert [r["through"] for r in found] == [4, 4]
    assert states(world) == {"stored": 8}
    other.journal.close()


def test_a_copied_spool_run_twice_keeps_streams_apart(world: World, tmp_path: Path) -> None:
    filled(world, 3)
    world.copy_spool(tmp_path / "twin.db")
    twin = World(tmp_path / "twin.db", store=world.store)
    assert twin.source.source == world.source.source
    twin.numbers = 1000
    for _ in range(3):
        for each in (world, twin):
            each.append_reading()
            each.flow()
            each.flow()
    assert len(streams(world)) == 2
    assert states(world) == {"stored": 9}
    twin.journal.close()


def checked_beside(path: Path) -> None:
    """A start, and the check that is made beside it, to its end."""
    journal = Journal(path)
    health = Health(journal)
    for _ in range(2000):
        health.look()
        if left_aside(path):
            break
        time.sleep(0.005)
    health.close()
    journal.close()


def test_a_damaged_spool_is_salvaged_and_what_is_unreadable_is_withheld(world: World, tmp_path: Path) -> None:
    for _ in range(400):
        world.append_reading()
    stream = world.stream
    assert stream is not None
    while world.send():
        pass
    world.deliver(world.to_store[0])  # the store knows to whom the stream belongs
    before_source = world.source.source
    world.journal.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    world.journal.close()
    content = world.path.read_bytes()
    pages = {e.seq: content.index(e.body) // 4096 for e in world.emitted[200:]}
    seq, page = next((seq, page) for seq, page in pages.items() if content[page * 4096] == 0x0D)  # with rows
    world.path.write_bytes(content[: page * 4096] + b"\xa5" * 4096 + content[(page + 1) * 4096 :])
    checked_beside(world.path)
    world.start_source()
    (damaged,) = left_aside(world.path)
    before = damaged.read_bytes()
    found = rescue.salvage(damaged)
    assert damaged.read_bytes() == before, "evidence is not touched"
    assert [s.stream for s in found] == [stream.stream]
    missing = found[0].damaged
    assert 0 < len(missing) < 60
    assert seq in missing
    assert found[0].source == before_source
    assert rescue.adopt(world.journal, found) == 1
    assert rescue.adopt(world.journal, found) == 0, "once is enough"
    for e in [e for e in world.emitted if e.seq in missing]:
        world.emitted.remove(e)
        world.emitted.append(replace(e, body=rescue.stand_in(b"", "damaged"), truth=None))
    world.crash_source()
    world.settle()
    assert states(world) == {"stored": 400 - len(missing), "refused": len(missing)}
    kinds = {r["reason"] for r in world.store.execute("SELECT reason FROM entry WHERE status = 'refused'")}
    assert kinds == {"damaged"}


def test_nothing_of_a_file_that_is_no_database_is_offered(tmp_path: Path) -> None:
    (tmp_path / "noise.db").write_bytes(b"\xa5" * 20000)
    from acquire.spool.journal import SpoolError  # noqa: PLC0415

    with pytest.raises(SpoolError, match="nothing can be read"):
        rescue.salvage(tmp_path / "noise.db")


# --- entries that stand for something -----------------------------------------------------------------------------


def test_a_gap_does_not_break_a_measurement_and_a_withheld_original_does(world: World) -> None:
    found = []
    for stand_in in (world.append_gap, world.append_withheld):
        world.begin()
        each = world.measurement
        assert each is not None
        world.append_reading()
        stand_in()
        if stand_in == world.append_withheld:
            world.measurement = None  # what follows is attached to nothing: the marker may have been there
        world.append_reading()
        world.measurement = each
        world.end()
        found.append(each)
    world.settle()
    gap, withheld = (measurement(world.store, each) for each in found)
    assert (gap.state, len(gap.readings), gap.refused) == ("ended", 2, 1)
    assert (withheld.state, len(withheld.readings)) == ("broken", 1)


def test_another_reading_after_a_stand_in_is_kept_in_conflict_without_an_alarm(world: World) -> None:
    world.append_withheld()
    world.settle()
    stream = streams(world)[0]["stream"]
    world.append_reading()
    world.send()
    good = said(world.to_store.pop())
    payload = to_send(world.source, replace_turn(world, 1), [reading(77)])
    world.deliver(payload)
    assert good["stream"] == stream
    row = world.store.execute("SELECT kind, status FROM entry WHERE seq = 1").fetchone()
    assert tuple(row) == ("withheld", "refused")
    assert world.store.execute("SELECT count(*) FROM conflict").fetchone()[0] == 1
    assert "conflict" not in alarms(world)
    world.numbers = 1
    view = completeness(world.store, stream)
    assert view == "open"


def replace_turn(world: World, first: int):
    from acquire.spool.source import NextMessage  # noqa: PLC0415

    assert world.stream is not None
    return NextMessage(world.stream, first, entries=True, most=1)


def test_a_withheld_stand_in_after_the_real_reading_changes_nothing(world: World) -> None:
    filled(world, 2)
    payload = to_send(world.source, replace_turn(world, 1), [rescue.stand_in(b"x", "damaged")])
    world.deliver(payload)
    assert states(world) == {"stored": 2}
    assert world.store.execute("SELECT count(*) FROM conflict").fetchone()[0] == 0


def test_an_original_and_its_stand_in_are_written_together(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "spool.db", reserve=4096)
    row = journal.open_stream(INSTRUMENT)
    journal.db.execute("CREATE TRIGGER no BEFORE INSERT ON withheld BEGIN SELECT RAISE(ABORT, 'no'); END")
    with pytest.raises(Exception, match="no"):
        journal.withhold(row.number, b"{}", "too large")
    assert journal.db.execute("SELECT count(*) FROM entry").fetchone() == (0,)
    journal.close()
