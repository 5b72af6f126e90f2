"""A record judged by itself, and the records of a run judged together: which checks are made of what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from acquire.quality import curve_shape, heating, noise_and_light, run, saturation
from acquire.quality.curve import Curve, curve_of
from acquire.quality.finding import Finding, Severity
from acquire.quality.record import Column, ReaderRecord
from acquire.quality.shape import Batch, Shape, batch_of, shape_of
from acquire.quality_limits import Limits

_SAME_LENGTH = 0.02  # of the channels: curves that differ by more were read by another programme


@dataclass(frozen=True, slots=True)
class Judged:
    """A record without its columns, its shape where it is a glow curve, and what was found of it alone."""

    record: ReaderRecord
    shape: Shape | None
    findings: tuple[Finding, ...]

    @property
    def is_refused(self) -> bool:
        """Whether no number comes of it, by itself."""
        return any(each.severity is Severity.REFUSE for each in self.findings)


def judge(record: ReaderRecord, limits: Limits, of_pmt: float | None = None) -> Judged:
    """One record by itself, and what is kept of it to judge its run. of_pmt: PMT noise of a channel, where known.

    Of a control, a noise or a light record only what no curve may have is looked for: it need not glow.
    """
    curve = curve_of(record)
    bare = replace(record, columns=_kept(record))
    if curve is None:
        return Judged(bare, None, ())
    return Judged(bare, shape_of(curve), tuple(_of_one(curve, record, limits, of_pmt)))


def judge_run(judged: Sequence[Judged], limits: Limits) -> tuple[Finding, ...]:
    """What the records of a run say together, in the order read: siblings, noise, light, clock, elements read twice."""
    records = [each.record for each in judged]
    found: list[Finding] = []
    for check in (run.quality_records, run.reference_light, run.pmt_noise, run.clock, run.read_twice, run.no_signal):
        found += check(records, limits)
    return (*found, *judge_batch(judged, limits))


def judge_light(records: Sequence[ReaderRecord], limits: Limits) -> tuple[Finding, ...]:
    """What a run's records of reference light and PMT noise say of the readouts that are given with them."""
    return (*run.reference_light(records, limits), *run.pmt_noise(records, limits))


def judge_batch(judged: Sequence[Judged], limits: Limits) -> tuple[Finding, ...]:
    """What the curves of a batch say of each other, where there need be no run of a reader about them."""
    noises = [each.record for each in judged if each.record.role == run.NOISE]
    found: list[Finding] = []
    for group in _groups(judged):
        sound = [each for each in group if not each.is_refused]  # a clipped or empty curve has no form to be judged
        batch = batch_of(_one_an_element(sound))
        for each in sound:
            if each.shape is not None:
                found += _of_batch(each, each.shape, batch, noises, limits)
    return tuple(found)


def of_run(records: Sequence[ReaderRecord], limits: Limits | None = None) -> tuple[Finding, ...]:
    """Every finding of a run's records, each by itself and all together, in the order read."""
    table = limits or Limits()
    judged = [judge(each, table) for each in records]
    return (*(finding for each in judged for finding in each.findings), *judge_run(judged, table))


def _of_one(curve: Curve, record: ReaderRecord, limits: Limits, of_pmt: float | None) -> list[Finding]:
    """The gravest first; of a curve with channels that are no numbers nothing else is told."""
    if found := noise_and_light.numbers(curve):
        return found
    found = saturation.clipped(curve)
    if record.role == run.SAMPLE:
        found += noise_and_light.missing(curve, limits, of_pmt)
    found += saturation.pile_up(curve, record, limits)
    found += noise_and_light.spikes(curve, limits, of_pmt or 0.0)
    if curve.form in ("glow", "preheat"):
        found += noise_and_light.below_zero(curve, limits)
        found += noise_and_light.noisy_ends(curve, limits)
        found += heating.heater_error(curve, limits)
    return found


def _of_batch(each: Judged, shape: Shape, batch: Batch, noises: list[ReaderRecord], limits: Limits) -> list[Finding]:
    record = each.record
    found = heating.temperature(record, shape, batch, limits) + heating.rate(record, shape, batch, limits)
    found += heating.high_voltage(record.name, shape, batch, limits)
    if record.form != "glow":
        return found
    noise = run.noise_per_channel(noises, record.channel, record.unit, shape.points)
    found += noise_and_light.light_leak(record.name, shape, record.unit, noise, batch, limits)
    if not shape.faint:
        found += curve_shape.against_batch(record.name, shape, batch, limits)
    return found + curve_shape.ends(record.name, shape, limits)


def _groups(judged: Sequence[Judged]) -> list[list[Judged]]:
    """Glow curves and preheats of samples that were read by one programme: of one kind and length.

    Where elements stand several times, it is a sequence of steps, and each step is a batch by itself.
    """
    found: dict[tuple[object, ...], list[Judged]] = {}
    lengths: dict[tuple[object, ...], list[int]] = {}
    for each in judged:
        if each.shape is None or each.record.role != run.SAMPLE:
            continue
        points, known = each.shape.points, lengths.setdefault(each.record.like, [])
        length = next((n for n in known if abs(n - points) <= _SAME_LENGTH * n), None)
        if length is None:
            known.append(length := points)
        found.setdefault((*each.record.like, length), []).append(each)
    return [part for group in found.values() for part in _by_step(group)]


def _by_step(group: list[Judged]) -> list[list[Judged]]:
    named = [each.record.element for each in group if each.record.element is not None]
    if len(set(named)) == len(named):
        return [group]
    steps: dict[tuple[str | None, ...], list[Judged]] = {}
    for each in group:
        steps.setdefault(each.record.step, []).append(each)
    return list(steps.values())


def _one_an_element(group: list[Judged]) -> list[Shape]:
    """The shapes of a group; of an element that was read twice, the first."""
    found: dict[object, Shape] = {}
    for number, each in enumerate(group):
        if each.shape is not None:
            found.setdefault(each.record.element or number, each.shape)
    return list(found.values())


def _kept(record: ReaderRecord) -> dict[str, Column]:
    """Of a noise record its mean channel: nothing else of a curve is needed once it was judged."""
    signal = record.columns.get("signal")
    if record.role != run.NOISE or signal is None or not len(signal.values):
        return {}
    return {"signal": Column(signal.unit, (float(np.mean(signal.values)),))}
