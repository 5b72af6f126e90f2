"""The faults of a seed: the same seed gives the same faults, in the same order, with the same pauses."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

APART = {
    "kill": ("host-a", "host-b", "store", "broker"),
    "freeze": ("host-a", "host-b", "store", "broker"),
    "wipe": ("broker",),
    "backup": ("store",),
    "restore": ("store",),
    "clock": ("host-a", "host-b", "store"),
    "disk": ("host-a", "host-b", "store"),
}
TOGETHER = {
    "kill": ("house",),
    "freeze": ("house",),
    "backup": ("house",),
    "restore": ("house",),
    "clock": ("house",),
    "disk": ("house",),
}
HOUSES: Mapping[str, Mapping[str, tuple[str, ...]]] = {"apart": APART, "together": TOGETHER}
WEIGHTS = {"kill": 8, "freeze": 4, "wipe": 2, "backup": 3, "restore": 2, "clock": 2, "disk": 2}
STEPS_S = (-86400.0, -3600.0, -30.0, 30.0, 3600.0, 86400.0)
ERRORS = ("write,sync EIO", "write,sync ENOSPC", "write EROFS")


class Fault(NamedTuple):
    """One of them: after a pause, to whom, for how long; `how` is a clock's step or a disk's error."""

    pause_s: float
    kind: str
    victim: str
    lasts_s: float
    how: str = ""


def plan(seed: int, house: str, leave_out: Sequence[str] = ()) -> Iterator[Fault]:
    """Without end. Each kind comes once before chance alone decides."""
    chance = random.Random(f"{seed} {house}")
    kinds = {kind: who for kind, who in HOUSES[house].items() if kind not in leave_out}
    first = list(kinds)
    chance.shuffle(first)
    first.sort(key=lambda kind: kind == "restore")  # there has to be a backup
    weights = [WEIGHTS[kind] for kind in kinds]
    while True:
        kind = first.pop(0) if first else chance.choices(list(kinds), weights)[0]
        yield Fault(
            round(chance.uniform(0.2, 2.0), 2), kind, chance.choice(kinds[kind]), round(_lasts(chance, kind), 2),
            _how(chance, kind),
        )  # fmt: skip


def _lasts(chance: random.Random, kind: str) -> float:
    """Seconds that it is down, frozen, or fails."""
    longest = {"kill": 1.0, "freeze": 5.0, "wipe": 1.0, "disk": 3.0, "clock": 4.0}.get(kind, 0.0)
    return chance.uniform(0.0, longest)


def _how(chance: random.Random, kind: str) -> str:
    if kind == "clock":
        return str(chance.choice(STEPS_S))
    return chance.choice(ERRORS) if kind == "disk" else ""
