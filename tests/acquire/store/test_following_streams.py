"""Session events while the streams move: readings outside a measurement are followed without the store being asked.

Whatever order the entries come in, and whenever events are fetched, what is told is what a walk from the beginning
tells (docs/bus.md, "Session events").
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from test_attribution import begin, end, reading
from test_taking import S, T, give, message, store

from acquire.store.database import migrate
from acquire.store.events import SessionEvents

__all__ = ["store"]

M1, M2 = "0b7c2a52-6b0e-4b0e-8d0e-0d8f7f3f0a01", "0b7c2a52-6b0e-4b0e-8d0e-0d8f7f3f0a02"


def told(events: list[tuple[str, dict[str, Any]]]) -> tuple[list[Any], set[tuple[str, int]]]:
    """(steps in order, attached readings): how readings are cut into events depends on when they were fetched."""
    steps = [(e["detail"]["stream"], e["detail"]["seq"]) for _, e in events if e["event"] == "step"]
    attached = [r for _, e in events if e["event"] == "attached" for r in e["detail"]["readings"]]
    return sorted(steps), {(r["stream"], r["seq"]) for r in attached}


def bodies_of(kinds: list[str]) -> list[bytes]:
    markers = {"b": begin(M1), "e": end(M1), "B": begin(M2), "E": end(M2)}
    return [markers.get(kind) or reading(n) for n, kind in enumerate(kinds, 1)]


@settings(deadline=None)
@given(
    kinds=st.lists(st.sampled_from("rrrrbeBE"), min_size=1, max_size=20),
    order=st.randoms(use_true_random=False),
    fetches=st.lists(st.booleans(), min_size=20, max_size=20),
)
def test_following_tells_what_walking_tells(kinds: list[str], order: Any, fetches: list[bool]) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        migrate(connection)
        heard = followed(connection, kinds, order, fetches)
        assert told(heard) == told(SessionEvents(connection).fetch(connection))


def followed(
    connection: sqlite3.Connection, kinds: list[str], order: Any, fetches: list[bool]
) -> list[tuple[str, dict[str, Any]]]:
    bodies, events = bodies_of(kinds), SessionEvents(connection)
    heard: list[tuple[str, dict[str, Any]]] = []
    seqs = list(range(1, len(bodies) + 1))
    if order.random() < 0.5:
        order.shuffle(seqs)
    for seq, fetch in zip(seqs, fetches, strict=False):
        events.moved(give(connection, message(S, seq, [bodies[seq - 1]], head=len(bodies))).moved)
        if fetch:
            heard += events.fetch(connection)
    return heard + events.fetch(connection)


def test_readings_outside_a_measurement_are_not_looked_at_again(store: sqlite3.Connection) -> None:
    events = SessionEvents(store)
    events.moved(give(store, message(S, 1, [reading(1)]), message(T, 1, [reading(1)])).moved)
    assert events.behind, "how a stream stands that was not walked yet is not known"
    assert events.fetch(store) == []
    events.moved(give(store, message(S, 2, [reading(2)]), message(T, 2, [reading(2)])).moved)
    assert not events.behind
    events.moved(give(store, message(S, 3, [begin(M1)])).moved)
    assert events.behind
    events.fetch(store)
    events.moved(give(store, message(S, 4, [reading(4)]), message(T, 3, [reading(3)])).moved)
    assert told(events.fetch(store)) == ([], {(S, 4)})
