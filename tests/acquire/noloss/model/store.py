"""Section 4 of docs/noloss.md: the rules of the store."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from model.rules import Rules
from model.source import older
from model.state import (
    DECLARED,
    OPEN,
    RESTORED,
    STAND_IN,
    TAIL_KNOWN,
    Appended,
    Heard,
    Held,
    Range,
    Row,
    State,
    Store,
    heard_of,
    in_range,
    item_of,
    row_at,
)  # fmt: skip


def through(rules: Rules, store: Store, stream: int, early: Collection[Appended] = ()) -> int:
    """Rule 4.6: every seq up to here is an entry or lost."""
    have = {row.seq for row in store.rows if row.stream == stream} | {e.seq for e in early if e.stream == stream}
    for r in store.lost:
        if r.stream == stream:
            have.update(range(r.first, r.last + 1))
    if rules.without == "4.6 gap":
        return max(have, default=0)
    n = 0
    while n + 1 in have:
        n += 1
    return n


def take(rules: Rules, store: Store, stream: int, seq: int, body: int, *, fits: bool = True) -> Store:
    """Rules 4.2 and 4.3 for one entry. `fits`: its checksum is that of this body under this key."""
    refused = body >= STAND_IN or item_of(body) == rules.scenario.poison
    if not fits:
        if rules.without == "4.2 again":
            refused = True
        elif rules.without != "4.2 checksum":
            return store
    if refused and body < STAND_IN and rules.without == "4.3":
        return store
    row = row_at(store, stream, seq)
    if row is not None:
        return _taken_already(rules, store, row, body)
    if rules.without == "4.2 lost" and in_range(store, stream, seq):
        return store
    return store._replace(rows=store.rows | {Row(stream, seq, body, refused)})


def _taken_already(rules: Rules, store: Store, row: Row, body: int) -> Store:
    """Rule 4.2, an existing key: never overwrite, never drop silently."""
    if row.body == body:
        return store
    if body == STAND_IN + row.body:
        if rules.without == "4.2 overwrite":
            return store._replace(rows=store.rows - {row} | {row._replace(body=body, refused=True)})
        return store
    if rules.without == "4.2 conflict":
        return store
    return store._replace(conflicts=store.conflicts | {(row.stream, row.seq, body)})


def hear(rules: Rules, st: State, s: Held) -> Store:
    """Rules 4.4, 4.5 and what 4.10 needs, for an envelope that the source sends now."""
    store, spool = st.store, st.spool
    known = heard_of(store, s.number)
    if known is not None and known.ended == DECLARED and rules.without != "9.8":  # the source speaks for itself again
        store = store._replace(lost=frozenset(r for r in store.lost if not (r.stream == s.number and r.declared)))
    ended = known.ended if known is not None and known.ended not in (OPEN, DECLARED) else s.ended
    head = max(s.head, known.head if known is not None else 0)
    heard = store.heard - {known} if known is not None else store.heard
    store = store._replace(heard=heard | {Heard(s.number, head, ended)})
    if rules.without != "4.5":
        beyond = 1 if rules.without == "4.5 oldest" and s.pruned else 0
        store = _lose(rules, store, s.number, through(rules, store, s.number) + 1, s.pruned + beyond)
        if s.ended == RESTORED:
            store = _lose(rules, store, s.number, s.head + 1, head)
    if s.instrument:
        return store
    nothing = older(rules, st, s) == 0 and (spool.epoch == store.epoch or rules.without == "4.10 epoch")
    return store._replace(word=st.clock if nothing else -1)


def _lose(rules: Rules, store: Store, stream: int, first: int, last: int) -> Store:
    """Rule 4.5: one range, where something in it is neither an entry nor lost."""
    if rules.without == "4.5 entries":
        inside = frozenset(r for r in store.rows if r.stream == stream and first <= r.seq <= last)
        store = store._replace(rows=store.rows - inside)
    if any(row_at(store, stream, seq) is None and not in_range(store, stream, seq) for seq in range(first, last + 1)):
        return store._replace(lost=store.lost | {Range(stream, first, last)})
    return store


def declare(rules: Rules, store: Store, heard: Heard) -> Store:
    """Section 9, 8: a person says that a stream has ended; what is missing below its head is lost."""
    store = store._replace(heard=store.heard - {heard} | {heard._replace(ended=DECLARED)})
    first = through(rules, store, heard.stream) + 1
    if first > heard.head:
        return store
    return store._replace(lost=store.lost | {Range(heard.stream, first, heard.head, declared=True)})


def start(rules: Rules, store: Store, clock: int) -> Store:
    """Rule 4.10: what was heard before this start says nothing any more."""
    keeps = rules.without in ("4.10 start", "4.10 clock", "4.10 clock ahead")
    return store._replace(word=store.word if keeps else -1, started=clock)


def may_close(rules: Rules, store: Store) -> bool:
    """Rule 4.10: nothing older is outstanding at the source."""
    if rules.without in ("4.10 clock", "4.10 clock ahead"):
        return store.word >= store.started
    return store.word >= 0


def lost(store: Store, stream: int) -> set[int]:
    """Rule 4.9: seq in a range and without an entry."""
    found = {seq for r in store.lost if r.stream == stream for seq in range(r.first, r.last + 1)}
    return found - {row.seq for row in store.rows if row.stream == stream}


def complete(rules: Rules, store: Store, stream: int) -> bool:
    """Rule 4.9."""
    to = through(rules, store, stream)
    if rules.without == "4.9":
        return to > 0
    if lost(store, stream) or any(c[0] == stream for c in store.conflicts):
        return False
    heard = heard_of(store, stream)
    return heard is not None and heard.ended in TAIL_KNOWN and heard.head == to


def attached(rules: Rules, store: Store, stream: int) -> Iterator[tuple[int, int]]:
    """Rule 4.8: (item, measurement) of the readings that belong to one."""
    rows = {row.seq: row for row in store.rows if row.stream == stream}
    last = max(rows, default=0) if rules.without == "4.8 through" else through(rules, store, stream)
    current: int | None = None
    for seq in range(1, last + 1):
        row = rows.get(seq)
        if row is None:
            current = current if rules.without in ("4.8 lost", "4.8 through") else None
        elif row.refused:
            reading = row.body < STAND_IN and rules.scenario.what(row.body) == "reading"
            doubtful = not reading and rules.without != "4.8 refused"
            current = None if doubtful else current
        elif (what := rules.scenario.what(item_of(row.body))) != "reading":
            current = row.body if what == "begin" else None
        elif current is not None:
            yield row.body, current
