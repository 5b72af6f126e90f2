"""Batches, windows, turns, timers and what does not get through: docs/noloss.md rules 3.4, 3.6, 3.8 and section 5."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from network import SMALL, World, reading, said

from acquire.spool import encoding
from acquire.spool.journal import StreamRow
from acquire.spool.source import Limits, Source, Stream

EPOCH, STORE = "epoch-1", "store-1"


def row(number: int, head: int, *, ended: str | None = None, through: int = 0, instrument: str = "i-1") -> StreamRow:
    heard = int(through >= head and ended is not None)
    return StreamRow(number, f"stream-{number}", instrument, head, 1, ended, heard, through, EPOCH)


class Wire:
    """A source without spool or store: what it would send, entry bodies of a given size, answers at will."""

    def __init__(self, rows: list[StreamRow], limits: Limits | None = None, body: int = 100) -> None:
        self.source = Source("source-1", STORE, EPOCH, rows, limits)
        self.body, self.now = body, 0.0
        self.sent: list[tuple[Stream, int, int]] = []  # stream, first, count

    def send(self) -> tuple[Stream, int, int] | None:
        turn = self.source.next(self.now)
        if turn is None:
            return None
        assert not turn.replace
        most = self.source.limits.batch_bytes
        count = 0
        while count < turn.most and (count == 0 or (count + 1) * self.body <= most):
            count += 1
        self.source.sent(turn, count if turn.entries else 0, count * self.body, self.now)
        self.sent.append((turn.stream, turn.first, count if turn.entries else 0))
        return self.sent[-1]

    def send_all(self) -> list[tuple[Stream, int, int]]:
        sent = []
        while (one := self.send()) is not None:
            sent.append(one)
        return sent

    def answer(self, s: Stream, through: int) -> None:
        self.source.answer(s.stream, through, STORE, EPOCH, self.source.query, self.now)

    def asked(self) -> None:
        """Answer the questions of the first query: nothing is there yet."""
        for s, _, _ in self.send_all():
            self.answer(s, s.through)


# --- batches and windows ----------------------------------------------------------------------------------------------


def test_at_rest_a_message_holds_one_reading_and_under_load_hundreds(world: World) -> None:
    world.source.limits = world.source._register.limits = Limits()
    world.append_reading()
    world.settle()
    for _ in range(3):
        world.append_reading()
        world.send()
        assert len(said(world.to_store[-1])["readings"]) == 1
        world.flow()
    for _ in range(900):
        world.append_reading()
    world.send()
    body = len(reading(1))
    count = len(said(world.to_store[-1])["readings"])
    assert 300 < count <= Limits().batch_entries
    assert count * body <= Limits().batch_bytes


def test_a_stream_has_six_messages_under_way_and_a_source_sixty_four() -> None:
    wire = Wire([row(n, 100_000) for n in range(1, 31)])
    wire.asked()
    sent = wire.send_all()
    per_stream = {s.number: sum(1 for t, _, _ in sent if t is s) for s, _, _ in sent}
    assert len(sent) == 64
    assert max(per_stream.values()) <= 6
    for s, first, count in sent:
        if first == 1:
            wire.answer(s, count)
    again = wire.send_all()
    assert len(again) == sum(1 for _, first, _ in sent if first == 1)


def test_the_window_has_eight_mebibytes_at_most() -> None:
    wire = Wire([row(n, 1000) for n in range(1, 40)], body=1_000_000)
    wire.asked()
    sent = wire.send_all()
    assert 8 <= sum(count for _, _, count in sent) <= 9, "large entries go alone, and few at a time"
    assert all(count == 1 for _, _, count in sent)


def test_questions_of_a_thousand_streams_go_within_the_window_as_well() -> None:
    wire = Wire([row(n, 5, ended="closed") for n in range(1, 1001)])
    asked = 0
    while not wire.source.all_settled:
        sent = wire.send_all()
        assert 0 < len(sent) <= 64
        for s, _, count in sent:
            asked += count == 0
            wire.answer(s, 5)
    assert asked == 1000


# --- turns ------------------------------------------------------------------------------------------------------------


def test_live_streams_get_at_least_half_the_turns_while_old_ones_catch_up() -> None:
    rows = [row(n, 10_000, ended="crash") for n in range(1, 6)] + [row(n, 10_000) for n in (6, 7)]
    wire = Wire(rows, Limits(stream_messages=1000, source_messages=10**6))
    wire.asked()
    turns = [wire.send() for _ in range(80)]
    live = sum(1 for turn in turns if turn is not None and turn[0].ended is None)
    assert live == 40
    old = [turn[0].number for turn in turns if turn is not None and turn[0].ended is not None]
    assert {old.count(n) for n in range(1, 6)} == {8}, "round robin among the old"


def test_a_live_stream_that_has_nothing_to_say_takes_no_turn() -> None:
    wire = Wire([row(1, 10_000, ended="crash"), row(2, 0)], Limits(stream_messages=1000, source_messages=10**6))
    wire.asked()
    assert all(s.number == 1 for s, _, _ in wire.send_all())


# --- timers -----------------------------------------------------------------------------------------------------------


def resends(wire: Wire, until: float) -> list[float]:
    times = []
    while wire.now < until:
        wire.now = round(wire.now + 0.1, 3)
        if wire.send() is not None:
            times.append(wire.now)
    return times


def test_a_message_without_answer_is_sent_again_alone_its_timer_doubled_to_ten_seconds() -> None:
    wire = Wire([row(1, 2000, ended="crash")], Limits(heartbeat_s=10**6))
    wire.asked()
    assert len(wire.send_all()) == 4
    wire.source.limits = replace(wire.source.limits)
    times = []
    while wire.now < 45:
        wire.now = round(wire.now + 0.1, 3)
        while (one := wire.send()) is not None:
            if one[2]:
                assert one[1] == 1, "the oldest one only"
                times.append(wire.now)
    gaps = [round(b - a, 1) for a, b in zip([0.0, *times], times, strict=False)]
    assert gaps == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


def test_at_most_eight_streams_resend_at_once() -> None:
    wire = Wire([row(n, 5, ended="crash") for n in range(1, 31)], Limits(heartbeat_s=10**6))
    wire.asked()
    wire.send_all()
    wire.now = 5.0
    again = {s.number for s, _, count in wire.send_all() if count}
    assert len(again) == 8


def test_an_answer_that_moves_opens_the_window_again_from_the_watermark() -> None:
    wire = Wire([row(1, 3000, ended="crash")], Limits(heartbeat_s=10**6))
    wire.asked()
    wire.send_all()
    wire.now = 1.0
    wire.send_all()  # the resend
    s = wire.source.streams["stream-1"]
    wire.answer(s, 500)
    assert wire.send_all()[0][1] == 501


def test_the_first_timer_follows_a_slow_store() -> None:
    wire = Wire([row(1, 10**6)], Limits(heartbeat_s=10**6))
    wire.asked()
    s = wire.source.streams["stream-1"]
    for _ in range(60):  # each answered after two seconds
        _, first, count = wire.send() or pytest.fail("nothing sent")
        wire.now += 2.0
        wire.answer(s, first + count - 1)
    assert resends(wire, wire.now + 5.0)[6:] == [], "six messages of the window, and no resend before 4 x 2 s"


def test_a_heartbeat_comes_on_the_newest_stream_of_each_instrument_every_thirty_seconds() -> None:
    rows = [row(1, 3, ended="closed", through=3), row(2, 3, through=3), row(3, 0, instrument="i-2")]
    wire = Wire(rows)
    wire.asked()
    wire.now = 100.0
    beats = wire.send_all()
    assert {s.number for s, _, count in beats if count == 0} == {2, 3}
    for s, _, _ in beats:
        wire.answer(s, s.head)
    wire.now = 129.0
    assert wire.send_all() == []
    wire.now = 130.0
    assert len(wire.send_all()) == 2


def test_a_store_put_back_by_hand_is_noticed_by_the_next_heartbeat(world: World) -> None:
    """The same epoch, an unbroken connection, and nothing that is to be sent."""
    world.append_reading()
    world.settle()
    before = world.backup()
    world.append_reading()
    world.settle()
    world.restore_by_hand(before)
    assert world.source.all_settled, "nobody has said so"
    world.now += SMALL.heartbeat_s
    for _ in range(4):
        world.flow()
    assert world.source.all_settled
    world.put_back = False
    world.check()
    assert world.store.execute("SELECT max(through) FROM stream").fetchone()[0] == 2


def test_clock_steps_do_not_matter_since_only_the_monotonic_clock_is_asked() -> None:
    import acquire.spool.source as module  # noqa: PLC0415 - the source text is the point

    text = Path(str(module.__file__)).read_text()
    assert "utc_now" not in text
    assert "import time" not in text


# --- what does not get through ----------------------------------------------------------------------------------------


def run(world: World, refuses: Callable[[list[object]], bool], seconds: float) -> list[list[int]]:
    """Fair rounds over a way that loses each message whose readings it refuses; the batches it lost."""
    lost: list[list[int]] = []
    until = world.now + seconds
    while world.now < until:
        while world.send():
            pass
        messages, world.to_store = world.to_store, []
        for payload in messages:
            message = said(payload)
            readings = message["readings"]
            assert isinstance(readings, list)
            if refuses(readings):
                first = message["first_seq"]
                assert isinstance(first, int)
                lost.append(list(range(first, first + len(readings))))
            else:
                world.deliver(payload)
        answers, world.to_source = world.to_source, []
        for answer in answers:
            world.hear(answer)
        world.now += 0.25
        if world.source.all_settled and not world.to_store:
            break
    return lost


def test_a_message_too_large_for_the_way_is_halved_until_its_parts_get_through(world: World) -> None:
    world.source.limits = world.source._register.limits = replace(SMALL, batch_entries=64)
    for _ in range(64):
        world.append_reading()
    lost = run(world, lambda readings: len(readings) > 5, 200)
    assert world.source.all_settled
    assert {len(batch) for batch in lost} >= {64, 32, 16, 8}
    assert world.journal.db.execute("SELECT count(*) FROM withheld").fetchone() == (0,)
    world.check()


def test_the_one_entry_that_never_gets_through_is_withheld_and_the_rest_arrives(world: World) -> None:
    world.source.limits = world.source._register.limits = replace(SMALL, batch_entries=16)
    for _ in range(40):
        world.append_reading()
    assert world.stream is not None
    lost = run(world, lambda rs: any(isinstance(r, dict) and r.get("value") == 23.0 for r in rs), 600)
    assert world.source.all_settled
    alone = [batch for batch in lost if batch == [23]]
    assert len(alone) >= 10, "it is tried ten times by itself"
    kept = world.journal.db.execute("SELECT seq, body FROM withheld").fetchall()
    assert [(seq, b'"value":23.0' in body) for seq, body in kept] == [(23, True)]
    row = world.store.execute("SELECT kind, status FROM entry WHERE seq = 23").fetchone()
    assert tuple(row) == ("withheld", "refused")
    assert world.store.execute("SELECT count(*) FROM entry WHERE status = 'stored'").fetchone()[0] == 39
    world.check()


def test_a_store_that_is_silent_gives_no_reason_to_halve_or_withhold(world: World) -> None:
    for _ in range(9):
        world.append_reading()
    run(world, lambda readings: True, 300)
    world.reconnect(wiped=True)
    assert world.stream is not None
    assert (world.stream.most, world.stream.give_up) == (0, False)
    assert world.journal.db.execute("SELECT count(*) FROM withheld").fetchone() == (0,)
    world.settle()


def test_a_store_whose_answers_are_lost_gives_no_reason_either(world: World) -> None:
    for _ in range(9):
        world.append_reading()
    for _ in range(300):
        while world.send():
            pass
        messages, world.to_store = world.to_store, []
        for payload in messages:
            world.deliver(payload)
        world.to_source.clear()
        world.now += 1.0
    assert world.journal.db.execute("SELECT count(*) FROM withheld").fetchone() == (0,)
    world.settle()


def test_a_message_on_which_the_connection_breaks_each_time_is_halved_as_well(world: World) -> None:
    """A broker with a Maximum Packet Size cuts the connection on a message above it."""
    world.source.limits = world.source._register.limits = replace(SMALL, batch_entries=64)
    for _ in range(64):
        world.append_reading()
    for _ in range(200):
        turn = world.source.next(world.now)
        if turn is None:
            break
        assert not turn.replace
        entries = world.journal.read(turn.stream.number, turn.first, turn.most, 10**6) if turn.entries else []
        payload = encoding.readings(world.source, turn, entries)
        world.source.sent(turn, len(entries), len(payload), world.now)
        if len(entries) > 5:
            world.source.broke(turn)
            world.reconnect(wiped=True)
            continue
        world.deliver(payload)
        world.hear(world.to_source.pop())
    assert world.source.all_settled
    world.check()


# --- many streams -----------------------------------------------------------------------------------------------------


def test_what_the_register_files_is_what_a_search_through_all_streams_finds() -> None:
    """The register against the plain definitions, over random lives of sixty streams."""
    chance = random.Random(77331)
    ends = ("closed", "link-lost", "crash")
    wire = Wire([row(n, chance.randrange(4), ended=chance.choice(ends), instrument=f"i-{n % 3}") for n in range(1, 61)])
    number = 60
    for _ in range(800):
        wire.now += chance.choice((0.0, 0.1, 1.0, 40.0))
        streams = list(wire.source.streams.values())
        act = chance.randrange(7)
        if act == 0:
            number += 1
            wire.source.opened(row(number, 0, instrument=f"i-{number % 3}"))
        elif act == 1 and (live := [s for s in streams if s.ended is None]):
            s = chance.choice(live)
            wire.source.appended(s.number, s.head + 1)
        elif act == 2 and (live := [s for s in streams if s.ended is None]):
            wire.source.ended(chance.choice(live).stream, "closed")
        elif act == 3:
            wire.source.connected()
        elif act == 4:
            s = chance.choice(streams)
            wire.answer(s, min(s.head, s.through + chance.randrange(3)))
        else:
            wire.send()
        check_register(wire.source, chance)


def check_register(source: Source, chance: random.Random) -> None:
    streams = list(source.streams.values())
    assert source.all_settled == all(s.settled for s in streams)
    assert set(source._register.flying) == {s.number for s in streams if s.flights}
    assert source._flights == sum(len(s.flights) for s in streams)
    needs = [s for s in streams if source._register._needs_turn(s)]
    found = source._register.next_in_turn(True)
    assert (found is None) == (not needs)
    if found is not None:
        live = [s for s in needs if s.ended is None] or needs
        assert found is min(live, key=lambda s: (s.queried and not s.probe, s.turn, s.number))
    for s in chance.sample(streams, 5):
        family = [o for o in streams if o.instrument == s.instrument]
        newest = max(o.number for o in family)
        others = [o for o in family if not o.settled and o.number != newest]
        assert source.unconfirmed_streams(s) == len(others)
