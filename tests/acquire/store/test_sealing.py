"""When a seal is written, and what it says, as ADR 0014 has it."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from typing import Any

import pytest
from every_stream import filled
from test_attribution import begin, reading
from test_hearing import of
from test_taking import S, T, give, message, store

from acquire.canonical import canonical
from acquire.store import clock, streams
from acquire.store.sealing import Seal, Sealing, hash_of

__all__ = ["store"]

M = "0b7c2a52-6b0e-4b0e-8d0e-0d8f7f3f0a01"
COLUMNS = "n, at, what, stream, seq, through, chain, detail, previous, hash"


def seals(store: sqlite3.Connection) -> list[Seal]:
    return [Seal(*row) for row in store.execute(f"SELECT {COLUMNS} FROM seal ORDER BY n")]


def kinds(store: sqlite3.Connection) -> list[str]:
    return [seal.what for seal in seals(store)]


def test_each_seal_says_the_hash_of_all_that_it_says_and_follows_the_one_before(store: sqlite3.Connection) -> None:
    filled(store)
    previous = hashlib.sha256(canonical(["store", streams.life(store).store])).hexdigest()
    for n, seal in enumerate(seals(store), 1):
        chain = seal.chain.hex() if seal.chain is not None else None
        said = [n, seal.at, seal.what, seal.stream, seal.seq, seal.through, chain, seal.detail, previous]
        assert seal.hash == hashlib.sha256(canonical(said)).hexdigest() == seal.made
        assert (seal.n, seal.previous) == (n, previous)
        previous = seal.hash


def test_the_first_seal_is_of_the_store_and_its_epoch(store: sqlite3.Connection) -> None:
    sealing = Sealing(store)
    assert sealing.add("epoch", epoch="new") == 2
    assert seals(store) == [], "they are written together"
    sealing.keep()
    sealing.keep()
    assert kinds(store) == ["store", "epoch"], "once"
    assert seals(store)[0].detail == canonical({"epoch": streams.life(store).epoch}).decode()
    assert seals(store)[1].detail == '{"epoch":"new"}'
    assert Sealing(store).add("epoch", epoch="newer") == 3


def test_a_seal_of_a_stream_says_where_it_stood(store: sqlite3.Connection) -> None:
    give(store, message(S, 1, [reading(1), begin(M)]))
    begun, passed = seals(store)[1:]
    assert (begun.what, begun.through, begun.detail, begun.seq) == ("begun", 0, '{"host":"h"}', None)
    stream = of(store)
    assert (passed.what, passed.stream, passed.through) == ("passed", stream.number, 2)
    assert (passed.chain, passed.detail, passed.at) == (stream.chain, "{}", begun.at)


@pytest.mark.parametrize(
    ("more", "detail"),
    [
        ({"ended": "closed"}, {"ended": "closed", "why": None, "final": 1, "head": 1}),
        (
            {"ended": "crash", "why": "It broke.", "head": 3},
            {"ended": "crash", "why": "It broke.", "final": 3, "head": 3},
        ),
        ({"ended": "closed", "head": 0}, {"ended": "closed", "why": None, "final": 0, "head": 2}),
    ],
)
def test_an_end_is_sealed_with_its_sentence_and_head(
    store: sqlite3.Connection, more: dict[str, Any], detail: dict[str, Any]
) -> None:
    give(store, message(S, 1, [], head=detail["head"] if detail["final"] == 0 else 0))
    bodies = [] if more.get("head") == 0 else [reading(1)]
    give(store, message(S, 1, bodies, **more))
    assert kinds(store)[-1] == "end"
    assert json.loads(seals(store)[-1].detail) == detail
    give(store, message(S, 1, bodies, **more))
    assert kinds(store).count("end") == 1, "it is said once"


@pytest.mark.parametrize(("later", "due"), [(59.5, False), (60.0, True), (61.0, True), (-1.0, True)])
def test_a_live_stream_is_sealed_at_latest_a_minute_after_its_last_seal(
    store: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, later: float, due: bool
) -> None:
    """After another boot of the machine its monotonic clock may stand below that of the last seal."""
    monkeypatch.setattr(clock, "monotonic_s", lambda: 1000.0)
    give(store, message(S, 1, [reading(1)]))
    monkeypatch.setattr(clock, "monotonic_s", lambda: 1000.0 + later)
    give(store, message(S, 2, [reading(2)]))
    assert kinds(store) == ["store", "begun", *(["passed"] if due else [])]
    give(store, message(S, 3, [reading(3)]))
    assert kinds(store)[2:] == (["passed"] if due else []), "the minute begins anew"


def test_a_stream_that_has_not_gone_on_is_not_sealed_again(
    store: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(store, message(S, 1, [begin(M)]), message(T, 1, []))
    now = clock.monotonic_s()
    monkeypatch.setattr(clock, "monotonic_s", lambda: now + 1000.0)
    give(store, message(S, 2, []), message(T, 1, []))
    assert kinds(store) == ["store", "begun", "begun", "passed"], "a heartbeat is nothing to be sealed"


def test_a_thousand_entries_after_the_last_seal_there_is_another(store: sqlite3.Connection) -> None:
    give(store, message(S, 1, [begin(M), *(reading(n) for n in range(2, 1001))]))
    give(store, message(S, 1001, [reading(n) for n in range(1001, 2000)]))
    assert kinds(store)[2:] == ["passed"], "999 after it"
    give(store, message(S, 2000, [reading(2000)]))
    assert kinds(store)[2:] == ["passed", "passed"]


def test_bytes_are_hashed_as_they_are_behind_the_rest() -> None:
    assert hash_of("a", b"b", 1, None, b"c") == hashlib.sha256(b'["a",1,null]bc').hexdigest()
