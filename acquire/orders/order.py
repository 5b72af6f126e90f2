"""The physician's order, in the field's own words and without the patient, whatever form it came in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Literal

from acquire.canonical import canonical, parse

SCHEMA = "order/1"
SPECIAL_DOSIMETRY = "77331"
Source = Literal["fhir", "hl7", "hand", "routine"]
_MOMENTS = ("authored_on", "not_before", "not_after")


@dataclass(frozen=True, slots=True)
class Telephone:
    """An order taken by telephone: by whom, when (ISO 8601), and whether it was read back to the physician."""

    taken_by: str
    taken_at: str
    read_back: bool


@dataclass(frozen=True, slots=True)
class Order:
    """One version of an order.

    `patient` is the store's id of the patient and stays there. `draft`: why it is no order yet, None where it is one.
    `requester_role`: the role that makes the requester a physician, None where nobody states it. `not_before` and
    `not_after`: within which time it asks for the measurement. `telephone`, `covering_for`, `entered_late`: of orders
    entered by hand, as such.
    """

    id: str
    requester: str
    requester_role: str | None
    authored_on: datetime
    text: str
    necessity: str
    effect: str | None
    reasons: tuple[str, ...] = ()
    history: tuple[str, ...] = ()
    requester_type: str | None = None
    not_before: datetime | None = None
    not_after: datetime | None = None
    source: Source = "fhir"
    draft: str | None = None
    telephone: Telephone | None = None
    covering_for: str | None = None
    entered_late: str | None = None
    patient: str = ""
    version: int = 1

    @property
    def lacks(self) -> tuple[str, ...]:
        """What the record will still miss, one sentence each."""
        if self.source == "routine":
            return ()  # no physician orders it
        said = []
        if self.effect is None:
            said.append("The order does not say what its result decides.")
        if self.requester_type in ("Organization", "CareTeam"):
            said.append(f"The order is by {self.requester} ({self.requester_type}), which is no physician.")
        elif self.requester_role is None:
            said.append("The order does not state that its requester is the treating physician.")
        if self.telephone is not None:
            said.append("The order was taken by telephone: whether it supports a charge is settled by billing.")
        return tuple(said)

    def outside(self, now: datetime) -> str | None:
        """Why the measurement is not asked for at a moment, as a sentence; None where it is."""
        if self.not_before is not None and now < self.not_before:
            return f"Order {self.id} asks for a measurement from {self.not_before.isoformat()} on, which is to come."
        if self.not_after is not None and now > self.not_after:
            return f"Order {self.id} asked for a measurement until {self.not_after.isoformat()}, which is over."
        return None

    def body(self) -> bytes:
        """Its content as the store keeps it: canonical JSON without the patient and the number of the version."""
        said = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("patient", "version")}
        for name in _MOMENTS:
            said[name] = said[name] and said[name].isoformat()
        phoned = self.telephone
        said["telephone"] = phoned and {name: getattr(phoned, name) for name in Telephone.__slots__}
        return canonical({"schema": SCHEMA, **{name: each for name, each in said.items() if each is not None}})

    def of(self, patient: str, version: int) -> Order:
        """The same, as the store has it."""
        return replace(self, patient=patient, version=version)


def of_body(body: bytes) -> Order:
    """Inverse of `Order.body`."""
    said: dict[str, Any] = dict(parse(body))
    del said["schema"]
    for name in _MOMENTS:
        if name in said:
            said[name] = datetime.fromisoformat(said[name])
    phoned: Mapping[str, Any] | None = said.get("telephone")
    said["telephone"] = phoned and Telephone(**phoned)
    return Order(
        **{
            "requester_role": None,
            "effect": None,
            **said,
            "reasons": tuple(said["reasons"]),
            "history": tuple(said["history"]),
        }
    )


def is_content(body: bytes) -> bool:
    """Whether a document of the store holds an order's content, and not a file of earlier releases."""
    return body.startswith(b"{") and b'"schema":"order/1"' in body
