"""What a source puts into batches, what goes alone, and what it does where batches do not get through (section 2)."""

from __future__ import annotations

from test_flow import EPOCH, STORE, row

from acquire.spool.source import NO_BATCHES_FOR_S, PART_ENTRIES, Source, Stream


class Batching:
    """A source with so many live streams of one waiting entry each; answers as a store would that takes batches."""

    def __init__(self, streams: int, head: int = 1) -> None:
        self.source = Source(
            "source-1", STORE, EPOCH, [row(n, head, instrument=f"i-{n}") for n in range(1, streams + 1)], host=""
        )
        self.now = 100.0

    def send(self) -> tuple[int, list[Stream]]:
        """The next message: the number of its batch (0: it goes alone), and the streams in it."""
        message = self.source.next(self.now)
        if message is None:
            return 0, []
        number = self.source.begin_batch(message, self.now)
        if number == 0:
            self.source.sent(message, message.most if message.entries else 0, 100, self.now)
            return 0, [message.stream]
        streams = []
        while message is not None:
            self.source.sent(message, message.most if message.entries else 0, 100, self.now, batch=number)
            streams.append(message.stream)
            message = self.source.next_part()
        if len(streams) == 1:
            self.source.went_alone(streams[0])
            return 0, streams
        return number, streams

    def answer(self, s: Stream, through: int, *, batches: bool = True) -> None:
        self.source.answer(s.stream, through, STORE, EPOCH, self.source.query, self.now, batches=batches)

    def known(self) -> None:
        """Every question is answered by a store that takes batches."""
        while (sent := self.send()[1]) != []:
            for s in sent:
                self.answer(s, 0)
            if all(s.answered for s in self.source.streams.values()):
                return

    def appended(self, *numbers: int) -> None:
        for s in self.source.streams.values():
            if not numbers or s.number in numbers:
                self.source.appended(s.number, s.head + 1)


def test_what_waits_of_many_streams_goes_in_one_message_once_the_store_has_said_that_it_takes_it() -> None:
    assert Batching(20).send()[0] == 0, "the first message of a stream goes alone: the store does not know it"
    host = Batching(20)
    host.known()
    number, streams = host.send()
    assert number > 0
    assert len(streams) == 20
    for s in streams:
        host.answer(s, 1)
    assert host.source.all_settled


def test_a_store_that_does_not_say_so_gets_no_batch() -> None:
    host = Batching(5)
    while not all(s.answered for s in host.source.streams.values()):
        for s in host.send()[1]:
            host.answer(s, 0, batches=False)
    assert [host.send()[0] for _ in range(5)] == [0] * 5


def test_a_new_connection_may_lead_to_another_store_so_it_begins_with_single_messages() -> None:
    host = Batching(5)
    host.known()
    host.source.connected()
    assert host.send()[0] == 0


def test_a_lone_stream_and_one_with_much_go_in_messages_of_their_own() -> None:
    host = Batching(3)
    host.known()
    for s in host.send()[1]:
        host.answer(s, 1)
    host.appended(2)
    assert (host.send()[0], host.source._flights) == (0, 1)
    much = Batching(1, head=PART_ENTRIES + 1)
    much.known()
    assert much.send()[0] == 0


def test_a_stream_that_ends_says_so_by_itself() -> None:
    host = Batching(3)
    host.known()
    for s in host.send()[1]:
        host.answer(s, 1)
    ended = host.source.streams["stream-1"]
    host.source.ended(ended.stream, "closed")
    assert host.send() == (0, [ended])


def test_what_was_in_a_batch_that_got_no_answer_is_sent_again_alone() -> None:
    host = Batching(4)
    host.known()
    _, streams = host.send()
    host.now += 1.0
    again = [host.send() for _ in range(4)]
    assert [number for number, _ in again] == [0] * 4
    assert {s.number for _, (s,) in again} == {s.number for s in streams}


def test_where_batches_do_not_get_through_and_single_messages_do_none_is_sent_for_a_while() -> None:
    host = Batching(4)
    host.known()
    lost = 0
    for _ in range(40):
        number, streams = host.send()
        if number:
            lost += 1
        elif streams:
            for s in streams:
                host.answer(s, s.head)
        else:
            host.now += 1.0
            host.appended()
    assert 3 <= lost <= 4
    host.now += NO_BATCHES_FOR_S
    host.appended()
    sent = [host.send()[0] for _ in range(8)]
    assert any(sent), "it is tried again"


def test_a_batch_that_is_answered_keeps_the_way_open() -> None:
    host = Batching(4)
    host.known()
    lost = 0
    for n in range(60):
        number, streams = host.send()
        if number and n % 3 == 0:
            lost += 1
            continue
        if number:
            host.source.heard_batch()
        for s in streams:
            host.answer(s, s.head)
        if not streams:
            host.now += 1.0
            host.appended()
    assert lost >= 4
    assert host.source._no_batches_before == 0.0


def test_what_is_under_way_in_batches_is_counted_by_its_bytes() -> None:
    host = Batching(100)
    host.known()
    number, streams = host.send()
    assert (number > 0, len(streams)) == (True, 100), "a hundred parts are no hundred messages"
    assert host.source._flights == 0
    assert host.source._bytes == 100 * 100
    for s in streams:
        host.answer(s, 1)
    assert (host.source._flights, host.source._bytes) == (0, 0)
