"""Whatever becomes of a stream, what nobody changed holds, and its chain can be made anew from its rows."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_attribution import begin, reading, stand_in
from test_hearing import of
from test_taking import S, T, give, message

from acquire.store import clock, entries, lost
from acquire.store.database import migrate, transaction
from acquire.store.entries import HIGHEST
from acquire.store.lives import chain_at
from acquire.store.seals import verify_streams
from acquire.store.tails import NotDeclared, declare_ended

MARK = begin("0b7c2a52-6b0e-4b0e-8d0e-0d8f7f3f0a01")
SEQS = st.integers(1, 9)


def original(seq: int) -> bytes:
    return MARK if seq == 4 else reading(seq)


def body(seq: int, kind: str) -> bytes:
    return {"original": original(seq), "stand-in": stand_in(original(seq)), "other": reading(70 + seq)}[kind]


STEPS = st.one_of(
    st.tuples(st.just("give"), SEQS, st.lists(st.sampled_from(["original"] * 5 + ["stand-in", "other"]), max_size=4)),
    st.tuples(st.just("gone"), SEQS),
    st.tuples(st.just("ended"), st.sampled_from(["receded", "restored", "closed"]), SEQS),
    st.tuples(st.just("declared")),
)


def made(store: sqlite3.Connection, step: tuple[Any, ...], oldest: int) -> int:
    """Let one thing happen; the lowest seq that its source still holds."""
    match step:
        case ("give", first, kinds):
            bodies = [body(seq, kind) for seq, kind in enumerate(kinds, first)]
            give(store, message(S, first, bodies, oldest=min(oldest, first), head=12))
        case ("gone", seq):
            give(store, message(S, 13, [], oldest=max(oldest, seq), head=12))
            return max(oldest, int(seq))
        case ("ended", how, head):
            give(store, message(S, head + 1, [], oldest=min(oldest, head), head=head, ended=how))
        case _:
            declared(store)
    return oldest


def declared(store: sqlite3.Connection) -> None:
    with pytest.MonkeyPatch.context() as patch, transaction(store):
        patch.setattr(clock, "boot", lambda: "another boot")
        try:
            declare_ended(store, S)
        except NotDeclared:
            assert of(store).ended is not None


def holds(store: sqlite3.Connection) -> None:
    """docs/noloss.md section 8.3, the seals, and the chain from the rows."""
    stream = of(store)
    assert list(verify_streams(store)) == []
    assert chain_at(store, stream, stream.through) == stream.chain
    absent = entries.absent(store, stream.number, 1, stream.through)
    assert absent == [(gone.first, gone.last) for gone in _joined(store, 1, stream.through)]
    assert entries.entry_at(store, S, stream.through + 1) is None
    assert list(entries.lost_between(store, S, stream.through + 1, stream.through + 1)) == []
    assert lost.beyond(store, stream) == stream.through


def holds_in_parts(store: sqlite3.Connection) -> None:
    """So does every part of it alone."""
    for first in range(1, of(store).through + 1):
        assert list(verify_streams(store, [S], within={S: [(first, first), (first, HIGHEST)]})) == []


def _joined(store: sqlite3.Connection, first: int, last: int) -> list[entries.Gone]:
    """What is gone, runs that follow each other as one: two claims of two moments may."""
    found: list[entries.Gone] = []
    for gone in entries.lost_between(store, S, first, last):
        if found and found[-1].last + 1 == gone.first:
            found[-1] = found[-1]._replace(last=gone.last)
        else:
            found.append(gone)
    return found


@settings(max_examples=80, deadline=None)
@given(steps=st.lists(STEPS, min_size=1, max_size=10))
def test_every_history_holds(steps: list[tuple[Any, ...]]) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as store:
        store.row_factory = sqlite3.Row
        migrate(store)
        give(store, message(S, 1, [], head=0), message(T, 1, [reading(1)], source=S))
        oldest = 1
        for step in steps:
            oldest = made(store, step, oldest)
            holds(store)
        holds_in_parts(store)


def test_what_is_declared_lost_over_and_over_holds() -> None:
    """A later claim inside an earlier one, from its first seq and from the middle of it, and past its end."""
    for second in (2, 3):
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as store:
            store.row_factory = sqlite3.Row
            migrate(store)
            give(store, message(S, 1, [reading(1)], head=6))
            declared(store)
            give(store, message(S, 7, [], head=8, oldest=second))
            declared(store)
            holds(store)
            give(store, message(S, 5, [reading(5)], head=9, oldest=5))
            declared(store)
            holds(store)
            give(store, message(S, 10, [], head=9, oldest=10))
            holds(store)
            assert of(store).through == 9


def test_an_original_that_comes_once_a_declared_end_is_taken_back_holds() -> None:
    """The chain up to the declared end has passed the stand-in, and the chain after it passes the original."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as store:
        store.row_factory = sqlite3.Row
        migrate(store)
        give(store, message(S, 3, [stand_in(reading(3))], head=12))
        declared(store)
        give(store, message(S, 3, [reading(3)], head=12))
        holds(store)
        give(store, message(S, 1, [reading(1), reading(2)], head=12))
        holds(store)
        assert of(store).through == 3
