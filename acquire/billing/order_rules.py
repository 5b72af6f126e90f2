"""Rules about the physician's order."""

from __future__ import annotations

from acquire.billing.rule import Case, Finding, Rule, either, met, missing, moment
from acquire.orders.need import says_nothing


def written_order(case: Case) -> Finding:
    """An order is there, and stands."""
    order, where = case.session.order, f"order {case.session.order.id}"
    if order.cancelled is not None:
        return missing(order.cancelled, where)
    if case.session.plan.purpose != "patient":
        return missing(f"{order.id} is {case.session.plan.purpose} work; no physician orders it for a patient.", where)
    if order.draft is not None:
        return missing(f"Order {order.id} is a draft: {order.draft}; it can never support a charge.", where)
    if order.telephone is not None:
        return missing(f"Order {order.id} was {order.telephone}; whether it supports the charge is the coder's.", where)
    return met(f"Order {order.id}, written {moment(order.authored_on)}.", where)


def order_before(case: Case) -> Finding:
    """The order is earlier than the measurement. Nobody can back-date it."""
    session, where = case.session, f"order {case.session.order.id}, session {case.session.id}"
    if session.began is None:
        return missing("Nothing was measured yet.", where)
    ordered, began = moment(session.order.authored_on), moment(session.began)
    return either(
        not session.before_order,
        f"Ordered {ordered}, before {session.began_with} ({began}).",
        f"The order of {ordered} is later than {session.began_with} ({began}): it supports no charge for this session.",
        where,
    )


def treating_physician(case: Case) -> Finding:
    """A physician ordered it, not a physicist alone."""
    order = case.session.order
    return either(
        order.requester_role is not None,
        f"Ordered by {order.requester} ({order.requester_role}).",
        "The order does not state that its requester is the treating physician.",
        f"order {order.id}, requester",
    )


def need(case: Case) -> Finding:
    """Why the measurement is needed, in words: a bare check-box is refused for the neighbouring code 77370."""
    order = case.session.order
    says = order.need if order.copied is None else f"{order.need} {order.copied}"
    return either(bool(order.need.strip()), says, "The order states no need.", f"order {order.id}, note or reason")


def effect(case: Case) -> Finding:
    """What its result decides."""
    order = case.session.order
    says_it = order.effect is not None and says_nothing(order.effect) is None
    otherwise = "The order does not say what its result decides."
    return either(says_it, f"Decides: {order.effect}", otherwise, f"order {order.id}, note")


def history(case: Case) -> Finding:
    """Earlier treatment and imaging that matter."""
    order = case.session.order
    otherwise = "The order names no history (earlier treatment, imaging)."
    return either(bool(order.history), "; ".join(order.history) + ".", otherwise, f"order {order.id}, supporting info")


RULES = (
    Rule("written-order", "Written order", "dossier 3 [5][7]", written_order),
    Rule("order-before", "Order before the measurement", "dossier 3 [5][7]; scenarios [C2]", order_before),
    Rule("treating-physician", "Treating physician", "dossier 3 [5]", treating_physician),
    Rule("need", "Need", "dossier 3 [5][51][52]", need),
    Rule("effect", "Effect on treatment", "dossier 3 [5][51]", effect),
    Rule("history", "History relevant to the treatment", "design 9", history),
)
