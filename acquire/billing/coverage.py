"""Every row of what the code asks for, each with its rules or with the reason why it is none. A test holds it whole."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the sources in our words: the rules that hold it, or why it is no rule."""

    asks: str
    rules: tuple[str, ...] = ()
    no_rule: str | None = None


ROWS = (
    Row("a written order of the treating physician, before the measurement",
        ("written-order", "order-before", "treating-physician")),
    Row("the order states the need and how the result may change the treatment", ("need", "effect")),
    Row("the method is specified, with the devices", ("method", "equipment")),
    Row("all treated fields that were measured are listed", ("fields-listed",)),
    Row("the measurements are documented, signed and dated by physicist and radiation oncologist",
        ("review", "interpretation", "people")),
    Row("the prescribing physician reviews, signs and dates; the result is used", ("prescriber", "result-used")),
    Row("not for routine work", ("purpose",)),
    Row("uses that are seen as special (abutting and very small fields, bolus, whole body, junctions, organs, devices)",
        no_rule="whether a use is special is the physician's need, in words, and the coder's judgement"),
    Row("one unit a port and course, or a volume of interest; more only after a documented change; 1 to 6 are usual",
        ("units", "usual-number")),
    Row("unit limits differ by payer", ("unit-limits",)),
    Row("professional and technical part apart", ("place-of-service",)),
    Row("the physician took part, for the professional part", ("physicians-part",)),
    Row("the hospital's technical part carries no TC", ("place-of-service",)),
    Row("places of service 11, 19, 21, 22, 24", ("place-of-service",)),
    Row("ambulatory surgical centre: a payable ancillary service", ("place-of-service",)),
    Row("supervision", no_rule="the level stands in the fee schedule's file, which is not read; who was there is no"
        " fact of this store"),
    Row("medically unlikely edits, by date of service and adjudication indicator", ("unit-limits",)),
    Row("procedure-to-procedure pairs", no_rule="this store sees no other claim: what a table says of a pair is shown"
        " beside each neighbour"),
    Row("codes of treatment delivery changed in 2026", no_rule="77331 is the only code proposed here"),
    Row("related codes 77300, 77336, 77370", no_rule="shown beside every proposal; the coder decides between codes"),
    Row("same work charged under another code", no_rule="this store sees no other claim"),
    Row("unlisted codes 77299, 77399, 77499, 77799, with a detailed report", ("unlisted-report",)),
    Row("isotopes given by injection or mouth belong to nuclear medicine", ("nuclear-medicine",)),
    Row("the plan with target area, prescribed dose and technique", ("plan-documented",)),
    Row("the results, with the equipment and the calculation method", ("every-point", "equipment", "calculation")),
    Row("any adjustment of the plan that followed", ("adjustment",)),
    Row("the history that matters (earlier treatments, imaging)", ("history",)),
    Row("roles: the oncologist orders and interprets, the physicist reviews, the dosimetrist measures",
        ("treating-physician", "review", "interpretation")),
    Row("standing orders and copied texts of need",
        no_rule="noticed where orders come in, over all orders of the store"),
)  # fmt: skip
"""After dossier 3 (CPT 77331 rules, denial reasons) and design 9."""
