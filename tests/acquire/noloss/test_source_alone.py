"""The source by itself, decision by decision: what it sends next, what an answer makes it do (docs/noloss.md 3)."""

from __future__ import annotations

import pytest
from test_batches_of_a_source import Batching
from test_flow import EPOCH, STORE, Wire, check_register, row

from acquire.spool.source import BATCHES_LOST, NO_BATCHES_FOR_S, PART_ENTRIES, Effect, Limits, NextMessage, Stream


def of(wire: Wire, number: int = 1) -> Stream:
    return wire.source.streams[f"stream-{number}"]


def effects(wire: Wire, s: Stream, through: int, *, epoch: str = EPOCH, store: str = STORE) -> list[Effect]:
    return wire.source.answer(s.stream, through, store, epoch, wire.source.query, wire.now)


# --- answers ----------------------------------------------------------------------------------------------------------


def test_the_timer_follows_the_answers_smoothed() -> None:
    wire = Wire([row(1, 1)])
    wire.send()
    wire.now = 1.0
    wire.answer(of(wire), 0)
    wire.send()
    wire.now = 4.0
    wire.answer(of(wire), 1)  # 1 s, then 3 s: 0.875 * 1 + 0.125 * 3 = 1.25
    wire.source.appended(1, 2)
    sent = wire.now
    wire.send()
    wire.now = sent + 4.99
    assert wire.send() is None
    wire.now = sent + 5.0
    assert wire.send() == (of(wire), 2, 1)


def test_an_answer_of_another_epoch_forgets_everything_and_asks_for_every_stream() -> None:
    wire = Wire([row(1, 3, ended="closed", through=3), row(2, 4, through=4)])
    assert effects(wire, of(wire), 3, epoch="another") == [Effect("epoch", "another")]
    assert [s.through for s in wire.source.streams.values()] == [0, 0]
    assert sorted(s.number for s, _, _ in wire.send_all()) == [1, 2]


def test_a_store_that_went_back_in_its_epoch_is_told_of() -> None:
    wire = Wire([row(1, 3, through=3)])
    said = effects(wire, of(wire), 2)
    alarm = Effect("alarm", "the store went back to 2 of 3 without saying so.")
    assert said == [Effect("epoch", EPOCH), alarm]
    assert of(wire).through == 0


def test_a_store_that_is_ahead_ends_the_stream_and_what_is_not_confirmed_is_shown_first() -> None:
    wire = Wire([row(1, 3, through=1)])
    wire.source.connected()
    before = wire.source.query
    said = effects(wire, of(wire), 9)
    text = "the store knows 9 entries of stream stream-1, the spool 3."
    assert said == [Effect("receded", stream=of(wire)), Effect("alarm", text, of(wire))]
    assert (of(wire).ended, of(wire).why, of(wire).through) == ("receded", text, 1)
    assert wire.source.query != before, "what is shown goes under an ask of its own"
    seen = []
    while not of(wire).settled:
        s, first, count = wire.send() or pytest.fail("nothing is sent")
        assert wire.send() is None, "one message an ask"
        seen.append((first, count))
        asked = wire.source.query
        wire.answer(s, 9)
        assert of(wire).settled or wire.source.query != asked
    assert seen[0] == (2, 2)


def test_a_store_that_is_ahead_of_all_that_is_confirmed_changes_nothing_else() -> None:
    wire = Wire([row(1, 3, ended="crash", through=3)])
    before = wire.source.query
    said = effects(wire, of(wire), 9)
    assert [e.what for e in said] == ["receded", "alarm", "through"]
    assert (of(wire).ended, of(wire).why, of(wire).through) == ("crash", None, 3)
    assert wire.source.query == before


# --- turns and questions ----------------------------------------------------------------------------------------------


def test_the_first_turn_is_a_live_streams_and_then_they_alternate() -> None:
    wire = Wire([row(n, 5, ended="closed" if n < 4 else None) for n in range(1, 7)])
    assert [s.ended is None for s, _, _ in wire.send_all()] == [True, False, True, False, True, False]


def test_a_question_asks_above_the_head_for_nothing() -> None:
    wire = Wire([row(1, 7)])
    asked = wire.source.next(0.0)
    assert asked == NextMessage(of(wire), 8, entries=False, most=0)


def test_a_stream_that_was_forgotten_leaves_the_window_and_the_register() -> None:
    wire = Wire([row(1, 3, ended="closed"), row(2, 9)], Limits(source_messages=2))
    wire.send_all()
    gone = of(wire)
    wire.source.forgotten(gone.stream)
    assert list(wire.source.streams) == ["stream-2"]
    wire.answer(of(wire, 2), 0)
    assert wire.send() is not None, "what it had under way does not count any more"
    with pytest.raises(KeyError):
        wire.source.appended(1, 4)


def test_a_stream_that_is_new_is_not_asked_about_and_its_heartbeat_comes() -> None:
    wire = Wire([])
    s = wire.source.opened(row(1, 0))
    assert wire.send() is None
    wire.now = 30.0
    assert wire.send() == (s, 1, 0)


# --- what does not get through ----------------------------------------------------------------------------------------


def test_only_what_was_on_its_way_can_have_broken_the_connection() -> None:
    wire = Wire([row(1, 3)])
    question = wire.source.next(0.0)
    assert question is not None
    wire.source.broke(question)
    wire.send()
    wire.source.broke(question)
    assert of(wire).fails == 0
    wire.answer(of(wire), 0)
    entries = wire.source.next(0.0)
    assert entries is not None
    wire.source.broke(entries)
    assert of(wire).fails == 0, "it was not sent yet"
    wire.source.sent(entries, 3, 300, 0.0)
    wire.source.broke(entries)
    assert of(wire).fails == 1


def test_one_entry_is_withheld_after_ten_times_and_not_before() -> None:
    wire = Wire([row(1, 1)])
    wire.asked()
    tenth = 10
    for n in range(1, tenth + 1):
        wire.source.connected()
        wire.asked()
        message = wire.source.next(wire.now)
        assert message is not None
        assert not message.replace, f"given up after {n - 1}"
        wire.source.sent(message, 1, 100, wire.now)
        wire.source.broke(message)
    wire.source.connected()
    question = wire.source.next(wire.now)
    assert question is not None
    wire.source.sent(question, 0, 0, wire.now)
    wire.answer(of(wire), 0)
    given_up = wire.source.next(wire.now)
    assert given_up == NextMessage(of(wire), 1, entries=True, most=1, replace=True)
    wire.source.replaced(given_up)
    assert (of(wire).fails, of(wire).give_up, len(of(wire).flights)) == (0, False, 0)
    stand_in = wire.source.next(wire.now)
    assert stand_in is not None
    assert not stand_in.replace


def test_what_is_refused_is_asked_anew_at_the_third_time_and_halved_at_the_fourth() -> None:
    wire = Wire([row(1, 8)])
    wire.asked()
    sizes = []
    for n in range(1, 5):
        message = wire.source.next(wire.now)
        assert message is not None
        sizes.append(message.most)
        wire.source.sent(message, message.most, 100, wire.now)
        before = wire.source.query
        wire.source.broke(message)
        assert (wire.source.query != before) == (n == 3)
        if n != 3:
            wire.source.connected()
        wire.asked()
    assert sizes == [8, 8, 8, 8]
    halved = wire.source.next(wire.now)
    assert halved is not None
    assert halved.most == 4


# --- originals --------------------------------------------------------------------------------------------------------


def test_an_original_goes_as_the_one_message_of_an_ask_and_is_given_up_to_a_person() -> None:
    wire = Wire([row(1, 3, through=3)])
    wire.asked()
    before = wire.source.query
    wire.source.resend("stream-1", [2, 3])
    assert not wire.source.all_settled
    message = wire.source.next(wire.now)
    assert message == NextMessage(of(wire), 2, entries=True, most=1, original=True)
    assert wire.source.query != before
    wire.source.sent(message, 1, 100, wire.now)
    said = effects(wire, of(wire), 3)
    assert [(e.what, e.seq) for e in said] == [("through", 0), ("original", 2)]
    assert (of(wire).originals, of(wire).resent) == ([3], [2])
    of(wire).original_fails = 2
    assert wire.source.give_up_original(of(wire)) == Effect("withhold again", stream=of(wire), seq=3)
    assert (of(wire).originals, of(wire).original_fails, of(wire).original) == ([], 0, None)
    assert wire.source.all_settled
    wire.source.originals_dropped({1: (2,)})
    assert of(wire).resent == []


def test_the_register_follows_every_change_of_a_stream() -> None:
    import random  # noqa: PLC0415

    chance = random.Random(5)
    wire = Wire([row(n, 3, through=3, ended="closed") for n in range(1, 6)])
    check_register(wire.source, chance)
    wire.source.resend("stream-2", [1])
    assert set(wire.source._register.withholding) == {2}
    check_register(wire.source, chance)
    wire.source.give_up_original(of(wire, 2))
    assert not wire.source._register.withholding
    check_register(wire.source, chance)


# --- batches ----------------------------------------------------------------------------------------------------------


def lose_batches(host: Batching, count: int) -> None:
    """So many batches get no answer, and what was in them is then answered alone."""
    lost = 0
    while lost < count:
        number, streams = host.send()
        if number:
            lost += 1
        elif streams:
            for s in streams:
                host.answer(s, s.head)
        else:
            host.now += 1.0
            host.appended()


def drained(host: Batching) -> None:
    """All is answered."""
    for _ in range(200):
        _, streams = host.send()
        for s in streams:
            host.answer(s, s.head)
        if not streams:
            host.now += 1.0
        if all(s.settled for s in host.source.streams.values()):
            return


def begins_a_batch(host: Batching) -> bool:
    """Whether what is appended now goes in one, once what was asked meanwhile is out of the way."""
    drained(host)
    host.appended()
    return any(host.send()[0] for _ in range(8))


@pytest.mark.parametrize(("lost", "goes_on"), [(BATCHES_LOST - 1, True), (BATCHES_LOST, False)])
def test_so_many_lost_batches_shut_the_way_for_a_while(lost: int, goes_on: bool) -> None:
    host = Batching(4)
    host.known()
    lose_batches(host, lost)
    drained(host)
    assert begins_a_batch(host) == goes_on
    drained(host)
    host.now += NO_BATCHES_FOR_S
    assert begins_a_batch(host)


@pytest.mark.parametrize("how", ["heard", "connected"])
def test_a_batch_that_is_heard_or_a_new_connection_counts_anew(how: str) -> None:
    host = Batching(4)
    host.known()
    lose_batches(host, BATCHES_LOST - 1)
    if how == "heard":
        host.source.heard_batch()
    else:
        host.source.connected()
        host.known()
    lose_batches(host, 1)
    drained(host)
    assert begins_a_batch(host)


def test_a_stream_with_more_than_a_part_holds_goes_alone() -> None:
    for waiting, part in ((PART_ENTRIES, True), (PART_ENTRIES + 1, False)):
        host = Batching(2, head=waiting)
        host.known()
        assert (host.send()[0] > 0) == part
    assert PART_ENTRIES == 20


def test_what_is_to_be_withheld_begins_no_batch_and_a_source_without_a_host_none() -> None:
    host = Batching(2)
    host.known()
    (s, _) = host.source.streams.values()
    plain = NextMessage(s, 1, entries=True, most=1)
    assert host.source.begin_batch(plain, host.now) == 1
    assert host.source.begin_batch(plain, host.now) == 2
    assert host.source.begin_batch(NextMessage(s, 1, entries=True, most=1, replace=True), host.now) == 0
    host.source.host = None
    assert host.source.begin_batch(plain, host.now) == 0


def test_what_went_alone_counts_as_a_message_and_what_has_nothing_under_way_as_none() -> None:
    host = Batching(2)
    host.known()
    s, other = host.source.streams.values()
    host.source.sent(NextMessage(s, 1, entries=True, most=1), 1, 10, host.now, batch=1)
    assert host.source._flights == 0
    host.source.went_alone(s)
    host.source.went_alone(s)
    host.source.went_alone(other)
    assert host.source._flights == 1
    assert s.flights[0].batch == 0


def test_a_store_that_says_nothing_of_batches_gets_none_from_then_on() -> None:
    host = Batching(2)
    host.known()
    for s in host.source.streams.values():
        host.source.answer(s.stream, 0, STORE, EPOCH, host.source.query, host.now)
    assert host.send()[0] == 0
