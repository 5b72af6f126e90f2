"""What session events say, that each is told at least once, and none again that was written down (docs/bus.md)."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from test_attribution import OTHER_KIND, begin, end, reading, stand_in, unparsed
from test_following_streams import M1, M2
from test_taking import S, T, give, message, store

from acquire.store import audit
from acquire.store import events as module
from acquire.store.database import transaction
from acquire.store.events import AUDIT, MOST_AUDIT, MOST_ENTRIES, SessionEvents

__all__ = ["store"]

AT = "2027-02-03T09:12:00.000000Z"
Told = list[tuple[str, dict[str, Any]]]


@pytest.fixture(autouse=True)
def clock_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "utc_now", lambda: AT)


def left_out(store: sqlite3.Connection, *steps: str) -> None:
    """A person leaves steps of session S-9 out, at another program."""
    with transaction(store):
        for step in steps:
            audit.keep(store, "MD-1", "not measured", "S-9", new=step, reason="the cable broke")


def seqs(events: Told, stream: str = S) -> list[int]:
    """Of the readings that were told to belong to something, in order."""
    attached = [r for _, e in events if e["event"] == "attached" for r in e["detail"]["readings"]]
    return [r["seq"] for r in attached if r["stream"] == stream]


def marks(events: Told, stream: str = S) -> list[int]:
    return [e["detail"]["seq"] for _, e in events if e["event"] == "step" and e["detail"].get("stream") == stream]


def steps(events: Told) -> list[str]:
    return [e["detail"]["step"] for session, e in events if session == "S-9"]


def rows(store: sqlite3.Connection) -> dict[str, int]:
    return dict(store.execute("SELECT subject, through FROM told").fetchall())


def all_of(events: SessionEvents, store: sqlite3.Connection) -> Told:
    """Everything there is to be told."""
    found: Told = []
    while some := events.fetch(store):
        found += some
    return found


# --- what they say --------------------------------------------------------------------------------------------------


def test_a_marker_and_the_readings_behind_it_are_told_as_the_contract_has_them(store: sqlite3.Connection) -> None:
    events = SessionEvents(store)
    bodies = [begin(M1), reading(2), unparsed(), reading(4, flags=["overload"]), end(M1), reading(6)]
    events.moved(give(store, message(S, 1, [*bodies[:-1], begin(M2), *bodies[-1:]])).moved)
    found = events.fetch(store)
    assert {(session, event["session"], event["schema"], event["time"]) for session, event in found} == {
        ("S-1", "S-1", "event/1", AT)
    }
    assert [event["event"] for _, event in found] == ["step", "attached", "step", "step", "attached"]
    step, attached = found[0][1]["detail"], found[1][1]["detail"]
    assert {k: step[k] for k in ("mark", "step", "measurement", "seq", "stream", "session", "kind")} == {
        "mark": "begin", "step": "irradiate", "measurement": M1, "seq": 1, "stream": S, "session": "S-1",
        "kind": "marker",
    }  # fmt: skip
    assert (attached["measurement"], attached["step"], list(attached)) == (
        M1, "irradiate", ["measurement", "step", "readings"],
    )  # fmt: skip
    one = attached["readings"][0]
    assert (one["stream"], one["seq"], one["value"], one["unit"], one["kind"]) == (S, 2, 2.0, "C", "scalar")
    assert not {"raw", "raw_encoding", "axes", "origin"} & set(one)
    assert (marks(found), seqs(found)) == ([1, 5, 6], [2, 4, 7])


def test_what_is_refused_tells_nothing_and_ends_what_it_falls_into(store: sqlite3.Connection) -> None:
    events = SessionEvents(store)
    events.moved(give(store, message(S, 1, [begin(M1), reading(2), OTHER_KIND, reading(4)])).moved)
    found = events.fetch(store)
    assert (marks(found), seqs(found)) == ([1], [2])


def test_what_a_person_did_at_another_program_is_told_with_its_time_and_without_reasons(
    store: sqlite3.Connection,
) -> None:
    events = SessionEvents(store)
    left_out(store, "b1")
    (row,) = store.execute("SELECT at FROM audit").fetchall()
    said = {"mark": "not-measured", "step": "b1", "time": row["at"]}
    event = {"schema": "event/1", "session": "S-9", "event": "step", "time": row["at"], "detail": said}
    assert events.fetch(store) == [("S-9", event)]
    with transaction(store):
        audit.keep(store, "MD-1", "something subscribers are not told", "S-9")
    left_out(store, "b2")
    assert steps(events.fetch(store)) == ["b2"]
    assert events.fetch(store) == []


# --- turns ----------------------------------------------------------------------------------------------------------


def test_of_a_long_stream_and_trail_a_part_is_told_in_each_turn(store: sqlite3.Connection) -> None:
    """The store's thread is never held for long."""
    events, bodies = SessionEvents(store), [begin(M1), *(reading(n) for n in range(2, 2 * MOST_ENTRIES + 11))]
    events.moved(give(store, message(S, 1, bodies), message(T, 1, [reading(1)], instrument="e-2")).moved)
    left_out(store, *(f"b{n}" for n in range(MOST_AUDIT + 5)))
    sizes, told = [], []
    for _ in range(3):
        assert events.behind
        found = events.fetch(store)
        sizes.append((len(seqs(found)), len(steps(found))))
        told += seqs(found)
    assert sizes == [(499, MOST_AUDIT), (500, 5), (10, 0)]
    assert (told, events.behind) == (list(range(2, 1011)), False)
    assert (MOST_ENTRIES, MOST_AUDIT) == (500, 200)


# --- once -----------------------------------------------------------------------------------------------------------


def test_what_was_written_down_is_not_told_again_and_what_follows_finds_its_measurement(
    store: sqlite3.Connection,
) -> None:
    first = SessionEvents(store)
    moved = give(store, message(S, 1, [begin(M1), reading(2)]), message(T, 1, [begin(M2)], instrument="e-2")).moved
    first.moved(moved)
    left_out(store, "b1")
    assert len(all_of(first, store)) == 4
    assert len(all_of(SessionEvents(store), store)) == 4, "nothing was written down"
    first.write_down(store)
    assert rows(store) == {AUDIT: 1, S: 2, T: 1}
    second = SessionEvents(store)
    assert (second.behind, second.fetch(store)) == (False, [])
    give(store, message(S, 3, [reading(3)]))
    left_out(store, "b2")
    third = SessionEvents(store)
    found = third.fetch(store)
    assert (third.behind, marks(found), seqs(found), steps(found)) == (False, [], [3], ["b2"])
    third.moved(give(store, message(S, 4, [reading(4)])).moved)
    assert seqs(third.fetch(store)) == [4]
    third.write_down(store)
    assert rows(store) == {AUDIT: 2, S: 4, T: 1}


def test_how_far_was_told_never_goes_back_by_itself(store: sqlite3.Connection) -> None:
    events, behind = SessionEvents(store), SessionEvents(store)
    moved = give(store, message(S, 1, [begin(M1), reading(2)])).moved
    behind.moved(moved)
    behind.fetch(store)
    events.moved(moved)
    events.moved(give(store, message(S, 3, [reading(3)])).moved)
    events.fetch(store)
    events.write_down(store)
    behind.write_down(store)
    assert rows(store)[S] == 3
    store.execute("DELETE FROM told")
    events.write_down(store)
    assert rows(store) == {AUDIT: 0}, "what was written down once is not written again"


def test_a_stream_that_runs_on_outside_a_measurement_is_written_down_without_being_walked(
    store: sqlite3.Connection,
) -> None:
    events = SessionEvents(store)
    events.moved(give(store, message(S, 1, [reading(1)])).moved)
    assert events.fetch(store) == []
    events.moved(give(store, message(S, 2, [reading(2)])).moved)
    assert not events.behind
    events.write_down(store)
    assert rows(store)[S] == 2


# --- what is followed and what is walked ----------------------------------------------------------------------------


def followed(store: sqlite3.Connection) -> SessionEvents:
    """A stream of two readings, told to its end."""
    events = SessionEvents(store)
    events.moved(give(store, message(S, 1, [reading(1), reading(2)], head=9)).moved)
    events.fetch(store)
    assert not events.behind
    return events


def test_after_a_commit_that_was_not_told_of_the_stream_is_walked(store: sqlite3.Connection) -> None:
    events = followed(store)
    give(store, message(S, 3, [begin(M1)], head=9))
    moved = give(store, message(S, 4, [reading(4)], head=9)).moved
    assert moved[S].no_marker
    events.moved(moved)
    assert events.behind
    found = events.fetch(store)
    assert (marks(found), seqs(found)) == ([3], [4])


def test_a_stream_that_waits_to_be_walked_goes_on_waiting(store: sqlite3.Connection) -> None:
    events = followed(store)
    events.moved(give(store, message(S, 3, [begin(M1)], head=9)).moved)
    events.moved(give(store, message(S, 4, [reading(4)], head=9)).moved)
    found = events.fetch(store)
    assert (marks(found), seqs(found)) == ([3], [4])


def test_a_stream_that_was_told_to_its_end_goes_on_if_its_source_comes_back(
    store: sqlite3.Connection,
) -> None:
    events = SessionEvents(store)
    moved = give(store, message(S, 1, [begin(M1), reading(2)], ended="closed"), message(T, 1, [begin(M2)])).moved
    events.moved(moved)
    assert marks(events.fetch(store)) == [1]
    give(store, message(S, 3, [reading(3)], head=3))
    events.moved({S: module.Moved(2, 3, True)})
    found = events.fetch(store)
    assert (marks(found), seqs(found)) == ([], [3])


def test_an_end_whose_last_entries_are_outstanding_is_followed(store: sqlite3.Connection) -> None:
    events = SessionEvents(store)
    events.moved(give(store, message(S, 1, [begin(M1), reading(2)], head=3, ended="closed")).moved)
    events.fetch(store)
    events.moved(give(store, message(S, 3, [reading(3)], ended="closed")).moved)
    assert seqs(events.fetch(store)) == [3]


def test_a_stream_that_the_store_does_not_have_is_passed_over(store: sqlite3.Connection) -> None:
    events = SessionEvents(store)
    events.moved({S: module.Moved(0, 1, False)})
    assert events.fetch(store) == []


# --- originals ------------------------------------------------------------------------------------------------------


def test_from_an_original_that_came_after_all_the_stream_is_told_again(store: sqlite3.Connection) -> None:
    events, original = SessionEvents(store), begin(M2)
    bodies = [begin(M1), reading(2), stand_in(original), reading(4), reading(5)]
    events.moved(give(store, message(S, 1, bodies)).moved)
    found = events.fetch(store)
    assert (marks(found), seqs(found)) == ([1], [2]), "what is refused may have been a marker"
    events.write_down(store)
    assert rows(store)[S] == 5
    done = give(store, message(S, 3, [original], head=5))
    assert rows(store)[S] == 2
    events.again(done.originals)
    assert events.behind
    found = events.fetch(store)
    assert (marks(found), seqs(found)) == ([3], [4, 5])
    events.again({S: 5})
    events.again({S: 4})
    events.again({S: 5})
    found = events.fetch(store)
    assert (marks(found), seqs(found)) == ([], [4, 5]), "from the lowest of them on"
