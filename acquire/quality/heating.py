"""Heating and supply: the temperature that was to be reached, the rate, the heater's own error, the PMT's voltage.

What the reader was set to comes from the site's table, or else from the file where it says so; otherwise the other
curves of the batch stand for it: one programme for all dosimeters of a group (reader dossier 4.7).
"""

from __future__ import annotations

import numpy as np

from acquire.quality.curve import RATES, ZERO_CELSIUS_K, Curve, stated
from acquire.quality.finding import Finding, Severity, not_judged
from acquire.quality.record import ReaderRecord
from acquire.quality.shape import Batch, Shape
from acquire.quality_limits import DAEMON, FEWEST_OF_BATCH, SUGGESTED, Limits

HOTTEST = ("MaxTemp",)  # what a file calls the temperature that was to be reached, °C: Daybreak
_GLOWING = 0.01  # of the height: where light is emitted, the heater's error counts


def temperature(record: ReaderRecord, shape: Shape, batch: Batch, limits: Limits) -> list[Finding]:
    """Hottest temperature off by more than 3 K (dossier 4.7). Below what was set the traps are not emptied: refused."""
    if shape.hottest_k is None:
        return []
    wanted, whose = limits.set_temperature_c or stated(record, *HOTTEST), "set"
    if wanted is None:
        if batch.hottest_k is None:
            return [_no_reference("Hottest temperature", "temperature", record.name)]
        wanted, whose = batch.hottest_k - ZERO_CELSIUS_K, "of its batch"
    reached = shape.hottest_k - ZERO_CELSIUS_K
    off = reached - wanted
    if abs(off) <= limits.temperature_k:
        return []
    cold = "part of the light is still in the element, and the sum is too small"
    hot = "an element that is overheated answers less the next time it is used"
    return [
        Finding(
            check="Hottest temperature", of=record.name, source=SUGGESTED, unit="K", value=off,
            limit=limits.temperature_k,
            severity=Severity.REFUSE if off < 0 and whose == "set" else Severity.DOUBT,
            sentence=f"{record.name} was heated to {reached:.1f} °C, {abs(off):.1f} K {'less' if off < 0 else 'more'}"
            f" than the {wanted:.1f} °C {whose}: {cold if off < 0 else hot}.",
        )
    ]  # fmt: skip


def rate(record: ReaderRecord, shape: Shape, batch: Batch, limits: Limits) -> list[Finding]:
    """Heating rate off by more than 3 % (dossier 4.7): peaks move and change their height."""
    if shape.rate_k_s is None:
        return []
    wanted, whose = limits.set_rate_k_s or stated(record, *RATES), "set"
    if wanted is None:
        if batch.rate_k_s is None:
            return [_no_reference("Heating rate", "rate", record.name)]
        wanted, whose = batch.rate_k_s, "of its batch"
    off = 100 * (shape.rate_k_s / wanted - 1)
    if abs(off) <= limits.rate_percent:
        return []
    return [
        Finding(
            check="Heating rate", severity=Severity.DOUBT, of=record.name, source=SUGGESTED, unit="%", value=off,
            limit=limits.rate_percent,
            sentence=f"{record.name} was heated with {shape.rate_k_s:.3g} K/s, {off:+.1f} % from the {wanted:.3g} K/s"
            f" {whose}: its peaks lie elsewhere than those of the others.",
        )
    ]  # fmt: skip


def heater_error(curve: Curve, limits: Limits) -> list[Finding]:
    """A temperature error that the reader itself states ("Terr"), above 3 K while there is light (dossier 4.7).

    Before the glow a heater may still be warmer than its programme, which begins below the room's temperature.
    """
    if curve.errors_k is None or not curve.is_finite:
        return []
    glowing = curve.signal > _GLOWING * float(curve.signal.max())
    worst = float(np.abs(curve.errors_k[glowing]).max()) if glowing.any() else 0.0
    if worst <= limits.temperature_k:
        return []
    return [
        Finding(
            check="Heater error", severity=Severity.DOUBT, of=curve.name, source=SUGGESTED, unit="K", value=worst,
            limit=limits.temperature_k,
            sentence=f"{curve.name}: the reader states a temperature error of up to {worst:.1f} K while it glowed; its"
            " peaks do not lie where the temperature says.",
        )
    ]  # fmt: skip


def high_voltage(name: str, shape: Shape, batch: Batch, limits: Limits) -> list[Finding]:
    """PMT voltage off by more than 5 V (dossier 4.7): of its own median, and of what is set, or of the batch."""
    if shape.volts is None:
        return []
    wanted = limits.set_high_voltage_v or batch.volts
    off = max(shape.volts_off, 0.0 if wanted is None else abs(shape.volts - wanted))
    if off <= limits.high_voltage_v:
        return []
    about = shape.volts if wanted is None or off == shape.volts_off else wanted
    return [
        Finding(
            check="High voltage", severity=Severity.DOUBT, of=name, source=DAEMON, unit="V", value=off,
            limit=limits.high_voltage_v,
            sentence=f"{name}: the PMT's voltage was up to {off:.3g} V off {about:g} V; the PMT's gain follows it many"
            " times over.",
        )
    ]  # fmt: skip


def _no_reference(check: str, what: str, name: str) -> Finding:
    why = f"the {what} that was set is not stated, and there are fewer than {FEWEST_OF_BATCH} curves of its kind"
    return not_judged(check, why, SUGGESTED, name)
