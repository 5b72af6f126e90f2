"""What happens by itself, in any order: appending, the network, commits, answers, prune passes, passing days."""

from __future__ import annotations

from collections.abc import Iterator

from model import faults, source, store
from model.rules import Rules
from model.state import ALTERED, STAND_IN, Answer, Held, Key, Spool, State, Store, Truth

Step = tuple[str, State]


def initial(rules: Rules) -> State:
    """Nothing yet. The first backup is that of the empty store: a restore to it is a store that was replaced."""
    none: frozenset[Answer] = frozenset()
    backups = ((0, Store()),) if rules.scenario.left[faults.index("restore")] else ()
    return State(Spool(), Store(), Truth(), 0, 1, none, frozenset(), backups, None, Spool(), 0, rules.scenario.left)


def steps(rules: Rules, st: State) -> Iterator[Step]:
    """Every state that may come next, with what happened."""
    if st.taken < len(rules.scenario.script):
        new = source.append(rules, st, st.taken)
        if new is not None:
            yield f"append {rules.scenario.script[st.taken]}", new._replace(taken=st.taken + 1)
    yield from _reads(rules, st)
    yield from _commits(rules, st)
    yield from _envelopes(rules, st)
    if rules.scenario.batches and not rules.scenario.batches_dropped:
        yield from _batch(rules, st)
    for answer in st.answers:
        yield f"answer {answer}", source.hear_answer(rules, st, answer)
    if st.spool.streams:
        yield "new connection", source.ask(rules, st, st.spool._replace(pruning=False))
    yield from _believes_wrongly(rules, st)
    yield from _prunes(rules, st)
    if rules.scenario.days:
        yield "a day passes", _day(rules, st)
    yield from faults.faults(rules, st)


def _reads(rules: Rules, st: State) -> Iterator[Step]:
    for s in st.spool.streams:
        read = source.read(rules, s)
        if read != s:
            yield f"read {s.number}: damaged", st._replace(spool=source.put(st.spool, read))


def _commits(rules: Rules, st: State) -> Iterator[Step]:
    """Any entry that was ever sent may arrive now; two workers may overtake each other."""
    have = {(r.stream, r.seq, r.body) for r in st.store.rows} | st.store.conflicts
    workers = rules.scenario.workers
    for e in st.truth.appended:
        if (e.stream, e.seq, e.item) in have:
            continue
        if not workers:
            yield f"store {e.stream}/{e.seq}", _take(rules, st, e.stream, e.seq, e.item)
        elif e in st.work:
            yield f"worker commits {e.stream}/{e.seq}", _take(rules, st, *e[:3])._replace(work=st.work - {e})
        elif len(st.work) < workers:
            yield f"worker receives {e.stream}/{e.seq}", st._replace(work=st.work | {e})
    for s in st.spool.streams:
        for seq, body in enumerate(s.bodies, 1):
            if STAND_IN <= body < ALTERED and seq > s.pruned:
                yield f"stand-in {s.number}/{seq}", _take(rules, st, s.number, seq, body)
            elif body >= ALTERED and rules.without == "3.2 checksum":
                yield f"altered {s.number}/{seq}", _take(rules, st, s.number, seq, body)
    if rules.scenario.way_damages:
        yield from _damaged_on_the_way(rules, st)


def _damaged_on_the_way(rules: Rules, st: State) -> Iterator[Step]:
    """A flipped bit in a body, and a body that turns up under the key of another."""
    for e in st.truth.appended:
        new = store.take(rules, st.store, e.stream, e.seq, ALTERED + e.item, fits=False)
        yield f"damaged on the way {e.stream}/{e.seq}", st._replace(store=new)
        for other in st.truth.appended - {e}:
            fits = rules.without == "1 checksum"
            new = store.take(rules, st.store, e.stream, e.seq, other.item, fits=fits)
            yield f"{other.stream}/{other.seq} under {e.stream}/{e.seq}", st._replace(store=new)


def _take(rules: Rules, st: State, stream: int, seq: int, body: int) -> State:
    """An entry arrives as it was sent."""
    if body < STAND_IN:
        st = st._replace(truth=st.truth._replace(arrived=st.truth.arrived | {(stream, seq, body)}))
    return st._replace(store=store.take(rules, st.store, stream, seq, body))


def answer_of(rules: Rules, st: State, s: Held) -> Answer:
    """What the store answers for a stream (rule 4.6), after the commit."""
    early = st.work if rules.without == "4.6 commit" else ()
    return s.number, store.through(rules, st.store, s.number, early), st.store.epoch


def _envelopes(rules: Rules, st: State) -> Iterator[Step]:
    """A fresh message is heard and answered; its entries arrive by steps of their own."""
    for s in st.spool.streams:
        new = _answered(rules, st._replace(store=store.hear(rules, st, s)), s)
        if new != st:
            yield f"store hears {s.number} head={s.head} {s.ended}", new


def _answered(rules: Rules, st: State, s: Held) -> State:
    answer = answer_of(rules, st, s)
    if len(st.answers) < 2 and (rules.without == "3.5a" or source.tells(rules, st, answer)):
        return st._replace(answers=st.answers | {answer})
    return st


def batched(rules: Rules, st: State, spoiled: Key | None = None) -> tuple[State, list[Held]]:
    """Rule 4.1: all parts in one transaction; returns the streams answered for. `spoiled` was damaged on the way."""
    answered = []
    for s in st.spool.streams:
        if (not s.answered or s.ended) and rules.without != "3.4 alone":
            continue  # an end is told alone
        if all(h.stream != s.number for h in st.store.heard):
            continue  # a part of a stream that is not known from its instrument's topic
        for seq in range(max(s.through, s.pruned) + 1, s.head + 1):
            if s.bodies[seq - 1] < ALTERED and (s.number, seq) != spoiled:
                st = _take(rules, st, s.number, seq, s.bodies[seq - 1])
        st = st._replace(store=store.hear(rules, st, s))
        answered.append(s)
    return st, answered


def _batch(rules: Rules, st: State) -> Iterator[Step]:
    for spoiled in (None, *_spoilable(rules, st)):
        new, answered = batched(rules, st, spoiled)
        for s in answered:
            if rules.without == "3.5 named":
                new = _believed(new, s)
            new = _answered(rules, new, s)
        if new != st:
            yield f"batch of {[s.number for s in answered]}, without {spoiled}", new


def _spoilable(rules: Rules, st: State) -> list[Key]:
    if not rules.scenario.way_damages:
        return []
    return [(s.number, seq) for s in st.spool.streams for seq in range(s.through + 1, s.head + 1)]


def _believed(st: State, s: Held) -> State:
    return st._replace(spool=source.put(st.spool, s._replace(through=s.head)))


def _believes_wrongly(rules: Rules, st: State) -> Iterator[Step]:
    """Two rules that are taken away elsewhere: PUBACK counts, a store that was not paired with counts."""
    if rules.without in ("3.5 puback", "3.5b"):
        for s in st.spool.streams:
            yield "PUBACK, or the answer of a foreign store", _believed(st, s)


def _prunes(rules: Rules, st: State) -> Iterator[Step]:
    if not st.spool.pruning and any(len(s.ages) > s.pruned and s.ages[s.pruned] >= 2 for s in st.spool.streams):
        yield "a prune pass asks", source.ask(rules, st, st.spool._replace(pruning=True), connected=False)
    for s in st.spool.streams:
        if source.may_prune(rules, st.spool, s):
            pruned = s._replace(pruned=s.pruned + 1)
            yield f"prune {s.number}/{pruned.pruned}", st._replace(spool=source.put(st.spool, pruned))


def _day(rules: Rules, st: State) -> State:
    """Confirmations and backups get older; a prune pass ends. A backup that is too old is not restored any more."""
    streams = tuple(s._replace(told=-1, ages=tuple(min(a + 1, 2) for a in s.ages)) for s in st.spool.streams)
    backups = st.backups if rules.scenario.too_old else tuple((1, kept) for age, kept in st.backups if age == 0)
    return st._replace(spool=st.spool._replace(streams=streams, pruning=False), backups=backups)
