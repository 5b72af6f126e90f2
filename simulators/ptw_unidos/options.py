"""How a simulated UNIDOS is set up: what it reports of itself, and the oddities it is to have, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulators.ptw_unidos.meter import RANGES, ZERO_S

SETUPS: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "other-hv": {"hv_reads": 300},
    "other-range": {"range_reads": "HIGH"},
    "slow-progress": {"progress_lag_s": 0.5},
    "locked": {"token_free": False},
    "slow-hv": {"hv_ramp_v_per_s": 50.0},
}


@dataclass(frozen=True)
class UnidosOptions:
    """Set-up of a UNIDOS; None keeps what the model reports. `calibration_gy_per_c` belongs to its detector.

    `setup` names a set of the options behind it: `other-hv` (the detector voltage is another than was set, and the
    reply says so: `hv_reads`, V), `other-range` (the same with the range: `range_reads`), `slow-progress` (NUS and
    ASS still say Passed for `progress_lag_s` simulated seconds after NUL and AST), `locked` (`token_free` False:
    somebody holds the lock on the screen), `slow-hv` (the detector's voltage goes to the one that was set by
    `hv_ramp_v_per_s`, V/s, and MV states where it is; 0 is at once). `min_hv`, `max_hv` (V) are the detector's own;
    `zero_s` is how long its zero correction lasts.
    """

    serial: str = "123456"
    name: str | None = None
    type_number: str | None = None
    firmware: str = "1.2.4"
    hardware: str = "A16"
    mac: str = "00-1A-2B-3C-4D-5E"
    calibration_gy_per_c: float = 5.0e7
    leakage_a: float = 0.0
    setup: str = "plain"
    hv_reads: int | None = None
    range_reads: str | None = None
    progress_lag_s: float = 0.0
    token_free: bool = True
    hv_ramp_v_per_s: float = 0.0
    zero_s: float = ZERO_S
    min_hv: int = -400
    max_hv: int = 400

    def __post_init__(self) -> None:
        if self.setup not in SETUPS:
            raise ValueError(f"There is no set-up {self.setup!r} of a UNIDOS; there are {', '.join(SETUPS)}.")
        if self.range_reads is not None and self.range_reads not in RANGES:
            raise ValueError(f"range_reads {self.range_reads!r} is not allowed; allowed are {', '.join(RANGES)}.")

    @classmethod
    def named(cls, given: Mapping[str, Any]) -> UnidosOptions:
        """The options given by name, those of the set-up they name underneath."""
        return cls(**{**SETUPS.get(given.get("setup", "plain"), {}), **given})
