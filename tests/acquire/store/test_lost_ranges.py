"""What is lost is ranges of seqs that were absent; the watermark goes over them, and a declaration is taken back."""

from __future__ import annotations

import json
import sqlite3

import pytest
from test_attribution import reading
from test_hearing import of
from test_taking import S, T, give, lost, message, store

from acquire.store import clock
from acquire.store import lost as module
from acquire.store.database import transaction
from acquire.store.links import Range, hash_of_range
from acquire.store.seals import verify_streams
from acquire.store.tails import DECLARED_LOST, declare_ended

__all__ = ["store"]

AT = "2027-02-03T09:12:00.000000Z"


def held(store: sqlite3.Connection, *seqs: int, stream: str = S, head: int = 20) -> None:
    """These entries of a stream are there."""
    for seq in seqs:
        give(store, message(stream, seq, [reading(seq)], head=head, instrument="e-1" if stream == S else "e-2"))


def claim(store: sqlite3.Connection, first: int, last: int, reason: str = "gone") -> list[Range]:
    stream = of(store)
    with transaction(store):
        made = module.claim(store, stream, first, last, reason, AT)
        store.execute("UPDATE streams SET claims = ? WHERE stream = ?", (stream.claims, S))
    return made


def runs(made: list[Range]) -> list[tuple[int, int]]:
    return [(each.first, each.last) for each in made]


def withdrawn(store: sqlite3.Connection) -> list[tuple[int, int]]:
    rows = store.execute("SELECT first, last FROM lost WHERE withdrawn IS NOT NULL ORDER BY first, number")
    return [tuple(row) for row in rows]


# --- claims ---------------------------------------------------------------------------------------------------------


def test_a_claim_covers_what_is_absent_and_is_counted(store: sqlite3.Connection) -> None:
    held(store, 3, 4, 7)
    held(store, 5, stream=T)
    made = claim(store, 2, 9)
    assert runs(made) == [(2, 2), (5, 6), (8, 9)]
    assert [each[3:] for each in made] == [("gone", AT, None)] * 3
    rows = store.execute("SELECT number, first, last, reason, at, withdrawn FROM lost ORDER BY number")
    assert [Range(*row) for row in rows] == made
    assert of(store).claims == 3
    assert claim(store, 3, 4) == []


@pytest.mark.parametrize(
    ("first", "last", "new"),
    [
        (5, 6, []), (4, 7, [(4, 4), (7, 7)]), (1, 5, [(1, 4)]), (6, 9, [(7, 9)]), (5, 9, [(7, 9)]), (4, 6, [(4, 4)]),
        (7, 8, [(7, 8)]), (1, 4, [(1, 4)]), (4, 13, [(4, 4), (7, 9), (13, 13)]), (10, 13, [(13, 13)]),
        (6, 6, []), (6, 7, [(7, 7)]), (4, 5, [(4, 4)]),
    ],
)  # fmt: skip
def test_what_is_lost_already_is_not_claimed_again(
    store: sqlite3.Connection, first: int, last: int, new: list[tuple[int, int]]
) -> None:
    held(store, 20)
    assert runs(claim(store, 5, 6)) == [(5, 6)]
    assert runs(claim(store, 10, 12)) == [(10, 12)]
    held(store, 1, stream=T)
    with transaction(store):
        module.claim(store, of(store, T), 2, 19, "of another stream", AT)
    assert runs(claim(store, first, last)) == new


def test_every_claim_has_a_seal_that_says_what_it_was(store: sqlite3.Connection) -> None:
    give(store, message(S, 1, [reading(1)]), message(S, 4, [reading(4)]))
    give(store, message(S, 8, [reading(8)], oldest=8))
    rows = store.execute("SELECT seq, detail, through FROM seal WHERE what = 'lost' ORDER BY n").fetchall()
    ranges = [
        Range(*row)
        for row in store.execute("SELECT number, first, last, reason, at, withdrawn FROM lost ORDER BY number")
    ]
    assert runs(ranges) == [(2, 3), (5, 7)]
    assert {each.reason for each in ranges} == {"no longer held by the source"}
    assert [(seq, json.loads(detail)) for seq, detail, _ in rows] == [
        (each.first, {"number": each.number, "range": hash_of_range(each)}) for each in ranges
    ]
    assert list(verify_streams(store)) == []


# --- what is found after all ----------------------------------------------------------------------------------------


def test_what_comes_into_a_lost_range_is_found_once(store: sqlite3.Connection) -> None:
    held(store, 3)
    claim(store, 1, 9)
    held(store, 5, 6, 12)
    held(store, 7, stream=T)
    receipt = dict(store.execute("SELECT seq, received FROM entries WHERE stream = 1").fetchall())
    assert receipt[5] < receipt[6] < receipt[12]

    def found(first: int, last: int, of_seq: int) -> list[int]:
        return module.found(store, of(store), first, last, receipt[of_seq])

    assert (found(1, 20, 5), found(1, 20, 6), found(5, 5, 5), found(6, 6, 6)) == ([5], [6], [5], [6])
    assert (found(6, 20, 5), found(1, 4, 5)) == ([], []), "of other seqs"
    assert found(1, 20, 3) == [], "it was there when the rest was claimed"
    assert found(1, 20, 12) == [], "it is in no range"
    seals = store.execute("SELECT seq FROM seal WHERE what = 'found' ORDER BY n").fetchall()
    assert [seq for (seq,) in seals] == [5, 6]


def test_what_was_found_is_told_in_order(store: sqlite3.Connection) -> None:
    give(store, message(S, 20, [reading(20)], oldest=20))
    give(store, message(S, 7, [reading(7), reading(8)], head=20), message(S, 2, [reading(2)], head=20))
    seals = store.execute("SELECT seq FROM seal WHERE what = 'found' ORDER BY n").fetchall()
    assert [seq for (seq,) in seals] == [2, 7, 8]
    assert list(verify_streams(store)) == []


# --- the watermark --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "ranges", "through"),
    [
        ([], [], 0), ([2], [], 0), ([1], [], 1), ([1, 2, 3, 5], [], 3), ([], [(1, 3)], 3), ([1, 5], [(2, 4)], 5),
        ([1], [(2, 2), (3, 9)], 9), ([1], [(3, 9)], 1), ([3], [(1, 2), (4, 4), (6, 9)], 4), ([2], [(1, 1)], 2),
        ([1, 2, 3], [(7, 9)], 3),
    ],
)  # fmt: skip
def test_the_watermark_may_go_over_entries_and_ranges_up_to_the_first_gap(
    store: sqlite3.Connection, there: list[int], ranges: list[tuple[int, int]], through: int
) -> None:
    held(store, 1, 2, 3, 4, 5, stream=T)
    give(store, message(S, 1, [], head=20))
    held(store, *sorted(there, reverse=True))
    for first, last in ranges:
        claim(store, first, last)
    with transaction(store):
        module.claim(store, of(store, T), 6, 19, "of another stream", AT)
    assert module.beyond(store, of(store)) == through


def test_it_may_begin_inside_a_range(store: sqlite3.Connection) -> None:
    """A source that took part of a claim back left the watermark there."""
    give(store, message(S, 1, [], head=20))
    claim(store, 1, 9)
    stream = of(store)
    for at, to in ((8, 9), (9, 9), (0, 9), (3, 9)):
        stream.through = at
        assert module.beyond(store, stream) == to


# --- withdrawals ----------------------------------------------------------------------------------------------------


def declared(store: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, transaction(store):
        patch.setattr(clock, "boot", lambda: "another boot")
        declare_ended(store, S)


@pytest.mark.parametrize(
    ("oldest", "through", "back", "still"),
    [
        (1, 2, [(3, 4), (6, 9)], []), (3, 2, [(3, 4), (6, 9)], []), (4, 3, [(3, 4), (6, 9)], [(3, 3)]),
        (5, 5, [(6, 9)], [(3, 4)]), (6, 5, [(6, 9)], [(3, 4)]), (8, 7, [(6, 9)], [(3, 4), (6, 7)]),
        (9, 8, [(6, 9)], [(3, 4), (6, 8)]), (10, 9, [], [(3, 4), (6, 9)]),
    ],
)  # fmt: skip
def test_a_declaration_is_taken_back_from_what_the_source_still_holds_on(
    store: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, oldest: int, through: int,
    back: list[tuple[int, int]], still: list[tuple[int, int]],
) -> None:  # fmt: skip
    give(store, message(S, 1, [reading(1), reading(2)], head=9), message(S, 5, [reading(5)], head=9))
    declared(store, monkeypatch)
    assert (lost(store), of(store).through) == ([(3, 4), (6, 9)], 9)
    stream = of(store)
    give(store, message(S, 10, [], oldest=oldest, head=9))
    assert (of(store).through, withdrawn(store)) == (through, back)
    rows = store.execute("SELECT first, last FROM lost WHERE withdrawn IS NULL ORDER BY first").fetchall()
    assert [tuple(row) for row in rows] == still
    seals = store.execute("SELECT n, detail, through FROM seal WHERE what = 'withdrawn'").fetchall()
    if back:
        ((n, detail, at),) = seals
        numbers = store.execute("SELECT number FROM lost WHERE withdrawn = ? ORDER BY first", (n,)).fetchall()
        assert (json.loads(detail), at) == ({"ranges": [number for (number,) in numbers]}, through)
    else:
        assert (seals, of(store).chain) == ([], stream.chain)
    assert list(verify_streams(store)) == []


def test_what_is_kept_of_a_declaration_says_so_and_other_claims_stand(
    store: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(store, message(S, 3, [reading(3)], oldest=3, head=9))
    declared(store, monkeypatch)
    give(store, message(S, 10, [], oldest=1, head=9))
    rows = store.execute("SELECT first, last, reason FROM lost WHERE withdrawn IS NULL").fetchall()
    assert [tuple(row) for row in rows] == [(1, 2, module.NO_LONGER_HELD)], "the source itself said that they are gone"
    declared(store, monkeypatch)
    give(store, message(S, 10, [], oldest=7, head=9))
    rows = store.execute("SELECT first, last, reason FROM lost WHERE withdrawn IS NULL ORDER BY first").fetchall()
    assert [tuple(row) for row in rows] == [(1, 2, module.NO_LONGER_HELD), (4, 6, DECLARED_LOST)]
    assert withdrawn(store) == [(4, 9), (4, 9)], "each declaration was taken back"
    assert of(store).claims == 4
    assert list(verify_streams(store)) == []


def test_of_one_stream_that_is_taken_back_no_other_is(
    store: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(store, message(T, 1, [reading(1)], head=4), message(S, 1, [reading(1)], head=4))
    with monkeypatch.context() as patch, transaction(store):
        patch.setattr(clock, "boot", lambda: "another boot")
        declare_ended(store, T)
        declare_ended(store, S)
    give(store, message(S, 5, [], head=4))
    assert (of(store, T).through, of(store, T).ended, of(store).through) == (4, "declared", 1)
    assert withdrawn(store) == [(2, 4)]
