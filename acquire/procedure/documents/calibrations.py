"""Calibration data in a file: every factor with value, unit, standard uncertainty, source and time of validity.

A factor that is not there, or whose time is over, is an error with a sentence. There is no default, and never 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from acquire import tomlfile
from acquire.bus.names import Name
from acquire.dosimetry import DosimetryError, in_sites_range, standard_from_certificate
from acquire.errors import Refused
from acquire.procedure.documents.causes import Stop
from acquire.procedure.documents.inventory import Id
from acquire.procedure.documents.people import same_person
from acquire.tomlfile import Written


class Uncertain(Written):
    """An uncertainty in percent: u_percent (k = 1), or as a certificate prints it, U_percent with its k; never both.

    dof: the degrees of freedom that the certificate states; without them they are ample.
    """

    u_percent: float = Field(ge=0, lt=100)
    U_percent: float | None = Field(None, ge=0, lt=200)
    k: float | None = Field(None, ge=1, lt=20)
    dof: float | None = Field(None, ge=1)

    @model_validator(mode="before")
    @classmethod
    def _as_printed(cls, written: Any) -> Any:
        """u = U/k (GUM 4.3.3)."""
        if not isinstance(written, Mapping) or not {"U_percent", "k"} & set(written):
            return written
        if "u_percent" in written:
            raise ValueError("give u_percent (k = 1), or U_percent with k as the certificate prints them, not both")
        if not all(isinstance(written.get(name), int | float) and written[name] > 0 for name in ("U_percent", "k")):
            raise ValueError(
                "U_percent needs the k of the certificate, as U_percent = 1.1, k = 2; neither has a default"
            )
        return {**written, "u_percent": standard_from_certificate(written["U_percent"], written["k"])}


Range = tuple[float, float]


class FactorEntry(Uncertain):
    """One factor: value in `unit` (UCUM), its relative uncertainty in percent, where it comes from.

    `shared` names what its uncertainty has in common with other results (a reference session, a batch of chips): rows
    of the same name and `shared` are fully correlated. A detector's factors share their calibration without it.
    `range`: which values the site believes, asked for where none are published (n_cal, n_dw, rcf, reader_factor).
    formalism, chamber, and tpr20_10, pdd10x or r50_cm  of a chamber's k_q: for which protocol, type and beam it holds.
    """

    value: float = Field(allow_inf_nan=False)
    unit: str
    source: str = Field(min_length=1)
    shared: str | None = None
    range: Range | None = None
    formalism: Literal["trs398", "tg51"] | None = None
    chamber: str | None = Field(None, min_length=1)
    tpr20_10: float | None = Field(None, gt=0, lt=1)
    pdd10x: float | None = Field(None, gt=1, lt=100)
    r50_cm: float | None = Field(None, gt=0, lt=30)

    @model_validator(mode="after")
    def _believed(self) -> FactorEntry:
        if self.range is not None:
            held(self.value, self.range, f"The value in {self.unit}")
        return self


def held(value: float, within: Range, what: str) -> None:
    """Raises ValueError for a value outside the site's range, or a range that says nothing."""
    try:
        in_sites_range(value, within, what)
    except DosimetryError as outside:
        raise ValueError(str(outside)) from outside


class Component(Uncertain):
    """A part of the uncertainty that belongs to no factor: set-up, reading, position.

    `per` "element": of the reading of each element, the whole of it with its background; independent for each element.
    `shared` as with a factor.
    """

    name: str = Field(min_length=1)
    source: str = Field(min_length=1)
    per: Literal["result", "element"] = "result"
    shared: str | None = None


class Conditions(Written):
    """Reference conditions of the calibration: they belong to the certificate, not to a protocol.

    reading: the sign of a chamber's reading at the polarity it was calibrated with. quality: the beam in which the
    laboratory calibrated a chamber, as "Co-60".
    """

    t0_c: float | None = Field(None, gt=-20, lt=60)
    p0_kpa: float | None = Field(None, gt=80, lt=110)
    reading: Literal["positive", "negative"] | None = None
    quality: str | None = Field(None, min_length=1)


class Calibration(Written):
    """One certificate of a detector or reader, for one beam and, with diodes, one side of the patient.

    It ends with the day valid_until or at the accumulated dose valid_until_gy, whichever is first.
    entered_by and approved_by are two people; without entered_by it is who brings the file.
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
    entered_by: str | None = Field(None, min_length=1)
    conditions: Conditions = Conditions(t0_c=None, p0_kpa=None)
    factors: Mapping[str, FactorEntry]
    uncertainty: tuple[Component, ...] = ()

    def factor(self, name: str) -> FactorEntry:
        """One factor; it shares its uncertainty with whatever else uses this calibration. Raises Refused."""
        if name not in self.factors:
            known = ", ".join(sorted(self.factors)) or "no factor"
            raise Refused(Stop("calibration", f"Calibration {self.id} of {self.of} has no {name}; it has {known}."))
        entry = self.factors[name]
        return entry if entry.shared else entry.model_copy(update={"shared": self.id})

    @model_validator(mode="after")
    def _order_of_dates(self) -> Calibration:
        if self.valid_until < self.valid_from:
            raise ValueError("valid_until lies before valid_from")
        return self

    @model_validator(mode="after")
    def _two_people(self) -> Calibration:
        if self.entered_by is not None and same_person(self.entered_by, self.approved_by):
            raise ValueError("approved_by must be another person than entered_by")
        return self


class Elements(Uncertain):
    """Element correction coefficients (ECC, k_s) of one batch on one reader, with a common uncertainty in percent.

    `range`: which coefficients the site believes of this batch.

    `form` "sensitivity": the values are the maker's sensitivities, by which the reader's own form divides.
    """

    id: Id
    form: Literal["ecc", "sensitivity"] = "ecc"
    reader: Name
    certificate: str
    valid_from: date
    valid_until: date
    range: Range | None = None
    ecc: Mapping[str, Annotated[float, Field(gt=0, lt=100)]]

    @model_validator(mode="after")
    def _believed(self) -> Elements:
        for element, value in self.ecc.items() if self.range is not None else ():
            held(value, self.range or (0.0, 0.0), f"{self.form} of {element}")
        return self


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
            raise Refused(Stop("calibration", f"There is no calibration of {owner}."))
        own = [c for c in all_of if beam is None or (c.beam, c.surface) == (beam, surface)]
        if not own:
            known = ", ".join(f"{c.id} for {c.beam}, {c.surface}" for c in all_of)
            raise Refused(
                Stop("calibration", f"No calibration of {owner} is for {beam} on the {surface} side; there is {known}.")
            )
        holding = [c for c in own if c.valid_from <= on <= c.valid_until]
        if not holding:
            newest = max(own, key=lambda c: c.valid_until)
            raise Refused(Stop("calibration", _when(f"Calibration {newest.id} of {owner}", newest, on)))
        return max(holding, key=lambda c: c.valid_from)

    def ecc(self, element: str, reader: str, on: date, form: str = "ecc") -> FactorEntry:
        """Element correction coefficient. Raises Refused when it is missing, of another form, or its time is over."""
        batches = [b for b in self.elements if b.reader == reader and element in b.ecc]
        if not batches:
            raise Refused(Stop("elements", f"There is no element correction (ECC) of {element} on {reader}."))
        holding = [b for b in batches if b.valid_from <= on <= b.valid_until]
        if not holding:
            newest = max(batches, key=lambda b: b.valid_until)
            raise Refused(Stop("elements", _when(f"Element correction {newest.id} of {element}", newest, on)))
        batch = max(holding, key=lambda b: b.valid_from)
        if batch.form != form:
            raise Refused(f"{batch.id} states {batch.form} values; this form of the dose needs {form} values.")
        return FactorEntry(
            value=batch.ecc[element],
            unit="1",
            u_percent=batch.u_percent,
            source=batch.certificate,
            dof=batch.dof,
            range=batch.range,
        )


def _when(what: str, item: Calibration | Elements, on: date) -> str:
    if on < item.valid_from:
        return f"{what} holds only from {item.valid_from}; the measurement is of {on}."
    return f"{what} ended on {item.valid_until}; the measurement is of {on}: calibrate it again, or use another."


@lru_cache(maxsize=32)  # the same bytes are read at every step of a session, and they are frozen
def read_calibrations(body: bytes, name: str) -> Calibrations:
    """Parse a calibration file. Raises FileProblem."""
    return tomlfile.read(body, name, Calibrations)
