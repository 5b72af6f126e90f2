"""Professional and technical part by the setting: modifier 26, TC or none.

Places of service: 11 office (free-standing), 19 and 22 hospital outpatient, 21 hospital inpatient, 24 ambulatory
surgical centre (dossier 3 [55][56]; the hospital's technical part without TC: T).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

HOSPITAL = ("19", "21", "22")
SURGICAL_CENTRE = "24"
PLACES = ("11", *HOSPITAL, SURGICAL_CENTRE)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the charge: who bills it, with which modifier, and a sentence."""

    part: str
    modifier: str | None
    billed_by: str
    says: str


def parts(place: str | None, apart: Collection[str] = ()) -> tuple[Part, ...]:
    """The parts at a place of service; none where the place is not stated.

    apart: places at which a payer's table says that both parts are billed apart.
    """
    if place in HOSPITAL:
        return (
            Part("professional", "26", "physician", "Modifier 26 is for the professional part."),
            Part("technical", None, "hospital", "The hospital's technical part carries no modifier, no TC."),
        )
    if place == SURGICAL_CENTRE:
        return (
            Part("professional", "26", "physician", "Modifier 26 is for the professional part."),
            Part(
                "technical", None, "surgical centre",
                "The centre's part is a payable ancillary service; the coder decides how its payer wants it.",
            ),
        )  # fmt: skip
    if place == "11" and place in apart:
        return (
            Part("professional", "26", "physician", "The payer wants both parts apart: 26 for the professional part."),
            Part("technical", "TC", "practice", "TC for the technical part, by whom the equipment belongs to."),
        )
    if place == "11":
        return (Part("global", None, "practice", "Free-standing: both parts in one, without a modifier."),)
    return ()


def has_professional_part(place: str | None) -> bool:
    """Whether a professional part, alone or in the global charge, is proposed there."""
    return bool(parts(place))
