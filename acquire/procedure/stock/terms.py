"""What a person states when a calibration session begins. Nothing that a clinic must decide has a default."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from acquire.dosimetry import DosimetryError, sites_range
from acquire.dosimetry.outliers import OutlierRule, RuleName
from acquire.procedure.documents.calibrations import Range, held
from acquire.tomlfile import Written


def _says_something(given: Range) -> Range:
    try:
        sites_range(*given)
    except DosimetryError as error:
        raise ValueError(str(error).rstrip(".")) from error
    return given


Believed = Annotated[Range, AfterValidator(_says_something)]
Issues = Literal["ecc", "rcf", "ecc+rcf", "stated"]


class StatedEcc(Written):
    """An element correction that somebody else determined, with its relative standard uncertainty in percent."""

    value: float = Field(gt=0, lt=100)
    u_percent: float = Field(ge=0, lt=100)


class Terms(Written):
    """The terms of a calibration session.

    dose_gy, dose_u_percent, dose_dof  the known dose, k = 1; `source` the beam or source it was given in
    rule, rule_limit                   which elements are outside (acquire.dosimetry.outliers)
    outside                            what becomes of those: withdrawn, or to be repeated
    repeat_*                           how a readout repeats, where there is one cycle alone to show it
    change_limit_percent               how far a reader's coefficient may be from the last one
    history_percent                    how far an element's correction may be from its own earlier ones
    ecc_range, coefficient_range       which corrections and coefficients the site believes, in the coefficient's unit;
                                       none are published
    readings, readout, channel         which readings of an element count, as in a plan's batch
    certificate, stated                with "stated": where the corrections come from, and what they are
    """

    valid_until: date
    dose_gy: float | None = Field(None, gt=0, lt=1000)
    dose_u_percent: float | None = Field(None, ge=0, lt=100)
    dose_dof: float | None = Field(None, ge=1)
    source: str | None = Field(None, min_length=1)
    rule: RuleName | None = None
    rule_limit: float | None = None
    outside: Literal["withdrawn", "to-repeat"] | None = None
    repeat_u_percent: float | None = Field(None, gt=0, lt=100)
    repeat_dof: float | None = Field(None, ge=1)
    repeat_source: str | None = Field(None, min_length=1)
    change_limit_percent: float | None = Field(None, gt=0, lt=100)
    history_percent: float | None = Field(None, gt=0, lt=100)
    ecc_range: Believed | None = None
    coefficient_range: Believed | None = None
    readings: int = Field(1, ge=1, le=20)
    readout: Mapping[str, str] = {}
    channel: str | None = Field(None, min_length=1)
    certificate: str | None = Field(None, min_length=1)
    stated: Mapping[str, Annotated[StatedEcc, Field()]] = {}

    @property
    def outlier_rule(self) -> OutlierRule:
        """The rule with its limit. Raises OutsideValidity."""
        return OutlierRule(self.rule or "none", self.rule_limit)

    @model_validator(mode="after")
    def _whole(self) -> Terms:
        if self.stated:
            if self.certificate is None:
                raise ValueError("stated corrections need the certificate they come from")
            if self.ecc_range is not None:
                for name, each in self.stated.items():
                    held(each.value, self.ecc_range, f"The correction of {name}")
            return self
        if None in (self.dose_gy, self.dose_u_percent, self.source):
            raise ValueError("a calibration needs the dose in Gy, its uncertainty in percent and its source")
        if self.rule is None or self.outside is None:
            raise ValueError("say by which rule elements are outside (or none), and what becomes of those")
        repeat = (self.repeat_u_percent, self.repeat_dof, self.repeat_source)
        if any(each is None for each in repeat) and any(each is not None for each in repeat):
            raise ValueError("a stated repeatability needs percent, degrees of freedom and source")
        return self
