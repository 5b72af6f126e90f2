"""What can be known of a pattern before any reply comes: whether it reads one in two ways, and whether two share one.

A pattern is unfolded into its positions (Glushkov, The abstract theory of automata, 1961); two runs side by side over
the same bytes then show the shortest reply that can be read twice. A pattern that reads every reply in one way at most
is also matched in a time that grows with reply and pattern only: of each beginning there is one attempt a position.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from drivers.profile.expression import PRINTABLE, Chars, Either, Group, Node, PatternProblem, Repeat, Sequence

MOST_POSITIONS = 4000
MOST_PAIRS = 400_000
START = -1


@dataclass
class Positions:
    """The letters of a pattern one by one: which bytes each takes, what may come next, where a reply may end."""

    masks: list[int] = field(default_factory=list)
    follow: dict[int, set[int]] = field(default_factory=lambda: {START: set()})
    ends: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Part:
    nullable: bool
    first: frozenset[int]
    last: frozenset[int]


EMPTY = _Part(True, frozenset(), frozenset())


def positions(node: Node) -> Positions:
    """Unfold a pattern. Raises PatternProblem where it is too long."""
    found = Positions()
    whole = _part(node, found)
    found.follow[START] = set(whole.first)
    found.ends = set(whole.last) | ({START} if whole.nullable else set())
    return found


def read_twice(of: Positions) -> str | None:
    """The shortest reply that the pattern reads in two ways; None: there is none."""
    return _search(of, of, differ=True)


def shared(one: Positions, other: Positions) -> str | None:
    """The shortest reply that both patterns read; None: there is none."""
    return _search(one, other, differ=False)


def _part(node: Node, into: Positions) -> _Part:
    match node:
        case Chars(mask=mask):
            return _letter(mask, into)
        case Group(part=part):
            return _part(part, into)
        case Sequence(parts=parts):
            found = EMPTY
            for each in parts:
                found = _joined(found, _part(each, into), into)
            return found
        case Either(options=options):
            made = [_part(each, into) for each in options]
            return _Part(
                any(each.nullable for each in made),
                frozenset().union(*(each.first for each in made)),
                frozenset().union(*(each.last for each in made)),
            )
        case Repeat(part=part, low=low, high=high):
            return _times(part, low, high, into)


def _letter(mask: int, into: Positions) -> _Part:
    if len(into.masks) >= MOST_POSITIONS:
        raise PatternProblem(f"the pattern is longer than {MOST_POSITIONS} characters when its repeats are written out")
    at = len(into.masks)
    into.masks.append(mask)
    into.follow[at] = set()
    return _Part(False, frozenset({at}), frozenset({at}))


def _joined(one: _Part, other: _Part, into: Positions) -> _Part:
    for last in one.last:
        into.follow[last] |= other.first
    return _Part(
        one.nullable and other.nullable,
        one.first | other.first if one.nullable else one.first,
        one.last | other.last if other.nullable else other.last,
    )


def _times(part: Node, low: int, high: int, into: Positions) -> _Part:
    """a{1,3} as a(a(a)?)?: so that each number of times is one way."""
    found = EMPTY
    for _ in range(high - low):
        rest = _joined(_part(part, into), found, into)
        found = _Part(True, rest.first, rest.last)
    for _ in range(low):
        found = _joined(_part(part, into), found, into)
    return found


_State = tuple[int, int, bool]


def _search(one: Positions, other: Positions, *, differ: bool) -> str | None:
    """The bytes of the shortest common run; with `differ` of two runs that are not the same."""
    begin: _State = (START, START, not differ)
    came: dict[_State, tuple[_State, int]] = {}
    seen, waiting = {begin}, deque([begin])
    while waiting:
        state = waiting.popleft()
        if state[2] and state[0] in one.ends and state[1] in other.ends:
            return _bytes_to(state, came)
        for after, mask in _steps(state, one, other):
            if after not in seen:
                seen.add(after)
                came[after] = state, mask
                waiting.append(after)
        if len(seen) > MOST_PAIRS:
            raise PatternProblem("the pattern leaves so much open that it cannot be held against itself and others")
    return None


def _steps(state: _State, one: Positions, other: Positions) -> Iterator[tuple[_State, int]]:
    left, right, apart = state
    for a in one.follow[left]:
        for b in other.follow[right]:
            if common := one.masks[a] & other.masks[b]:
                yield (a, b, apart or a != b), common


def _bytes_to(state: _State, came: dict[_State, tuple[_State, int]]) -> str:
    said: list[str] = []
    while state in came:
        state, mask = came[state]
        visible = mask & PRINTABLE & ~(1 << 0x20) or mask
        said.append(chr((visible & -visible).bit_length() - 1))
    return "".join(reversed(said))
