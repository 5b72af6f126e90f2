"""What goes wrong, as often as the scenario says: links, crashes, files put back, damage, clocks, people."""

from __future__ import annotations

from collections.abc import Iterator

from model import source, store
from model.rules import FAULTS, Rules
from model.state import (
    ALTERED,
    CLOSED,
    CRASH,
    FORGED,
    OPEN,
    RESTORED,
    STAND_IN,
    Held,
    Row,
    Spool,
    State,
    Store,
    heard_of,
)  # fmt: skip

Step = tuple[str, State]


def index(fault: str) -> int:
    """Where a fault's count is."""
    return FAULTS.index(fault)


def _spent(st: State, fault: str) -> State | None:
    """The state with one fault of this kind less to come; None where there is none left."""
    n = index(fault)
    if not st.left[n]:
        return None
    return st._replace(left=(*st.left[:n], st.left[n] - 1, *st.left[n + 1 :]))


def faults(rules: Rules, st: State) -> Iterator[Step]:
    """Every fault that may happen now."""
    if st.spool.streams:
        yield from _of_the_source(rules, st)
        yield from _of_the_spool(rules, st)
    if (new := _spent(st, "spool restore")) is not None and st.copy is not None:
        yield "spool put back from the copy", _spool_back(rules, new, st.copy)
    if st.aside.streams:
        yield "a person salvages the file", _salvaged(rules, st)
        yield "a person gives the file up", _given_up(st)
    yield from _of_the_store(rules, st)
    yield from _of_people_and_clocks(rules, st)


def _of_the_source(rules: Rules, st: State) -> Iterator[Step]:
    live = source.newest(st.spool, 0)
    if (new := _spent(st, "link lost")) is not None and live is not None and not live.ended:
        yield "link lost", new._replace(spool=source.put(st.spool, live._replace(ended=CLOSED)))
    if (new := _spent(st, "source crash")) is not None:
        yield "source crashes", source.start(rules, new, new.spool)


# --- the store's file -----------------------------------------------------------------------------------------------


def _of_the_store(rules: Rules, st: State) -> Iterator[Step]:
    if (new := _spent(st, "store start")) is not None and st.truth.appended:
        yield "store killed and started", _started(rules, new, new.store)
    if (new := _spent(st, "backup")) is not None and st.truth.appended:
        yield "backup", new._replace(backups=(*st.backups, (0, st.store)))
    if (new := _spent(st, "restore")) is not None and st.store.rows:
        for _, kept in st.backups:
            yield f"store restored to {len(kept.rows)} entries", _restored(rules, new, kept)


def _started(rules: Rules, st: State, kept: Store) -> State:
    here = st.spool.streams
    due = frozenset(s.number for s in here if s is not source.newest(st.spool, s.instrument))
    due |= {s.number for s in source.only_aside(st.spool, st.aside)}
    has = frozenset((r.stream, r.seq, r.body) for r in kept.rows if r.body < STAND_IN) | kept.conflicts
    truth = st.truth._replace(due=due, arrived=st.truth.arrived & has)
    return st._replace(store=store.start(rules, kept, st.clock), work=frozenset(), truth=truth)


def _restored(rules: Rules, st: State, kept: Store) -> State:
    """By the command: a new epoch. By hand: the same, and nobody says so."""
    epoch = st.store.epoch + (not rules.scenario.by_hand)
    if rules.scenario.too_old:
        gone = frozenset((e.stream, e.seq) for e in st.truth.appended)
        st = st._replace(truth=st.truth._replace(excused=gone))
    return _started(rules, st, kept._replace(epoch=epoch, word=-1))


# --- the spool's file -----------------------------------------------------------------------------------------------


def _of_the_spool(rules: Rules, st: State) -> Iterator[Step]:
    if (new := _spent(st, "spool copy")) is not None:
        yield "spool copied", new._replace(copy=st.spool._replace(pruning=False))
    if (new := _spent(st, "spool lost")) is not None:
        gone = frozenset((e.stream, e.seq) for e in st.truth.appended)
        new = new._replace(truth=st.truth._replace(excused=st.truth.excused | gone))
        yield "spool lost", source.ask(rules, new, Spool())
    if (new := _spent(st, "flipped bit")) is not None:
        for s in st.spool.streams:
            for seq in range(s.pruned + 1, s.head + 1):
                if s.bodies[seq - 1] < STAND_IN:
                    yield f"bit flipped in {s.number}/{seq}", _flipped(new, s, seq)
    if (new := _spent(st, "damaged file")) is not None:
        yield from _file_damaged(rules, new)


def _hurt(st: State, stream: int, seq: int) -> State:
    return st._replace(truth=st.truth._replace(hurt=st.truth.hurt | {(stream, seq)}))


def _flipped(st: State, s: Held, seq: int) -> State:
    bodies = (*s.bodies[: seq - 1], s.bodies[seq - 1] + ALTERED, *s.bodies[seq:])
    return _hurt(st._replace(spool=source.put(st.spool, s._replace(bodies=bodies))), s.number, seq)


def _spool_back(rules: Rules, st: State, copy: Spool) -> State:
    """What lay there is put aside; what was pruned meanwhile is confirmed, and may be lost with a later restore."""
    kept = {(s.number, seq) for s in (*copy.streams, *st.spool.streams) for seq in range(s.pruned + 1, s.head + 1)}
    gone = frozenset((e.stream, e.seq) for e in st.truth.appended) - kept
    st = st._replace(truth=st.truth._replace(excused=st.truth.excused | gone))
    if rules.without != "3.11 copy":
        st = st._replace(aside=st.spool._replace(pruning=False))
    if rules.without != "2 put back":
        copy = copy._replace(streams=tuple(s._replace(salvaged=True) for s in copy.streams))
    return source.start(rules, st, copy, CRASH if rules.without == "1 restored" else RESTORED)


def _file_damaged(rules: Rules, st: State) -> Iterator[Step]:
    """Rule 3.11: streams end, the file goes aside, a new one is begun. One entry of it is unreadable, or its tail is
    gone, or nothing that matters."""
    yield "file damaged", _set_aside(rules, st, st.spool.streams)
    for s in st.spool.streams:
        for seq in range(s.pruned + 1, s.head + 1):
            bodies = (*s.bodies[: seq - 1], s.bodies[seq - 1] % 100 + STAND_IN, *s.bodies[seq:])
            hurt = _hurt(st, s.number, seq)
            changed = source.put(st.spool, s._replace(bodies=bodies)).streams
            yield f"file damaged at {s.number}/{seq}", _set_aside(rules, hurt, changed)
        if s.head > s.pruned:  # a log that is cut back: the end, which was written later, is gone with the tail
            cut = s._replace(bodies=s.bodies[:-1], through=min(s.through, s.head - 1), ended=OPEN)
            truth = st.truth._replace(excused=st.truth.excused | {(s.number, s.head)})
            new = st._replace(truth=truth)
            yield f"file damaged, tail of {s.number} gone", _set_aside(rules, new, source.put(st.spool, cut).streams)


def _set_aside(rules: Rules, st: State, streams: tuple[Held, ...]) -> State:
    if rules.without == "3.11 kept":
        return source.ask(rules, st, Spool())
    st = st._replace(aside=st.spool._replace(streams=streams, pruning=False))
    if rules.without == "3.11 ends":  # the live stream goes on in the new file, from the seq it had
        live = source.newest(st.spool, 0)
        if live is not None and not live.ended:
            on = live._replace(pruned=live.head, through=0, ages=(), told=-1)
            return source.ask(rules, st, Spool((on,)))
    if rules.without == "3.11 seq":  # the new file begins the same stream anew
        return source.ask(rules, st._replace(next_stream=max(s.number for s in streams)), Spool())
    return source.ask(rules, st, Spool())


def _salvaged(rules: Rules, st: State) -> State:
    """Section 6: what can be read is sent as what it is. A stream that is there already is left as it is."""
    known = {s.number for s in st.spool.streams}
    ended = CRASH if rules.without == "6 salvage" else RESTORED
    there = [s for s in st.aside.streams if s.number not in known]
    adopted = tuple(s._replace(ended=s.ended or ended, through=0, ages=(), told=-1, salvaged=True) for s in there)
    streams = tuple(sorted((*adopted, *st.spool.streams), key=lambda s: s.number))
    spool = st.spool._replace(streams=streams, pruning=False)
    left = tuple(source.only_aside(spool, st.aside))
    aside = st.aside._replace(streams=left) if left else Spool()
    return source.ask(rules, st._replace(aside=aside), spool)


def _given_up(st: State) -> State:
    """Section 6: by a person's word, what it holds is not waited for any more."""
    gone = frozenset((s.number, seq) for s in st.aside.streams for seq in range(s.pruned + 1, s.head + 1))
    return st._replace(aside=Spool(), truth=st.truth._replace(excused=st.truth.excused | gone))


# --- people and clocks ----------------------------------------------------------------------------------------------


def _of_people_and_clocks(rules: Rules, st: State) -> Iterator[Step]:
    if (new := _spent(st, "declared")) is not None:
        for heard in st.store.heard:
            if heard.ended == OPEN:
                yield f"{heard.stream} declared ended", new._replace(store=store.declare(rules, st.store, heard))
    if (new := _spent(st, "clock step")) is not None:
        yield "the store's clock steps", new._replace(clock=1 - st.clock)
    if (new := _spent(st, "intruder")) is not None:
        for stream in range(1, st.next_stream):
            yield f"another host's batch names stream {stream}", _intruded(rules, new, stream)


def _intruded(rules: Rules, st: State, stream: int) -> State:
    """Rule 4.1: a part is taken only of a stream that is known to be of that host."""
    believed = rules.without == "4.1 host"
    believed = believed or (rules.without == "4.1 known" and heard_of(st.store, stream) is None)
    if not believed:
        return st
    seq = store.through(rules, st.store, stream) + 1
    return st._replace(store=st.store._replace(rows=st.store.rows | {Row(stream, seq, FORGED, refused=False)}))
