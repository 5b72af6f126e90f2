"""Calibration data in a file: every factor with value, unit, standard uncertainty, source and time of validity.

A factor that is not there, or whose time is over, is an error with a sentence. There is no default, and never 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from acquire import tomlfile
from acquire.bus.names import Name
from acquire.errors import Refused
from acquire.procedure.inventory import Id
from acquire.tomlfile import Written


class FactorEntry(Written):
    """One factor: value in `unit` (UCUM), relative standard uncertainty (k = 1) in percent, where it comes from.

    `shared` names what its uncertainty has in common with other results (a reference session, a batch of chips): rows
    of the same name and `shared` are fully correlated. A detector's factors share their calibration without it.
    `dof`: the degrees of freedom of its uncertainty, ample where none is stated.
    """

    value: float = Field(allow_inf_nan=False)
    unit: str
    u_percent: float = Field(ge=0, lt=100)
    source: str = Field(min_length=1)
    shared: str | None = None
    dof: float | None = Field(None, ge=1)


class Component(Written):
    """A part of the uncertainty that belongs to no factor: set-up, reading, position. k = 1, percent.

    `per` "element": independent for each element, so the mean of n elements carries it divided by the root of n.
    `shared` as with a factor.
    """

    name: str = Field(min_length=1)
    u_percent: float = Field(ge=0, lt=100)
    source: str = Field(min_length=1)
    per: Literal["result", "element"] = "result"
    shared: str | None = None


class Conditions(Written):
    """Reference conditions of the calibration: they belong to the certificate, not to a protocol.

    reading: the sign of a chamber's reading at the polarity it was calibrated with.
    """

    t0_c: float | None = Field(None, gt=-20, lt=60)
    p0_kpa: float | None = Field(None, gt=80, lt=110)
    reading: Literal["positive", "negative"] | None = None


class Calibration(Written):
    """One certificate of a detector or reader, for one beam and, with diodes, one side of the patient.

    It ends with the day valid_until or at the accumulated dose valid_until_gy, whichever is first.
    """

    id: Id
    of: Id
    beam: str
    surface: Literal["entrance", "exit"] = "entrance"
    certificate: str
    valid_from: date
    valid_until: date
    valid_until_gy: float | None = Field(None, gt=0)
    approved_by: str
    conditions: Conditions = Conditions(t0_c=None, p0_kpa=None)
    factors: Mapping[str, FactorEntry]
    uncertainty: tuple[Component, ...] = ()

    def factor(self, name: str) -> FactorEntry:
        """One factor; it shares its uncertainty with whatever else uses this calibration. Raises Refused."""
        if name not in self.factors:
            known = ", ".join(sorted(self.factors)) or "no factor"
            raise Refused(f"Calibration {self.id} of {self.of} has no {name}; it has {known}.")
        entry = self.factors[name]
        return entry if entry.shared else entry.model_copy(update={"shared": self.id})

    @model_validator(mode="after")
    def _order_of_dates(self) -> Calibration:
        if self.valid_until < self.valid_from:
            raise ValueError("valid_until lies before valid_from")
        return self


class Elements(Written):
    """Element correction coefficients (ECC, k_s) of one batch on one reader, with a common uncertainty in percent.

    `form` "sensitivity": the values are the maker's sensitivities, by which the reader's own form divides.
    """

    id: Id
    form: Literal["ecc", "sensitivity"] = "ecc"
    reader: Name
    certificate: str
    valid_from: date
    valid_until: date
    u_percent: float = Field(ge=0, lt=100)
    dof: float | None = Field(None, ge=1)
    ecc: Mapping[str, Annotated[float, Field(gt=0, lt=100)]]


class Calibrations(Written):
    """One calibration file."""

    schema_: Literal["calibrations/1"] = Field(alias="schema")
    calibration: tuple[Calibration, ...]
    elements: tuple[Elements, ...] = ()

    def valid_for(self, owner: str, on: date, beam: str | None = None, surface: str = "entrance") -> Calibration:
        """The calibration of a detector or reader that holds on a day, in a beam and on a side.

        A reader's holds in every beam (k_Q corrects for it). Raises Refused, naming why there is none.
        """
        all_of = [c for c in self.calibration if c.of == owner]
        if not all_of:
            raise Refused(f"There is no calibration of {owner}.")
        own = [c for c in all_of if beam is None or (c.beam, c.surface) == (beam, surface)]
        if not own:
            known = ", ".join(f"{c.id} for {c.beam}, {c.surface}" for c in all_of)
            raise Refused(f"No calibration of {owner} is for {beam} on the {surface} side; there is {known}.")
        holding = [c for c in own if c.valid_from <= on <= c.valid_until]
        if not holding:
            newest = max(own, key=lambda c: c.valid_until)
            raise Refused(_when(f"Calibration {newest.id} of {owner}", newest, on))
        return max(holding, key=lambda c: c.valid_from)

    def ecc(self, element: str, reader: str, on: date, form: str = "ecc") -> FactorEntry:
        """Element correction coefficient. Raises Refused when it is missing, of another form, or its time is over."""
        batches = [b for b in self.elements if b.reader == reader and element in b.ecc]
        if not batches:
            raise Refused(f"There is no element correction (ECC) of {element} on {reader}.")
        holding = [b for b in batches if b.valid_from <= on <= b.valid_until]
        if not holding:
            newest = max(batches, key=lambda b: b.valid_until)
            raise Refused(_when(f"Element correction {newest.id} of {element}", newest, on))
        batch = max(holding, key=lambda b: b.valid_from)
        if batch.form != form:
            raise Refused(f"{batch.id} states {batch.form} values; this form of the dose needs {form} values.")
        return FactorEntry(
            value=batch.ecc[element], unit="1", u_percent=batch.u_percent, source=batch.certificate, dof=batch.dof
        )


def _when(what: str, item: Calibration | Elements, on: date) -> str:
    if on < item.valid_from:
        return f"{what} holds only from {item.valid_from}; the measurement is of {on}."
    return f"{what} ended on {item.valid_until}; the measurement is of {on}: calibrate it again, or use another."


def read_calibrations(body: bytes, name: str) -> Calibrations:
    """Parse a calibration file. Raises FileProblem."""
    return tomlfile.read(body, name, Calibrations)
