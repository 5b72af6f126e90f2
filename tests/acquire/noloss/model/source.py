"""Section 3 of docs/noloss.md: the rules of the source."""

from __future__ import annotations

from model.rules import Rules
from model.state import ALTERED, CRASH, STAND_IN, Answer, Appended, Held, Spool, State, item_of


def put(spool: Spool, changed: Held) -> Spool:
    """The spool with one stream changed."""
    return spool._replace(streams=tuple(changed if s.number == changed.number else s for s in spool.streams))


def newest(spool: Spool, instrument: int) -> Held | None:
    """The instrument's newest stream."""
    found = [s for s in spool.streams if s.instrument == instrument]
    return max(found, key=lambda s: s.number, default=None)


def append(rules: Rules, st: State, item: int) -> State | None:
    """Rule 3.2: to the live stream of the item's instrument, or to a new one. None where no more streams may be."""
    instrument = rules.scenario.instrument(item)
    live = newest(st.spool, instrument)
    if live is None or live.ended:
        if st.next_stream > rules.scenario.streams:
            return None
        live = Held(st.next_stream, instrument)
        st = st._replace(next_stream=live.number + 1, spool=st.spool._replace(streams=(*st.spool.streams, live)))
    truth = Appended(live.number, live.head + 1, item, _measurement(rules, live))
    st = st._replace(truth=st.truth._replace(appended=st.truth.appended | {truth}))
    return st._replace(spool=put(st.spool, live._replace(bodies=(*live.bodies, item))))


def _measurement(rules: Rules, live: Held) -> int | None:
    current = None
    for body in live.bodies:
        what = rules.scenario.what(item_of(body))
        current = item_of(body) if what == "begin" else None if what == "end" else current
    return current


def ask(rules: Rules, st: State, spool: Spool | None = None, *, connected: bool = True) -> State:
    """Rule 3.3: a new question; answers to earlier ones no longer count. Unless the connection is the same still, and
    so the store, nothing may be in a batch before it is answered."""
    spool = spool or st.spool
    floors = rules.scenario.floors
    streams = tuple(
        s._replace(told=-1, floor=s.through if floors else 0, answered=s.answered and not connected)
        for s in spool.streams
    )
    kept = st.answers if rules.without == "3.5a" else frozenset()
    return st._replace(spool=spool._replace(streams=streams), answers=kept)


def read(rules: Rules, s: Held) -> Held:
    """Rule 3.4: what does not fit its checksum is withheld, and a stand-in takes its place at once."""
    if all(body < ALTERED for body in s.bodies) or rules.without in ("3.2 checksum", "3.4 checked", "3.4 at once"):
        return s
    if rules.without == "3.4 kept":  # the entries up to the damaged one are given up
        first = next(n for n, body in enumerate(s.bodies) if body >= ALTERED)
        return s._replace(pruned=max(s.pruned, first + 1), bodies=tuple(item_of(body) for body in s.bodies))
    return s._replace(bodies=tuple(body - ALTERED + STAND_IN if body >= ALTERED else body for body in s.bodies))


def hear_answer(rules: Rules, st: State, answer: Answer) -> State:
    """Rule 3.5 for an answer to the current question."""
    number, through, epoch = answer
    s = next((each for each in st.spool.streams if each.number == number), None)
    if s is None:
        return st
    if epoch != st.spool.epoch and (rules.without != "3.5c epoch" or st.spool.epoch == 0):
        return _forget(rules, st, epoch)
    if epoch == st.spool.epoch and through < s.floor and rules.without not in ("3.5a", "3.5c floor", "4.6 gap"):
        return _forget(rules, st, epoch)
    through = min(through, s.head)
    told = max(s.told, through) if st.spool.pruning else s.told
    confirmed = max(s.through, through)
    ages = s.ages + (0,) * (confirmed - len(s.ages))
    answered = s.answered or rules.scenario.batches
    changed = s._replace(through=confirmed, ages=ages, told=told, answered=answered)
    st = st._replace(spool=put(st.spool, changed))
    if rules.without == "3.5a":
        return st
    return st._replace(answers=frozenset(a for a in st.answers if tells(rules, st, a)))


def _forget(rules: Rules, st: State, epoch: int) -> State:
    """Rule 3.5c: nothing is confirmed any more."""
    streams = st.spool.streams
    if rules.without == "3.5c ages":
        streams = tuple(s._replace(through=0) for s in streams)
    else:
        streams = tuple(s._replace(through=0, ages=()) for s in streams)
    return ask(rules, st, Spool(streams, epoch))


def tells(rules: Rules, st: State, answer: Answer) -> bool:
    """Whether an answer would still change something."""
    number, through, epoch = answer
    for s in st.spool.streams:
        if s.number == number:
            known = epoch == st.spool.epoch and s.floor <= through <= s.through
            unanswered = rules.scenario.batches and not s.answered
            return not known or unanswered or (st.spool.pruning and through > s.told)
    return False


def may_prune(rules: Rules, spool: Spool, s: Held) -> bool:
    """Rule 3.7 for the oldest seq held."""
    seq = s.pruned + 1
    if seq > s.through:
        return False
    if rules.without in ("3.7 ii", "3.5 puback", "3.5b"):
        return True
    old = len(s.ages) >= seq and s.ages[seq - 1] >= 2
    if rules.without in ("3.5c epoch", "3.7 i"):
        return old
    return old and spool.pruning and s.told >= seq


def older(rules: Rules, st: State, of: Held) -> int:
    """Section 2: streams of the instrument, but its newest, that are not confirmed to their end, and those aside."""
    spool, aside = st.spool, st.aside
    last = newest(spool, of.instrument)
    assert last is not None
    before = of.number if rules.without == "2 older" else last.number
    of_instrument = [s for s in spool.streams if s.instrument == of.instrument and not s.settled]
    waiting = [s for s in of_instrument if s.number < before or (s.salvaged and rules.without != "2 salvaged")]
    if rules.without != "2 aside":
        here = {s.number for s in spool.streams} if rules.without == "2 tail" else ()
        there = [s for s in only_aside(spool, aside) if s.instrument == of.instrument and s.number not in here]
        waiting += [s for s in there if not s.settled or aside.epoch != spool.epoch]
    return len(waiting)


def only_aside(spool: Spool, aside: Spool) -> list[Held]:
    """Streams of a file put aside that the spool has not, or not as far: a copy put back has their beginning."""
    here = {s.number: s.head for s in spool.streams}
    return [s for s in aside.streams if here.get(s.number, -1) < s.head]


def start(rules: Rules, st: State, spool: Spool, ended: str = CRASH) -> State:
    """Rule 3.1: no stream of an earlier run goes on."""
    if rules.without != "3.1":
        spool = spool._replace(streams=tuple(s if s.ended else s._replace(ended=ended) for s in spool.streams))
    st = ask(rules, st, spool._replace(pruning=False))
    if rules.without == "3.2 once":
        for s in st.spool.streams:
            for body in s.bodies[s.through :]:
                st = append(rules, st, body) or st
    return st
