"""What a scenario allows to happen, and which rule is taken away."""

from __future__ import annotations

from typing import NamedTuple

FAULTS = (
    "link lost", "source crash", "store start", "backup", "restore", "spool copy", "spool restore", "spool lost",
    "flipped bit", "damaged file", "declared", "clock step", "intruder",
)  # fmt: skip

_WHAT = {"B": "begin", "r": "reading", "E": "end", "b": "begin", "q": "reading", "e": "end"}


class Scenario(NamedTuple):
    """B, r, E of the script are begin, reading, end of one instrument; b, q, e those of a second one."""

    name: str
    script: str
    streams: int = 2
    poison: int = -1  # the item that the store cannot take
    workers: int = 0
    days: bool = False  # whether time passes: retention, pruning
    by_hand: bool = False  # a restore does not change the epoch
    too_old: bool = False  # backups older than the retention are restored too: only honesty is promised
    way_damages: bool = False  # bits flip and bodies are swapped on the way
    batches: bool = False
    batches_dropped: bool = False  # by the broker's rules
    left: tuple[int, ...] = (0,) * len(FAULTS)

    def what(self, item: int) -> str:
        return _WHAT[self.script[item]]

    def instrument(self, item: int) -> int:
        return int(self.script[item] in "bqe")

    @property
    def floors(self) -> bool:
        """Elsewhere a store never goes back within an epoch: floors would only make more states."""
        return self.by_hand or not self.days


def scenario(name: str, script: str, faults: dict[str, int] | None = None, **more: object) -> Scenario:
    """A scenario with so many of each fault."""
    faults = faults or {}
    assert set(faults) <= set(FAULTS), faults
    left = tuple(faults.get(each, 0) for each in FAULTS)
    return Scenario(name, script, left=left, **more)  # type: ignore[arg-type]


class Rules(NamedTuple):
    """The scenario, and the rule that does not hold ("" where all do)."""

    scenario: Scenario
    without: str = ""
