"""When two irradiations are one beam on one patient: by port, and by place where no port is stated. All of it is pure.

A new name does not make a new beam: the port, the point, the site, and the gantry angle with the MU are compared, in
any letters and with any blanks, and one of them that agrees is enough. Where in doubt it is the same beam.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from acquire.procedure.documents.plan import Plan, Step


@dataclass(frozen=True, slots=True)
class BeamMarks:
    """What an irradiation is known by: words of each kind, in one spelling."""

    ports: frozenset[str]
    points: frozenset[str]
    sites: frozenset[str]
    field: tuple[float, float] | None  # gantry angle in degrees, MU

    def same(self, other: BeamMarks) -> str | None:
        """By what two irradiations are the same beam, in words; None where nothing agrees."""
        if both := self.ports & other.ports:
            return f"port {', '.join(sorted(both))}"
        if both := self.points & other.points:
            return f"point {', '.join(sorted(both))}"
        if (both := self.sites & other.sites) and not (self.ports and other.ports):
            return f"the site '{', '.join(sorted(both))}'"
        if self.field is not None and self.field == other.field:
            return f"a field at gantry {self.field[0]:g}° with {self.field[1]:g} MU"
        return None


def marks_of(plan: Plan, step: Step) -> BeamMarks:
    """What the irradiation of a step, or the beam of a step that places elements, is known by."""
    points = [plan.point_named(name) for name in (step.measured or step.points)]
    return BeamMarks(
        ports=frozenset(_plain(p.port) for p in points if p.port),
        points=frozenset(_plain(p.id) for p in points),
        sites=frozenset(_plain(p.site) for p in points),
        field=None if step.gantry_deg is None or step.mu is None else (step.gantry_deg % 360, step.mu),
    )


def twice(plan: Plan) -> Iterator[str]:
    """Of a patient's plan, one sentence for each two steps that would irradiate one port twice in a fraction."""
    if plan.purpose != "patient":
        return
    for one, other in combinations((s for s in plan.step if s.kind == "irradiate"), 2):
        if by := marks_of(plan, one).same(marks_of(plan, other)):
            yield (
                f"Steps {one.id} and {other.id} both irradiate {by}: on a patient a port has one beam in a fraction."
                " Give what is measured in that beam as points of one step (points = [...])."
            )


def unchecked(plan: Plan) -> Iterator[str]:
    """What of the plan's beams cannot be held against the signal, one sentence each: said while planning."""
    beams = [s for s in plan.step if s.kind == "irradiate"]
    lacks = {
        "mu": [s.id for s in beams if s.mu is None],
        "dose_rate_mu_per_min": [s.id for s in beams if s.dose_rate_mu_per_min is None]
        if plan.dose_rate_mu_per_min is None
        else [],
    }
    for key, steps in lacks.items():
        if steps:
            yield (
                f"Not checked: how long the beam of {', '.join(steps)} is on, since the plan states no {key} for it;"
                " only its parts are looked for."
            )
    if nameless := [s.id for s in beams if not any(plan.port_of(p) for p in s.measured)]:
        yield (
            f"Not checked by port: {', '.join(nameless)} names none (port, at its point); a second beam is then known"
            " by point and site alone."
        )


def patient_key(reference: str) -> str | None:
    """What two orders' subjects are compared by, inside the store alone; None where the reference is the file's own.

    "Patient/9" is the same on any server and in any version ("https://.../Patient/9/_history/2").
    """
    if reference.startswith("#") or not reference.strip():
        return None
    found = re.search(r"Patient/([^/?#]+)", reference)
    return found[1] if found else reference.strip()


def _plain(text: str) -> str:
    return "".join(text.casefold().split())
