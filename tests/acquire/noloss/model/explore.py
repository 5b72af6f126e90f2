"""Breadth first through every state of a scenario, every invariant in each."""

from __future__ import annotations

import time
from collections import deque
from typing import NamedTuple

from model.holds import Violation, check, judged, progress, stays
from model.rules import Rules
from model.state import State
from model.steps import initial, steps

LIMIT = 3_000_000


class Explored(NamedTuple):
    """What was seen: how many states, steps between them, the depth; what was broken, and the shortest way there."""

    states: int
    steps: int
    depth: int
    seconds: float
    broken: str | None = None
    way: tuple[str, ...] = ()


def explore(rules: Rules, limit: int = LIMIT) -> Explored:
    """Every state that can be reached, or the first violation. More than `limit` states count as a violation."""
    began = time.monotonic()
    first = initial(rules)
    came: dict[State, tuple[State, str] | None] = {first: None}
    judged_already: set[object] = set()
    queue = deque([(first, 0)])
    edges = depth = 0
    while queue:
        st, depth = queue.popleft()
        for what, new in steps(rules, st):
            edges += 1
            known = new in came
            came.setdefault(new, (st, what))
            try:
                stays(rules, st, new)
                if known:
                    continue
                if (key := judged(new)) not in judged_already:
                    judged_already.add(key)
                    check(rules, new)
                    progress(rules, new)
            except Violation as violation:
                took = time.monotonic() - began
                return Explored(len(came), edges, depth + 1, took, str(violation), _way(came, new))
            queue.append((new, depth + 1))
        if len(came) > limit:
            return Explored(len(came), edges, depth, time.monotonic() - began, f"more than {limit} states")
    return Explored(len(came), edges, depth, time.monotonic() - began)


def _way(came: dict[State, tuple[State, str] | None], to: State) -> tuple[str, ...]:
    found = []
    while (back := came[to]) is not None:
        to, what = back
        found.append(what)
    return tuple(reversed(found))
