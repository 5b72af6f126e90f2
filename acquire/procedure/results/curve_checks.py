"""What the curves of a point's elements, standards and controls, and the light and noise of their run, say before a
dose is made of their sums.

The checks are those of acquire.quality; here is only who is held against whom, and what a finding means for the dose:
a refusal gives no number but a sentence and a way out, a doubt is a warning in the result, and what could not be judged
stands with them. Reference light that is off is a doubt here: chips are held against standards that were read with it,
and nobody can read them once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from acquire.procedure.documents.plan import Batch
from acquire.procedure.results.waiting_time import Bodies
from acquire.quality import (
    Column,
    Finding,
    Judged,
    Limits,
    ReaderRecord,
    Severity,
    gravest_first,
    judge,
    judge_batch,
    judge_light,
    spread,
)

BACKGROUND = "background"  # a control: it need not glow, and is no sibling of what was irradiated


def judged_curves(
    point: str,
    kinds: Mapping[str, Sequence[str]],
    signals: Mapping[str, Any],
    bodies: Bodies,
    batch: Batch | None,
    quality_control: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """`quality` (all findings), `invalid`, `doubts` and `remarks` (sentences) of a point's readings.

    kinds: the elements by what they are for ("elements", "standards", "controls", "checks"); signals: what was made of
    them, with their corrections; quality_control: PMT noise and reference light of their run.
    """
    limits = batch.limits if batch is not None and batch.limits is not None else Limits()
    judged = [each for kind, names in kinds.items() for each in _of_kind(kind, names, bodies, limits)]
    found = [finding for each in judged for finding in each.findings]
    found += judge_batch(judged, limits) if any(each.shape for each in judged) else ()
    found += _spreads(signals, limits)
    found += _of_light([each.record for each in judged], quality_control, limits)
    return {
        "quality": [each.to_json() for each in gravest_first(found)],
        "invalid": [_refusal(each, point, kinds) for each in _of(found, Severity.REFUSE)],
        "doubts": [each.sentence for each in _of(found, Severity.DOUBT)],
        "remarks": [each.sentence for each in _of(found, Severity.REMARK)],
    }


def _of(found: Iterable[Finding], severity: Severity) -> list[Finding]:
    return [each for each in found if each.severity is severity]


def _of_kind(kind: str, names: Sequence[str], bodies: Bodies, limits: Limits) -> list[Judged]:
    role = BACKGROUND if kind == "controls" else "sample"
    return [judge(_record(name, body, role), limits) for name in names for body in bodies.get(name, ())]


def _record(name: str, body: Mapping[str, Any], role: str) -> ReaderRecord:
    """A stored reading as a record that is judged; `name` is the element's own in this house."""
    axes: Mapping[str, Any] = body.get("axes") or {}
    return ReaderRecord(
        name=name,
        kind=body["kind"],
        role=role,
        mode=body.get("mode"),
        element=name,
        channel=body.get("channel") or (f"element {place}" if (place := body.get("element_index")) else None),
        unit=body["unit"],
        value=body.get("value"),
        clock=body.get("clock"),
        columns={axis: Column(column["unit"], column["values"]) for axis, column in axes.items()},
        attributes=body.get("attributes") or {},
    )


def _of_light(
    read: Sequence[ReaderRecord], quality_control: Sequence[Mapping[str, Any]], limits: Limits
) -> list[Finding]:
    records = [_record(f"the reading of {each.get('clock')}", each, each["role"]) for each in quality_control]
    found = judge_light([*records, *read], limits)
    return [replace(each, severity=Severity.DOUBT) if each.severity is Severity.REFUSE else each for each in found]


def _spreads(signals: Mapping[str, Any], limits: Limits) -> list[Finding]:
    """Standards against standards and controls against controls, each with its own sensitivity applied."""
    found = []
    for kind, limit in (("standards", limits.standards_percent), ("controls", limits.controls_percent)):
        values = {each["element"]: each["value"] * each["ecc"]["value"] for each in signals.get(kind, ())}
        if values:
            found += spread(kind, values, limit, f"limits.{kind}_percent of the plan's batch")
    return found


def _refusal(finding: Finding, point: str, kinds: Mapping[str, Sequence[str]]) -> str:
    """The sentence, and the way out."""
    elements = kinds.get("elements", ())
    if finding.of not in elements:
        return (
            f"{finding.sentence} No number comes of this reader session: it needs other standards and controls of the"
            " same run in the plan's batch."
        )
    if len(elements) == 1:
        return f"{finding.sentence} No number comes of it, and {point} has no other element."
    others = ", ".join(each for each in elements if each != finding.of)
    return (
        f"{finding.sentence} No number comes of it; two people may leave {finding.of} out with the reason (acquire"
        f" session exclude), and {others} counts."
    )
