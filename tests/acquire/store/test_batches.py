"""Entries of many instruments in one message: as many readings messages, and believed only where those would be."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from acquire.bus.client import BusError, Received
from acquire.bus.messages import MESSAGES
from acquire.bus.names import Topics, host_of_batch
from acquire.canonical import canonical, utc_now
from acquire.checksum import checksum, seed
from acquire.store import answers, entries
from acquire.store.answers import batch_committed, committed
from acquire.store.database import connect
from acquire.store.envelope import is_copy
from acquire.store.ingest import BatchAnswer, Ingested, Watermark, ingest
from acquire.store.worker import Worker

TOPICS = Topics("clinic")
SOURCE, ASK = str(uuid4()), str(uuid4())
STREAMS = [str(uuid4()) for _ in range(3)]


def of_contract(schema: str, message: Any) -> Any:
    return MESSAGES[schema].model_validate(message)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(tmp_path / "store.db", create=True)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        yield connection


def reading(n: int, **more: Any) -> dict[str, Any]:
    return {"kind": "scalar", "quantity": "charge", "unit": "C", "value": float(n), "monotonic_s": 1.0, "raw": str(n),
            "time": utc_now()} | more  # fmt: skip


def readings(stream: str, instrument: str, bodies: list[Any], **more: Any) -> tuple[str, bytes]:
    said = {"schema": "readings/1", "stream": stream, "first_seq": 1, "source": SOURCE, "head": len(bodies),
            "oldest": 1, "ended": None, "ask": ASK, "epoch": None, "older": 0, "host": ""} | more  # fmt: skip
    return TOPICS.readings(instrument), entries_last(said, bodies)


def entries_last(said: dict[str, Any], bodies: list[Any]) -> bytes:
    return canonical(said)[:-1] + b',"readings":[' + b",".join(map(canonical, bodies)) + b"]}"


def part(stream: str, first: int, bodies: list[Any], **more: Any) -> dict[str, Any]:
    sums = [checksum(seed(stream), seq, canonical(body)) for seq, body in enumerate(bodies, first)]
    return {"stream": stream, "first_seq": first, "head": first + len(bodies) - 1, "oldest": 1, "ended": None,
            "older": 0, "checksums": sums, "readings": bodies} | more  # fmt: skip


def batch(*parts: Any, host: str | None = None, **more: Any) -> tuple[str, bytes]:
    said = {"schema": "batch/1", "source": SOURCE, "ask": ASK, "epoch": None, "parts": list(parts)} | more
    return TOPICS.batch(host), canonical(said)


def give(store: sqlite3.Connection, *messages: tuple[str, bytes]) -> Ingested:
    return ingest(store, "clinic", messages)


@pytest.fixture
def begun(store: sqlite3.Connection) -> sqlite3.Connection:
    """Each instrument has sent the first message of its stream itself."""
    for n, stream in enumerate(STREAMS):
        give(store, readings(stream, f"e-{n}", [reading(1)]))
    return store


def unread(store: sqlite3.Connection) -> list[str]:
    return [why for (why,) in store.execute("SELECT why FROM unreadable")]


def test_a_batch_is_taken_whole_and_answered_in_one_message(begun: sqlite3.Connection) -> None:
    done = give(begun, batch(*(part(stream, 2, [reading(2), reading(3)]) for stream in STREAMS)))
    assert done.answers == []
    (answer,) = done.batches
    assert (answer.host, answer.query, answer.through) == ("", ASK, dict.fromkeys(STREAMS, 3))
    assert entries.counts(begun) == {"stored": 9}
    assert sorted((w.instrument, w.stream, w.through) for w in done.onlookers) == [
        (f"e-{n}", stream, 3) for n, stream in enumerate(STREAMS)
    ]
    said = of_contract("batch-committed/1", json.loads(batch_committed(answer)))
    assert set(said.through.values()) == {3}
    assert of_contract("committed/1", json.loads(committed(done.onlookers[0]))).batches


def test_it_gives_the_rows_that_readings_messages_give(tmp_path: Path) -> None:
    bodies = [reading(1), reading(2, element="T-1"), {"kind": "gap", "reason": "r", "count": 1, "from": "a", "to": "b"},
              {"kind": "marker", "mark": "begin", "measurement": str(uuid4()), "session": "S", "step": "1",
               "time": "2027-02-03T09:12:00.000000Z"},
              reading(3, unknown=[1]), reading(4, value="x"), reading(5, kind="unparsed", note="n")]  # fmt: skip
    rows = []
    for way in ("together", "apart"):
        with closing(connect(tmp_path / f"{way}.db", create=True)) as store:
            give(store, readings(STREAMS[0], "e-0", bodies[:1]))
            if way == "together":
                give(store, batch(part(STREAMS[0], 2, bodies[1:])))
            else:
                give(store, readings(STREAMS[0], "e-0", bodies[1:], first_seq=2, head=len(bodies)))
            columns = "seq, kind, status, reason, body, checksum, element, measurement"
            rows.append([tuple(row) for row in store.execute(f"SELECT {columns} FROM entries ORDER BY seq")])
    assert rows[0] == rows[1]
    assert len(rows[0]) == len(bodies)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (batch(part(str(uuid4()), 1, [reading(1)])), "that its instrument's topic has not named"),
        (batch(part(STREAMS[0], 2, [reading(2)]), source=str(uuid4())), "of another source or host"),
        (batch(part(STREAMS[0], 2, [reading(2)]), host="room-1"), "of another source or host"),
        (batch(part(STREAMS[0], 2, [reading(2)], head=1)), "numbers that contradict"),
        (batch(part(STREAMS[0], 2, [reading(2)], checksums=[])), "another number of checksums"),
        (batch(part(STREAMS[0], 2, [reading(2)], oldest=-1)), "not a part of a batch"),
        (batch({"stream": STREAMS[0]}), "not a part of a batch"),
        (batch(7), "not a part of a batch"),
    ],
)
def test_a_part_that_is_not_believed_is_kept_unread_and_its_neighbours_are_taken(
    begun: sqlite3.Connection, given: tuple[str, bytes], why: str
) -> None:
    done = give(begun, given)
    assert (done.batches, done.onlookers, done.unreadable) == ([], [], 1)
    assert why in unread(begun)[0]
    topic, payload = given
    said = json.loads(payload)
    said["parts"].append(part(STREAMS[1], 2, [reading(2)]))
    said["source"] = SOURCE
    if host_of_batch(topic) == ("clinic", ""):
        (answer,) = give(begun, (topic, canonical(said))).batches
        assert answer.through[STREAMS[1]] == 2


@pytest.mark.parametrize(
    "payload",
    [b"", b"[]", b"{}", b'{"schema":"batch/2","source":"a","ask":"b","epoch":null,"parts":[]}', b"[" * 10_000],
)
def test_what_is_no_batch_is_kept_unread(begun: sqlite3.Connection, payload: bytes) -> None:
    done = give(begun, (TOPICS.batch(None), payload), ("dosimetry/v1/other/daemon/batch", batch()[1]))
    assert (done.answers, done.batches, done.unreadable) == ([], [], 2)


def test_a_stream_whose_source_does_not_say_where_it_sends_batches_is_in_none(store: sqlite3.Connection) -> None:
    topic, payload = readings(STREAMS[0], "e-0", [reading(1)])
    give(store, (topic, payload.replace(b'"host":"",', b"")))
    assert give(store, batch(part(STREAMS[0], 2, [reading(2)]))).unreadable == 1


def test_a_host_with_a_name_sends_under_it(store: sqlite3.Connection) -> None:
    give(store, readings(STREAMS[0], "e-0", [reading(1)], host="room-1"))
    (answer,) = give(store, batch(part(STREAMS[0], 2, [reading(2)]), host="room-1")).batches
    assert (answer.host, answer.through) == ("room-1", {STREAMS[0]: 2})


def test_an_entry_altered_on_the_way_is_left_out_and_its_neighbours_are_taken(begun: sqlite3.Connection) -> None:
    altered = part(STREAMS[0], 2, [reading(2), reading(3), reading(4)])
    altered["readings"][1] = altered["readings"][1] | {"value": 0.5}
    done = give(begun, batch(altered, part(STREAMS[1], 2, [reading(2)])))
    assert done.batches[0].through == {STREAMS[0]: 2, STREAMS[1]: 2}
    assert [e.seq for e in entries.between(begun, STREAMS[0], 1, 9)] == [1, 2, 4]
    assert [what for (what,) in begun.execute("SELECT what FROM alarm")] == ["damaged on the way"]


async def test_a_copy_for_onlookers_is_passed_over_before_it_is_decoded(tmp_path: Path) -> None:
    """It makes no commit of its own, and none of its neighbours wait for it."""
    topic, payload = readings(STREAMS[0], "e-0", [reading(2)], first_seq=2, head=2, copy=True)
    no_json = payload[:-40]  # nobody looks
    worker = Worker(tmp_path / "store.db", TOPICS)
    await worker.open()
    original = readings(STREAMS[0], "e-0", [reading(1)])
    broker = Broker((topic, payload), original, (topic, no_json), (topic, payload))
    with suppress(BusError):  # the broker goes away once all is taken
        await worker._serve(broker)  # type: ignore[arg-type]
    kept = await worker.use(entries.counts)
    unread = await worker.use(lambda store: store.execute("SELECT count(*) FROM unreadable").fetchone()[0])
    await worker.close()
    assert (worker.ingested, kept, unread) == (1, {"stored": 1}, 0)
    assert [through for _, through, _ in broker.given] == [1]


def test_what_says_late_that_it_is_a_copy_is_one_and_an_entry_says_nothing_of_it(begun: sqlite3.Connection) -> None:
    topic, payload = readings(STREAMS[0], "e-0", [reading(2)], first_seq=2, head=2, copy=True)
    late = json.dumps({"readings": [reading(2)]} | (json.loads(payload) | {"copy": True})).encode()
    done = give(begun, (topic, payload), (topic, late))
    assert (done.answers, done.unreadable, entries.counts(begun)) == ([], 0, {"stored": 3})
    assert not is_copy(late)
    mine = reading(2, note='"copy":true')
    (answer,) = give(begun, readings(STREAMS[0], "e-0", [mine], first_seq=2, head=2)).answers
    assert answer.through == 2, "what an entry says of a copy is its own affair"


def test_a_question_in_a_batch_is_answered(begun: sqlite3.Connection) -> None:
    (answer,) = give(begun, batch(part(STREAMS[0], 2, [], head=1), part(STREAMS[1], 2, [], head=1))).batches
    assert answer.through == {STREAMS[0]: 1, STREAMS[1]: 1}


def test_the_models_of_the_contract_take_what_is_sent() -> None:
    _, payload = batch(part(STREAMS[0], 2, [reading(2)]))
    assert of_contract("batch/1", json.loads(payload)).parts[0].first_seq == 2


class Broker:
    """Remembers what it was given."""

    largest_payload: int | None = None

    def __init__(self, *sent: tuple[str, bytes]) -> None:
        self.given: list[tuple[str, int | None, bool]] = []
        self._sent = deque(sent)

    async def messages(self) -> AsyncIterator[Received]:
        """Some that were sent, all of which have come."""
        while self._sent:
            yield Received(*self._sent.popleft())
        raise BusError("gone")

    def waiting(self) -> int:
        return len(self._sent)

    async def hand_over(self, topic: str, payload: bytes, done: Any, *, retain: bool = False) -> None:
        self.given.append((topic, json.loads(payload)["through"], retain))
        done(None)


async def test_onlookers_are_told_now_and_then_and_always_of_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """`committed` of an instrument at most once a round while batches come; the host is answered each time."""
    rounds, turn = asyncio.Event(), asyncio.Event()

    async def a_second(_: float) -> None:
        turn.set()
        await rounds.wait()
        rounds.clear()

    monkeypatch.setattr(answers.asyncio, "sleep", a_second)
    broker, given = Broker(), answers.Answers(TOPICS)
    running = asyncio.ensure_future(given.run(broker))  # type: ignore[arg-type]
    for through in range(1, 6):
        mark = Watermark("e-0", STREAMS[0], through, "store", "epoch", ASK)
        done = Ingested(onlookers=[mark], batches=[BatchAnswer("", "store", "epoch", ASK, {STREAMS[0]: through})])
        await given.give(broker, done)  # type: ignore[arg-type]
        await turn.wait()
    told = [(topic, through) for topic, through, retain in broker.given if retain]
    assert told == [(TOPICS.committed("e-0"), 1)]
    assert len([topic for topic, _, _ in broker.given if topic == TOPICS.batch_committed(None)]) == 5
    turn.clear()
    rounds.set()
    await turn.wait()
    told = [(topic, through) for topic, through, retain in broker.given if retain]
    assert told == [(TOPICS.committed("e-0"), 1), (TOPICS.committed("e-0"), 5)]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("largest", [1000, 6000, 65_535])
def test_an_answer_is_no_larger_than_the_broker_takes(largest: int) -> None:
    """Streams may have ids of 64 characters, and any number of entries."""
    through = {f"{n:064d}": 2**62 for n in range(300)}
    answer = BatchAnswer("", "s" * 36, "e" * 36, ASK, through)
    told = answers.pieces(answer, largest)
    assert all(len(batch_committed(each)) <= largest for each in told)
    assert {k: v for each in told for k, v in each.through.items()} == through
    assert answers.pieces(answer, None) == [answer]
