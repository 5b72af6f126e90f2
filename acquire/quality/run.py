"""The checks of a reader run: its PMT noise and reference light, its order and clock, and what was read twice.

Given is the run's sequence of records in the order read, whoever knows what belongs to it: a session's reader run, or
the files that a person names. A noise or light record belongs to its channel (a place on the card, a detector).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from acquire.quality.finding import Finding, Severity, not_judged
from acquire.quality.record import ReaderRecord
from acquire.quality_limits import ASSUMED, DAEMON, SUGGESTED, Limits

NOISE, LIGHT, SAMPLE = "pmt-noise", "reference-light", "sample"
_NEGLIGIBLE = 0.01  # of the faintest dosimeter's signal: a noise that moves by less changes no dose; assumed
_FEWEST_FOR_DRIFT = 4  # light readings, from which a line and its uncertainty can be told
_FEWEST_NOISE = 3  # noise readings, from which their scatter can be told
_SURE = 3.0  # standard deviations
_ANOTHER = 0.5  # of the first reading: a second of more is of another dosimeter, not of one that was emptied; assumed
NO_RECORDS = "the run holds no records of its PMT noise and reference light"


def reference_light(records: Sequence[ReaderRecord], limits: Limits) -> list[Finding]:
    """Reference light outside ±5 % of its running mean: the session is blocked (dossier 4.7). A drift is a remark."""
    found = []
    for channel, series in _in_use(records, LIGHT).items():
        found += _outside("Reference light", channel, series, limits.reference_light_percent, Severity.REFUSE)
        found += _drift(channel, series, limits.drift_percent)
    return found


def pmt_noise(records: Sequence[ReaderRecord], limits: Limits) -> list[Finding]:
    """PMT noise outside ±5 % of its running mean (dossier 4.7), where that can change a dose.

    Real noise moves by far more (dossier 1.4: 55 to 462 pC beside 24,000 pC and more of a dosimeter), so it counts only
    where the step is above 1 % of the faintest dosimeter of its channel (assumed).
    """
    found = []
    for channel, series in _in_use(records, NOISE).items():
        light = [
            each.number for each in _series(records, SAMPLE)[channel] if each.number is not None and each.number > 0
        ]
        least = _NEGLIGIBLE * min(light, default=0.0)
        found += _outside("PMT noise", channel, series, limits.pmt_noise_percent, Severity.DOUBT, least)
    return found


def quality_records(records: Sequence[ReaderRecord], limits: Limits) -> list[Finding]:
    """Noise and light are read at the start and at the end of a run (dossier 1.4 and 4.7)."""
    del limits
    samples = [n for n, each in enumerate(records) if each.role == SAMPLE]
    if not samples:
        return []
    found = []
    for role, what in ((NOISE, "PMT noise"), (LIGHT, "Reference light")):
        at = [n for n, each in enumerate(records) if each.role == role]
        if not at:
            found.append(not_judged(what, "the run holds no record of it", SUGGESTED))
            continue
        absent = [
            end for end, is_there in (("start", at[0] < samples[0]), ("end", at[-1] > samples[-1])) if not is_there
        ]
        if absent:
            said = (
                f"{what} was not read at the {' and at the '.join(absent)} of the run; what changed there is not seen."
            )
            found.append(Finding(check=what, severity=Severity.REMARK, sentence=said, source=DAEMON))
    return found


def clock(records: Sequence[ReaderRecord], limits: Limits) -> list[Finding]:
    """The reader's clock goes forward in the order read (dossier 4.7)."""
    del limits
    timed = [each for each in records if each.clock]
    for before, after in pairwise(timed):
        if (after.clock or "") < (before.clock or ""):
            said = (
                f"The reader's clock goes back from {before.clock} to {after.clock} at {after.name}; runs may be mixed,"
                " or the clock was set."
            )
            return [Finding(check="Clock", severity=Severity.REMARK, sentence=said, source=DAEMON, of=after.name)]
    return []


def read_twice(records: Sequence[ReaderRecord], limits: Limits) -> list[Finding]:
    """An element that stands twice in a run (dossier 4.7): emptied by the first reading, or another under its id."""
    first: dict[tuple[object, ...], ReaderRecord] = {}
    found = []
    for each in records:
        if each.role != SAMPLE or not each.element:
            continue
        before = first.setdefault((each.element, *each.like, *each.step), each)
        if before is each or each.number is None or before.number is None or before.number <= 0:
            continue
        share = 100 * each.number / before.number
        if share > 100 * _ANOTHER:
            severity, end = Severity.DOUBT, "an element that was read is empty, so one of them is of another dosimeter"
        else:
            severity = Severity.REMARK
            near = share <= limits.second_read_percent
            end = f"the first counts{'' if near else ', and it had not been emptied'}"
        found.append(
            Finding(
                check="Read twice", severity=severity, of=each.element, source=f"{SUGGESTED}; {ASSUMED}", value=share,
                limit=limits.second_read_percent, unit="%",
                sentence=f"{each.element} was read twice in this run ({before.name}, {each.name}); the second reading"
                f" is {share:.3g} % of the first: {end}.",
            )
        )  # fmt: skip
    return found


def no_signal(records: Sequence[ReaderRecord], limits: Limits) -> list[Finding]:
    """Sums without a curve that are no more than the run's PMT noise: a missing dosimeter (dossier 4.7).

    sigma·sqrt(n) of that test is the scatter of a whole reading, so that of the run's own noise readings.
    """
    found = []
    for channel, series in _series(records, NOISE).items():
        values = [each.number for each in series if each.number is not None]
        if len(values) < _FEWEST_NOISE:
            continue
        limit = limits.missing_sigma * float(np.std(values, ddof=1))
        for each in records:
            if each.role != SAMPLE or each.channel != channel or each.unit != series[0].unit or each.columns:
                continue
            if each.kind == "scalar" and each.number is not None and each.number - float(np.mean(values)) <= limit:
                net = each.number - float(np.mean(values))
                found.append(
                    Finding(
                        check="Missing dosimeter", severity=Severity.REFUSE, of=each.element, source=SUGGESTED,
                        value=net, limit=limit, unit=each.unit,
                        sentence=f"{each.name} reads no more than the PMT's noise of this run: no dosimeter was read,"
                        " or it received less than this reader can see.",
                    )
                )  # fmt: skip
    return found


def noise_per_channel(noises: Sequence[ReaderRecord], channel: str | None, unit: str, points: int) -> float | None:
    """The PMT noise of one of so many channels of a curve, from the run's noise records of its detector; else None.

    A noise record that is a sum is taken to be read as long as the curve (assumed).
    """
    found = [
        float(np.mean(each.columns["signal"].values)) if "signal" in each.columns else each.number / points
        for each in noises
        if each.channel == channel and each.unit == unit and each.number is not None
    ]
    return float(np.median(found)) if found else None


def _series(records: Sequence[ReaderRecord], role: str) -> dict[str | None, list[ReaderRecord]]:
    """The records of a role by channel, where they have a value."""
    found: dict[str | None, list[ReaderRecord]] = {}
    for each in records:
        if each.role == role and each.number is not None:
            found.setdefault(each.channel, []).append(each)
    return found


def _in_use(records: Sequence[ReaderRecord], role: str) -> dict[str | None, list[ReaderRecord]]:
    """The same of the channels that a dosimeter of the run was read with."""
    used = _series(records, SAMPLE)
    return {channel: series for channel, series in _series(records, role).items() if channel in used}


def _outside(
    check: str, channel: str | None, series: list[ReaderRecord], limit: float, severity: Severity, least: float = 0.0
) -> list[Finding]:
    """The worst reading beyond the limit from the mean of those before it, if it is off by `least` or more."""
    worst: tuple[float, ReaderRecord] | None = None
    values: list[float] = []
    for each in series:
        mean = float(np.mean(values)) if values else None
        values.append(each.number or 0.0)
        if mean is None or mean <= 0:
            continue
        off = 100 * (values[-1] / mean - 1)
        if abs(off) > limit and abs(values[-1] - mean) >= least and (worst is None or abs(off) > abs(worst[0])):
            worst = off, each
    if worst is None:
        return []
    off, record = worst
    end = "the run's readings cannot be compared" if severity is Severity.REFUSE else "look at the PMT and for light"
    return [
        Finding(
            check=check, severity=severity, of=channel, source=SUGGESTED, value=off, limit=limit, unit="%",
            sentence=f"{check}{_of(channel)} is {off:+.1f} % from its running mean at {record.name}; the limit is"
            f" {limit:g} %: {end}.",
        )
    ]  # fmt: skip


def _drift(channel: str | None, series: list[ReaderRecord], limit: float) -> list[Finding]:
    """A line through the readings that rises or falls by more than the limit over the run, surely by their scatter."""
    values = np.array([each.number for each in series], dtype=np.float64)
    if values.size < _FEWEST_FOR_DRIFT or float(values.mean()) <= 0:
        return []
    x = np.arange(values.size) - (values.size - 1) / 2
    relative = 100 * values / float(values.mean())
    slope = float(x @ relative) / float(x @ x)
    off = relative - 100 - slope * x
    u = (float(off @ off) / (values.size - 2) / float(x @ x)) ** 0.5
    drift = slope * (values.size - 1)
    if abs(drift) <= limit or abs(slope) <= _SURE * u:
        return []
    return [
        Finding(
            check="Drift of the reference light", severity=Severity.REMARK, of=channel, source=SUGGESTED, value=drift,
            limit=limit, unit="%",
            sentence=f"Reference light{_of(channel)} drifts by {drift:+.1f} % over the run; elements read late and"
            " early are not in one scale unless they are corrected with it.",
        )
    ]  # fmt: skip


def _of(channel: str | None) -> str:
    return "" if channel is None else f" of {channel}"
