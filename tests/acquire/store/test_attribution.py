"""What the store says of a measurement, of an element's readings, and of what keeps a session from closing.

Everything goes in as messages, as it does from a source; docs/noloss.md rules 4.8 to 4.10.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import pytest

from acquire.bus.names import Topics
from acquire.canonical import canonical, digest
from acquire.instruments.entries import gap_body, marker_body
from acquire.store.attribution import Damaged, has_reading, measurement, outstanding, readings_of_element
from acquire.store.database import identity, migrate
from acquire.store.ingest import ingest

SOURCE = "2f1e4c1e-63d5-4f0c-9a53-0d6a4e1c7a10"
ONE, TWO = (str(uuid5(NAMESPACE_OID, each)) for each in ("one", "two"))
OTHER_KIND = b'{"kind":"marker","mark":"perhaps"}'


def reading(n: int, **more: Any) -> bytes:
    """A charge of n C."""
    return canonical(
        {"kind": "scalar", "quantity": "charge", "unit": "C", "value": float(n), "time": "2027-02-03T09:12:00.000000Z",
         "monotonic_s": float(n), "raw": f"+{n}"} | more
    )  # fmt: skip


def unparsed(channel: str | None = None) -> bytes:
    """A reply that nobody understood."""
    return reading(0, kind="unparsed", value=None, raw="??", **({"channel": channel} if channel else {}))


def begin(one: str, channel: str | None = None) -> bytes:
    return marker_body("begin", one, "S-1", "irradiate", channel)


def end(one: str, channel: str | None = None) -> bytes:
    return marker_body("end", one, "S-1", "irradiate", channel)


def stand_in(original: bytes) -> bytes:
    return canonical({"kind": "withheld", "reason": "too large", "bytes": 9, "sha256": digest(original).hex()})


@dataclass
class Sender:
    """A source of some streams; `say` sends entries of one."""

    store: sqlite3.Connection
    epoch: str | None = None
    heads: dict[str, int] = field(default_factory=dict)

    def say(self, bodies: Sequence[bytes] = (), *, stream: str = "s", first: int | None = None, **more: Any) -> None:
        """Entries from seq `first` on (the next one), with what else is to stand in the envelope."""
        instrument = more.pop("instrument", "e-1")
        name = str(uuid5(NAMESPACE_OID, stream))
        first = first or self.heads.get(stream, 0) + 1
        self.heads[stream] = max(self.heads.get(stream, 0), first + len(bodies) - 1)
        envelope = {
            "schema": "readings/1", "stream": name, "first_seq": first, "source": SOURCE, "head": self.heads[stream],
            "oldest": 1, "ended": None, "ask": SOURCE, "epoch": self.epoch, "older": 0,
        } | more  # fmt: skip
        payload = canonical(envelope)[:-1] + b',"readings":[' + b",".join(bodies) + b"]}"
        done = ingest(self.store, "clinic", [(Topics("clinic").readings(instrument), payload)])
        assert done.unreadable == 0


@pytest.fixture
def sender() -> Iterator[Sender]:
    store = sqlite3.connect(":memory:", isolation_level=None)
    store.row_factory = sqlite3.Row
    migrate(store)
    yield Sender(store, identity(store)[1])
    store.close()


# --- one measurement ------------------------------------------------------------------------------------------------


def test_it_is_begun_open_and_ended_as_its_markers_come(sender: Sender) -> None:
    before = measurement(sender.store, ONE)
    assert (before.state, before.reason) == ("not-begun", "its begin marker has not been confirmed")
    assert (before.refused, before.readings) == (0, ())
    sender.say([reading(1), begin(ONE), reading(2), unparsed(), reading(3)])
    view = measurement(sender.store, ONE)
    assert (view.state, view.begin_seq, view.end_seq, view.refused) == ("open", 2, None, 1)
    assert (view.reason, view.channel, view.measurement) == (None, None, ONE)
    sender.say([end(ONE), reading(4)])
    view = measurement(sender.store, ONE)
    assert (view.state, view.begin_seq, view.end_seq, view.reason) == ("ended", 2, 6, None)
    assert [(r.seq, r.body["value"], r.instrument) for r in view.readings] == [(3, 2.0, "e-1"), (5, 3.0, "e-1")]
    assert {r.stream for r in view.readings} == {view.stream} == {str(uuid5(NAMESPACE_OID, "s"))}
    assert [r.digest for r in view.readings] == [digest(reading(n)).hex() for n in (2, 3)]
    assert all(r.received.at.endswith("Z") for r in view.readings)


def test_whether_it_has_a_reading_is_told_by_the_first_of_its_own(sender: Sender) -> None:
    assert not has_reading(sender.store, ONE)
    sender.say([reading(1), begin(ONE, "A"), unparsed("A"), reading(2, channel="B")])
    assert not has_reading(sender.store, ONE)
    sender.say([reading(3, channel="A")])
    assert has_reading(sender.store, ONE)
    sender.say([end(ONE, "A"), begin(TWO), end(TWO), reading(4)])
    assert has_reading(sender.store, ONE)
    assert not has_reading(sender.store, TWO)


def test_a_begin_that_is_damaged_has_no_reading(sender: Sender) -> None:
    sender.say([begin(ONE), reading(1)])
    flip(sender, 1)
    assert not has_reading(sender.store, ONE)


def test_nothing_counts_that_is_not_confirmed(sender: Sender) -> None:
    sender.say([begin(ONE), reading(1)], first=2, head=9)
    assert measurement(sender.store, ONE).state == "not-begun", "seq 1 is missing"
    sender.say([reading(0)], first=1, head=9)
    sender.say([reading(5), end(ONE)], first=5, head=9)
    assert len(measurement(sender.store, ONE).readings) == 1, "seq 4 is missing"
    sender.say([reading(4)], first=4, head=9)
    view = measurement(sender.store, ONE)
    assert (view.state, len(view.readings)) == ("ended", 3)


def test_a_stream_that_ends_inside_interrupts_it_once_its_tail_is_there(sender: Sender) -> None:
    sender.say([begin(ONE), reading(1)], ended="link-lost", head=3, why="the plug was pulled")
    assert measurement(sender.store, ONE).state == "open", "seq 3 may be its end"
    sender.say([reading(2)], first=3, ended="link-lost")
    view = measurement(sender.store, ONE)
    assert (view.state, view.reason) == ("interrupted", "its stream ended: link-lost (the plug was pulled)")
    assert len(view.readings) == 2
    assert view.end_seq is None


def test_a_fault_without_a_sentence_is_its_word(sender: Sender) -> None:
    sender.say([begin(ONE)], ended="crash")
    assert measurement(sender.store, ONE).reason == "its stream ended: crash"


def test_a_live_stream_that_is_whole_interrupts_nothing(sender: Sender) -> None:
    sender.say([begin(ONE)])
    assert measurement(sender.store, ONE).state == "open"


@pytest.mark.parametrize("ended", [False, True])
def test_two_contents_of_one_entry_break_the_measurement_that_they_are_in(sender: Sender, ended: bool) -> None:
    sender.say([begin(ONE), reading(1), reading(2), *([end(ONE)] if ended else [])])
    sender.say([reading(9)], first=3)
    view = measurement(sender.store, ONE)
    assert (view.state, view.reason) == ("broken", "entry 3 came with two contents")
    assert [r.seq for r in view.readings] == [2]
    assert view.end_seq is None


def test_two_contents_before_or_after_it_break_nothing(sender: Sender) -> None:
    sender.say([reading(1), begin(ONE), reading(2), end(ONE), reading(3)])
    sender.say([reading(8)], first=1)
    sender.say([reading(9)], first=5)
    view = measurement(sender.store, ONE)
    assert (view.state, len(view.readings), view.refused) == ("ended", 1, 0)


def test_another_content_for_what_a_stand_in_stands_for_is_no_conflict_of_the_measurement(sender: Sender) -> None:
    """The stand-in breaks it, since it may have been a marker; the sentence says so."""
    sender.say([begin(ONE), stand_in(reading(1)), reading(2), end(ONE)])
    sender.say([reading(7)], first=2)
    view = measurement(sender.store, ONE)
    assert (view.state, view.reason) == ("broken", "entry 2 was refused and may have been a marker: too large")
    assert view.readings == ()


def test_what_is_lost_breaks_the_measurement_that_was_open(sender: Sender) -> None:
    sender.say([begin(ONE), reading(1)])
    sender.say([reading(3), end(ONE)], first=4, oldest=4)
    view = measurement(sender.store, ONE)
    assert (view.state, view.reason, len(view.readings)) == ("broken", "entry 3 is lost", 1)


def test_a_lost_begin_is_no_begin(sender: Sender) -> None:
    sender.say([reading(2), end(ONE)], first=2, oldest=2)
    assert measurement(sender.store, ONE).state == "not-begun"


@pytest.mark.parametrize("doubtful", [OTHER_KIND, b"7", b'{"kind":"scalar","value":"x"}'])
def test_a_refused_entry_that_may_have_been_a_marker_breaks_it(sender: Sender, doubtful: bytes) -> None:
    sender.say([begin(ONE), reading(1), doubtful, reading(2), end(ONE)])
    view = measurement(sender.store, ONE)
    assert (view.state, len(view.readings), view.end_seq) == ("broken", 1, None)
    assert str(view.reason).startswith("entry 3 was refused and may have been a marker: ")


def test_a_gap_is_counted_and_breaks_nothing(sender: Sender) -> None:
    sender.say([begin(ONE), gap_body("no reply", 1, "x"), unparsed("2"), reading(1), end(ONE), unparsed()])
    view = measurement(sender.store, ONE)
    assert (view.state, view.refused, len(view.readings)) == ("ended", 2, 1)


def test_a_measurement_begun_twice_is_broken(sender: Sender) -> None:
    sender.say([begin(ONE), reading(1), end(ONE)])
    sender.say([begin(ONE), reading(2), end(ONE)], stream="t")
    view = measurement(sender.store, ONE)
    assert (view.state, view.reason) == ("broken", "it was begun more than once")
    assert view.stream == str(uuid5(NAMESPACE_OID, "s")), "the first one heard"


def test_the_next_begin_takes_its_place(sender: Sender) -> None:
    sender.say([begin(ONE), reading(1), begin(TWO), reading(2), end(TWO)])
    first, second = measurement(sender.store, ONE), measurement(sender.store, TWO)
    assert (first.state, first.end_seq, [r.seq for r in first.readings]) == ("ended", 3, [2])
    assert (second.state, second.end_seq, [r.seq for r in second.readings]) == ("ended", 5, [4])


def test_channels_that_no_marker_names_are_not_mixed(sender: Sender) -> None:
    sender.say([begin(ONE), reading(1, channel="1"), reading(2, channel="2"), end(ONE)])
    view = measurement(sender.store, ONE)
    assert view.state == "broken"
    assert str(view.reason).startswith("its readings are of several channels (1, 2)")


def test_a_measurement_of_one_channel_says_which(sender: Sender) -> None:
    sender.say([begin(ONE, "1"), reading(1, channel="1"), reading(2, channel="2"), reading(3), end(ONE, "1")])
    view = measurement(sender.store, ONE)
    assert (view.state, view.channel, [r.seq for r in view.readings]) == ("ended", "1", [2])


# --- elements -------------------------------------------------------------------------------------------------------


def test_readings_of_an_element_are_the_confirmed_ones_in_order(sender: Sender) -> None:
    sender.say([reading(1, element="T-1"), reading(2, element="T-2"), reading(3, element="T-1", element_index=2)])
    sender.say([reading(4, element="T-1", element_index=2)], stream="t", instrument="e-2")
    sender.say([reading(6, element="T-1")], first=5, head=6)
    found = readings_of_element(sender.store, "T-1")
    assert [(r.body["value"], r.instrument) for r in found] == [(1.0, "e-1"), (3.0, "e-1"), (4.0, "e-2")]
    assert [r.seq for r in readings_of_element(sender.store, "T-1", 2)] == [3, 1]
    assert {r.stream for r in readings_of_element(sender.store, "T-1", 2)} == {
        str(uuid5(NAMESPACE_OID, each)) for each in ("s", "t")
    }
    assert readings_of_element(sender.store, "T-3") == ()


# --- closing --------------------------------------------------------------------------------------------------------


def test_a_session_waits_for_its_measurements_to_end(sender: Sender) -> None:
    sender.say([begin(ONE), reading(1)])
    said = outstanding(sender.store, [], [ONE, TWO])
    assert said == [
        f"Measurement {ONE} is open: its end has not been confirmed.",
        f"Measurement {TWO} is not-begun: its end has not been confirmed.",
    ]
    sender.say([end(ONE)])
    assert outstanding(sender.store, [], [ONE]) == []


def test_a_broken_or_interrupted_measurement_is_not_waited_for(sender: Sender) -> None:
    sender.say([begin(ONE), OTHER_KIND, begin(TWO)], ended="crash")
    assert {measurement(sender.store, each).state for each in (ONE, TWO)} == {"broken", "interrupted"}
    assert outstanding(sender.store, [], [ONE, TWO]) == []


def test_a_session_waits_for_each_instrument_to_say_that_nothing_older_is_outstanding(sender: Sender) -> None:
    unheard = "e-1 has not been heard since the store started: readings may still be on the way."
    assert outstanding(sender.store, ["e-1"], []) == [unheard]
    sender.say([reading(1)], epoch="another")
    assert outstanding(sender.store, ["e-1"], []) == [unheard]
    sender.say([reading(2)], older=2)
    (said,) = outstanding(sender.store, ["e-1"], [])
    assert said.startswith(
        "e-1 still holds 2 earlier stream(s) that the store has not confirmed; `acquire spool status`"
    )
    sender.say([reading(3)])
    assert outstanding(sender.store, ["e-1"], []) == []
    assert len(outstanding(sender.store, ["e-1", "e-2"], [])) == 1


def test_the_stream_heard_last_speaks_for_the_instrument(sender: Sender) -> None:
    sender.say([reading(1)], older=0)
    sender.say([reading(2)], stream="t", older=1)
    assert len(outstanding(sender.store, ["e-1"], [])) == 1
    sender.say([reading(3)], older=0)
    assert outstanding(sender.store, ["e-1"], []) == []


def test_only_what_was_heard_in_this_start_counts(sender: Sender) -> None:
    sender.say([reading(1)])
    assert outstanding(sender.store, ["e-1"], []) == []
    sender.store.execute("UPDATE identity SET start = start + 1")
    assert len(outstanding(sender.store, ["e-1"], [])) == 1
    sender.say([reading(2)])
    assert outstanding(sender.store, ["e-1"], []) == []


# --- damage in the store --------------------------------------------------------------------------------------------

DAMAGED = "is damaged: its bytes are not those that were stored"


def flip(sender: Sender, seq: int, stream: str = "s") -> None:
    """One bit of a body in the store's file."""
    name = str(uuid5(NAMESPACE_OID, stream))
    where = "stream = (SELECT number FROM streams WHERE stream = ?) AND seq = ?"
    (body,) = sender.store.execute(f"SELECT body FROM entries WHERE {where}", (name, seq)).fetchone()
    changed = bytes([*body[:-3], body[-3] ^ 1, *body[-2:]])
    assert sender.store.execute(f"UPDATE entries SET body = ? WHERE {where}", (changed, name, seq)).rowcount == 1


@pytest.mark.parametrize(("seq", "readings"), [(3, [2]), (4, [2, 3])])
def test_a_damaged_entry_breaks_the_measurement_that_it_is_in(sender: Sender, seq: int, readings: list[int]) -> None:
    sender.say([begin(ONE), reading(1), reading(2), end(ONE)])
    flip(sender, seq)
    view = measurement(sender.store, ONE)
    assert (view.state, view.reason) == ("broken", f"entry {seq} {DAMAGED}")
    assert [r.seq for r in view.readings] == readings


def test_a_damaged_begin_is_told_and_not_taken_for_none(sender: Sender) -> None:
    sender.say([begin(ONE), reading(1), end(ONE)])
    flip(sender, 1)
    view = measurement(sender.store, ONE)
    assert (view.state, view.reason) == ("broken", f"entry 1 {DAMAGED}")
    assert view.stream == str(uuid5(NAMESPACE_OID, "s"))
    assert view.readings == ()


def test_a_second_marker_that_is_damaged_breaks_what_the_first_one_began(sender: Sender) -> None:
    sender.say([begin(ONE), reading(1), end(ONE)])
    sender.say([begin(ONE), reading(2)], stream="t")
    flip(sender, 1, "t")
    view = measurement(sender.store, ONE)
    assert (view.state, view.reason) == ("broken", f"entry 1 {DAMAGED}")
    assert [r.body["value"] for r in view.readings] == [1.0]


def test_damage_elsewhere_breaks_nothing(sender: Sender) -> None:
    sender.say([reading(1), begin(ONE), reading(2), end(ONE), reading(3)])
    flip(sender, 1)
    flip(sender, 5)
    assert measurement(sender.store, ONE).state == "ended"


def test_a_damaged_reading_of_an_element_is_named_and_none_is_given(sender: Sender) -> None:
    sender.say([reading(1, element="T-1"), reading(2, element="T-1"), reading(3, element="T-2")])
    flip(sender, 2)
    with pytest.raises(Damaged, match="2"):
        readings_of_element(sender.store, "T-1")
    assert len(readings_of_element(sender.store, "T-2")) == 1
