"""The sentence of the fault that ended a stream goes with its end, from the runner to whoever asks the store."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from network import World, said

from acquire.bus.names import Topics
from acquire.spool import rescue
from acquire.spool.journal import LONGEST_WHY, Journal
from acquire.spool.publisher import Publisher
from acquire.spool.recorder import Recorder
from acquire.spool.spool import Spool
from acquire.store.export import export
from acquire.terminal.messages import readable

WHY = "The port is gone: /dev/ttyUSB0 was unplugged."


def ended(world: World, why: str | None = WHY, how: str = "link-lost") -> None:
    assert world.stream is not None
    world.journal.end_stream(world.stream.number, how, why)
    world.source.ended(world.stream.stream, how, why)
    world.stream = None


def row(world: World) -> sqlite3.Row:
    found: sqlite3.Row = world.store.execute("SELECT ended, why FROM stream").fetchone()
    return found


def test_the_sentence_is_in_the_spool_the_message_and_the_store(world: World) -> None:
    world.append_reading()
    ended(world)
    assert [s.why for s in world.journal.streams()] == [WHY]
    world.send()
    message = said(world.to_store[-1])
    assert (message["ended"], message["why"]) == ("link-lost", WHY)
    world.settle()
    assert tuple(row(world)) == ("link-lost", WHY)
    assert [each["why"] for each in export(world.store) if each["row"] == "stream"] == [WHY]


def test_it_outlives_a_crash_and_the_first_end_stays(world: World) -> None:
    world.append_reading()
    number = world.journal.streams()[0].number
    ended(world)
    world.journal.end_stream(number, "closed", "another")
    world.crash_source()
    world.settle()
    assert tuple(row(world)) == ("link-lost", WHY)


def test_an_orderly_end_and_an_older_source_say_nothing(world: World) -> None:
    world.append_reading()
    ended(world, None, "closed")
    world.send()
    assert "why" not in said(world.to_store[-1])
    world.settle()
    assert tuple(row(world)) == ("closed", None)


def test_a_long_sentence_is_cut_at_both_ends_and_steers_no_terminal(world: World) -> None:
    world.append_reading()
    ended(world, "x" * 5000)
    assert [len(s.why or "") for s in world.journal.streams()] == [LONGEST_WHY]
    world.source.streams[world.journal.streams()[0].stream].why = "\x1b[2J" + "y" * 5000
    world.settle()
    why = row(world)["why"]
    assert (len(why), "\x1b" in why) == (300, False)


def test_a_store_that_is_ahead_is_the_sentence_of_that_end(world: World, tmp_path: Path) -> None:
    world.append_reading()
    world.copy_spool(tmp_path / "copy.db")
    world.append_reading()
    world.settle()
    world.journal.close()
    world.path.write_bytes((tmp_path / "copy.db").read_bytes())
    for part in ("-wal", "-shm"):
        world.path.with_name(world.path.name + part).unlink(missing_ok=True)
    world.start_source()
    world.journal.db.execute("UPDATE stream SET ended = NULL")
    next(iter(world.source.streams.values())).ended = None
    for _ in range(4):
        world.flow()
    (stream,) = world.source.streams.values()
    assert (stream.ended, stream.why) == (
        "receded", f"the store knows 2 entries of stream {stream.stream}, the spool 1.",
    )  # fmt: skip


async def test_the_recorder_keeps_it_and_tells_the_publisher(tmp_path: Path) -> None:
    spool = await Spool.open(tmp_path / "spool.db", reserve=4096)
    publisher = await Publisher.over(spool, Topics("clinic"))
    recorder = Recorder(spool, publisher)
    stream = await recorder.open_stream("electrometer-1")
    assert await recorder.append(stream, [(b"{}", None), (b"{}", None)]) == 1
    assert await recorder.withhold(stream, b'{"big":1}', "too large") == 3
    await recorder.end_stream(stream, "link-lost", WHY)
    assert (stream.head, stream.ended, stream.why) == (3, "link-lost", WHY)
    assert [(s.head, s.ended, s.why) for s in await spool.streams()] == [(3, "link-lost", WHY)]
    await spool.close()


def test_tail_says_it() -> None:
    body = {"schema": "readings/1", "readings": [], "head": 7, "ended": "link-lost", "why": WHY}
    (line,) = readable("dosimetry/v1/clinic/e-1/readings", body, datetime.now(UTC))
    assert line.endswith(f"  clinic/e-1/readings  asks; head 7, ended: link-lost: {WHY}")


def test_originals_of_a_damaged_spool_are_salvaged_too(world: World, tmp_path: Path) -> None:
    world.append_withheld()
    world.lose_link()
    original = world.emitted[0].original
    world.journal.close()
    (found,) = rescue.salvage(world.path)
    assert {seq: (o.body, reason) for seq, (o, reason) in found.withheld.items()} == {1: (original, "too large")}
    journal = Journal(tmp_path / "new.db", reserve=4096)
    rescue.adopt(journal, [found])
    assert journal.db.execute("SELECT seq, body, reason FROM withheld").fetchall() == [(1, original, "too large")]
    journal.close()
    world.start_source()
