"""What the simulated instruments are given: worked case A. Every number is invented.

Charges are what the detector's channel collects; `truth_gy` is the dose that the scene delivers, which differs from
what will be measured by as much as a calibration may be off.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

DAY_OF_FILES = date(2026, 2, 3)  # the example files' own day; the demonstration moves it to today

BEAM_CHARGE_C: Mapping[str, float] = {"b1": 15.67e-9, "b2": 16.95e-9, "b7": 9.26e-9}
TRUTH_GY: Mapping[str, float] = {"B1": 0.469, "B2": 0.506, "B7": 0.503, "P4": 0.0310, "P5": 0.0129}

# Card numbers with the charge of element ii in pC: standards, controls, then the chips of P4 and P5.
CHIPS: tuple[tuple[int, float], ...] = (
    (201, 641_200), (202, 655_000), (203, 633_700), (301, 350), (302, 410), (303, 330), (304, 380),
    (14, 40_930), (16, 42_200), (17, 17_920), (18, 18_290),
)  # fmt: skip

DISC_DOSE_SCALE = 0.63  # the simulated disc then gives about 295 039 counts
TEMPERATURE_C, PRESSURE_KPA = 22.1, 99.6
