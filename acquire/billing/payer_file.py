"""A payer's own table, as people write it (TOML): limits of units, and where it wants both parts billed apart."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from acquire import tomlfile
from acquire.billing.tables import Limit
from acquire.tomlfile import Written
from drivers.plain_words import form

CODE = form(r"^[0-9A-Z]{5}$", "five digits or capital letters")
PLACE = form(r"^[0-9]{2}$", "two digits")


class PayerLimit(Written):
    """At most `units` of a code a claim line, a date of service, or a course. `firm`: it cannot be appealed."""

    code: str = Field(pattern=CODE)
    units: int = Field(ge=1, le=1000)
    per: Literal["line", "day", "course"]
    firm: bool
    source: str = Field(min_length=1)


class PayerTable(Written):
    """One payer's table. `apart`: places of service at which professional and technical part are billed apart."""

    schema_: Literal["payer-table/1"] = Field(alias="schema")
    payer: str = Field(min_length=1, max_length=100)
    valid_from: date
    valid_until: date
    apart: tuple[Annotated[str, Field(pattern=PLACE)], ...] = ()
    limit: tuple[PayerLimit, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _order_of_dates(self) -> PayerTable:
        if self.valid_until < self.valid_from:
            raise ValueError("valid_until lies before valid_from")
        return self

    @property
    def limits(self) -> dict[str, tuple[Limit, ...]]:
        """By code."""
        found: dict[str, tuple[Limit, ...]] = {}
        for each in self.limit:
            made = Limit(each.units, each.per, each.firm, each.source)
            found[each.code] = (*found.get(each.code, ()), made)
        return found


def read_payer_table(body: bytes, name: str) -> PayerTable:
    """Parse a payer's table. Raises FileProblem with file, line and key."""
    return tomlfile.read(body, name, PayerTable)
