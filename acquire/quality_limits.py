"""The limits of the checks, one table that a site sets; the numbers given here are suggestions, to be tuned per site.

"dossier 4.7" is section 4.7 of the project's reader dossier, its table "Anomalies and quality checks", whose heading
says "suggested test (tune per site)". "assumed": no document gives the number; it is chosen here and says so. A limit
without a number has none anywhere: without the site's own that check says "not judged: no limit given".
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

SUGGESTED = "reader dossier 4.7, suggested limit, tune per site"
TLDETECT = "TLDetect, Sensors 2024, 24, 6904 (reader dossier 4.7)"
PILE_UP = "reader dossier 3.4 and 4.7, suggested limit, tune per site"
DAEMON = "reader dossier 4.7, checks before a session is accepted"
SITES_OWN = "limit of the site; the reader dossier gives none"
ASSUMED = "assumed limit, no document gives one"

FEWEST_CHANNELS = 20  # of a curve whose form can be judged
FEWEST_OF_BATCH = 4  # curves, of which one can be called the odd one; assumed
SIGNED = ("set_high_voltage_v",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits by name. Raises ValueError for one that is not above 0 or no finite number.

    set_...: what the reader is set to, where its files do not say it (°C, K/s, V); dead_time_ns: of its counter.
    """

    spike_sigma: float = 6.0  # of the noise (dossier 4.7)
    spike_percent: float = 2.0  # of the curve's height (dossier 4.7)
    light_leak_times: float = 5.0  # of the PMT noise, mean of the first five channels (dossier 4.7)
    light_leak_percent: float = 3.0  # of the curve's sum, beyond which there is no number (assumed)
    shift_k: float = 8.0  # of the maximum, against the batch (dossier 4.7)
    contact_shift_k: float = 10.0  # of the maximum, together with the width: poor contact (dossier 4.7)
    width_percent: float = 15.0  # of the width at half height, against the batch (dossier 4.7)
    temperature_k: float = 3.0  # of the hottest temperature, and of a stated heater error (dossier 4.7)
    rate_percent: float = 3.0  # of the heating rate (dossier 4.7)
    high_voltage_v: float = 5.0  # of the PMT's voltage (dossier 4.7, before a session is accepted)
    pile_up_percent: float = 1.0  # count rate × dead time (dossier 4.7)
    pile_up_refuse_percent: float = 10.0  # the same, beyond which there is no number (assumed)
    noise_times: float = 3.0  # of what counting allows (assumed)
    below_zero_percent: float = 2.0  # of the height, that a baseline lies below 0 (assumed)
    missing_sigma: float = 3.0  # of the noise of a sum (dossier 4.7)
    fom_percent: float = 3.0  # figure of merit of a fit (dossier 4.7)
    residual_percent: float = 3.0  # of the curve's height, a peak of the residuals (dossier 4.7)
    reference_light_percent: float = 5.0  # of the running mean (dossier 4.7)
    pmt_noise_percent: float = 5.0  # of the running mean (dossier 4.7)
    drift_percent: float = 1.0  # of the reference light over a run (dossier 7.7: the drift that tests inject)
    second_read_percent: float = 5.0  # of the first reading: "near zero" (assumed)
    ends_percent: float | None = None  # light far below and above the main peak, of the sum
    hot_end_percent: float | None = None  # light above the main peak, of the sum
    standards_percent: float | None = None  # of a standard, from the median of all
    controls_percent: float | None = None  # of a control, from the median of all
    set_temperature_c: float | None = None
    set_rate_k_s: float | None = None
    set_high_voltage_v: float | None = None
    dead_time_ns: float | None = None

    def __post_init__(self) -> None:
        """Refuse what is no limit."""
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None or (field.name in SIGNED and math.isfinite(value)):
                continue
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{field.name} is {value:g}; it must be a finite number above 0")
