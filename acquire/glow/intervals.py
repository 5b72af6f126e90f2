"""Signal and background intervals of a decay curve: what dating and dosimetry take instead of components.

The net signal is the sum of the points in the signal interval minus that of the background interval, scaled to as many
points ("early background" just after the signal, "late" at the end of the curve; Ballarini et al. 2007).
"""

from __future__ import annotations

import msgspec
import numpy as np

from acquire.glow.decay import DecayCurve
from acquire.glow.errors import GlowError
from acquire.glow.noise import COUNTS

Span = tuple[float, float]


class IntervalResult(msgspec.Struct, frozen=True, kw_only=True):
    """Sums in the signal's unit; spans in s. ratio: points of the signal's interval per point of the background's."""

    signal_s: Span
    background_s: Span
    gross: float
    background: float
    ratio: float
    net: float
    u_net: float


def interval_signal(curve: DecayCurve, signal_s: Span, background_s: Span) -> IntervalResult:
    """Net signal of a decay curve; spans include points with low < t <= high, s.

    Of counts the uncertainty is Poisson's, or that of the background's own scatter where it is larger; of anything else
    it is that scatter for both. Raises GlowError for an interval without points, and for two that overlap.
    """
    inside = [(curve.time_s > low) & (curve.time_s <= high) for low, high in (signal_s, background_s)]
    counts = [int(each.sum()) for each in inside]
    if counts[0] == 0 or counts[1] < 2:
        raise GlowError(f"The intervals hold {counts[0]} and {counts[1]} points; the signal needs 1, the background 2.")
    if bool(np.any(inside[0] & inside[1])):
        raise GlowError("The intervals of signal and background overlap; let the one end where the other begins.")
    if not np.isfinite(curve.signal[inside[0] | inside[1]]).all():
        raise GlowError("A point of the intervals is no finite number.")
    gross, under = float(curve.signal[inside[0]].sum()), float(curve.signal[inside[1]].sum())
    ratio = counts[0] / counts[1]
    scatter = float(np.var(curve.signal[inside[1]], ddof=1))
    of_background = counts[1] * scatter
    of_gross = counts[0] * scatter
    if curve.unit == COUNTS:
        of_background, of_gross = max(of_background, under), max(gross, 0.0)
    return IntervalResult(
        signal_s=signal_s, background_s=background_s, gross=gross, background=under, ratio=ratio,
        net=gross - ratio * under, u_net=(of_gross + ratio**2 * of_background) ** 0.5,
    )  # fmt: skip
