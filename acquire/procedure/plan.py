"""The physicist's plan for an order: points with expected dose and limits, and the steps in the order they run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Literal

from pydantic import Field, model_validator

from acquire import tomlfile
from acquire.bus.names import Name
from acquire.errors import Refused
from acquire.procedure.calibrations import Component, FactorEntry
from acquire.procedure.inventory import Id
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


class Limits(Written):
    """Limits of the deviation in percent, and the rule that decides."""

    tolerance_percent: float = Field(gt=0, lt=100)
    action_percent: float = Field(gt=0, lt=100)
    rule: Literal["guard-band", "simple-acceptance"]
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _order(self) -> Limits:
        if self.action_percent < self.tolerance_percent:
            raise ValueError("action_percent must not be below tolerance_percent")
        return self


class Plausible(Written):
    """Lowest and highest believable dose in Gy of a point without expected dose; outside, nothing is shown."""

    low_gy: float = Field(ge=0)
    high_gy: float = Field(gt=0)


class Course(Written):
    """What the single measurement stands for over the whole course, with the order's limit in Gy where it has one."""

    fractions: int = Field(ge=1)
    limit_gy: float | None = Field(None, gt=0)


class Point(Written):
    """A place on or in the patient; `factors` are those of place and beam, a detector's own are in its calibration."""

    id: Id
    site: str
    side: str
    port: str | None = None
    beam: str
    method: Literal["diode", "chamber", "tld"]
    detector: Id | None = None
    instrument: Name | None = None
    elements: tuple[Id, ...] = ()
    pair_limit_percent: float | None = Field(None, gt=0)
    detector_c: float | None = Field(None, gt=0, lt=60)
    expected: Expected | None = None
    limits: Limits | None = None
    plausible: Plausible | None = None
    course: Course | None = None
    factors: Mapping[str, FactorEntry] = {}
    uncertainty: tuple[Component, ...] = ()
    note: str | None = None

    @model_validator(mode="after")
    def _whole(self) -> Point:
        if self.method == "tld":
            if not self.elements or self.detector is not None:
                raise ValueError("method 'tld' needs elements and no detector")
            if len(self.elements) > 1 and self.pair_limit_percent is None:
                raise ValueError("a point with several elements needs pair_limit_percent")
        elif self.detector is None or self.instrument is None or self.elements:
            raise ValueError(f"method '{self.method}' needs detector and instrument, and no elements")
        if (self.expected is None) != (self.limits is None):
            raise ValueError("expected dose and limits belong together; give both, or neither for report only")
        if self.expected is None and self.plausible is None:
            raise ValueError("a point without expected dose needs plausible: the lowest and highest believable dose")
        return self


class Batch(Written):
    """Elements that travel with those of the points: standards of known dose, and unirradiated controls.

    Without standards the reader's own calibration must state `rcf` and `background`.
    """

    reader: Name
    standards: tuple[Id, ...] = ()
    standard_dose: FactorEntry | None = None
    rcf_u_percent: float | None = Field(None, gt=0)
    controls: tuple[Id, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Batch:
        if self.standards and (self.standard_dose is None or self.rcf_u_percent is None or not self.controls):
            raise ValueError("standards need standard_dose, rcf_u_percent and controls")
        if self.standard_dose is not None and self.standard_dose.unit != "cGy":
            raise ValueError(f"standard_dose must be in cGy, not in {self.standard_dose.unit}")
        return self


class Step(Written):
    """One step. Steps run in the order of the file."""

    id: Name
    kind: Literal["zero", "background", "irradiate", "place", "remove", "read-out"]
    title: str
    instrument: Name | None = None
    point: Id | None = None
    points: tuple[Id, ...] = ()
    mu: float | None = Field(None, gt=0)
    gantry_deg: float | None = None
    ssd_cm: float | None = None
    duration_s: float | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _whole(self) -> Step:
        marked = self.kind in ("zero", "background", "irradiate")
        if (marked or self.kind == "read-out") and self.instrument is None:
            raise ValueError(f"a step of kind '{self.kind}' needs an instrument")
        if self.kind == "irradiate" and self.point is None:
            raise ValueError("a step of kind 'irradiate' needs a point")
        if not marked and not self.points:
            raise ValueError(f"a step of kind '{self.kind}' needs points")
        return self

    @property
    def has_markers(self) -> bool:
        """Whether the step is a measurement between markers in an instrument's stream."""
        return self.kind in ("zero", "background", "irradiate")


class Plan(Written):
    """One plan file, one version."""

    schema_: Literal["plan/1"] = Field(alias="schema")
    order: Id
    name: str
    version: int = Field(ge=1)
    approved_by: str
    approved_on: date
    purpose: Literal["patient", "phantom", "detector-calibration"]
    place_of_service: Literal["11", "19", "21", "22", "24"] | None = None
    machine: str
    fraction: int = Field(ge=1)
    technique: str
    prescription: str
    target: str
    text: str = ""
    point: tuple[Point, ...] = Field(min_length=1)
    batch: tuple[Batch, ...] = ()
    step: tuple[Step, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _references(self) -> Plan:
        points = [p.id for p in self.point]
        for ids, what in ((points, "point"), ([s.id for s in self.step], "step")):
            if len(set(ids)) < len(ids):
                raise ValueError(f"a {what} id stands more than once")
        asked = {p for s in self.step for p in (*s.points, *([s.point] if s.point else []))}
        if unknown := sorted(asked - set(points)):
            raise ValueError(f"steps name {', '.join(unknown)}, which is no point of this plan")
        if unused := sorted(set(points) - asked):
            raise ValueError(f"no step measures {', '.join(unused)}")
        return self

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


def read_plan(body: bytes, name: str) -> Plan:
    """Parse a plan file. Raises FileProblem with file, line and key."""
    return tomlfile.read(body, name, Plan)
