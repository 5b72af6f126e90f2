"""No flipped bit of a message or an answer, wherever it strikes, is believed as something else (docs/noloss.md 2)."""

from __future__ import annotations

import pytest
from test_flow import EPOCH, STORE, row

from acquire.bus.names import Topics
from acquire.canonical import canonical
from acquire.checksum import checksum
from acquire.checksum import seed as seed_of
from acquire.spool import encoding
from acquire.spool.answers import NOT_AN_ANSWER, answer, answers_to_batch
from acquire.spool.entries import Held
from acquire.spool.source import NextMessage, Source, Stream
from acquire.store.answers import batch_committed, committed
from acquire.store.believed import Unread, heard
from acquire.store.ingest import BatchAnswer, Watermark
from acquire.store.judge import Place, judge_all

TOPICS = Topics("clinic")
READING = canonical(
    {"kind": "scalar", "quantity": "charge", "unit": "C", "value": 1.035e-11, "time": "2027-02-03T09:12:00.000000Z",
     "monotonic_s": 1.5, "raw": "+1.035E-11"}
)  # fmt: skip


def flips(message: bytes) -> list[bytes]:
    whole = [bytearray(message) for _ in range(8 * len(message))]
    for n, each in enumerate(whole):
        each[n // 8] ^= 1 << n % 8
    return [bytes(each) for each in whole]


def source() -> tuple[Source, list[Stream]]:
    made = Source("source-1", STORE, EPOCH, [row(n, 57, instrument=f"i-{n}") for n in (1, 2)], host="")
    return made, list(made.streams.values())


def entries_of(s: Stream) -> list[Held]:
    return [Held(READING, checksum(seed_of(s.stream), 41, READING))]


def believed(topic: str, message: bytes) -> list[tuple[object, ...]]:
    """All that the store would act on, of each part that it believes."""
    found = []
    for one in heard("clinic", [(topic, message)], Unread()):
        part = one.part
        facts = (part.first_seq, part.head, part.oldest, part.ended, part.why, part.unconfirmed_streams)
        rows = [(row.seq, row.body) for row in judge_all(one.said, Place(part.stream, 1, 1))]
        found.append((part.stream, *facts, one.source, one.query, one.epoch, one.host, rows))
    return found


def a_question() -> tuple[str, bytes]:
    made, (s, _) = source()
    return TOPICS.readings("i-1"), encoding.readings(made, NextMessage(s, 58, entries=False, most=0), [])


def a_message() -> tuple[str, bytes]:
    made, (s, _) = source()
    return TOPICS.readings("i-1"), encoding.readings(made, NextMessage(s, 41, entries=True, most=1), entries_of(s))


def an_end() -> tuple[str, bytes]:
    made, (s, _) = source()
    made.ended(s.stream, "link-lost", "The port is gone.")
    return TOPICS.readings("i-1"), encoding.readings(made, NextMessage(s, 58, entries=False, most=0), [])


def a_batch() -> tuple[str, bytes]:
    made, streams = source()
    parts = [encoding.part(made, NextMessage(s, 41, entries=True, most=1), entries_of(s)) for s in streams]
    return TOPICS.batch(None), encoding.batch(made, parts)


@pytest.mark.parametrize("make", [a_question, a_message, an_end, a_batch])
def test_a_flipped_bit_on_the_way_to_the_store_changes_nothing_that_is_believed(make: object) -> None:
    topic, message = make()  # type: ignore[operator]
    sent = believed(topic, message)
    assert sent
    lost = 0
    for flipped in flips(message):
        got = believed(topic, flipped)
        for part in got:
            same = [each for each in sent if each[:-1] == part[:-1] and all(row in each[-1] for row in part[-1])]  # type: ignore[attr-defined]
            assert same, f"{flipped!r} is believed as {part}"
        lost += len(got) < len(sent)
    assert lost > len(message), "nearly every flip is noticed"


def test_a_flipped_bit_on_the_way_back_confirms_nothing_else() -> None:
    one = committed(Watermark("i-1", "stream-1", 57, STORE, EPOCH, "ask-1"))
    several = batch_committed(BatchAnswer("", STORE, EPOCH, "ask-1", {"stream-1": 57, "stream-2": 3}))
    for message, read in ((one, lambda m: [answer(m)]), (several, answers_to_batch)):
        said, noticed = read(message), 0
        for flipped in flips(message):
            try:
                assert [each[:-1] for each in read(flipped)] == [each[:-1] for each in said], flipped
            except NOT_AN_ANSWER:
                noticed += 1
        assert noticed > 7 * len(message)


def test_what_states_no_checksum_is_believed_as_before() -> None:
    topic, message = a_message()
    before, _, _ = message.rpartition(b',"crc32":')
    assert believed(topic, before + b"}") == believed(topic, message)
    assert answer(b'{"schema":"committed/1","stream":"s","through":4,"store":"x","epoch":"e","ask":"a"}').through == 4
