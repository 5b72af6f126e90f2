"""Which ports of a course are one port, whatever they are called: over plan versions and orders.

Within one plan two names are two ports: the plan says so. From one plan to the next a port is found again by its name
in any spelling, by its number in the same RT Plan, or by its field (gantry angle and MU), one to one. A port that was
renamed is then no second one.
"""

from __future__ import annotations

from collections.abc import Iterable

from acquire.billing.facts import PlanFacts, PortFacts


def spelled(name: str) -> str:
    """A name without what typing by hand makes different: case, blanks, dashes."""
    return "".join(each for each in name.casefold() if each.isalnum())


class Ports:
    """The ports of a course: every plan version is taken in, in order, and each port gets the name it had first."""

    def __init__(self, plans: Iterable[tuple[tuple[str, int], PlanFacts]]) -> None:
        self._known: list[list[PortFacts]] = []
        self._names: list[str] = []
        self._of: dict[tuple[str, int, str], int] = {}
        for key, plan in plans:
            self._take(key, plan)

    def name(self, order: str, version: int, port: str) -> str:
        """The name under which a port of a plan is counted. Raises KeyError where that plan has no such port."""
        return self._names[self._of[order, version, port]]

    def names(self, port: str) -> list[str]:
        """Every name that a counted port has had, the first one first."""
        return list(dict.fromkeys(p.name for p in self._known[self._names.index(port)]))

    def _take(self, key: tuple[str, int], plan: PlanFacts) -> None:
        free, left = set(range(len(self._known))), list(plan.ports)
        for agree in (_by_beam, _by_same_name, _by_name, _by_field):
            for port in [*left]:
                found = next((n for n in sorted(free) if any(agree(port, each) for each in self._known[n])), None)
                if found is not None:
                    free.discard(found)
                    left.remove(port)
                    self._enter(key, port, found)
        for port in left:
            self._known.append([])
            self._names.append(port.name if port.name not in self._names else f"{port.name} of v{plan.version}")
            self._enter(key, port, len(self._known) - 1)

    def _enter(self, key: tuple[str, int], port: PortFacts, n: int) -> None:
        self._known[n].append(port)
        self._of[(*key, port.name)] = n


def _by_beam(one: PortFacts, other: PortFacts) -> bool:
    return one.beam is not None and one.beam == other.beam


def _by_same_name(one: PortFacts, other: PortFacts) -> bool:
    return one.name == other.name


def _by_name(one: PortFacts, other: PortFacts) -> bool:
    return spelled(one.name) == spelled(other.name)


def _by_field(one: PortFacts, other: PortFacts) -> bool:
    return bool(one.fields & other.fields)
