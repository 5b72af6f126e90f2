"""What `verify` says of the streams, sentence by sentence, and that it says nothing of what holds (ADR 0014)."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import edits
import pytest
from every_stream import give, mark, reading, stand_in
from test_hearing import of
from test_taking import store

from acquire.canonical import canonical, digest, utc_now
from acquire.checksum import checksum, seed
from acquire.store import clock, entries, seals, streams
from acquire.store.audit import FIRST
from acquire.store.database import transaction
from acquire.store.entries import KIND, Row
from acquire.store.sealing import EVERY_ENTRIES, Seal, Sealing, before_the_first, hash_of
from acquire.store.seals import verify_streams
from acquire.store.tails import declare_ended

__all__ = ["store"]


def said(store: sqlite3.Connection, *of: str) -> list[str]:
    return list(verify_streams(store, of or None))


def edited(store: sqlite3.Connection, statement: str, *values: Any) -> None:
    """One row is changed, triggers and checks out of the way."""
    for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        store.execute(f"DROP TRIGGER {name}")
    store.execute("PRAGMA ignore_check_constraints = ON")
    assert store.execute(statement, values).rowcount == 1, statement


def inserted(store: sqlite3.Connection, stream: str, seq: int, body: dict[str, Any], received: int = 1) -> None:
    """An entry that fits in every way, but that no message brought."""
    raw = canonical(body)
    check = checksum(seed(stream), seq, raw)
    number = of(store, stream).number
    entries.insert(store, [Row(number, seq, KIND["scalar"], 0, None, raw, check, None, None, received)])


def recomputed(store: sqlite3.Connection, first: int) -> None:
    """The chain of seals is made anew from a seal on."""
    row = store.execute("SELECT hash FROM seal WHERE n < ? ORDER BY n DESC LIMIT 1", (first,)).fetchone()
    previous = row[0] if row else before_the_first(streams.life(store).store)
    for row in store.execute("SELECT * FROM seal WHERE n >= ? ORDER BY n", (first,)).fetchall():
        seal = Seal(*row)._replace(previous=previous)
        previous = seal.made
        edited(store, "UPDATE seal SET previous = ?, hash = ? WHERE n = ?", seal.previous, previous, seal.n)


def named(stream: str, sentence: str) -> str:
    return f"Stream {stream} of e-{stream}: {sentence}"


# --- the chain of seals ---------------------------------------------------------------------------------------------


def test_the_head_is_the_newest_seal(store: sqlite3.Connection) -> None:
    assert seals.head(store) == (0, FIRST)
    give(store, "s-1", 1, [reading(1)])
    assert seals.head(store) == (2, store.execute("SELECT hash FROM seal WHERE n = 2").fetchone()[0])
    assert said(store) == []


def test_one_identity_was_made(store: sqlite3.Connection) -> None:
    give(store, "s-1", 1, [reading(1)])
    edited(store, "DELETE FROM identity")
    assert said(store) == ["The store has 0 identities (table identity); one was made."]


def test_the_epoch_is_the_one_sealed_last(store: sqlite3.Connection) -> None:
    assert said(store) == [], "nothing is sealed yet"
    give(store, "s-1", 1, [reading(1)])
    wrong = "The store's epoch is not the one that was sealed (table identity)."
    with edits.taken_back(store):
        edited(store, "UPDATE identity SET epoch = 'other'")
        assert said(store) == [wrong]
        sealing = Sealing(store)
        sealing.add("epoch", epoch="other")
        sealing.keep()
        assert said(store) == []
        edited(store, "UPDATE seal SET detail = '[1]' WHERE what = 'epoch'")
        recomputed(store, 1)
        assert said(store) == [wrong]


def test_a_seal_that_is_missing_changed_or_put_in_is_named(store: sqlite3.Connection) -> None:
    for n in range(4):
        give(store, f"s-{n}", 1, [reading(1)])
    with edits.taken_back(store):
        edited(store, "UPDATE seal SET at = 'then' WHERE n = 4")
        assert said(store) == ["Seal 4 was changed after it was written."]
        assert said(store, "s-2") == [named("s-2", "seal 4 was changed after it was written.")]
        assert said(store, "s-1", "s-3") == []
        made = Seal(*store.execute("SELECT * FROM seal WHERE n = 4").fetchone()).made
        edited(store, "UPDATE seal SET hash = ? WHERE n = 4", made)
        does_not = "does not follow what is before it"
        assert said(store) == [f"Seal 5 {does_not}: one of the two was put in or recomputed."]
        assert said(store, "s-2") == [named("s-2", "seal 4 was changed after it was written.")]
    with edits.taken_back(store):
        edited(store, "DELETE FROM seal WHERE n = 1")
        recomputed(store, 2)
        assert said(store) == ["Seal 1 is missing; the next one is 2."]
        edited(store, "DELETE FROM seal WHERE n = 4")
        recomputed(store, 3)
        assert [each for each in said(store) if each.startswith("Seal")] == [
            "Seal 1 is missing; the next one is 2.", "Seal 4 is missing; the next one is 5.",
        ]  # fmt: skip
    with edits.taken_back(store):
        edited(store, "UPDATE seal SET previous = 'x' WHERE n = 1")
        recomputed(store, 2)
        edited(
            store, "UPDATE seal SET hash = ? WHERE n = 1", Seal(*store.execute("SELECT * FROM seal").fetchone()).made
        )
        recomputed(store, 2)
        why = "the store's id was changed, or the seal was put in or recomputed."
        assert said(store) == [f"Seal 1 {does_not}: {why}"]


def test_a_seal_recomputed_alone_at_the_end_shows_in_its_stream(store: sqlite3.Connection) -> None:
    give(store, "s-1", 1, [mark("begin")])
    edited(store, "UPDATE seal SET chain = x'00' WHERE what = 'passed'")
    recomputed(store, 3)
    wrong = [named("s-1", "what seal 3 says of entries 1 to 1 is not what is there.")]
    assert said(store) == said(store, "s-1") == wrong
    edited(store, "UPDATE seal SET chain = NULL WHERE what = 'passed'")
    recomputed(store, 3)
    assert said(store) == wrong


def test_receipts_that_are_numbered_otherwise_are_found(store: sqlite3.Connection) -> None:
    """Their numbers say which readings came before what people did: times and contents are left as they are."""
    give(store, "s-1", 1, [reading(1)])
    give(store, "s-1", 2, [reading(2)])
    for name in ("received_no_update", "received_no_delete"):
        store.execute(f"DROP TRIGGER {name}")
    store.execute("UPDATE received SET number = 3 WHERE number = 2")
    store.execute("UPDATE entries SET received = 3 WHERE received = 2")
    assert named("s-1", "what its watermark says of entries 1 to 2 is not what is there.") in said(store)


# --- rows of nothing ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["entries", "lost", "conflicts", "stand_ins", "seal"])
def test_rows_of_no_stream_are_named(store: sqlite3.Connection, table: str) -> None:
    give(store, "s-1", 1, [reading(1)])
    rows = {
        "entries": "(9, 1, 0, 0, NULL, x'37', 5, NULL, NULL, 1)", "lost": "(1, 9, 1, 1, 'r', 'at', NULL)",
        "conflicts": "(9, 1, x'00', x'37', 'at', NULL)", "stand_ins": "(9, 1, 'at', x'37', NULL, 'at', NULL)",
        "seal": "(3, 'at', 'passed', 9, NULL, 1, NULL, '{}', 'p', 'h')",
    }  # fmt: skip
    edited(store, f"INSERT INTO {table} VALUES {rows[table]}")
    strays = [each for each in said(store) if "of a stream 9 that is not there" in each]
    assert strays == [
        f"Rows of {table} are of a stream 9 that is not there: it was deleted, or they were added."
    ]  # fmt: skip
    assert [each for each in said(store, "s-1") if "seal 2" not in each] == [], "what follows seal 2 is another seal"


def test_receipts_of_nothing_are_named_and_those_of_replaced_stand_ins_are_not(store: sqlite3.Connection) -> None:
    give(store, "s-1", 1, [reading(1)])
    give(store, "s-1", 2, [stand_in(reading(2))])
    give(store, "s-1", 2, [reading(2)])
    assert said(store) == []
    edited(store, "INSERT INTO received VALUES (?, 7, 1)", 2**60)
    text = "is of no entry: it was added, or its entries were deleted (table received)."
    edited(store, "INSERT INTO received SELECT ?, at, 1 FROM received WHERE number = 2", 2**61)
    assert said(store) == [f"Receipt {number} {text}" for number in (2**60, 2**61)], "the second has a stand-in's time"
    assert said(store, "s-1") == []


# --- what is known of a stream --------------------------------------------------------------------------------------


def test_a_stream_that_was_never_begun_is_named(store: sqlite3.Connection) -> None:
    give(store, "s-1", 1, [reading(1)])
    edited(store, "UPDATE seal SET what = 'begins' WHERE what = 'begun'")
    recomputed(store, 2)
    assert said(store) == [named("s-1", "it was never sealed as begun: it was added, or its seals were taken out.")]


def test_the_host_is_the_one_that_was_sealed_last(store: sqlite3.Connection) -> None:
    give(store, "s-1", 1, [reading(1)], host="room-1")
    assert said(store) == []
    give(store, "s-1", 2, [mark("begin")], host="room-2")
    assert said(store) == []
    for host in ("room-1", None):
        edited(store, "UPDATE streams SET host = ?", host)
        assert said(store) == [named("s-1", "its host is not the one that was sealed (table streams).")]


@pytest.mark.parametrize(("column", "value"), [("ended", None), ("ended", "crash"), ("why", "x"), ("final", 9),
                                               ("head", 9)])  # fmt: skip
def test_how_it_ended_is_what_was_sealed(store: sqlite3.Connection, column: str, value: Any) -> None:
    give(store, "s-1", 1, [reading(1)])
    assert said(store) == []
    give(store, "s-1", 2, [reading(2)], ended="closed")
    assert said(store) == []
    edited(store, f"UPDATE streams SET {column} = ?", value)
    assert said(store) == [named("s-1", "how it ended is not what was sealed (table streams).")]


def test_an_end_that_was_never_sealed_is_named(store: sqlite3.Connection) -> None:
    give(store, "s-1", 1, [reading(1)])
    edited(store, "UPDATE streams SET ended = 'closed', final = 1")
    assert said(store) == [named("s-1", "how it ended is not what was sealed (table streams).")]


@pytest.mark.parametrize("column", ["stream", "source", "site", "instrument", "first_heard"])
def test_who_it_is_is_what_was_sealed(store: sqlite3.Connection, column: str) -> None:
    give(store, "s-1", 1, [])
    edited(store, f"UPDATE streams SET {column} = {column} || 'x'")
    text = "its id, source, site, instrument or first time is not what was sealed (table streams)."
    assert any(each.endswith(text) for each in said(store))


# --- entries --------------------------------------------------------------------------------------------------------


def test_an_entry_that_is_not_there_or_another_is_named_by_its_seal(store: sqlite3.Connection) -> None:
    give(store, "s-1", 1, [reading(1), reading(2), mark("begin")])
    give(store, "s-1", 4, [reading(4)])
    with edits.taken_back(store):
        edited(store, "DELETE FROM entries WHERE seq = 2")
        assert said(store) == [named("s-1", "entry 2 is not there, and seal 3 is above it.")]
    with edits.taken_back(store):
        edited(store, "DELETE FROM entries WHERE seq = 4")
        assert said(store, "s-1") == [named("s-1", "entry 4 is not there, and its watermark is above it.")]
    with edits.taken_back(store):
        edited(store, "UPDATE entries SET element = 'T' WHERE seq = 1")
        assert said(store) == [named("s-1", "what seal 3 says of entries 1 to 3 is not what is there.")]
    with edits.taken_back(store):
        edited(store, "UPDATE streams SET through = 3")
        assert said(store) == [named("s-1", "what its watermark says of entries 1 to 3 is not what is there.")]
    with edits.taken_back(store):
        edited(store, "UPDATE streams SET through = 0")
        assert said(store) == [named("s-1", "what its watermark says of entries 1 to 0 is not what is there.")]


def test_a_seal_inside_a_range_that_is_lost_does_not_hold(store: sqlite3.Connection) -> None:
    give(store, "s-1", 4, [mark("begin")], oldest=4)
    edited(store, "UPDATE seal SET through = 2 WHERE what = 'passed'")
    recomputed(store, 4)
    assert said(store) == [named("s-1", "what seal 4 says of entries 1 to 2 is not what is there.")]


def test_an_entry_above_the_head_was_added(store: sqlite3.Connection) -> None:
    give(store, "s-1", 1, [reading(1)], head=3)
    inserted(store, "s-1", 3, reading(3))
    assert said(store) == [], "what lies above a watermark is not passed yet"
    inserted(store, "s-1", 4, reading(4))
    assert said(store) == [named("s-1", "entry 4 was added above its head, 3 (table entries).")]
    edited(store, "UPDATE streams SET head = 0")
    assert said(store) == [named("s-1", "entry 3 was added above its head, 0 (table entries).")]
    edited(store, "DELETE FROM entries WHERE seq = 3")
    edited(store, "DELETE FROM entries WHERE seq = 4")
    assert said(store) == [], "a head below the watermark is no part of the record"


def test_a_damaged_entry_is_named_also_above_the_watermark(store: sqlite3.Connection) -> None:
    give(store, "s-1", 1, [mark("begin"), reading(2), reading(3)], head=9)
    give(store, "s-1", 5, [reading(5)], head=9)
    edited(store, "UPDATE entries SET body = x'37' WHERE seq = 5")
    text = "Entry 5 of stream s-1 was changed after it was stored."
    assert said(store) == [text]
    assert list(verify_streams(store, ["s-1"], within={"s-1": [(1, 2), (4, 6)]})) == [text]
    assert list(verify_streams(store, ["s-1"], within={"s-1": [(1, 2), (6, 9)]})) == []


def test_what_no_program_wrote_is_named_and_the_other_streams_are_looked_at(store: sqlite3.Connection) -> None:
    give(store, "s-1", 1, [reading(1)], ended="closed")
    give(store, "s-2", 1, [reading(1)])
    edited(store, "UPDATE entries SET element = 'T'  WHERE stream = 2")
    edited(store, "UPDATE seal SET detail = '{\"ranges\":7}', what = 'withdrawn' WHERE what = 'end'")
    recomputed(store, 3)
    first, *rest = said(store)
    assert first == named("s-1", "how it ended is not what was sealed (table streams).")
    assert [each.split(":")[0] for each in rest] == ["Stream s-1 holds what no program wrote", "Stream s-2 of e-s-2"]


# --- parts of a stream ----------------------------------------------------------------------------------------------


def test_a_run_is_held_from_the_seal_below_it_to_the_one_above(store: sqlite3.Connection) -> None:
    for first in range(1, 3 * EVERY_ENTRIES + 1, 500):
        give(store, "s-1", first, [reading(n) for n in range(first, first + 500)])
    give(store, "s-1", 3001, [reading(3001)])
    for seq, window, noticed in (
        (1000, (1000, 1500), True), (1001, (1000, 1000), False),
        (1001, (1000, 1500), True), (1000, (1001, 1500), False), (2000, (1001, 1500), True),
        (2001, (1001, 2000), False), (2001, (1001, 2001), True), (3001, (1, 3000), False), (3001, (1, 3001), True),
        (1, (1, 1), True), (3001, (3001, 2**62), True), (3000, (3001, 3001), False),
    ):  # fmt: skip
        with edits.taken_back(store):
            edited(store, "UPDATE entries SET element = 'T' WHERE seq = ?", seq)
            assert bool(list(verify_streams(store, ["s-1"], within={"s-1": [window]}))) is noticed, (seq, window)
            assert list(verify_streams(store, ["s-1"], within={"s-2": [window]})), "not named: verified whole"


def test_it_is_told_how_many_entries_are_behind_of_how_many(store: sqlite3.Connection) -> None:
    give(store, "s-1", 1, [reading(1), reading(2)])
    give(store, "s-2", 1, [reading(1)])
    told: list[tuple[str, int, int]] = []
    assert list(verify_streams(store, progress=lambda *each: told.append(each))) == []
    assert told == [("entries", 0, 3), ("entries", 2, 3)]
    told.clear()
    assert list(verify_streams(store, ["s-2"], progress=lambda *each: told.append(each))) == []
    assert told == [("entries", 0, 1)]
    assert said(store, "s-2", "s-9", "s-8") == [f"Stream {each} is not in the store." for each in ("s-8", "s-9")]


# --- what is lost ---------------------------------------------------------------------------------------------------


def test_ranges_are_what_was_claimed_and_taken_back(store: sqlite3.Connection) -> None:
    give(store, "s-1", 3, [reading(3)], oldest=3)
    give(store, "s-1", 6, [reading(6)], oldest=6)
    changed = named("s-1", "what is said to be lost from 1 on was changed or added (table lost).")
    taken_out = named("s-1", "range 1 of what is lost was taken out (table lost).")
    too_few = named("s-1", "how many ranges of it are lost was changed (table streams).")
    for statement, words in (
        ("UPDATE lost SET reason = 'x' WHERE first = 1", [changed]), ("DELETE FROM lost WHERE first = 1", [taken_out]),
        ("UPDATE lost SET withdrawn = 3 WHERE first = 1", [changed]),
        ("UPDATE streams SET claims = 1", [too_few]),
    ):  # fmt: skip
        with edits.taken_back(store):
            edited(store, statement)
            found = said(store)
            assert [each for each in found if "entr" not in each] == words
    edited(store, "UPDATE streams SET claims = 3")
    assert said(store) == [], "a range more is only looked for in vain"


def test_the_seal_of_a_withdrawal_is_held_as_the_beginning_of_another_life(
    store: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(store, "s-1", 1, [reading(1), mark("begin")], head=5)
    with monkeypatch.context() as patch, transaction(store):
        patch.setattr(clock, "boot", lambda: "another boot")
        declare_ended(store, "s-1")
    give(store, "s-1", 3, [], head=5)
    assert said(store) == []
    (n,) = store.execute("SELECT n FROM seal WHERE what = 'withdrawn'").fetchone()
    edited(store, "UPDATE seal SET chain = x'00' WHERE n = ?", n)
    recomputed(store, n)
    words = [named("s-1", f"what seal {n} says of entries 1 to 2 is not what is there.")]
    assert said(store) == words
    assert list(verify_streams(store, ["s-1"], within={"s-1": [(1, 2)]})) == words


def test_what_came_into_a_lost_range_is_what_was_sealed(store: sqlite3.Connection) -> None:
    give(store, "s-1", 5, [reading(5)], oldest=5)
    give(store, "s-1", 3, [reading(3)], oldest=3, head=5)
    assert said(store) == []
    with edits.taken_back(store):
        inserted(store, "s-1", 2, reading(2))
        assert said(store) == [named("s-1", "entry 2 was added where it is lost (table entries).")]
    for statement in ("UPDATE entries SET element = 'T' WHERE seq = 3", "DELETE FROM entries WHERE seq = 3"):
        with edits.taken_back(store):
            edited(store, statement)
            (n,) = store.execute("SELECT n FROM seal WHERE what = 'found'").fetchone()
            text = named("s-1", f"entry 3 is not the one that came later (seal {n}; table entries).")
            assert [each for each in said(store) if "eceipt" not in each] == [text]


# --- other contents, and stand-ins ----------------------------------------------------------------------------------


def test_other_contents_are_what_was_sealed(store: sqlite3.Connection) -> None:
    give(store, "s-1", 1, [reading(1), reading(2)])
    give(store, "s-1", 1, [reading(8)], head=2)
    give(store, "s-1", 2, [reading(9)])
    changed = named("s-1", "another content of entry 1 was changed or added (table conflicts).")
    taken_out = named("s-1", "another content of entry 1 was taken out (table conflicts).")
    for statement, words in (
        ("UPDATE conflicts SET body = x'37' WHERE seq = 1", [changed, taken_out]),
        ("UPDATE conflicts SET received_at = 'x' WHERE seq = 1", [changed, taken_out]),
        ("UPDATE conflicts SET settled = 3 WHERE seq = 1", [changed]),
        ("DELETE FROM conflicts WHERE seq = 1", [taken_out]),
    ):
        with edits.taken_back(store):
            edited(store, statement)
            assert said(store) == words, statement
    with edits.taken_back(store):
        now, body = utc_now(), canonical(reading(1))
        number = of(store, "s-1").number
        content = digest(body)
        edited(store, "INSERT INTO conflicts VALUES (?, 1, ?, ?, ?, NULL)", number, content, body, now)
        assert said(store) == [changed]


def settled(store: sqlite3.Connection) -> None:
    """As an older program did, the originals of two stand-ins were kept as conflicts; then they came again."""
    give(store, "s-1", 1, [reading(1), stand_in(reading(2)), stand_in(reading(3)), mark("begin")])
    stream = of(store, "s-1")
    with transaction(store):
        sealing = Sealing(store)
        for seq in (2, 3):
            body, now = canonical(reading(seq)), utc_now()
            content = digest(body)
            store.execute(
                "INSERT INTO conflicts VALUES (?, ?, ?, ?, ?, NULL)", (stream.number, seq, content, body, now)
            )
            sealing.add("conflict", stream, seq, row=hash_of(seq, content.hex(), now, body))
        sealing.keep()
    give(store, "s-1", 2, [reading(2), reading(3)], head=4)


def test_a_conflict_that_became_the_entry_says_with_which_seal(store: sqlite3.Connection) -> None:
    settled(store)
    assert said(store) == []
    (one, two) = [n for (n,) in store.execute("SELECT settled FROM conflicts ORDER BY seq")]
    assert [
        json.loads(d).keys() for (d,) in store.execute("SELECT detail FROM seal WHERE n IN (?, ?)", (one, two))
    ] == [{"entry", "stand_in", "was"}] * 2
    for value in (two, None, one - 1):
        with edits.taken_back(store):
            edited(store, "UPDATE conflicts SET settled = ? WHERE seq = 2", value)
            assert said(store) == [named("s-1", "another content of entry 2 was changed or added (table conflicts).")]


def test_stand_ins_and_their_originals_are_what_was_sealed(store: sqlite3.Connection) -> None:
    settled(store)
    taken_out = named("s-1", "a stand-in whose original came was taken out (table stand_ins).")
    changed = named("s-1", "the stand-in of entry 2 was changed or added (table stand_ins).")
    with edits.taken_back(store):
        edited(store, "UPDATE stand_ins SET reason = 'x' WHERE seq = 2")
        assert said(store)[-2:] == [changed, taken_out]
    with edits.taken_back(store):
        edited(store, "INSERT INTO stand_ins SELECT stream, seq, 'x', body, reason, received_at, received"
                      " FROM stand_ins WHERE seq = 2")  # fmt: skip
        assert said(store) == [changed]
    with edits.taken_back(store):
        edited(store, "DELETE FROM stand_ins WHERE seq = 2")
        assert taken_out in said(store)
    with edits.taken_back(store):
        edited(store, "UPDATE entries SET element = 'T' WHERE seq = 2")
        (n,) = store.execute("SELECT n FROM seal WHERE what = 'original' AND seq = 2").fetchone()
        assert said(store) == [named("s-1", f"entry 2 is not the one that came later (seal {n}; table entries).")]


def test_a_seal_that_says_no_seq_holds_no_entry(store: sqlite3.Connection) -> None:
    give(store, "s-1", 5, [reading(5)], oldest=5)
    give(store, "s-1", 1, [reading(1)], head=5)
    (n,) = store.execute("SELECT n FROM seal WHERE what = 'found'").fetchone()
    edited(store, "UPDATE seal SET seq = NULL WHERE n = ?", n)
    recomputed(store, n)
    assert said(store) == [
        named("s-1", f"entry None is not the one that came later (seal {n}; table entries)."),
        named("s-1", "entry 1 was added where it is lost (table entries)."),
    ]
