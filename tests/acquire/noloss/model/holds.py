"""The invariants of docs/noloss.md section 8, numbered as there."""

from __future__ import annotations

from model import source, steps, store
from model.rules import Rules
from model.state import ALTERED, STAND_IN, TAIL_KNOWN, Held, State, item_of, row_at


class Violation(Exception):
    """A state breaks an invariant."""


def check(rules: Rules, st: State) -> None:
    """Invariants 1 to 8 in one state. Raises Violation."""
    inside = {(r.stream, r.seq, r.body) for r in st.store.rows} | st.store.conflicts
    _conserved(st, inside)
    _as_appended(st)
    _believed(rules, st)
    _attributed(rules, st)
    _complete(rules, st)
    _closing(rules, st)


def _held(st: State) -> set[tuple[int, int]]:
    streams = (*st.spool.streams, *st.aside.streams)
    return {(s.number, seq) for s in streams for seq in range(s.pruned + 1, s.head + 1)}


def _conserved(st: State, inside: set[tuple[int, int, int]]) -> None:
    for stream, seq, _ in st.truth.arrived - inside:
        raise Violation(f"1: entry {stream}/{seq} reached the store and is not there")
    held = _held(st)
    for e in st.truth.appended:
        key = (e.stream, e.seq)
        named = key in st.truth.hurt and (*key, STAND_IN + e.item) in inside
        if (*key, e.item) not in inside and not named and key not in held and key not in st.truth.excused:
            raise Violation(f"1: entry {e.stream}/{e.seq} is nowhere")


def _as_appended(st: State) -> None:
    known = {e[:3] for e in st.truth.appended}
    for row in st.store.rows:
        key = (row.stream, row.seq)
        if row.body >= ALTERED or (*key, item_of(row.body)) not in known:
            raise Violation(f"1: what is stored as {row.stream}/{row.seq} was not appended")
        if row.body >= STAND_IN and key not in st.truth.hurt:
            raise Violation(f"1: {row.stream}/{row.seq} is called damaged and is not")
    for stream, seq, body in st.store.conflicts:
        row_held = row_at(st.store, stream, seq)
        if row_held is None or row_held.body != STAND_IN + body:
            raise Violation(f"2: {stream}/{seq} came with two contents")
    items = [row.body for row in st.store.rows if not row.refused]
    if len(items) != len(set(items)):
        raise Violation("2: a reading is stored twice")


def _believed(rules: Rules, st: State) -> None:
    """Invariants 4 and 5. A store put back by hand may not have been noticed yet."""
    if rules.scenario.by_hand or st.spool.epoch != st.store.epoch:
        return
    for s in st.spool.streams:
        if s.through > store.through(rules, st.store, s.number):
            raise Violation(f"4: the spool believes more of stream {s.number} than the store has")
        if not st.truth.excused:
            gone = store.lost(st.store, s.number)
            if any(seq in gone for seq in range(s.pruned + 1, s.through + 1)):
                raise Violation(f"5: of stream {s.number} the store calls lost what the source holds as confirmed")


def _attributed(rules: Rules, st: State) -> None:
    truth = {(e.stream, e.item): e.measurement for e in st.truth.appended}
    for stream in {e.stream for e in st.truth.appended}:
        for item, measurement in store.attached(rules, st.store, stream):
            if truth.get((stream, item)) != measurement:
                raise Violation(f"6: item {item} is attached to {measurement}, taken in {truth.get((stream, item))}")


def _complete(rules: Rules, st: State) -> None:
    for stream in {e.stream for e in st.truth.appended}:
        if store.complete(rules, st.store, stream):
            for e in st.truth.appended:
                if e.stream == stream and row_at(st.store, stream, e.seq) is None:
                    raise Violation(f"7: stream {stream} is called complete without seq {e.seq}")


def _closing(rules: Rules, st: State) -> None:
    if rules.scenario.by_hand or not store.may_close(rules, st.store):
        return
    for e in st.truth.appended:
        waits = row_at(st.store, e.stream, e.seq) is None and (e.stream, e.seq) not in st.truth.excused
        if waits and e.stream in st.truth.due:
            raise Violation(f"8: closing is possible without {e.stream}/{e.seq}")


def stays(rules: Rules, before: State, after: State) -> None:
    """Invariant 11, for a step within an epoch. Raises Violation."""
    if before.store is after.store or before.store.epoch != after.store.epoch or rules.scenario.by_hand:
        return
    for row in before.store.rows - after.store.rows:
        raise Violation(f"11: what was stored as {row.stream}/{row.seq} is not there any more")


# --- invariant 9 ----------------------------------------------------------------------------------------------------


def progress(rules: Rules, st: State) -> None:
    """Faults stop and the broker begins empty: after a few fair rounds all is confirmed. Raises Violation."""
    if rules.without in ("3.5 puback", "3.5b"):
        return
    st = st._replace(work=frozenset(), answers=frozenset(), spool=st.spool._replace(pruning=False))
    for _ in range(4):
        before, st = st, source.ask(rules, _read(rules, st))
        for number in [s.number for s in st.spool.streams]:
            st = _first_alone(rules, st, number)
        if rules.scenario.batches:
            st = _batch(rules, st)
            for number in [s.number for s in st.spool.streams]:
                st = _again(rules, st, number)
        if st == before:
            break
    _settled(rules, st)


def _read(rules: Rules, st: State) -> State:
    spool = st.spool
    for s in spool.streams:
        spool = source.put(spool, source.read(rules, s))
    return st._replace(spool=spool)


def _stream(st: State, number: int) -> Held:
    return next(s for s in st.spool.streams if s.number == number)


def _first_alone(rules: Rules, st: State, number: int) -> State:
    if rules.without == "3.4 alone":
        return st
    if not rules.scenario.batches:
        st = _sent(rules, st, _stream(st, number))
    return _told(rules, st, number)


def _sent(rules: Rules, st: State, s: Held) -> State:
    """All entries of a stream above the watermark arrive."""
    kept = st.store
    for seq in range(max(s.through, s.pruned) + 1, s.head + 1):
        body = s.bodies[seq - 1]
        if body >= ALTERED and rules.without == "3.4 at once":
            break
        fits = body < ALTERED or rules.without == "3.2 checksum"
        kept = store.take(rules, kept, s.number, seq, body, fits=fits)
    return st._replace(store=kept)


def _told(rules: Rules, st: State, number: int) -> State:
    s = _stream(st, number)
    st = st._replace(store=store.hear(rules, st, s))
    return source.hear_answer(rules, st, steps.answer_of(rules, st, s))


def _batch(rules: Rules, st: State) -> State:
    if rules.scenario.batches_dropped:
        return st
    st, answered = steps.batched(rules, st)
    for s in answered:
        st = source.hear_answer(rules, st, steps.answer_of(rules, st, s))
    return st


def _again(rules: Rules, st: State, number: int) -> State:
    """Rule 3.6."""
    s = _stream(st, number)
    if s.settled or rules.without in ("3.6 alone", "3.4 alone"):
        return st
    return _told(rules, _sent(rules, st, s), number)


def _settled(rules: Rules, st: State) -> None:
    for s in st.spool.streams:
        if st.spool.epoch != st.store.epoch or not s.settled or store.through(rules, st.store, s.number) < s.head:
            raise Violation(f"9: stream {s.number} is not confirmed")
        _all_there(st, s)
        doubtful = store.lost(st.store, s.number) or any(c[0] == s.number for c in st.store.conflicts)
        excused = any(stream == s.number for stream, _ in st.truth.excused)
        if s.ended in TAIL_KNOWN and not doubtful and not excused and not store.complete(rules, st.store, s.number):
            raise Violation(f"9: stream {s.number} never becomes complete")
    if rules.without == "4.10 clock ahead":
        return
    newest = source.newest(st.spool, 0)
    if newest is not None and not source.older(rules, st, newest) and not store.may_close(rules, st.store):
        raise Violation("9: closing never becomes possible")


def _all_there(st: State, s: Held) -> None:
    for seq in range(s.pruned + 1, s.head + 1):
        if row_at(st.store, s.number, seq) is None:
            raise Violation(f"9: stream {s.number} lacks seq {seq}, which the spool holds")


def judged(st: State) -> tuple[object, ...]:
    """All that the invariants look at: states that agree in it are judged once."""
    return st.spool, st.store, st.truth, st.aside, st.clock
