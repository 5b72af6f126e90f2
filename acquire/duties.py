"""Which role may do which act: the one table. Whoever has none of an act's roles is refused at the door."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from acquire.errors import Refused


class Role(StrEnum):
    """What somebody is here."""

    PHYSICIAN = "radiation-oncologist"
    PHYSICIST = "physicist"
    DOSIMETRIST = "dosimetrist"
    THERAPIST = "therapist"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"


ALONE = frozenset({Role.ADMINISTRATOR, Role.AUDITOR})
"""Roles that go with no other: who keeps accounts measures nothing, and who audits writes nothing."""


class Act(StrEnum):
    """What is done, as it is said when it is refused."""

    BRING_ORDER = "bring in, change or cancel orders"
    LOOK_UP = "look up who a patient is"
    PLAN = "plan"
    CONFIRM_EXPECTED = "confirm an expected dose"
    MEASURE = "measure"
    STATE = "state or correct what was measured"
    CALCULATE = "calculate"
    REVIEW = "review results"
    INTERPRET = "interpret results and decide on the plan"
    SIGN = "sign records"
    AMEND = "open a new version of a signed record"
    COVER = "name who covers for a prescriber"
    GIVE = "give records away"
    ACKNOWLEDGE = "acknowledge notices"
    LIFT_HOLD = "lift a hold"
    KEEP_ELEMENTS = "keep elements and enter calibrations"
    KEEP_TABLES = "keep the payers' tables"
    CONFIRM_COEFFICIENT = "confirm or give up coefficients"
    CONFIRM = "be the second person"
    OPERATE = "operate instruments"
    KEEP_PEOPLE = "keep accounts"
    OWN_PASSWORD = "change the own password"
    KEEP_STORE = "restore the store or end its streams"


_P, _M, _D, _T = Role.PHYSICIAN, Role.PHYSICIST, Role.DOSIMETRIST, Role.THERAPIST
_A = Role.ADMINISTRATOR

MAY: Mapping[Act, frozenset[Role]] = {
    Act.BRING_ORDER: frozenset({_P, _M, _D}),
    Act.LOOK_UP: frozenset({_P, _M, _D, _T}),
    Act.PLAN: frozenset({_M}),
    Act.CONFIRM_EXPECTED: frozenset({_P, _M, _D}),
    Act.MEASURE: frozenset({_M, _D, _T}),
    Act.STATE: frozenset({_M, _D, _T}),
    Act.CALCULATE: frozenset({_M, _D}),
    Act.REVIEW: frozenset({_M}),
    Act.INTERPRET: frozenset({_P}),
    Act.SIGN: frozenset({_P, _M}),
    Act.AMEND: frozenset({_P, _M}),
    Act.COVER: frozenset({_P, _A}),
    Act.GIVE: frozenset({_P, _M, _D}),
    Act.ACKNOWLEDGE: frozenset({_P, _M}),
    Act.LIFT_HOLD: frozenset({_P, _M}),
    Act.KEEP_ELEMENTS: frozenset({_M, _D}),
    Act.KEEP_TABLES: frozenset({_P, _M, _A}),
    Act.CONFIRM_COEFFICIENT: frozenset({_M}),
    Act.CONFIRM: frozenset({_P, _M, _D, _T}),
    Act.OPERATE: frozenset({_M, _D, _T}),
    Act.KEEP_PEOPLE: frozenset({_A}),
    Act.OWN_PASSWORD: frozenset(Role),
    Act.KEEP_STORE: frozenset({_A, _M}),
}


def must_be_allowed(person: str, roles: Iterable[Role], act: Act) -> None:
    """Raises Refused where none of a person's roles may do an act."""
    has = list(roles)
    if not MAY[act] & set(has):
        may = " or ".join(each for each in Role if each in MAY[act])
        raise Refused(f"{person} ({', '.join(has)}) may not {act}; that is for a {may}.")
