"""The beam as the readings of a measurement show it: in which parts it came, and how long it was on. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from acquire.dosimetry import SeenBeam, beam_parts, slope
from acquire.procedure.methods.collected_charge import IN_NC, Body, curve
from acquire.sums import added

SHARE_OF_DURATION = 0.10  # how far a machine's dose rate may be from the stated one: assumed


@dataclass(frozen=True, slots=True)
class Still:
    """What an instrument shows without a beam: leakage in nC/s, and the scatter of a reading in nC."""

    nc_per_s: float = 0.0
    scatter_nc: float = 0.0


def still(bodies: Sequence[Body]) -> Still:
    """From a background. Raises Invalid as `curve` does."""
    times, charges = curve(bodies)
    if len(times) < 3 or times[-1] <= times[0]:
        return Still()
    rate = slope(times, charges)
    mean_t, mean_q = added(times) / len(times), added(charges) / len(charges)
    squares = added((q - mean_q - rate * (t - mean_t)) ** 2 for t, q in zip(times, charges, strict=True))
    return Still(rate, (squares / (len(times) - 2)) ** 0.5)


def beam_seen(
    bodies: Sequence[Body],
    without: Still,
    pauses_up_to_s: float | None = None,
    *,
    from_reset: bool = False,
) -> SeenBeam:
    """The parts of the beam in the readings of a measurement. Raises Invalid as `curve` does.

    from_reset: the charge and the clock began at 0 with the measurement.
    """
    times, charges = curve(bodies)
    if from_reset and times[0] > 0:
        times, charges = [0.0, *times], [0.0, *charges]
    scatter = (without.scatter_nc**2 + last_digit_nc(bodies) ** 2) ** 0.5
    return beam_parts(
        times, charges, leakage_nc_per_s=without.nc_per_s, scatter_nc=scatter, pauses_up_to_s=pauses_up_to_s or 0.0
    )


def last_digit_nc(bodies: Sequence[Body]) -> float:
    """The last decimal place in which the charges differ, in nC: a coarse display rises in steps of it."""
    valued = [b for b in bodies if b["quantity"] == "charge" and b.get("value") is not None and b["unit"] in IN_NC]
    places = [int(Decimal(repr(float(b["value"]))).as_tuple().exponent) for b in valued if float(b["value"]) != 0]
    return 10.0 ** min(places) * IN_NC[valued[0]["unit"]] if places else 0.0


def lasts_s(mu: float | None, dose_rate_mu_per_min: float | None) -> float | None:
    """How long a beam is on by its MU and the machine's dose rate, in s; None where either is not stated."""
    return None if mu is None or dose_rate_mu_per_min is None else 60 * mu / dose_rate_mu_per_min


def duration_differs(
    parts: Sequence[tuple[float, float, float]], expected_s: float | None, *, whole_s: float | None = None
) -> str | None:
    """What is wrong where the parts that count lasted shorter or longer than MU and dose rate say; None else.

    parts: (begin, end, interval between readings) of each, in s; both ends are known to one interval. whole_s: of the
    whole beam, where these are the rest of it.
    """
    if expected_s is None or not parts:
        return None
    lasted = added(end - begin for begin, end, _ in parts)
    ends = added(2 * interval for *_, interval in parts)
    if abs(lasted - expected_s) <= SHARE_OF_DURATION * (whole_s or expected_s) + ends:
        return None
    return f"the beam was on for {lasted:.1f} s, where its MU and the machine's dose rate give {expected_s:.1f} s"
