"""A point of a plan: where, with which method, what is expected of it, and every rule that is fixed before the beam."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import AwareDatetime, Field, model_validator

from acquire.bus.names import Name
from acquire.procedure.documents.asked import Asks, MethodName, asks_of, methods_that
from acquire.procedure.documents.calibrations import Component, FactorEntry
from acquire.procedure.documents.inventory import Id
from acquire.procedure.documents.spectrum_plan import SpectrumPlan
from acquire.tomlfile import Written


class Expected(Written):
    """Expected dose at the point in Gy, its relative standard uncertainty (k = 1, percent), and who answers for it."""

    dose_gy: float = Field(gt=0, lt=100)
    u_percent: float = Field(ge=0, lt=100)
    source: str = Field(min_length=1)
    entered_by: str = Field(min_length=1)
    checked_by: str | None = None

    @model_validator(mode="after")
    def _two_people(self) -> Expected:
        if self.checked_by == self.entered_by:
            raise ValueError("checked_by must be another person than entered_by")
        return self


class DeviationLimits(Written):
    """Limits of the deviation in percent, the rule that decides, and the form of the deviation's uncertainty.

    u_form  "first-order": √(u_meas² + u_exp²); "exact": that times (1 + δ), as the GUM has it
    """

    tolerance_percent: float = Field(gt=0, lt=100)
    action_percent: float = Field(gt=0, lt=100)
    rule: Literal["guard-band", "simple-acceptance"]
    u_form: Literal["first-order", "exact"] = "first-order"
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _order(self) -> DeviationLimits:
        if self.action_percent < self.tolerance_percent:
            raise ValueError("action_percent must not be below tolerance_percent")
        return self


class Plausible(Written):
    """Lowest and highest believable dose in Gy of a point without expected dose; outside, nothing is shown.

    At most a factor of 30 apart: Gy taken for cGy always falls outside, a factor of ten from near the middle.
    """

    low_gy: float = Field(gt=0)
    high_gy: float = Field(gt=0)

    @model_validator(mode="after")
    def _narrow(self) -> Plausible:
        if not self.low_gy < self.high_gy <= 30 * self.low_gy * (1 + 1e-9):
            raise ValueError("high_gy must be above low_gy and at most 30 times it, so that a wrong unit is noticed")
        return self


class Window(Written):
    """Absolute limits of the order in Gy (skin under a junction, dose to a device); either may be left out."""

    low_gy: float | None = Field(None, gt=0)
    high_gy: float | None = Field(None, gt=0)
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _order(self) -> Window:
        if self.low_gy is None and self.high_gy is None:
            raise ValueError("a window needs low_gy, high_gy or both")
        if self.low_gy is not None and self.high_gy is not None and self.low_gy >= self.high_gy:
            raise ValueError("low_gy must be below high_gy")
        return self


class Imaging(Written):
    """Imaging of the course: a line of its own, from a table, never mixed into what was measured."""

    per_image: FactorEntry
    images: int = Field(ge=1)

    @model_validator(mode="after")
    def _unit(self) -> Imaging:
        if self.per_image.unit not in ("cGy", "Gy"):
            raise ValueError(f"per_image must be in cGy or Gy, not in {self.per_image.unit}")
        return self


class Course(Written):
    """What the single measurement stands for over the whole course, with the order's limit in Gy where it has one."""

    fractions: int = Field(ge=1)
    limit_gy: float | None = Field(None, gt=0)
    imaging: Imaging | None = None


class ResultDue(Written):
    """A result of elements is needed before a fraction; people are reminded at these moments, with their offset."""

    fraction: int = Field(ge=2)
    by: AwareDatetime
    remind_at: AwareDatetime | None = None

    @model_validator(mode="after")
    def _order(self) -> ResultDue:
        if self.remind_at is not None and self.remind_at >= self.by:
            raise ValueError("remind_at must be before by")
        return self


class Fading(Written):
    """The site's k_F = 1 + per_day (days - days_of_standards), known from low_days to high_days after irradiation.

    The days go from the removal in the placement record to the readout on the reader's own clock, never to the arrival
    of a file. days_of_standards is left out where the batch states when its standards were irradiated.
    """

    per_day: float = Field(ge=0, le=0.05)
    days_of_standards: float | None = Field(None, ge=0)
    low_days: float = Field(ge=0)
    high_days: float = Field(gt=0)
    u_percent: float = Field(ge=0, lt=100)
    source: str = Field(min_length=1)


class Linearity(Written):
    """The site's k_L = 1 - slope (D_app - at), between low and high; D_app is the dose before any correction."""

    slope_per_gy: float
    at_gy: float = Field(gt=0)
    low_gy: float = Field(ge=0)
    high_gy: float = Field(gt=0)
    u_percent: float = Field(ge=0, lt=100)
    source: str = Field(min_length=1)


class Polarity(Written):
    """k_pol is measured in the session, in steps of kind "polarity"."""

    u_percent: float = Field(ge=0, lt=100)
    source: str = Field(min_length=1)


class Recombination(Written):
    """k_s is measured in the session, in steps of kind "recombination", by the two-voltage method (volts)."""

    beam: Literal["pulsed", "pulsed-scanned", "continuous"]
    high_v: float
    low_v: float
    u_percent: float = Field(ge=0, lt=100)
    source: str = Field(min_length=1)


class Point(Written):
    """A place on or in the patient; `factors` are those of place and beam, a detector's own are in its calibration.

    protocol, fff  of a chamber: TRS-398 or TG-51, and whether the beam has no flattening filter (then k_vol is needed)
    volume         the volume of interest whose cumulative dose is measured, of a point of no port; several points may
                   lie in one
    beam_number    the port's number in the RT Plan, where the plan was made from one
    surface        which side a diode lies on; the exit side has calibrations and a factor (cf_backscatter) of its own
    of             the two points whose mean, times the factor f_mid, a point of method "midline" is
    position       inside or outside the field: an OSL dot outside asks for the site's k_q_out
    channel        of an instrument with several inputs, the one measured here; else the place of the detector
    attempt_rule   which of several irradiations counts; fixed here, never the better value
    pair_rule      what happens with a pair beyond pair_limit_percent; "none": no result
    settle_s       the wait after a change of the chamber's voltage; a reading taken earlier does not count
    detector_fractions  on how many fractions of the course the place may carry a detector (a build-up cap casts a
                   shadow); counted over sessions, plan versions and orders
    result_due     of elements: before which fraction their result is needed, and when people are reminded of it
    pre_irradiation_gy  what a chamber must have received before its readings; it is stated in the session
    """

    id: Id
    site: str
    side: str
    port: str | None = None
    volume: str | None = Field(None, min_length=1)
    beam_number: int | None = Field(None, ge=0)
    beam: str
    method: MethodName
    protocol: Literal["trs398", "tg51"] = "trs398"
    fff: bool = False
    surface: Literal["entrance", "exit"] = "entrance"
    position: Literal["in-field", "out-of-field"] = "in-field"
    detector: Id | None = None
    instrument: Name | None = None
    channel: str | None = Field(None, min_length=1)
    elements: tuple[Id, ...] = ()
    of: tuple[Id, ...] = ()
    attempt_rule: Literal["first-valid", "last-valid", "mean-of-valid"] | None = None
    pair_limit_percent: float | None = Field(None, gt=0)
    pair_rule: Literal["none", "both", "both-with-spread", "named"] = "none"
    pair_named: Id | None = None
    detector_c: float | None = Field(None, gt=0, lt=60)
    detector_c_source: str | None = Field(None, min_length=3)
    settle_s: float | None = Field(None, gt=0)
    pre_irradiation_gy: float | None = Field(None, gt=0)
    detector_fractions: int | None = Field(None, ge=1)
    result_due: ResultDue | None = None
    polarity: Polarity | None = None
    recombination: Recombination | None = None
    fading: Fading | None = None
    linearity: Linearity | None = None
    expected: Expected | None = None
    limits: DeviationLimits | None = None
    plausible: Plausible | None = None
    window: Window | None = None
    course: Course | None = None
    spectrum: SpectrumPlan | None = None
    factors: Mapping[str, FactorEntry] = {}
    uncertainty: tuple[Component, ...] = ()
    note: str | None = None

    @property
    def asks(self) -> Asks:
        """How it is measured, and what must be written down for that."""
        return asks_of(self.method)

    @property
    def by_element(self) -> bool:
        """Whether the point is read from elements, days later if need be."""
        return self.asks.way == "elements"

    @property
    def measured_by(self) -> str:
        """Detector, elements, or the two points whose mean it is, as a table names them."""
        return self.detector or ", ".join(self.elements or self.of)

    @model_validator(mode="after")
    def _whole(self) -> Point:
        match self.asks.way:
            case "elements":
                self._of_elements()
            case "mean":
                if len(set(self.of)) != 2 or self.detector is not None or self.elements:
                    raise ValueError(
                        f"method '{self.method}' needs of: two other points, and no detector and no elements"
                    )
            case "file":
                if self.spectrum is None or self.detector is None or self.expected is not None:
                    raise ValueError(f"method '{self.method}' needs spectrum and detector, and has no expected dose")
            case _:
                if self.detector is None or self.instrument is None or self.elements:
                    raise ValueError(f"method '{self.method}' needs detector and instrument, and no elements")
        return self

    def _of_elements(self) -> None:
        if not self.elements or self.detector is not None:
            raise ValueError(f"method '{self.method}' needs elements and no detector")
        if len(self.elements) > 1 and self.pair_limit_percent is None:
            raise ValueError("a point with several elements needs pair_limit_percent")

    @model_validator(mode="after")
    def _rules(self) -> Point:
        if (self.expected is None) != (self.limits is None):
            raise ValueError("expected dose and limits belong together; give both, or neither for report only")
        if self.expected is None and self.plausible is None and self.asks.way != "file":
            raise ValueError("a point without expected dose needs plausible: the lowest and highest believable dose")
        if self.pair_rule == "named" and self.pair_named not in self.elements:
            raise ValueError("pair_rule 'named' needs pair_named: the element of the pair that counts")
        if self.port is not None and self.volume is not None:
            raise ValueError("a point is of a port, or of a volume of interest; give one of port and volume")
        if self.result_due is not None and not self.by_element:
            raise ValueError("result_due is of elements, which are read days later")
        if self.channel is not None and self.instrument is None:
            raise ValueError("channel is the input of an instrument; a reader's detector is named in its batch")
        self._measured_in_session()
        return self

    def _measured_in_session(self) -> None:
        """What only some methods measure beside the dose."""
        stated = {"polarity": self.polarity, "recombination": self.recombination}
        foreign = {kind: value for kind, value in stated.items() if value and kind not in self.asks.in_session}
        if foreign or (self.pre_irradiation_gy and not self.asks.pre_irradiated):
            theirs = ", ".join(f"'{name}'" for name in methods_that(lambda asks: bool(asks.in_session)))
            raise ValueError(f"polarity, recombination and pre_irradiation_gy belong to method {theirs}")
