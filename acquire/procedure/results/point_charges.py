"""The charges of a diode or chamber point: each attempt by itself, and which of them counts by the plan's rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal

from acquire.dosimetry import AttemptValue, Counted, DosimetryError, counting, mean_of, net_charge, slope, slope_u
from acquire.errors import Refused
from acquire.procedure.documents.inventory import Inventory
from acquire.procedure.documents.plan import Plan
from acquire.procedure.documents.point import Point
from acquire.procedure.methods.beam_seen import still
from acquire.procedure.methods.collected_charge import Charge, Invalid, collected, curve
from acquire.procedure.results.irradiation import Irradiation, irradiation
from acquire.procedure.results.selection import Selection
from acquire.procedure.results.waiting_time import Bodies, Marks, must_have_settled
from acquire.procedure.session.ambient_conditions import EnteredConditions

Integrates = Literal["running", "reset", "elements"]


def charges(
    selection: Selection,
    plan: Plan,
    point: Point,
    inventory: Inventory,
    bodies: Bodies,
    marks: Marks,
    conditions_valid: timedelta,
) -> dict[str, Any]:
    """`charge`, and for a chamber `opposite` and `reduced` where the session measured them; `background` beside them.

    A chamber has `environment` too: the ambient conditions at the first reading that counts; readings in others are
    brought to them. Raises Invalid, Refused, DosimetryError: no background, one that was too short, no valid attempt.
    """
    if "background" not in bodies:
        return {}
    integrates = selection.get("integrates") or inventory.instrument_named(point.instrument or "").integrates
    if integrates is None:
        raise Refused(f"It is not written down how {point.instrument} added up when {point.id} was measured.")
    background = collected(bodies["background"], integrates)
    times, charges_nc = curve(bodies["background"])
    rate, (u_rate, dof) = slope(times, charges_nc), slope_u(times, charges_nc)
    found: dict[str, Any] = {
        "background": {
            "nc": background.nc, "time_s": background.time_s, "nc_per_s": rate, "u_nc_per_s": u_rate, "dof": dof
        }
    }  # fmt: skip
    ambient = (
        EnteredConditions(selection["air"], conditions_valid, point.protocol) if point.method == "chamber" else None
    )
    for role, name in (("measurement", "charge"), ("polarity", "opposite"), ("recombination", "reduced")):
        own = [a for a in selection["attempts"] if a["role"] == role]
        if own:
            made = [
                _attempt(a, plan, point, integrates, (background, rate), selection, bodies, marks, ambient) for a in own
            ]
            if ambient is not None:
                found.setdefault("environment", _environment(made, point))
                made = [ambient.brought(each, found["environment"]) for each in made]
            found[name] = _counted(made, point)
    return found


def _environment(made: Sequence[Mapping[str, Any]], point: Point) -> dict[str, Any]:
    """The conditions at the first attempt that counts, with the step it belongs to."""
    first = next(a for a in made if a["step"] == _choice(made, point).used[0])
    return {**first["air"], "step": first["step"]}


def _attempt(
    attempt: Mapping[str, Any],
    plan: Plan,
    point: Point,
    integrates: Integrates,
    background: tuple[Charge, float],
    selection: Selection,
    bodies: Bodies,
    marks: Marks,
    ambient: EnteredConditions | None,
) -> dict[str, Any]:
    """Net charge of one attempt, with the conditions it was read in, or the sentence for which it has none."""
    name = attempt["name"]
    if name not in bodies or attempt.get("problem"):
        return {"step": attempt["step"], "why": attempt.get("problem") or "It was not measured."}
    try:
        must_have_settled(attempt, point, selection, bodies, marks)
        at = {} if ambient is None else {"air": ambient.at(marks[name][0], attempt["step"])}
        beam = irradiation(attempt, plan, selection, bodies, integrates, still(bodies["background"]))
        return {"step": attempt["step"], **_net(beam, *background), **at, "beam": beam.told}
    except (Invalid, Refused, DosimetryError) as reason:
        return {"step": attempt["step"], "why": str(reason)}


def _net(beam: Irradiation, background: Charge, rate: float) -> dict[str, Any]:
    """Charge after leakage; the background must have lasted at least as long as each measurement of the beam."""
    charge = beam.charge
    if background.time_s < beam.longest_s:
        raise Invalid(
            f"The background lasted {background.time_s:.1f} s, the measurement {beam.longest_s:.1f} s: it must not be"
            " shorter."
        )
    taken = net_charge(charge.nc, rate, charge.time_s)
    return {
        "nc": taken.value_nc,
        "gross_nc": taken.gross_nc,
        "time_s": taken.duration_s,
        "leakage_nc": taken.leakage_nc,
        "leakage_percent": taken.leakage_percent,
        "subtracted": taken.subtracted,
    }


def _choice(made: Sequence[Mapping[str, Any]], point: Point) -> Counted:
    """Which attempts count; the one there is, or what the rule makes of several. Raises Invalid where none is valid."""
    if all("why" in each for each in made):
        if len(made) == 1:
            raise Invalid(made[0]["why"])
        steps: dict[str, list[str]] = defaultdict(list)
        for each in made:
            steps[each["why"]].append(each["step"])
        said = " ".join(f"{', '.join(names)}: {why}" for why, names in steps.items())
        raise Invalid(f"No attempt of this measurement is valid, and none is estimated. {said}")
    attempts = [AttemptValue(a["step"], a.get("nc"), a.get("why")) for a in made]
    return counting(attempts, point.attempt_rule or "mean-of-valid")


def _counted(made: Sequence[dict[str, Any]], point: Point) -> dict[str, Any]:
    """The one attempt, or what the rule makes of several; the others stay with their reasons."""
    counted = _choice(made, point)
    if len(made) == 1:
        return {name: value for name, value in made[0].items() if name != "step"}
    used = [a for a in made if a["step"] in counted.used]
    mean = mean_of([a["nc"] for a in used])
    longest = max(used, key=lambda a: float(a["time_s"]))
    return {
        **{name: value for name, value in longest.items() if name not in ("step", "nc", "gross_nc", "air", "brought")},
        "nc": mean.value,
        "gross_nc": mean_of([a["gross_nc"] for a in used]).value,
        "repeats": mean.n,
        "sem_percent": mean.sem_percent,
        "rule": counted.rule,
        "used": list(counted.used),
        "left_out": [list(each) for each in counted.left_out],
        "attempts": list(made),
    }
