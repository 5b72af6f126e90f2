"""Which messages are believed, and as what (docs/noloss.md rules 4.1 and 4.7), before anything is written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from test_attribution import SOURCE, reading
from test_taking import TOPICS, S, T, batch, message

from acquire.bus.names import Topics
from acquire.checksum import checksum, seed, with_sum
from acquire.store.believed import ALTERED, Heard, Unread, heard, not_its_own
from acquire.store.streams import Stream

OTHER_SITE = "from another site"
NO_NAME = "under a name that no instrument may have"
CONTRADICT = "with numbers that contradict each other"


def judged(*messages: tuple[str, bytes]) -> tuple[list[Heard], list[str]]:
    """(what is believed, why the rest is not)."""
    unread = Unread()
    found = heard("clinic", messages, unread)
    for topic, payload, _ in unread.kept:
        assert any(topic == under and payload in whole for under, whole in messages), "kept as it came"
    return found, [why for _, _, why in unread.kept]


def changed(given: tuple[str, bytes], **more: Any) -> tuple[str, bytes]:
    topic, payload = given
    return topic, json.dumps(json.loads(payload) | more).encode()


GOOD = message(S, 3, [reading(3), reading(4)], epoch="E", head=9, oldest=2, older=1)


def test_what_is_believed_says_who_where_and_in_answer_to_what() -> None:
    ((one,), []) = judged(GOOD)
    assert (one.topic, one.instrument, one.source, one.query, one.epoch, one.host, one.payload) == (
        GOOD[0], "e-1", SOURCE, SOURCE, "E", "h", GOOD[1],
    )  # fmt: skip
    part = one.part
    assert (part.stream, part.first_seq, part.head, part.oldest, part.unconfirmed_streams) == (S, 3, 9, 2, 1)
    assert (one.said.decoded, one.said.as_they_came()) == (True, [reading(3), reading(4)])
    assert one.said.ends_so is not None
    assert (one.said.ends_so(b"]}"), one.said.ends_so(b"x")) == (True, False)
    ((odd,), []) = judged(message(S, 1, [b"7"]))
    assert (odd.said.decoded, odd.said.as_they_came()) == (False, [b"7"])


def test_a_batch_is_as_many_parts_of_no_instrument_under_its_host() -> None:
    given = batch((S, 3, [reading(3)]), (T, 1, [b"7"]))
    (found, []) = judged(given)
    assert [(one.part.stream, one.instrument, one.source, one.query, one.epoch, one.host) for one in found] == [
        (S, None, SOURCE, SOURCE, None, "h"), (T, None, SOURCE, SOURCE, None, "h"),
    ]  # fmt: skip
    assert b",".join(one.payload for one in found) in given[1]
    assert {one.topic for one in found} == {given[0]}
    assert [(one.said.decoded, one.said.as_they_came()) for one in found] == [(True, [reading(3)]), (False, [b"7"])]


def test_they_come_in_order_and_what_is_not_believed_is_between_them() -> None:
    found, whys = judged(
        GOOD, (TOPICS.readings("e-1"), b"noise"), batch((T, 1, [reading(1)])), changed(GOOD, schema="x")
    )
    assert [one.part.stream for one in found] == [S, T]
    assert [why.split(":")[0] for why in whys] == ["not a readings message", "of an unknown schema 'x'"]


# --- where it came ----------------------------------------------------------------------------------------------------

NAMES = ["a", "m", "z", "0", "5", "9", "e.1", "e_1", "e-1", "ea", "em", "ez", "e0", "e5", "e9", "e" + "x" * 63]
NO_NAMES = [
    "", "E", "-e", ".e", "_e", "eE", "e" + "x" * 64, "e 1", "é", "e+", "e]", "e[", "e,1", "clients", "daemon",
    "sessions",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_an_instrument_may_be_called_so(name: str) -> None:
    ((one,), []) = judged((TOPICS.readings(name), GOOD[1]))
    assert one.instrument == name


@pytest.mark.parametrize("name", NO_NAMES)
def test_no_instrument_may_be_called_so(name: str) -> None:
    assert judged((TOPICS.readings(name), GOOD[1])) == ([], [NO_NAME])


@pytest.mark.parametrize("topic", [Topics("other").readings("e-1"), "clinic/e-1/readings", ""])
def test_what_comes_from_elsewhere_is_not_believed(topic: str) -> None:
    assert judged((topic, GOOD[1])) == ([], [OTHER_SITE])
    assert judged((Topics("other").batch("h"), batch()[1])) == ([], [OTHER_SITE])


# --- what it is -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (changed(GOOD, schema="readings/2"), "of an unknown schema 'readings/2'"),
        (changed(GOOD, schema="batch/1"), "of an unknown schema 'batch/1'"),
        (changed(GOOD, schema="s" * 90), f"of an unknown schema '{'s' * 40}'"),
        (changed(batch(), schema="readings/1"), "of an unknown schema 'readings/1'"),
        ((TOPICS.batch("h"), GOOD[1]), "not a batch: "),
        ((TOPICS.batch("h"), b"[" * 10_000), "not a batch: "),
        ((TOPICS.batch("h"), b'{"schema":"\xff"}'), "not a batch: "),
        ((TOPICS.readings("e-1"), batch()[1]), "not a readings message: "),
        ((TOPICS.readings("e-1"), b"[" * 10_000), "not a readings message: "),
        ((TOPICS.readings("e-1"), b'{"schema":"\xff"}'), "not a readings message: "),
    ],
)
def test_what_is_no_message_of_this_contract_is_not_believed(given: tuple[str, bytes], why: str) -> None:
    (found, (said,)) = judged(given)
    assert found == []
    assert said.startswith(why)
    if not why.endswith(" "):
        assert said == why


def test_a_copy_for_onlookers_is_neither_taken_nor_kept() -> None:
    assert judged(changed(GOOD, copy=True)) == ([], [])
    ((one,), []) = judged(message(S, 1, [reading(1)], copy=True), (GOOD[0], b'{"copy":true,' + GOOD[1][1:]), GOOD)
    assert one.part.first_seq == 3, "what comes behind copies is taken"
    topic, payload = GOOD
    assert judged((topic, b'{"copy":true,' + payload[1:])) == ([], [])
    entries_first = {"readings": [], "copy": True}
    assert judged((topic, json.dumps(entries_first | json.loads(payload) | {"copy": True}).encode())) == ([], [])
    ((_,), []) = judged(changed(GOOD, copy=False))


# --- numbers ----------------------------------------------------------------------------------------------------------

NUMBERS: list[tuple[dict[str, Any], bool]] = [
    ({"first_seq": 1, "head": 2, "oldest": 1}, True), ({"first_seq": 0}, False), ({"first_seq": 8, "head": 9}, True),
    ({"first_seq": 8, "head": 8}, False), ({"first_seq": 9, "head": 9}, False), ({"oldest": 0}, False),
    ({"oldest": 1}, True), ({"oldest": 9}, True), ({"oldest": 10}, True), ({"oldest": 11}, False),
]  # fmt: skip


@pytest.mark.parametrize(("numbers", "believed"), NUMBERS)
def test_numbers_that_contradict_each_other_are_not_believed(numbers: dict[str, Any], believed: bool) -> None:
    found, whys = judged(changed(GOOD, **numbers))
    assert (len(found), whys) == ((1, []) if believed else (0, [CONTRADICT]))
    topic, payload = batch((S, 3, [reading(3), reading(4)]), (T, 1, [reading(1)]))
    said = json.loads(payload)
    said["parts"][0] |= {"head": 9, "oldest": 2} | numbers
    found, whys = judged((topic, json.dumps(said, separators=(",", ":")).encode()))
    assert [one.part.stream for one in found] == ([S, T] if believed else [T])
    assert whys == ([] if believed else [CONTRADICT])


def test_a_question_may_stand_at_the_head_and_of_nothing_at_all() -> None:
    for numbers in ({"first_seq": 10}, {"first_seq": 1, "head": 0, "oldest": 1}, {"first_seq": 1}):
        ((_,), []) = judged(changed(GOOD, readings=[], **numbers))
    assert judged(changed(GOOD, readings=[], first_seq=11)) == ([], [CONTRADICT])


@pytest.mark.parametrize("count", [0, 1, 3])
def test_there_is_one_checksum_an_entry(count: int) -> None:
    assert judged(changed(GOOD, checksums=[1] * count)) == ([], ["with another number of checksums than of entries"])
    ((_,), []) = judged(changed(GOOD, checksums=[1, 2]))


# --- what was altered on the way --------------------------------------------------------------------------------------


def flipped(payload: bytes, at: bytes) -> bytes:
    """Another digit behind this key."""
    where = payload.index(at) + len(at)
    return payload[:where] + bytes([payload[where] ^ 1]) + payload[where + 1 :]


def test_numbers_altered_on_the_way_are_not_believed_and_entries_have_checksums_of_their_own() -> None:
    topic, payload = GOOD
    begin, entries = payload.split(b',"readings":[')
    summed = with_sum(begin, b',"readings":[' + entries)
    ((_,), []) = judged((topic, summed))
    assert judged((topic, flipped(summed, b'"oldest":'))) == ([], [ALTERED])
    ((_,), []) = judged((topic, flipped(summed, b'"value":')))


def test_of_a_batch_and_of_each_part_the_same_is_held() -> None:
    topic, payload = batch()
    parts = []
    for stream in (S, T):
        sums = b"%d" % checksum(seed(stream), 1, reading(1))
        begin = (
            b'{"stream":"%b","first_seq":1,"head":1,"oldest":1,"ended":null,"older":0,"checksums":[%b]'
            % (stream.encode(), sums)
        )  # fmt: skip
        parts.append(with_sum(begin, b',"readings":[' + reading(1) + b"]}"))
    begin, _ = payload.split(b',"parts":[')
    whole = with_sum(begin, b',"parts":[' + b",".join(parts) + b"]}")
    ((_, _), []) = judged((topic, whole))
    assert judged((topic, flipped(whole, b'"ask":"'))) == ([], [ALTERED])
    ((one,), whys) = judged((topic, flipped(whole, b'"older":')))
    assert (one.part.stream, whys) == (T, [ALTERED])


# --- whose it is ------------------------------------------------------------------------------------------------------

STREAM = Stream(1, S, SOURCE, "clinic", "e-1", "h")
IN_BATCH = "in a batch of another source or host than its instrument's topic names"


@pytest.mark.parametrize(
    ("stream", "why"),
    [
        (STREAM, None), (None, None), (Stream(1, S, T, "clinic", "e-1", "h"), "for a stream that belongs to another"),
        (Stream(1, S, SOURCE, "clinic", "e-2", "h"), "for a stream that belongs to another"),
        (Stream(1, S, SOURCE, "clinic", "e-1", "other"), None), (Stream(1, S, SOURCE, "clinic", "e-1"), None),
    ],
)  # fmt: skip
def test_a_stream_belongs_to_one_instrument_of_one_source(stream: Stream | None, why: str | None) -> None:
    ((one,), []) = judged(GOOD)
    said = not_its_own(one, stream)
    assert said is None if why is None else str(said).startswith(why)


@pytest.mark.parametrize(
    ("stream", "why"),
    [
        (STREAM, None), (None, "in a batch for a stream that its instrument's topic has not named"),
        (Stream(1, S, T, "clinic", "e-1", "h"), IN_BATCH), (Stream(1, S, SOURCE, "clinic", "e-2", "h"), None),
        (Stream(1, S, SOURCE, "clinic", "e-1", "other"), IN_BATCH), (Stream(1, S, SOURCE, "clinic", "e-1"), IN_BATCH),
    ],
)  # fmt: skip
def test_a_part_of_a_batch_is_of_the_source_and_host_that_the_instruments_topic_named(
    stream: Stream | None, why: str | None
) -> None:
    ((one,), []) = judged(batch((S, 3, [reading(3)])))
    assert not_its_own(one, stream) == why
