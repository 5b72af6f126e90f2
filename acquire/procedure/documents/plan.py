"""The physicist's plan for an order: points with expected dose and limits, and the steps in the order they run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Literal

from pydantic import AwareDatetime, Field, model_validator

from acquire import tomlfile
from acquire.bus.names import Name
from acquire.errors import Refused
from acquire.procedure.documents.asked import methods_that
from acquire.procedure.documents.brachy_source import BrachySource
from acquire.procedure.documents.calibrations import FactorEntry, Range
from acquire.procedure.documents.charging import Adjustment, Unlisted
from acquire.procedure.documents.curve_limits import LimitsTable
from acquire.procedure.documents.inventory import Id
from acquire.procedure.documents.point import Point
from acquire.procedure.documents.rt_plan_file import RtPlanFile
from acquire.procedure.documents.to_fill import must_be_filled
from acquire.tomlfile import Written


class Blanks(Written):
    """Zero-dose readings of a batch: their standard deviation in the signal's unit, from at least ten of them."""

    sd: float = Field(gt=0)
    n: int = Field(ge=10)
    unit: Literal["nC", "{counts}", "mRAD"]
    source: str = Field(min_length=1)


class CheckElement(Written):
    """An element of known signal that is read in every session of the reader, and how far it may be off."""

    element: Id
    signal: FactorEntry
    limit_percent: float = Field(gt=0, lt=100)


class Batch(Written):
    """Elements that travel with those of the points: standards of known dose, and unirradiated controls.

    Without standards the reader's own calibration must state `rcf` (for OSL `n_dw`) and `background`. rcf_u_percent is
    the standard uncertainty of the coefficient that the standards give, without the scatter that they show;
    coefficient_range the coefficients that the site believes (RCF, or N_D,w of dots).

    background  whether it is taken off after the element's sensitivity or before; the site chooses, the steps print it
    chain       OSL only: "tg191", or "reader" for the reader's own form counts/(factor · sensitivity)
    readings    how often each element of a point is read; `standard_readings` the same of standards and controls
    standards_irradiated  when, with its offset; their days for fading are then counted on the reader's clock
    blanks      what the detection limit comes from (three standard deviations); below it no number is shown
    check       the reader's check element; beyond its limit no element of the session counts
    depletion   what one OSL reading takes away, as a fraction, and the form in which it is corrected
    readout     where the reader writes several records of an element: what the one that counts says of itself, as in
                { recordType = "TL", sequenceStepNumber = "3" }; `channel` the detector, where it has several
    limits      of the curves, and of the spread of standards and controls, where the site's are not those suggested
    """

    reader: Name
    standards: tuple[Id, ...] = ()
    standard_dose: FactorEntry | None = None
    standards_irradiated: AwareDatetime | None = None
    rcf_u_percent: float | None = Field(None, gt=0)
    coefficient_range: Range | None = None
    blanks: Blanks | None = None
    check: CheckElement | None = None
    controls: tuple[Id, ...] = ()
    background: Literal["after-sensitivity", "before-sensitivity"] = "after-sensitivity"
    chain: Literal["tg191", "reader"] = "tg191"
    readings: int = Field(1, ge=1, le=20)
    standard_readings: int = Field(1, ge=1, le=20)
    depletion_per_reading: float | None = Field(None, ge=0, lt=0.2)
    depletion: Literal["growing", "falling"] | None = None
    readout: Mapping[str, str] = {}
    channel: str | None = Field(None, min_length=1)
    limits: LimitsTable | None = None

    @property
    def travelling(self) -> tuple[str, ...]:
        """Standards, controls and check element: what is read beside the elements of the points."""
        return (*self.standards, *self.controls, *((self.check.element,) if self.check else ()))

    @model_validator(mode="after")
    def _whole(self) -> Batch:
        if self.standards and (self.standard_dose is None or self.rcf_u_percent is None or not self.controls):
            raise ValueError("standards need standard_dose, rcf_u_percent and controls")
        if self.standard_dose is not None and self.standard_dose.unit != "cGy":
            raise ValueError(f"standard_dose must be in cGy, not in {self.standard_dose.unit}")
        if self.standard_dose is not None and self.standard_dose.u_percent > 0:
            raise ValueError("the uncertainty of standard_dose belongs in rcf_u_percent; write 0 beside the dose")
        if self.standards and self.chain == "reader":
            raise ValueError(
                "the reader's own form (chain = \"reader\") takes no standards: its reader_factor is of the reader's"
                " calibration; leave standards out, or use the chain tg191"
            )
        twice = sorted({e for e in self.travelling if self.travelling.count(e) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} stands more than once among standards, controls and check element")
        if max(self.readings, self.standard_readings) > 1 and None in (self.depletion_per_reading, self.depletion):
            raise ValueError("repeated readings need depletion_per_reading and depletion (growing or falling)")
        return self


LAST_FRACTION = 999  # more than any course has; a number that no store holds is no fraction
CHARGES = ("irradiate", "polarity", "recombination")
INTEGRATING = ("background", *CHARGES)
MARKED = ("zero", "background", "threshold", *CHARGES)
AT_ONCE = ("zero", "background", "threshold", "irradiate")  # what may be done at several points in one step


class Step(Written):
    """One step. Steps run in the order of the file.

    irradiate  one beam. It may be measured at several points at once (`points`: entrance and exit, say), each on its
               own instrument and channel; `instrument` is left out where they are on several. So may a zero, a
               background and a threshold
    mu, dose_rate_mu_per_min  how long the beam is on; where either is not stated that is not checked
    pauses_up_to_s  beam-off between segments of one field that belongs to the field as it is planned; without it
               every pause that is seen makes another part of the beam
    polarity, recombination  an irradiation of a chamber at the opposite polarity, at the lower voltage
    threshold                a MOSFET's threshold voltage is read: one step before its irradiation, one after it
    """

    id: Name
    kind: Literal[
        "zero", "background", "irradiate", "polarity", "recombination", "threshold", "place", "remove", "read-out"
    ]
    title: str
    instrument: Name | None = None
    point: Id | None = None
    points: tuple[Id, ...] = ()
    mu: float | None = Field(None, gt=0)
    dose_rate_mu_per_min: float | None = Field(None, gt=0)
    pauses_up_to_s: float | None = Field(None, gt=0)
    gantry_deg: float | None = None
    ssd_cm: float | None = None
    duration_s: float | None = Field(None, gt=0)
    voltage_v: float | None = None

    @model_validator(mode="after")
    def _whole(self) -> Step:
        several = self.kind in AT_ONCE and len(self.points) > 1
        if self.has_markers and self.points and (self.point is not None or not several):
            allowed = "a point, or two points or more" if self.kind in AT_ONCE else "one point"
            raise ValueError(f"a step of kind '{self.kind}' has {allowed}")
        if (self.has_markers or self.kind == "read-out") and self.instrument is None and not several:
            raise ValueError(f"a step of kind '{self.kind}' needs an instrument")
        if self.kind in (*CHARGES, "threshold") and (self.point is None) == (not several):
            raise ValueError(f"a step of kind '{self.kind}' needs a point{' or points' * (self.kind in AT_ONCE)}")
        if len(set(self.points)) < len(self.points):
            raise ValueError("a point stands twice among points")
        if self.kind != "irradiate" and (self.dose_rate_mu_per_min or self.pauses_up_to_s):
            raise ValueError("dose_rate_mu_per_min and pauses_up_to_s belong to steps of kind 'irradiate'")
        if not self.has_markers and not self.points:
            raise ValueError(f"a step of kind '{self.kind}' needs points")
        return self

    @property
    def has_markers(self) -> bool:
        """Whether the step is a measurement between markers in an instrument's stream."""
        return self.kind in MARKED

    @property
    def named(self) -> tuple[str, ...]:
        """Every point that the step names, whether it is measured in it or elements are placed, removed or read."""
        return (*((self.point,) if self.point is not None else ()), *self.points)

    @property
    def measured(self) -> tuple[str, ...]:
        """The points that are measured between the step's markers; none of a step without markers."""
        if not self.has_markers:
            return ()
        return (self.point,) if self.point is not None else self.points

    @property
    def integrates(self) -> bool:
        """Whether a charge is collected: the instrument is framed by its own start and stop."""
        return self.kind in INTEGRATING


class Plan(Written):
    """One plan file, one version.

    fraction_gy: the prescribed dose of one fraction, where the text of the prescription does not say it as "78 Gy in 39
    fractions" or "4 × 7.0 Gy"; expected doses are held against it.
    course: which course of the patient's treatments; a port of another course is another port.
    background_rule: which one counts of a background that was measured again; without it none is.
    purpose: fixed with the first reading; only "patient" can ever be charged, and the others need no physician's order:
    `order` then names the work.
    adjustment: what this version changes of the treatment after an earlier one was measured.
    radionuclide: where one was given to the patient unsealed; that is nuclear medicine.
    unlisted: where the work fits no code. rt_plan: the file of the planning system that it was made from.
    dose_rate_mu_per_min: the machine's, where the steps do not state their own; it has no default.
    """

    schema_: Literal["plan/1"] = Field(alias="schema")
    order: Id
    name: str
    version: int = Field(ge=1)
    approved_by: str
    approved_on: date
    purpose: Literal["patient", "phantom", "detector-calibration", "routine-qa"]
    place_of_service: Literal["11", "19", "21", "22", "24"] | None = None
    machine: str
    environment_valid_min: float | None = Field(None, gt=0)
    fraction: int = Field(ge=1, le=LAST_FRACTION)
    course: int = Field(1, ge=1, le=LAST_FRACTION)
    background_rule: Literal["first-valid", "last-valid"] | None = None
    dose_rate_mu_per_min: float | None = Field(None, gt=0)
    technique: str
    prescription: str
    fraction_gy: float | None = Field(None, gt=0, lt=100)
    target: str
    text: str = ""
    source: BrachySource | None = None
    radionuclide: Literal["by injection", "by mouth"] | None = None
    rt_plan: RtPlanFile | None = None
    adjustment: tuple[Adjustment, ...] = ()
    unlisted: Unlisted | None = None
    point: tuple[Point, ...] = Field(min_length=1)
    batch: tuple[Batch, ...] = ()
    step: tuple[Step, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _references(self) -> Plan:
        points = [p.id for p in self.point]
        for ids, what in ((points, "point"), ([s.id for s in self.step], "step")):
            if len(set(ids)) < len(ids):
                raise ValueError(f"a {what} id stands more than once")
        asked = {p for s in self.step for p in s.named}
        if unknown := sorted(asked - set(points)):
            raise ValueError(f"steps name {', '.join(unknown)}, which is no point of this plan")
        if unused := sorted(self._measured() - asked):
            raise ValueError(f"no step measures {', '.join(unused)}")
        return self

    @model_validator(mode="after")
    def _adjusts_its_own(self) -> Plan:
        """A change names ports or volumes as this plan has them: one that is misspelt would change nothing."""
        own = {each for p in self.point for each in (p.port, p.volume) if each is not None}
        if unknown := sorted({each for a in self.adjustment for each in a.of if each not in own}):
            raise ValueError(f"adjustment names {', '.join(unknown)}, which is no port and no volume of this plan")
        return self

    @model_validator(mode="after")
    def _conditions_have_their_time(self) -> Plan:
        needing = [p for p in self.point if p.asks.ambient]
        if needing and self.environment_valid_min is None:
            raise ValueError(
                f"{', '.join(p.id for p in needing)} is measured with a {needing[0].method}: say with"
                " environment_valid_min for how many minutes an entry of temperature and pressure holds"
            )
        return self

    @model_validator(mode="after")
    def _one_place_each(self) -> Plan:
        ids = [e for p in self.point for e in p.elements]
        beside = {e for b in self.batch for e in b.travelling}
        if wrong := sorted({e for e in ids if ids.count(e) > 1 or e in beside}):
            raise ValueError(
                f"an element lies at one point only and is no standard, control or check element: {', '.join(wrong)}"
            )
        return self

    @model_validator(mode="after")
    def _one_beam_each(self) -> Plan:
        """Several points of a step are each on an instrument, the step's if it names one; of one beam on one port."""
        for step in (s for s in self.step if len(s.measured) > 1):
            points = [self.point_named(name) for name in step.measured]
            if step.kind == "irradiate" and len({p.port for p in points if p.port is not None}) > 1:
                raise ValueError(f"step {step.id}: its points are of several ports; one irradiation is of one port")
            if without := [p.id for p in points if p.instrument is None]:
                raise ValueError(f"step {step.id}: {', '.join(without)} is on no instrument that reads during a beam")
            others = [p.id for p in points if step.instrument not in (None, p.instrument)]
            if others:
                raise ValueError(
                    f"step {step.id} names {step.instrument}; {', '.join(others)} is on another instrument"
                )
        return self

    @model_validator(mode="after")
    def _steps_fit(self) -> Plan:
        for point in self.point:
            if wrong := self._misfit(point):
                raise ValueError(f"point {point.id}: {wrong}")
        return self

    def _misfit(self, point: Point) -> str | None:
        """What of the steps does not fit the method of a point."""
        kinds = [s.kind for s in self.step if point.id in s.measured and s.kind in (*CHARGES, "threshold")]
        match point.asks.way:
            case "mean" if not set(point.of) <= self._measured():
                return "of must name two measured points of this plan"
            case "threshold" if kinds != ["threshold", "irradiate", "threshold"]:
                return (
                    f"method '{point.method}' needs a threshold step, an irradiate step and a threshold step, in this"
                    " order"
                )
            case "charge":
                return self._misfit_of_charges(point, kinds)
        return None

    def _measured(self) -> set[str]:
        """The points that a step measures: all but means of others, and those of a file that a person gives."""
        return {p.id for p in self.point if p.asks.way not in ("mean", "file")}

    def _misfit_of_charges(self, point: Point, kinds: Sequence[str]) -> str | None:
        if "threshold" in kinds:
            theirs = ", ".join(f"'{name}'" for name in methods_that(lambda asks: asks.way == "threshold"))
            return f"threshold steps belong to method {theirs}"
        if kinds.count("irradiate") > 1 and point.attempt_rule is None:
            return "several irradiations need attempt_rule: which of them counts is fixed beforehand"
        stated = {"polarity": point.polarity is not None, "recombination": point.recombination is not None}
        for kind, is_stated in stated.items():
            if (kind in kinds) != is_stated:
                return f"steps of kind '{kind}' and the point's {kind} belong together; give both or neither"
            if kind in kinds and self.purpose == "patient":
                return f"a step of kind '{kind}' is more beam; it is never done on a patient"
        return self._misfit_of_voltages(point) if any(stated.values()) else None

    def _misfit_of_voltages(self, point: Point) -> str | None:
        """The voltages of the steps are what k_pol and k_s are calculated with, and what the wait is counted from."""
        if point.settle_s is None:
            return "polarity and recombination need settle_s, the wait after a change of voltage"
        own = [s for s in self.step if point.id in s.measured and s.kind in CHARGES]
        if without := next((s for s in own if s.voltage_v is None), None):
            return f"step {without.id} needs voltage_v"
        full = next(s.voltage_v for s in own if s.kind == "irradiate") or 0.0
        for step in own:
            volts = step.voltage_v or 0.0
            if step.kind == "polarity":
                if volts != -full:
                    return (
                        f"step {step.id} is at {volts:g} V, the irradiation at {full:g} V: polarity needs the opposite"
                    )
            elif point.recombination is not None:
                name = "high_v" if step.kind == "irradiate" else "low_v"
                if volts != (wanted := getattr(point.recombination, name)):
                    return f"step {step.id} is at {volts:g} V, the point's recombination has {name} = {wanted:g} V"
            elif volts != full:
                return f"step {step.id} is at {volts:g} V, another irradiation of the point at {full:g} V"
        return None

    @property
    def instruments(self) -> list[str]:
        """Every instrument that a step uses, in order of first use."""
        return list(dict.fromkeys(each for s in self.step for each in self.inputs(s)))

    def inputs(self, step: Step) -> dict[str, tuple[str, ...]]:
        """The instruments of a step, each with the points that it measures in it."""
        found: dict[str, tuple[str, ...]] = {step.instrument: ()} if step.instrument else {}
        for name in step.measured:
            on = step.instrument or self.point_named(name).instrument or ""
            found[on] = (*found.get(on, ()), name)
        return found

    def point_named(self, name: str) -> Point:
        """Raises Refused when there is none."""
        for point in self.point:
            if point.id == name:
                return point
        raise Refused(f"Plan {self.name} v{self.version} has no point '{name}'.")

    def step_named(self, name: str) -> Step:
        """Raises Refused when there is none."""
        for step in self.step:
            if step.id == name:
                return step
        known = ", ".join(s.id for s in self.step)
        raise Refused(f"Plan {self.name} v{self.version} has no step '{name}'; it has {known}.")

    def port_of(self, point: str) -> str | None:
        """The port of a point, None where it has none or this version has no such point."""
        return next((p.port for p in self.point if p.id == point), None)

    def batch_of(self, reader: str) -> Batch | None:
        """The standards and controls that travel with the elements of a reader."""
        return next((b for b in self.batch if b.reader == reader), None)


@lru_cache(maxsize=32)  # the same bytes are read at every step of a session, and they are frozen
def read_plan(body: bytes, name: str) -> Plan:
    """Parse a plan file. Raises FileProblem with file, line and key, or what of a template is still to be filled."""
    must_be_filled(body, name)
    return tomlfile.read(body, name, Plan)
