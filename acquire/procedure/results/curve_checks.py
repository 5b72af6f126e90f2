"""What the curves of a point's elements, standards and controls, and the light and noise of their run, say before a
dose is made of their sums.

The checks are those of acquire.quality; here is only who is held against whom, and what a finding means for the dose:
a refusal gives no number but a sentence and a way out, a doubt is a warning in the result, and what could not be judged
stands with them. Reference light that is off is a doubt here: chips are held against standards that were read with it,
and nobody can read them once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from acquire.procedure.documents.plan import Batch
from acquire.procedure.methods.collected_charge import Body
from acquire.procedure.records.inputs import FindingRecord
from acquire.procedure.records.measured import Elements
from acquire.procedure.records.record import of_plain
from acquire.procedure.results.loading import Bodies
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


@dataclass(frozen=True, slots=True)
class JudgedCurves:
    """All findings, and the sentences of those that refuse, are doubted, or are only remarked."""

    quality: tuple[FindingRecord, ...]
    invalid: list[str]
    doubts: tuple[str, ...]
    remarks: list[str]


def judged_curves(
    point: str,
    kinds: Mapping[str, Sequence[str]],
    signals: Elements,
    bodies: Bodies,
    batch: Batch | None,
    quality_control: Sequence[Body] = (),
) -> JudgedCurves:
    """What the curves of a point's readings say.

    kinds: the elements by what they are for ("elements", "standards", "controls", "checks"); signals: what was made of
    them, with their corrections; quality_control: PMT noise and reference light of their run.
    """
    limits = batch.limits if batch is not None and batch.limits is not None else Limits()
    judged = [each for kind, names in kinds.items() for each in _of_kind(kind, names, bodies, limits)]
    found = [finding for each in judged for finding in each.findings]
    found += judge_batch(judged, limits) if any(each.shape for each in judged) else ()
    found += _spreads(signals, limits)
    found += _of_light([each.record for each in judged], quality_control, limits)
    return JudgedCurves(
        quality=tuple(of_plain(each.to_json(), FindingRecord) for each in gravest_first(found)),
        invalid=[_refusal(each, point, kinds) for each in _of(found, Severity.REFUSE)],
        doubts=tuple(each.sentence for each in _of(found, Severity.DOUBT)),
        remarks=[each.sentence for each in _of(found, Severity.REMARK)],
    )


def _of(found: Iterable[Finding], severity: Severity) -> list[Finding]:
    return [each for each in found if each.severity is severity]


def _of_kind(kind: str, names: Sequence[str], bodies: Bodies, limits: Limits) -> list[Judged]:
    role = BACKGROUND if kind == "controls" else "sample"
    return [judge(_record(name, body, role), limits) for name in names for body in bodies.get(name, ())]


def _record(name: str, body: Body, role: str) -> ReaderRecord:
    """A stored reading as a record that is judged; `name` is the element's own in this house."""
    axes: Mapping[str, Body] = body.get("axes") or {}
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


def _of_light(read: Sequence[ReaderRecord], quality_control: Sequence[Body], limits: Limits) -> list[Finding]:
    records = [_record(f"the reading of {each.get('clock')}", each, each["role"]) for each in quality_control]
    found = judge_light([*records, *read], limits)
    return [replace(each, severity=Severity.DOUBT) if each.severity is Severity.REFUSE else each for each in found]


def _spreads(signals: Elements, limits: Limits) -> list[Finding]:
    """Standards against standards and controls against controls, each with its own sensitivity applied."""
    found = []
    read = (
        ("standards", signals.standards, limits.standards_percent),
        ("controls", signals.controls, limits.controls_percent),
    )
    for kind, of, limit in read:
        values = {each.element: each.value * each.correction.value for each in of}
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
