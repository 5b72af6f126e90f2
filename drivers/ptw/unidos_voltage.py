"""Whether what a UNIDOS measures has settled after its voltage or range was changed, pure: times and voltages in.

A change is what the instrument itself states (the voltage in each MV reply, the range beside it) or what was just set;
nobody types when it was. A voltage settles from the moment at which it was read back as reached.
"""

from __future__ import annotations

from drivers.reading import Flag

HV_WITHIN = 0.01  # of the set voltage; assumed
HV_STEP_V = 2.0  # two stated voltages further apart are a change; assumed
HV_ARRIVES_S = 60.0  # a voltage that was set and is not reached by then is not as it was set; assumed


class HighVoltage:
    """The detector voltage of one unit. wanted_v: as last set explicitly, by a setting or a command; None: never.

    It outlives an opening: after a fault of the line nothing is turned back, and what settled settles on. by_command:
    a command set it last; what it set is never sent again by itself, since the unit may have been off in between.
    """

    def __init__(self, wanted_v: int | None) -> None:
        self.wanted_v = wanted_v
        self.by_command = False
        self._stated_v: float | None = None
        self._set_s: float | None = None  # until it was reached
        self._settles = False
        self._reached_s: float | None = None

    def was_set(self, now_s: float) -> None:
        """It was changed just now."""
        self._set_s, self._settles, self._reached_s = now_s, True, None

    def doubt(self, stated_v: float, now_s: float, settle_s: float) -> tuple[Flag, str] | None:
        """What is to be said of a reading at this stated voltage, without a full stop; None where all is well."""
        if self._stated_v is not None and abs(stated_v - self._stated_v) > HV_STEP_V:
            self._settles, self._reached_s = True, None
        self._stated_v = stated_v
        if self.wanted_v is not None and abs(stated_v - self.wanted_v) > self._tolerance_v(self.wanted_v):
            self._reached_s = None
            if self._set_s is not None and now_s - self._set_s < HV_ARRIVES_S:
                return Flag.SETTLING, f"the detector's voltage is {stated_v:g} V on its way to {self.wanted_v} V"
            return Flag.CHANGED_BY_HAND, f"the detector's voltage is {stated_v:g} V; {self.wanted_v} V was set"
        self._set_s = None
        return self._settling(now_s, settle_s) if self._settles else None

    def _settling(self, now_s: float, settle_s: float) -> tuple[Flag, str] | None:
        if self._reached_s is None:
            self._reached_s = now_s
        if (since_s := now_s - self._reached_s) < settle_s:
            return (
                Flag.SETTLING,
                f"the detector's voltage was reached {since_s:.1f} s ago and settles for {settle_s:g} s",
            )
        self._settles = False
        return None

    @staticmethod
    def _tolerance_v(wanted_v: int) -> float:
        return max(HV_STEP_V / 2, HV_WITHIN * abs(wanted_v))


class RangeChange:
    """When the range was last seen, or made, to change."""

    def __init__(self) -> None:
        self._range: str | None = None
        self._since_s: float | None = None

    def was_set(self, now_s: float) -> None:
        """It was changed just now."""
        self._since_s = now_s

    def doubt(self, range_: str | None, now_s: float, settle_s: float) -> tuple[Flag, str] | None:
        """Why a reading in this range is too early, without a full stop; None where it has settled."""
        if None not in (range_, self._range) and range_ != self._range:
            self._since_s = now_s
        self._range = range_ or self._range
        if self._since_s is None or (since_s := now_s - self._since_s) >= settle_s:
            return None
        return Flag.SETTLING, f"the range was changed {since_s:.1f} s ago and settles for {settle_s:g} s"
