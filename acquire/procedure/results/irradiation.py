"""The charge of one irradiation from the parts in which its beam came: shown, and held until people have assigned them.

One part in each measurement is the irradiation, and so are the parts of an interrupted beam whose rest two people have
declared. Several parts in one measurement give no number until two people say of each what it was; neither does a beam
that lasted longer or shorter than its MU, or a signal that leaves the parts open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from acquire.procedure.documents.plan import Plan, Step
from acquire.procedure.methods.beam_seen import Still, beam_seen, duration_differs, lasts_s
from acquire.procedure.methods.collected_charge import Charge, Invalid, collected
from acquire.procedure.session.beam_statements import IRRADIATION

Bodies = Mapping[str, list[dict[str, Any]]]
Part = dict[str, Any]  # n, name, measurement, begin_s, end_s, nc, interval_s; what: as two people have said, or None
WAY_OUT = "two people say which of them are its irradiation (acquire session parts, then acquire session assign-parts)"


@dataclass(frozen=True, slots=True)
class Irradiation:
    """The charge of the parts that count, how long the longest of its measurements was in s, and what is shown."""

    charge: Charge
    longest_s: float
    told: dict[str, Any]


def irradiation(
    attempt: Mapping[str, Any],
    plan: Plan,
    selection: Mapping[str, Any],
    bodies: Bodies,
    integrates: Literal["running", "reset", "elements"],
    without: Still,
) -> Irradiation:
    """Of one attempt with its rests. Raises Invalid where a person has to say first what the parts are."""
    step = plan.step_named(attempt["step"])
    charges = {name: collected(bodies[name], integrates) for name in names_of(attempt)}
    parts, doubts = parts_of(attempt, step, selection, bodies, integrates, without)
    expected_s = lasts_s(step.mu, step.dose_rate_mu_per_min or plan.dose_rate_mu_per_min)
    counted = [p for p in parts if p["what"] in (None, IRRADIATION)]
    differs = duration_differs(counted, expected_s)
    if not (parts and all(p["what"] for p in parts)):
        _must_be_plain(step, parts, doubts, differs)
    if not counted:
        raise Invalid(f"No part of the signal of {step.id} is of its irradiation, as two people have said.")
    others = [p for p in parts if p not in counted]
    other_s = sum(p["end_s"] - p["begin_s"] for p in others)
    charge = Charge(
        sum(c.nc for c in charges.values()) - sum(p["nc"] for p in others) - without.nc_per_s * other_s,
        sum(c.time_s for c in charges.values()) - other_s,
    )
    told: dict[str, Any] = {"parts": parts, "expected_s": expected_s}
    if differs:
        told["remarks"] = [f"{step.id}: {differs}; its parts were assigned by two people."]
    return Irradiation(charge, max(c.time_s for c in charges.values()), told)


def names_of(attempt: Mapping[str, Any]) -> tuple[str, ...]:
    """The measurements of an attempt as the selection names them: the first, and those of the rest of its beam."""
    return (attempt["name"], *attempt.get("rests", ()))


def parts_of(
    attempt: Mapping[str, Any],
    step: Step,
    selection: Mapping[str, Any],
    bodies: Bodies,
    integrates: str,
    without: Still,
) -> tuple[list[Part], list[str]]:
    """Every part of an attempt, numbered over its measurements, with what was said of it; and what is in doubt."""
    said = {(s["measurement"], s["begin_s"], s["end_s"]): s["what"] for s in selection.get("parts_said", ())}
    parts: list[Part] = []
    doubts: list[str] = []
    for name in names_of(attempt):
        seen = beam_seen(bodies[name], without, step.pauses_up_to_s, from_reset=integrates == "reset")
        doubts += [seen.doubt] if seen.doubt else []
        of = selection[name]
        parts += [
            {
                "n": len(parts) + n, "name": name, "measurement": of, "begin_s": p.begin_s, "end_s": p.end_s,
                "nc": p.nc, "interval_s": seen.interval_s, "what": said.get((of, p.begin_s, p.end_s)),
            }
            for n, p in enumerate(seen.parts, start=1)
        ]  # fmt: skip
    return parts, doubts


def _must_be_plain(step: Step, parts: Sequence[Part], doubts: Sequence[str], differs: str | None) -> None:
    """Raises Invalid where the signal alone does not say what the irradiation was."""
    if not parts:
        raise Invalid(f"No beam is seen in the signal of {step.id}: nothing stands out of the scatter of its readings.")
    if doubts:
        raise Invalid(f"The beam of {step.id} is in doubt: {'; '.join(doubts)}. {WAY_OUT[0].upper()}{WAY_OUT[1:]}.")
    names = [p["name"] for p in parts]
    if len(set(names)) < len(names) or any(p["what"] for p in parts):
        raise Invalid(f"The beam of {step.id} came in {len(parts)} parts ({'; '.join(_shown(parts))}): {WAY_OUT}.")
    if differs:
        raise Invalid(f"{step.id}: {differs} ({'; '.join(_shown(parts))}): {WAY_OUT}.")


def _shown(parts: Sequence[Part]) -> Iterator[str]:
    first = parts[0]["begin_s"]
    for p in parts:
        at = f" after {p['begin_s'] - first:.1f} s" if p["name"] == parts[0]["name"] and p["begin_s"] > first else ""
        yield f"part {p['n']}: {p['nc']:.4g} nC in {p['end_s'] - p['begin_s']:.1f} s{at}"
