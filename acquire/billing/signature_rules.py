"""Rules about who reviewed, interpreted and decided. Nothing stands in for a signature."""

from __future__ import annotations

from acquire.billing.rule import Case, Finding, Rule, either, met, missing, moment, spared
from acquire.billing.setting import has_professional_part


def review(case: Case) -> Finding:
    """The physicist has signed the results, with a date."""
    signed = case.session.review
    where = f"session {case.session.id}, signatures"
    if signed is None:
        return missing("The physicist's review of the results is not signed.", where)
    return met(f"Reviewed by {signed.who} ({signed.role}) at {moment(signed.at)}.", where)


def interpretation(case: Case) -> Finding:
    """The physician has interpreted and signed, and is another person than the physicist."""
    signed, reviewed = case.session.interpretation, case.session.review
    where = f"session {case.session.id}, signatures"
    if signed is None:
        return missing("The radiation oncologist's interpretation is not written and signed.", where)
    if reviewed is not None and reviewed.who == signed.who:
        return missing(f"{signed.who} signed both review and interpretation; they are two people's.", where)
    return met(f"Interpreted by {signed.who} ({signed.role}) at {moment(signed.at)}.", where)


def prescriber(case: Case) -> Finding:
    """Who interprets is who ordered, or a physician who covers for them."""
    signed, order = case.session.interpretation, case.session.order
    where = f"session {case.session.id}, signatures; order {order.id}"
    if signed is None:
        return missing(f"The order's physician ({order.requester}) has not signed the report.", where)
    covering = "covering" in signed.role.casefold()
    treating = signed.who == order.treating and signed.who != order.requester
    how = "covering for" if covering else "who is"
    return either(
        signed.who == order.requester or covering or treating,
        f"Signed by {signed.who}, the treating physician, in whose place {order.requester} ordered."
        if treating
        else f"Signed by {signed.who}, {how} the order's {order.requester}.",
        f"{signed.who} signed, and the order is {order.requester}'s; nobody is named as covering.",
        where,
    )


def result_used(case: Case) -> Finding:
    """The result validates the plan or leads to its adjustment, in the physician's words."""
    decided = case.session.decision
    where = f"session {case.session.id}, decision"
    if decided is None:
        return missing("The decision on the plan (unchanged, adjusted, re-planned) is not written.", where)
    return met(f"Plan {decided.what}: {decided.words} ({decided.by}, {moment(decided.at)}).", where)


def physicians_part(case: Case) -> Finding:
    """For 26 and the global charge the physician took part: reviewed or validated."""
    where = f"session {case.session.id}, signatures"
    if not has_professional_part(case.session.plan.place):
        return spared("No professional part is proposed before the place of service is stated.", where)
    signed = case.session.interpretation
    says = f"{signed.who} reviewed and signed." if signed else ""
    return either(signed is not None, says, "The professional part needs the physician's signature.", where)


def people(case: Case) -> Finding:
    """Everybody who made the session logged in: a name that was typed is nobody's."""
    typed = case.session.people_not_known
    return either(typed is None, "Everybody logged in.", typed or "", f"session {case.session.id}, accounts")


RULES = (
    Rule("review", "Physicist's review", "dossier 3 [5][7]", review),
    Rule("interpretation", "Interpretation", "dossier 3 [5][6][7]", interpretation),
    Rule("prescriber", "Signed by the prescribing physician", "dossier 3 [5][6]; scenario D", prescriber),
    Rule("result-used", "Result used", "dossier 3 [5][6]; design 9", result_used),
    Rule("people", "People are known", "dossier 6, 21 CFR 11.10", people),
    Rule("physicians-part", "Physician took part", "dossier 3 [55]", physicians_part),
)
