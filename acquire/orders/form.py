"""An order written by hand, as a form in TOML: on paper, by telephone, late or for a colleague, and entered as such.

What a form of a physicist says is a draft: it is kept, and nothing is planned, measured or charged on it.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from acquire.errors import FileProblem
from acquire.orders.order import Order, Telephone
from acquire.orders.physician import Coding, Physicians
from acquire.orders.request import CLOCKS_DIFFER, Request, Site
from acquire.orders.when import NoMoment, placed
from acquire.patients.identity import RECORD_NUMBER, Identifier, Identity
from acquire.tomlfile import Written
from acquire.tomlfile import read as read_toml

ENTERED_LATE = timedelta(hours=1)  # more than this between the physician's word and its entry is said so
_IS_FORM = re.compile(rb"^\s*schema\s*=\s*[\"']order-form/", re.MULTILINE)
Text = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class PatientForm(Written):
    """Whom it is for. `authority`: who gives the number out, such as the hospital's name."""

    number: Text
    authority: Text
    kind: Text = RECORD_NUMBER
    name: str = ""
    birth_date: date | None = None
    sex: str = ""


class TelephoneForm(Written):
    """Who took the call, when, and whether it was read back."""

    taken_by: Text
    taken_at: datetime
    read_back: bool


class OrderForm(Written):
    """One order. `role`: the requester's own; `covering_for`: the treating physician whom he stands in for."""

    schema_: Literal["order-form/1"] = Field(alias="schema")
    id: Id
    requester: Text
    role: Text
    authored_on: datetime
    asks: str = ""
    necessity: Text
    decides: Text
    diagnosis_codes: tuple[Text, ...] = Field((), max_length=50)
    history: tuple[Text, ...] = Field((), max_length=50)
    not_before: datetime | None = None
    not_after: datetime | None = None
    covering_for: Text | None = None
    entered_late: Text | None = Field(None, description="why it is entered more than an hour after it was written")
    telephone: TelephoneForm | None = None
    patient: PatientForm


def looks_like_one(body: bytes) -> bool:
    """Whether a file is a form, by its schema."""
    return _IS_FORM.search(body) is not None


def read(body: bytes, name: str, site: Site, now: datetime) -> tuple[Request | None, list[str]]:
    """An order and the patient's identity, and every reason not to take it. Raises FileProblem (file, line, key)."""
    form = read_toml(body, name, OrderForm)
    problems: list[str] = []
    try:
        authored = placed(form.authored_on, site.zone)
        first, last = (None if m is None else placed(m, site.zone) for m in (form.not_before, form.not_after))
        phoned = None if form.telephone is None else placed(form.telephone.taken_at, site.zone)
    except NoMoment as error:
        raise FileProblem(f"{name}: a moment cannot be held against others: {error}.") from error
    said_at = authored if phoned is None else phoned
    if form.entered_late is None and now - said_at > ENTERED_LATE:
        problems.append(
            f"the order is of {said_at.isoformat()}, more than an hour ago; say in entered_late why it is entered now."
        )
    if phoned is not None and phoned > now + CLOCKS_DIFFER:
        problems.append(f"the telephone order was taken at {phoned.isoformat()}, which lies in the future.")
    telephone = None
    if form.telephone is not None and phoned is not None:
        telephone = Telephone(form.telephone.taken_by, phoned.isoformat(), form.telephone.read_back)
        if not telephone.read_back:
            problems.append("a telephone order is read back to the physician before it is entered (read_back).")
    draft = _draft(form.role, site.physicians)
    order = Order(
        id=form.id, requester=form.requester, requester_role=None if draft else form.role, authored_on=authored,
        text=form.asks, necessity=form.necessity, effect=form.decides, reasons=form.diagnosis_codes,
        history=form.history, requester_type="Practitioner", not_before=first, not_after=last, source="hand",
        draft=draft, telephone=telephone, covering_for=form.covering_for, entered_late=form.entered_late,
    )  # fmt: skip
    return Request(order, _identity(form.patient)), problems


def _identity(of: PatientForm) -> Identity:
    born = of.birth_date.isoformat() if of.birth_date else ""
    return Identity((Identifier(of.authority, of.number, of.kind),), of.name, born, of.sex)


class PatientFile(Written):
    """Who a patient is, to be put right."""

    schema_: Literal["patient-form/1"] = Field(alias="schema")
    patient: PatientForm


def read_patient(body: bytes, name: str) -> Identity:
    """Who a patient is, from a form. Raises FileProblem (file, line, key)."""
    return _identity(read_toml(body, name, PatientFile).patient)


def _draft(role: str, physicians: Physicians) -> str | None:
    """Why an order of somebody in a role is a draft; None where a physician orders."""
    if physicians.is_one([Coding(display=role)]):
        return None
    return f"its requester is '{role}', not the treating physician"
