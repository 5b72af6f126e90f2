"""The measuring part of a simulated UNIDOS: states, ranges, zero correction, autostart, history.

State names after PyMeasure's ptwUNIDOS; the ranges' full scales and resolutions and the autostart thresholds are
assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulators.beam import Detector

ZERO_S, SELF_TEST_S = 82.0, 89.0
ACTIVE = frozenset({"MEAS", "INT", "AUTO_MEAS"})
OVERLOAD_CURRENT, OVERLOAD_CHARGE = 1 << 0, 1 << 1


class PtwError(Exception):
    """A request the unit answers with `E;nn`."""

    def __init__(self, code: int) -> None:
        super().__init__(f"E;{code:02d}")
        self.code = code


@dataclass(frozen=True, slots=True)
class RangeLimits:
    """Full scales and resolutions of one range in ampere and coulomb."""

    current_a: float
    charge_c: float
    current_step_a: float
    charge_step_c: float


RANGES = {
    "VERY_LOW": RangeLimits(2e-11, 2e-9, 1e-16, 1e-14),
    "LOW": RangeLimits(2e-9, 2e-7, 1e-14, 1e-13),
    "MEDIUM": RangeLimits(2e-7, 2e-5, 1e-12, 1e-11),
    "HIGH": RangeLimits(1e-5, 1e-3, 1e-10, 1e-9),
}
THRESHOLDS_A = {"LOW": 1e-12, "MEDIUM": 1e-11, "HIGH": 1e-10}


@dataclass
class Procedure:
    """A zero correction or self test: it runs for a fixed time in the background.

    For ``lag_s`` after its beginning the progress still reads as that of the last run.
    """

    total_s: float
    lag_s: float = 0.0
    end_s: float | None = None

    def running(self, now: float) -> bool:
        """Whether it has begun and not ended at the simulated second ``now``."""
        return self.end_s is not None and now < self.end_s

    def text(self, now: float) -> str:
        """`Passed;0;82000`: status, remaining and total milliseconds."""
        if self.end_s is None or now >= self.end_s or now < self.end_s - self.total_s + self.lag_s:
            return f"Passed;0;{self.total_s * 1000:.0f}"
        return f"Running;{(self.end_s - now) * 1000:.0f};{self.total_s * 1000:.0f}"


class DoseMeter:
    """One measuring unit with one detector; every instant it is given is a simulated second."""

    def __init__(
        self, detector: Detector, calibration_gy_per_c: float, now: float, *, progress_lag_s: float = 0.0,
        hv_ramp_v_per_s: float = 0.0, zero_s: float = ZERO_S,
    ) -> None:  # fmt: skip
        self.detector = detector
        self.calibration = calibration_gy_per_c
        self.state = "RES"
        self.range_ = "MEDIUM"
        self.voltage_v = 200
        self._hv_ramp_v_per_s = hv_ramp_v_per_s
        self._hv_from_v, self._hv_since_s = 200.0, now
        self.interval_s = 10
        self.autostart = False
        self.autostart_level = "MEDIUM"
        self.autoreset = False
        self.electrical = True
        self.history: list[dict[str, Any]] = []
        self.zeroing = Procedure(zero_s, progress_lag_s)
        self.testing = Procedure(SELF_TEST_S, progress_lag_s)
        self.extra_flags = 0
        self.offset_a = 0.0
        self._start_s = now
        self._stop_s = now
        self._interval_end_s = now

    def charge_c(self, now: float) -> float:
        """Charge in C of the running or held measurement, leakage as last zeroed taken off."""
        if self._start_s == self._stop_s and self.state not in ACTIVE:
            return 0.0
        end_s = now if self.state in ACTIVE else self._stop_s
        collected = self.detector.charge(end_s) - self.detector.charge(self._start_s)
        return collected - self.offset_a * (end_s - self._start_s)

    def current_a(self, now: float) -> float:
        """Present current in A; 0 when reset."""
        if self.state not in ACTIVE:
            return 0.0
        return self.detector.current(now) - self.offset_a

    def time_s(self, now: float) -> float:
        """Measuring time so far, in s."""
        return (now if self.state in ACTIVE else self._stop_s) - self._start_s

    def set_voltage(self, volt: int, now: float) -> None:
        """Let the detector's voltage go from where it is to `volt`."""
        if volt != self.voltage_v:
            self._hv_from_v, self._hv_since_s = self.voltage_at(now), now
        self.voltage_v = volt

    def voltage_at(self, now: float) -> float:
        """The voltage at the detector in V: on its way to the one that was set, or there."""
        left = self.voltage_v - self._hv_from_v
        gone = self._hv_ramp_v_per_s * (now - self._hv_since_s)
        if not self._hv_ramp_v_per_s or gone >= abs(left):
            return float(self.voltage_v)
        return self._hv_from_v + (gone if left > 0 else -gone)

    def flags(self, now: float) -> int:
        """Overload bits, and those that were set from outside."""
        limits = RANGES[self.range_]
        current = OVERLOAD_CURRENT if abs(self.current_a(now)) > limits.current_a else 0
        return self.extra_flags | current | (OVERLOAD_CHARGE if abs(self.charge_c(now)) > limits.charge_c else 0)

    def start(self, now: float) -> None:
        """Begin a dose or charge measurement at the second `now`. Raises PtwError 3 (E;03) when one is running."""
        self._begin("MEAS", now)

    def start_interval(self, now: float) -> None:
        """Begin a measurement that ends by itself after the interval time; a running interval begins anew with the time
        that is set now. Raises PtwError 3 (E;03) during a measurement without end.
        """
        if self.state == "INT":
            self.reset(now)
        self._begin("INT", now)
        self._interval_end_s = now + self.interval_s

    def hold(self, now: float) -> None:
        """End the measurement and keep its values. Raises PtwError 3 (E;03) when none is running."""
        if self.state in {"HOLD", "INTHLD", "AUTO_HOLD"}:
            return
        if self.state not in ACTIVE:
            raise PtwError(3)
        self._end("INTHLD" if self.state == "INT" else "HOLD", now)

    def reset(self, now: float) -> None:
        """Values to zero; a zeroing or self test under way is given up."""
        self.zeroing.end_s = None if self.zeroing.running(now) else self.zeroing.end_s
        self.testing.end_s = None if self.testing.running(now) else self.testing.end_s
        self._start_s = self._stop_s = now
        self.state = "AUTO" if self.autostart else "RES"

    def zero(self, now: float) -> None:
        """Begin the zero correction."""
        self.reset(now)
        self.state = "ZERO"
        self.zeroing.end_s = now + self.zeroing.total_s

    def self_test(self, now: float) -> None:
        """Begin the self test."""
        self.reset(now)
        self.state = "SELF_TEST"
        self.testing.end_s = now + SELF_TEST_S

    def set_autostart(self, on: bool, now: float) -> None:
        """Let the signal start the measurement, or not."""
        self.autostart = on
        if on and self.state == "RES":
            self.state = "AUTO"
        elif not on and self.state.startswith("AUTO"):
            self.reset(now)

    def catch_up(self, now: float) -> None:
        """Let everything end or begin that is due by `now`."""
        if self.state == "INT" and now >= self._interval_end_s:
            self._end("INTHLD", self._interval_end_s)
        elif self.state == "ZERO" and not self.zeroing.running(now):
            self.offset_a = self.detector.mean_current(now - self.zeroing.total_s, now)
            self.state = "AUTO" if self.autostart else "RES"
        elif self.state == "SELF_TEST" and not self.testing.running(now):
            self.state = "AUTO" if self.autostart else "RES"
        elif self.state.startswith("AUTO"):
            self._follow_signal(now)

    def _follow_signal(self, now: float) -> None:
        above = abs(self.detector.current(now) - self.offset_a) >= THRESHOLDS_A[self.autostart_level]
        if above and (self.state == "AUTO" or (self.state == "AUTO_HOLD" and self.autoreset)):
            self._begin("AUTO_MEAS", now)
        elif not above and self.state == "AUTO_MEAS":
            self._end("AUTO_HOLD", now)

    def _begin(self, state: str, now: float) -> None:
        if self.state in {"MEAS", "INT"}:
            raise PtwError(3)
        self.state = state
        self._start_s = self._stop_s = now

    def _end(self, state: str, at_s: float) -> None:
        self._stop_s = at_s
        self.state = state
        charge = self.charge_c(at_s)
        self.history.append(
            {
                "date": f"uptime {at_s:.1f} s",
                "detector": "Farmer 30013",
                "dose": charge if self.electrical else charge * self.calibration,
                "flags": f"{self.flags(at_s):#x}",
                "id": len(self.history) + 1,
                "kTotal": 1.0,
            }
        )
