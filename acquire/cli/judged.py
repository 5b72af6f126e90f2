"""Readouts of files as records that are judged, and what the judging says, for the commands `import` and `fit`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from acquire.glow import DecayResult, GlowResult
    from acquire.quality import Finding, Judged, Limits, ReaderRecord
    from drivers.reading import Sample


def limits_of(file: Path | None) -> Limits:
    """The site's table of limits (TOML), or the suggested ones without a file. Raises FileProblem, Refused."""
    from acquire.quality import Limits  # noqa: PLC0415 - brings numpy

    if file is None:
        return Limits()
    from acquire.plain_files import read_plain  # noqa: PLC0415
    from acquire.procedure.documents.curve_limits import read_limits  # noqa: PLC0415

    return read_limits(read_plain(file), file.name)


def record_of(sample: Sample, name: str) -> ReaderRecord:
    """A readout in plain values."""
    from acquire.quality import Column, ReaderRecord  # noqa: PLC0415

    place = None if sample.element_index is None else f"element {sample.element_index}"
    element = sample.element
    if element is not None and sample.element_index is not None:
        element = f"{element}.{sample.element_index}"
    return ReaderRecord(
        name=name,
        kind=sample.kind,
        role=sample.role,
        mode=sample.mode,
        element=element,
        channel=sample.channel or place,
        unit=sample.unit,
        value=sample.value,
        clock=sample.clock,
        columns={axis: Column(column.unit, column.values) for axis, column in sample.axes.items()},
        attributes=sample.attributes,
    )


@dataclass(slots=True)
class Judging:
    """What is judged of the readouts of a command, as one run; no curve is held.

    Within a file the order is that of its records; files, which may be named in any order, follow their first clock.
    """

    limits: Limits
    files: dict[str, list[Judged]] = field(default_factory=dict)

    def add(self, sample: Sample, number: int) -> None:
        """Judge the readout of this number of its file."""
        from acquire.quality import judge  # noqa: PLC0415

        of = f" ({sample.element})" if sample.element else ""
        file = str(sample.origin["file"])
        record = record_of(sample, f"{file}, readout {number}{of}")
        self.files.setdefault(file, []).append(judge(record, self.limits))

    def findings(self) -> list[Finding]:
        """Everything found, the gravest first; what was not judged stands once, however many curves it is said of."""
        from acquire.quality import gravest_first, judge_run  # noqa: PLC0415

        in_order = sorted(self.files.values(), key=lambda file: file[0].record.clock or "")
        judged = [each for file in in_order for each in file]
        own = [finding for each in judged for finding in each.findings]
        return _once(gravest_first([*own, *judge_run(judged, self.limits)]))


def _once(findings: Sequence[Finding]) -> list[Finding]:
    return list({(f.check, f.sentence): f for f in reversed(findings)}.values())[::-1]


def of_fits(
    records: Sequence[ReaderRecord], results: Sequence[GlowResult | DecayResult], limits: Limits
) -> list[list[Finding]]:
    """The findings of each curve, judged against the others of the command and against its own fit."""
    from acquire.quality import gravest_first, judge, judge_batch  # noqa: PLC0415

    judged = [judge(record, limits) for record in records]
    batch = judge_batch(judged, limits)
    return [
        _once(gravest_first([*own.findings, *_of(batch, own.record.name), *_of_fit(own.record.name, result, limits)]))
        for own, result in zip(judged, results, strict=True)
    ]


def _of(found: Sequence[Finding], name: str) -> list[Finding]:
    return [each for each in found if each.of == name]


def _of_fit(name: str, result: GlowResult | DecayResult, limits: Limits) -> list[Finding]:
    import numpy as np  # noqa: PLC0415

    from acquire.glow import GlowResult  # noqa: PLC0415
    from acquire.quality import of_fit  # noqa: PLC0415

    if not isinstance(result, GlowResult) or result.drawn is None:
        return []
    return of_fit(name, np.array(result.drawn.signal), np.array(result.drawn.fit), limits)


def findings_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """The keys that they add to a document: findings as they are, and the sentences of those that warn."""
    from acquire.quality import sentences  # noqa: PLC0415

    return {"findings": [each.to_json() for each in findings], "warnings": list(sentences(findings))}


def told_of(findings: Sequence[Finding]) -> list[str]:
    """What a person is told: the gravest first, refusals named as such, and last what was not judged, in one line."""
    from acquire.quality import Severity  # noqa: PLC0415

    said = [
        f"{'No number: ' if each.severity is Severity.REFUSE else ''}{each.sentence}"
        for each in findings
        if each.severity is not Severity.NOT_JUDGED
    ]
    unjudged = list(dict.fromkeys(each.check for each in findings if each.severity is Severity.NOT_JUDGED))
    why = f"Not judged: {', '.join(unjudged)}; --json says why of each." if unjudged else None
    return [*said, why] if why else said
