"""A template filled with what an RT Plan says: ports with energy, MU, gantry, SSD, or source and dwell times.

The dose of a beam in an RT Plan is at the beam's own point, mostly deep in the target: it is said in a comment and is
never put where the expected dose under a detector belongs. That is asked for, with its source and uncertainty.
"""

from __future__ import annotations

from typing import Any

from acquire.errors import Refused
from acquire.plan_templates.filling import FOR_EACH, filled, literal
from acquire.plan_templates.template import Template
from acquire.rtplan import Beam, RtPlan


def document(template: Template, plan: RtPlan, order: str, version: int) -> str:
    """The plan document to be completed. Raises Refused for a template that this file has nothing for."""
    by_source = "[source]" in template.text
    if by_source and not plan.channels:
        raise Refused(f"The file has no brachytherapy channels; template '{template.name}' is for a source.")
    if FOR_EACH in template.text and not plan.beams:
        raise Refused(f"The file has no treatment beams; template '{template.name}' is for ports.")
    values: dict[str, Any] = {"order": order, "version": version, **_of_plan(plan)}
    ports = [(_comment(beam), _of_beam(beam)) for beam in plan.beams]
    made = filled(template.text, {**values, **(_of_source(plan) if by_source else {})}, ports)
    said = _said(plan, by_source=by_source)
    if FOR_EACH not in template.text:
        said += [line for comment, _ in ports for line in comment.splitlines()]
    return _with_file(made, plan, said)


def _of_plan(plan: RtPlan) -> dict[str, Any]:
    machines = list(dict.fromkeys(b.machine for b in plan.beams if b.machine))
    found: dict[str, Any] = {"machine": machines[0]} if len(machines) == 1 else {}
    if plan.label:
        found["name"] = plan.label
    return found


def _of_beam(beam: Beam) -> dict[str, Any]:
    """What stands for a port; a gantry that moves and several energies have no one value, and are asked for."""
    found: dict[str, Any] = {"port": beam.name, "beam_number": beam.number, "mu": beam.mu, "ssd_cm": beam.ssd_cm}
    if beam.gantry is not None and not beam.is_arc:
        found["gantry_deg"] = beam.gantry[0]
    if len(beam.energies) == 1:
        found["beam"] = beam.quality
    return {name: value for name, value in found.items() if value is not None}


def _of_source(plan: RtPlan) -> dict[str, Any]:
    used = {c.source for c in plan.channels}
    sources = [s for s in plan.sources if s.number in used]
    if len(sources) != 1:
        return {}
    return {
        "planned_s": float(sum(c.total_s for c in plan.channels)),
        "planned_strength_u": sources[0].strength_u,
        "half_life_d": sources[0].half_life_d,
        "half_life_source": f"RT Plan {plan.label}",
        "beam": sources[0].isotope,
    }


def _comment(beam: Beam) -> str:
    """What the file says of a beam, in a line or two."""
    angle = "" if beam.gantry is None else f"gantry {beam.gantry[0]:g}°" + f" to {beam.gantry[1]:g}°" * beam.is_arc
    said = [
        f"beam {beam.number} '{beam.name}'", beam.quality, angle, f"{beam.mu:g} MU" if beam.mu is not None else "",
        f"SSD {beam.ssd_cm:g} cm" if beam.ssd_cm is not None else "", *(f"wedge {each}" for each in beam.wedges),
        f"applicator {beam.applicator}" if beam.applicator else "", f"{beam.bolus} bolus" if beam.bolus else "",
    ]  # fmt: skip
    lines = ["RT Plan: " + ", ".join(each for each in said if each) + "."]
    if beam.dose_gy is not None:
        place = f" {beam.dose_point_mm} mm" if beam.dose_point_mm is not None else ""
        depth = f", depth {beam.depth_cm:g} cm" if beam.depth_cm is not None else ""
        lines.append(f"Its beam dose is {beam.dose_gy:g} Gy at its own point{place}{depth}; not that of a detector.")
    return "\n".join(lines)


def _said(plan: RtPlan, *, by_source: bool) -> list[str]:
    """What stands at the top: prescription, what was left out, sources and dwell times."""
    lines = [f"Made from RT Plan '{plan.label}'. Complete what says FILL."]
    if plan.fractions is not None:
        lines.append(f"The plan has {plan.fractions} fractions.")
    for each in plan.references:
        dose = f"{each.prescribed_gy:g} Gy" if each.prescribed_gy is not None else "no prescribed dose"
        lines.append(f"Dose reference {each.number}: {each.description or each.structure} ({each.kind}), {dose}.")
    if plan.left_out:
        lines.append(f"Left out, no treatment: {', '.join(plan.left_out)}.")
    if by_source:
        for source in plan.sources:
            lines.append(
                f"Source {source.number}: {source.isotope}, {source.strength_u:g} U at {source.strength_at or 'no'}"
                f" date, half-life {source.half_life_d:g} d. The strength of the certificate is asked for."
            )
        for channel in plan.channels:
            dwells = ", ".join(f"{seconds:.1f} s at {position:g} mm" for position, seconds in channel.dwells)
            lines.append(f"Channel {channel.number}: {channel.total_s:g} s ({dwells}).")
    return lines


def _with_file(text: str, plan: RtPlan, said: list[str]) -> str:
    """The top lines, and the table of the file that the plan was made from."""
    first, _, rest = text.partition("\n")
    file = {
        "uid": plan.uid, "sha256": plan.sha256, "label": plan.label, "approval": plan.approval,
        "approved_at": plan.approved_at,
    }  # fmt: skip
    inside = ", ".join(f"{key} = {literal(value)}" for key, value in file.items() if value is not None)
    schema, _, below = rest.partition("\n")
    comments = "\n".join(f"# {line}" for line in said)
    return f"{first}\n{comments}\n{schema}\nrt_plan = {{ {inside} }}\n{below}"
