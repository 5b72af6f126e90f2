"""A stream's chain as ADR 0014 spells it: whatever way the entries came, it is made of what the watermark passed."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable

import pytest
from test_attribution import begin, end, reading, stand_in, unparsed
from test_hearing import of
from test_taking import S, give, message, store

from acquire.canonical import canonical
from acquire.store import clock
from acquire.store.database import transaction
from acquire.store.entries import Entry
from acquire.store.links import Link, Range, chained, hash_of_range, of_entry, of_range, walk
from acquire.store.seals import verify_streams
from acquire.store.tails import declare_ended

__all__ = ["store"]

M = "0b7c2a52-6b0e-4b0e-8d0e-0d8f7f3f0a01"
GAP = b'{"count":1,"from":"a","kind":"gap","reason":"no reply","to":"b"}'
EVERY = [
    reading(1), begin(M), GAP, reading(4, element="T-1"), end(M), unparsed(), stand_in(reading(7)), b"7", reading(9),
]  # fmt: skip


def entry_link(store: sqlite3.Connection, seq: int) -> bytes:
    """[seq, kind, status, reason, element, measurement, received in µs, its number] and the body behind it."""
    row = store.execute(
        "SELECT seq, kind, status, reason, element, measurement, r.at, r.number FROM entries"
        " JOIN received r ON r.number = received WHERE seq = ?",
        (seq,),
    ).fetchone()
    (body,) = store.execute("SELECT body FROM entries WHERE seq = ?", (seq,)).fetchone()
    return canonical(list(row)) + body


def lost_link(store: sqlite3.Connection, first: int) -> bytes:
    """[first, last, reason, at] of a range, alone."""
    row = store.execute("SELECT first, last, reason, at FROM lost WHERE first = ? AND withdrawn IS NULL", (first,))
    return canonical(list(row.fetchone()))


def spelled(store: sqlite3.Connection, links: Iterable[bytes]) -> bytes:
    """chain' = SHA-256(chain || link), begun with the stream's id, source, site, instrument and first time."""
    stream = of(store)
    said = ["stream", stream.stream, stream.source, stream.site, stream.instrument, stream.first_heard]
    chain = hashlib.sha256(canonical(said)).digest()
    for link in links:
        chain = hashlib.sha256(chain + link).digest()
    return chain


def entries_of(store: sqlite3.Connection, *seqs: int) -> list[bytes]:
    return [entry_link(store, seq) for seq in seqs]


def test_entries_of_every_kind_are_chained_as_they_come(store: sqlite3.Connection) -> None:
    give(store, message(S, 1, EVERY))
    assert of(store).chain == spelled(store, entries_of(store, *range(1, 10)))


def test_a_stream_of_which_nothing_has_been_passed_has_a_chain(store: sqlite3.Connection) -> None:
    give(store, message(S, 2, EVERY[1:]))
    assert (of(store).through, of(store).chain) == (0, spelled(store, []))


def test_what_waited_above_a_gap_is_chained_behind_what_filled_it(store: sqlite3.Connection) -> None:
    give(store, message(S, 4, EVERY[3:]))
    give(store, message(S, 1, EVERY[:2], head=9))
    assert of(store).chain == spelled(store, entries_of(store, 1, 2))
    give(store, message(S, 3, EVERY[2:3], head=9))
    assert of(store).chain == spelled(store, entries_of(store, *range(1, 10)))


def test_a_range_that_is_lost_is_one_link_and_what_comes_into_it_none(store: sqlite3.Connection) -> None:
    give(store, message(S, 1, [reading(1)]))
    give(store, message(S, 5, [reading(5)], oldest=5))
    links = [*entries_of(store, 1), lost_link(store, 2), *entries_of(store, 5)]
    assert (of(store).through, of(store).chain) == (5, spelled(store, links))
    give(store, message(S, 3, [reading(3)], head=5, oldest=3))
    give(store, message(S, 6, [reading(6)], oldest=3))
    assert (of(store).through, of(store).chain) == (6, spelled(store, [*links, *entries_of(store, 6)]))


def test_a_range_that_was_withdrawn_is_no_link(store: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    give(store, message(S, 1, [reading(1)], head=3))
    monkeypatch.setattr(clock, "boot", lambda: "another boot")
    with transaction(store):
        declare_ended(store, S)
    assert of(store).chain == spelled(store, [*entries_of(store, 1), lost_link(store, 2)])
    give(store, message(S, 3, [reading(3)]))
    assert (of(store).through, of(store).chain) == (1, spelled(store, entries_of(store, 1)))
    give(store, message(S, 2, [reading(2)], head=3))
    assert (of(store).through, of(store).chain) == (3, spelled(store, entries_of(store, 1, 2, 3)))
    assert list(verify_streams(store)) == []


def test_an_original_that_came_after_its_stand_in_was_passed_changes_no_link(store: sqlite3.Connection) -> None:
    give(store, message(S, 1, [reading(1), stand_in(reading(2))]))
    links = entries_of(store, 1, 2)
    give(store, message(S, 2, [reading(2)]), message(S, 3, [reading(3)]))
    assert of(store).chain == spelled(store, [*links, *entries_of(store, 3)])


# --- what is told of a watermark that moved --------------------------------------------------------------------------


@pytest.mark.parametrize(("bodies", "none"), [([reading(1), reading(2)], True), ([begin(M), reading(2)], False),
                                              ([reading(1), end(M)], False)])  # fmt: skip
def test_it_is_told_whether_a_marker_can_have_been_passed(
    store: sqlite3.Connection, bodies: list[bytes], none: bool
) -> None:
    done = give(store, message(S, 1, bodies, head=9))
    assert done.moved == {S: (0, 2, none)}


# --- the walk ---------------------------------------------------------------------------------------------------------


def test_a_walk_says_what_covers_each_seq_and_where_nothing_is(store: sqlite3.Connection) -> None:
    give(store, message(S, 2, [reading(2)], head=12))
    give(store, message(S, 6, [reading(6), reading(7)], head=12))
    given = [Range(1, 3, 4, "gone", "t", None), Range(2, 8, 8, "gone", "t", None), Range(3, 9, 10, "gone", "t", None)]
    two, six, seven = entries_of(store, 2, 6, 7)
    gone = {each.first: Link(each.first, each.last, of_range(each)) for each in given}
    found = list(walk(store, of(store), reversed(given), 1, 12))
    assert found == [
        Link(1, 1, None), Link(2, 2, two), gone[3], Link(5, 5, None), Link(6, 6, six), Link(7, 7, seven), gone[8],
        gone[9], Link(11, 12, None),
    ]  # fmt: skip
    assert list(walk(store, of(store), given, 1, 11))[-1] == Link(11, 11, None), "one is missing as many are"
    assert list(walk(store, of(store), given, 8, 10)) == [gone[8], gone[9]]
    assert list(walk(store, of(store), given, 6, 7)) == [Link(6, 6, six), Link(7, 7, seven)]
    assert list(walk(store, of(store), given, 6, 6, {6: b"stand-in"})) == [Link(6, 6, b"stand-in")]


def test_what_lies_inside_a_range_is_no_link(store: sqlite3.Connection) -> None:
    """Neither an entry that was found nor what was claimed once the range was withdrawn."""
    give(store, message(S, 3, [reading(3)], head=9))
    give(store, message(S, 6, [reading(6)], head=9))
    wide, begins, within, ends, next_to_it = (
        Range(number, first, last, "gone", "t", None)
        for number, first, last in ((1, 1, 5), (2, 1, 1), (3, 2, 2), (4, 5, 5), (5, 7, 9))
    )
    for given in ([wide, begins, within, ends, next_to_it], [next_to_it, ends, within, begins, wide]):
        found = list(walk(store, of(store), given, 1, 9))
        assert found == [Link(1, 5, of_range(wide)), Link(6, 6, entry_link(store, 6)), Link(7, 9, of_range(next_to_it))]


# --- what is spelled ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["stored", "refused"])
def test_no_link_fits_an_entry_that_is_damaged(status: str) -> None:
    entry = Entry(3, "scalar", status, None, b"7", received_us=5)
    assert of_entry(entry) == b"[3,0,%d,null,null,null,5]7" % (status == "refused"), "as before schema 15"
    numbered = entry._replace(received=8, numbered=True)
    assert of_entry(numbered) == b"[3,0,%d,null,null,null,5,8]7" % (status == "refused")
    damaged = of_entry(entry._replace(status="damaged"))
    assert damaged not in {of_entry(entry._replace(status=each)) for each in ("stored", "refused")}


def test_a_range_is_named_by_its_number_and_what_was_claimed() -> None:
    one = Range(4, 2, 3, "gone", "t", None)
    assert of_range(one) == b'[2,3,"gone","t"]'
    assert hash_of_range(one) == hashlib.sha256(b'[4][2,3,"gone","t"]').hexdigest()
    assert hash_of_range(one._replace(withdrawn=9)) == hash_of_range(one), "whether it holds is another matter"
    assert chained(b"", [b"a", b"b"]) == hashlib.sha256(hashlib.sha256(b"a").digest() + b"b").digest()
