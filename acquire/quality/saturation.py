"""More light than the reader can measure: a top that was cut off, and counts that came too fast to be told apart."""

from __future__ import annotations

from acquire.quality.curve import COUNTS, RATE, Curve, stated
from acquire.quality.finding import Finding, Severity, not_judged
from acquire.quality.flat_top import FlatTop, equal_top, noisy_top
from acquire.quality.record import ReaderRecord
from acquire.quality_limits import FEWEST_CHANNELS, PILE_UP, SUGGESTED, Limits

FLAT_CHANNELS = 3  # at the top, of one height (reader dossier 4.7)
_FEW = 8  # channels, below which a top has no flanks
_FEW_COUNTS = 100.0  # in the brightest channel
# Count-pair resolution of a lexsyg's detectors in ns (reader dossier 3.4).
PAIR_RESOLUTION_NS = {"UVVIS": 18.0, "NIR50": 70.0, "NIR40": 70.0, "ETPMT": 25.0}


def clipped(curve: Curve) -> list[Finding]:
    """A flat top of three channels or more (dossier 4.7), with noise on it or without; of a decay, at its beginning."""
    signal = curve.signal
    if signal.size < _FEW or float(signal.max()) <= 0:
        return []
    top = equal_top(signal, FLAT_CHANNELS) or _at_the_beginning(curve)
    if top is None and _may_be_noisy(curve):
        top = noisy_top(signal)
    if top is None:
        return []
    where = f"channel {top.start + 1}" + (f" ({curve.kelvin[top.start]:.0f} K)" if curve.kelvin is not None else "")
    return [
        Finding(
            check="Saturation", severity=Severity.REFUSE, of=curve.name, source=SUGGESTED, unit="1",
            value=top.channels, limit=FLAT_CHANNELS,
            sentence=f"{curve.name} is cut off at {top.level:.4g} for {top.channels} channels from {where} on, and"
            f" would have risen by {100 * top.rise / top.level:.0f} % more: the reader's range was exceeded, and its"
            " sum is too small.",
        )
    ]  # fmt: skip


def _may_be_noisy(curve: Curve) -> bool:
    """Whether a flat top under noise could be told: of few counts every top is flat somewhere."""
    few = curve.counts is not None and float(curve.signal.max()) < _FEW_COUNTS
    return curve.form != "decay" and curve.signal.size >= FEWEST_CHANNELS and not few


def _at_the_beginning(curve: Curve) -> FlatTop | None:
    """A decay that stays at one height before it falls: the counter's end, unless the counts are few."""
    if curve.form != "decay":
        return None
    signal = curve.signal
    top = float(signal.max())
    first = int(signal.argmax())
    same = 0
    while first + same < signal.size and signal[first + same] == top:
        same += 1
    if same < FLAT_CHANNELS or first + same >= signal.size or (curve.counts is not None and top < _FEW_COUNTS):
        return None
    return FlatTop(first, same, top, float(top - signal[first + same]) * same / 2)


def pile_up(curve: Curve, record: ReaderRecord, limits: Limits) -> list[Finding]:
    """Highest count rate × dead time above 1 % (dossier 4.7): so much of the light at the maximum was not counted.

    Charge is not counted; there is nothing to judge.
    """
    if curve.unit not in (COUNTS, RATE):
        return []
    rate, dead_ns = curve.rate_hz, limits.dead_time_ns or _stated_ns(record)
    if dead_ns is None:
        return [not_judged("Pile-up", "the counter's dead time is not known", PILE_UP, curve.name)]
    if rate is None:
        return [not_judged("Pile-up", "the width of the channels is not known", PILE_UP, curve.name)]
    lost = 100 * rate * dead_ns * 1e-9
    if lost <= limits.pile_up_percent:
        return []
    beyond = lost > limits.pile_up_refuse_percent
    end = "its sum is too small" if beyond else "correct it, or read with less light"
    return [
        Finding(
            check="Pile-up", severity=Severity.REFUSE if beyond else Severity.DOUBT, of=curve.name, source=PILE_UP,
            unit="%", value=lost, limit=limits.pile_up_refuse_percent if beyond else limits.pile_up_percent,
            sentence=f"{curve.name}: up to {rate:.3g} counts a second with a dead time of {dead_ns:g} ns; {lost:.2g} %"
            f" of the light at its maximum was not counted: {end}.",
        )
    ]  # fmt: skip


def _stated_ns(record: ReaderRecord) -> float | None:
    """Of a lexsyg's detector by its name; of a Risø record what its header says (s)."""
    seconds = stated(record, "DEADTIME")
    return PAIR_RESOLUTION_NS.get(record.channel or "") if seconds is None else seconds * 1e9
