"""What a source counts: messages and bytes under way, losses of a message and of a way, and when it looks again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_batches_of_a_source import Batching
from test_flow import EPOCH, STORE, Wire, row

from acquire.spool.source import Flight, Limits, NextMessage, Source


def known(wire: Wire) -> Wire:
    """Every question of the first query is answered."""
    wire.asked()
    return wire


# --- the window -------------------------------------------------------------------------------------------------------


def test_a_window_is_full_with_just_so_many_messages_or_bytes() -> None:
    two = known(Wire([row(n, 1, instrument=f"i-{n}") for n in range(1, 5)], Limits(source_messages=2)))
    assert len(two.send_all()) == 2
    few = known(Wire([row(n, 1, instrument=f"i-{n}") for n in range(1, 5)], Limits(source_bytes=300)))
    assert len(few.send_all()) == 3


def test_a_question_takes_no_bytes_of_the_window() -> None:
    wire = Wire([row(1, 1)])
    assert wire.source.next(0.0) is not None
    (s,) = wire.source.streams.values()
    wire.source.sent(wire.source._question(s), 0, 0, 0.0)
    assert (wire.source._flights, wire.source._bytes) == (1, 0)


def test_a_batch_ends_where_the_window_is_full() -> None:
    host = Batching(6)
    host.known()
    host.source.limits = replace(host.source.limits, source_bytes=300)
    assert len(host.send()[1]) == 3


def test_what_is_forgotten_leaves_room_in_the_window() -> None:
    wire = Wire([row(n, 3, ended="closed", through=3) for n in (1, 2)], Limits(source_messages=1))
    wire.source.new_query(every_stream=True)
    s, *_ = wire.send() or pytest.fail("a question is due")
    assert wire.send() is None
    wire.source.forgotten(s.stream)
    assert wire.send() is not None


def test_a_part_of_a_batch_that_is_sent_again_counts_as_a_message_from_then_on() -> None:
    host = Batching(4)
    host.known()
    host.send()
    assert host.source._flights == 0
    host.now += 1.0
    again = [host.send()[1][0] for _ in range(4)]
    assert host.source._flights == 4
    host.now += 2.0
    host.send()
    assert host.source._flights == 4, "once only"
    for s in again:
        host.answer(s, 1)
    assert (host.source._flights, host.source._bytes) == (0, 0)


def test_what_is_called_back_is_no_longer_under_way() -> None:
    wire = known(Wire([row(1, 100)], Limits(batch_entries=10)))
    wire.send_all()
    (s,) = wire.source.streams.values()
    assert wire.source._flights == 6
    s.give_up, s.fails = False, 9
    s.asked_anew, s.front = True, 1
    assert wire.source._fail(s), "ten times: it is given up"
    assert (wire.source._flights, wire.source._bytes, s.give_up) == (0, 0, True)


def test_going_on_from_the_watermark_calls_everything_back() -> None:
    wire = known(Wire([row(1, 100)], Limits(batch_entries=10)))
    wire.send_all()
    (s,) = wire.source.streams.values()
    wire.now = 1.0
    wire.send()
    assert (s.tries, wire.source._flights) == (1, 6)
    wire.answer(s, 15)
    assert (len(s.flights), wire.source._flights, wire.source._bytes, s.sent) == (0, 0, 0, 15)


def test_appending_names_the_stream() -> None:
    assert Wire([row(1, 1), row(2, 1)]).source.appended(2, 5) == "stream-2"


def test_streams_in_files_put_aside_count_with_those_of_the_spool() -> None:
    rows = [row(1, 3, ended="crash"), row(2, 3, ended="crash"), row(3, 1)]
    source = Source("source-1", STORE, EPOCH, rows, aside=lambda instrument, epoch: 40 + len(instrument + str(epoch)))
    assert source.unconfirmed_streams(source.streams["stream-3"]) == 2 + 40 + len("i-1" + EPOCH)


# --- questions --------------------------------------------------------------------------------------------------------


def test_an_original_waits_for_the_answer_of_the_query_under_way() -> None:
    wire = Wire([replace(row(1, 3, through=3), resend=(2,))])
    wire.source.new_query()
    (s,) = wire.source.streams.values()
    s.original = None  # its turn comes with the next query
    wire.source.sent(wire.source._question(s), 0, 0, 0.0)
    assert s.original_due
    before = wire.source.query
    assert not s.answered
    wire.send()
    assert wire.source.query == before


def test_an_original_that_was_heard_leaves_nothing_counted_against_the_next() -> None:
    wire = Wire([replace(row(1, 3, through=3), resend=(2, 3))])
    (s,) = wire.source.streams.values()
    s.original_fails = 2
    message = wire.source.next(0.0)
    assert message is not None
    assert message.original
    wire.source.sent(message, 1, 100, 0.0)
    wire.answer(s, 3)
    assert (s.originals, s.resent, s.original_fails) == ([3], [2], 0)


def test_under_a_new_query_a_part_of_a_batch_is_the_question_first() -> None:
    host = Batching(3)
    host.known()
    host.source.new_query()
    first = host.source.next(host.now)
    assert first is not None
    host.source.sent(first, 0, 0, host.now, batch=host.source.begin_batch(first, host.now))
    part = host.source.next_part()
    assert part is not None
    assert (first.entries, part.entries) == (False, False)


def test_what_a_store_that_is_ahead_is_shown_goes_under_an_ask_for_each_message() -> None:
    wire = known(Wire([row(1, 4, through=1)], Limits(batch_entries=1)))
    (s,) = wire.source.streams.values()
    wire.answer(s, 9)
    shown = []
    while not s.settled and len(shown) < 9:
        _, first, count = wire.send() or pytest.fail("nothing is sent")
        asked = wire.source.query
        wire.answer(s, 9)
        assert s.settled or wire.source.query != asked
        shown.append((first, count))
    assert shown == [(2, 1), (3, 1), (4, 1)]


# --- losses -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fails", "entries"), [(2, False), (3, True)])
def test_a_message_that_gets_no_progress_is_asked_about_and_then_halved(fails: int, entries: bool) -> None:
    wire = known(Wire([row(1, 100)]))
    wire.send()
    (s,) = wire.source.streams.values()
    s.fails, s.answered_meanwhile = fails, True
    message = wire.source._once_more(s)
    assert message is not None
    assert (message.entries, message.most) == (entries, 50 if entries else 0)
    assert not s.answered_meanwhile, "it is counted once"


def test_a_store_is_asked_anew_once_for_a_message_that_does_not_get_through() -> None:
    wire = known(Wire([row(1, 100)]))
    (s,) = wire.source.streams.values()
    before = wire.source.query
    s.fails = 2
    assert wire.source._fail(s)
    asked = wire.source.query
    s.fails, s.front = 2, 4
    assert not wire.source._fail(s), "nor is it halved before that was tried"
    assert before != asked == wire.source.query


def test_an_answer_without_progress_says_nothing_of_what_was_not_sent_again() -> None:
    wire = known(Wire([row(1, 100)]))
    wire.send()
    (s,) = wire.source.streams.values()
    wire.answer(s, 0)
    assert not s.answered_meanwhile
    wire.now = 1.0
    wire.send()
    wire.answer(s, 0)
    assert s.answered_meanwhile


def test_a_question_that_was_asked_again_and_is_answered_leaves_nothing_in_doubt() -> None:
    wire = Wire([row(1, 1)])
    wire.send()
    wire.now = 1.0
    wire.send()
    (s,) = wire.source.streams.values()
    assert s.tries == 1
    wire.answer(s, 0)
    assert (s.tries, wire.source._flights) == (0, 0)


def test_an_original_that_is_given_up_is_no_longer_waited_for() -> None:
    (s,) = (wire := Wire([replace(row(1, 3, through=3), resend=(2,))])).source.streams.values()
    s.original_lost, s.original_fails = True, 3
    assert wire.source.give_up_original(s).seq == 2
    assert (s.originals, s.original, s.original_lost, s.original_fails) == ([], None, False, 0)


def test_behind_a_stand_in_everything_is_sent_again() -> None:
    wire = known(Wire([row(1, 100)], Limits(batch_entries=10)))
    wire.send_all()
    (s,) = wire.source.streams.values()
    s.give_up, s.fails = True, 10
    wire.source.replaced(NextMessage(s, 1, entries=True, most=1, replace=True))
    assert (wire.source._flights, len(s.flights), s.sent, s.fails, s.give_up) == (0, 0, 0, 0, False)


def test_halving_counts_anew_when_one_entry_is_left() -> None:
    wire = known(Wire([row(1, 100)]))
    (s,) = wire.source.streams.values()
    s.asked_anew = True
    for front, most, fails in ((4, 2, 3), (2, 1, 0)):
        s.front, s.fails = front, 3
        assert wire.source._fail(s)
        assert (s.most, s.fails) == (most, fails)


def test_a_watermark_that_moves_forgets_what_failed() -> None:
    wire = known(Wire([row(1, 2)]))
    (s,) = wire.source.streams.values()
    wire.send()
    s.fails, s.give_up = 2, True
    wire.answer(s, 1)
    assert (s.fails, s.give_up) == (0, False)


def test_three_batches_lost_while_messages_get_through_close_that_way_for_a_minute() -> None:
    host = Batching(3)
    host.known()
    message = host.source.next(host.now)
    assert message is not None
    host.source._lost_batches = {1, 2}
    host.source._doubt_batches(host.now)
    assert host.source.begin_batch(message, host.now)
    host.source._lost_batches.add(3)
    host.source._doubt_batches(host.now)
    assert not host.source.begin_batch(message, host.now + 59.9)
    assert host.source.begin_batch(message, host.now + 60.0)
    assert host.source._lost_batches == set(), "it is counted anew"


def test_a_batch_that_is_heard_and_a_new_connection_forget_lost_batches() -> None:
    source = Batching(1).source
    for forgets in (source.heard_batch, source.connected):
        source._lost_batches = {1, 2}
        forgets()
        assert source._lost_batches == set()


# --- when to look again -----------------------------------------------------------------------------------------------


def test_it_looks_again_when_something_can_be_due_and_not_before() -> None:
    wire = Wire([row(1, 1, through=1)])
    wire.now = 100.0
    wire.source.streams["stream-1"].last_sent = 100.0
    assert wire.send() is None
    assert wire.source.wait_s(100.0) == 0.5, "nothing is under way"
    assert wire.source._heartbeat_from == 130.0
    wire.source.appended(1, 2)
    wire.now = 100.2
    wire.send()
    assert wire.source._resend_from == 100.5, "it was to look then anyhow"
    wire.now = 100.6
    assert wire.send() is None
    assert wire.source._resend_from == pytest.approx(100.7)


def test_without_any_stream_there_is_nothing_to_look_for() -> None:
    source = Source("source-1", STORE, EPOCH, [])
    assert source.next(100.0) is None
    assert source.wait_s(100.0) == 0.5
    assert source._heartbeat_from == 130.0


def test_a_heartbeat_that_is_held_up_by_what_is_under_way_is_looked_for_soon() -> None:
    wire = known(Wire([row(1, 2)]))
    wire.now = 131.0
    (s,) = wire.source.streams.values()
    s.last_sent, s.tries = 100.0, 5
    s.flights.append(Flight(1, 1, 10, 131.0))
    wire.source._register.file(s)
    assert wire.send() is None
    assert wire.source._heartbeat_from == 131.5
