"""The parts of a beam for people: shown with their clock, charge and duration, and assigned by two of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from acquire.errors import Refused
from acquire.procedure.documents.plan import Step
from acquire.procedure.methods.beam_seen import Still, lasts_s, still
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.records.measured import PartRead
from acquire.procedure.records.selection import OfCharges
from acquire.procedure.results.irradiation import Measured, parts_of
from acquire.procedure.results.loading import load_named
from acquire.procedure.results.selection import select
from acquire.procedure.session.attempts import attempts
from acquire.procedure.session.beam_statements import IRRADIATION, PartSaid, keep_parts
from acquire.procedure.session.session import Session, SessionState
from acquire.sums import added

MOST_MU = 100_000.0
MU_WITHIN, MU_SHARE = 1.0, 0.01  # a console shows whole MU of each part: assumed
ASSIGNED_IN = (SessionState.MEASURING, SessionState.MEASURED, SessionState.CALCULATED)


def beam_parts_of(connection: sqlite3.Connection, session: Session, step_id: str) -> list[dict[str, Any]]:
    """The parts of a step's beam at each of its points: point, n, begin_s, end_s, nc, interval_s, what, expected_s.

    Raises Refused for a step that collects no charge.
    """
    step = session.plan.step_named(step_id)
    points = [p for p in step.measured if session.plan.point_named(p).asks.way == "charge"]
    if not step.integrates or step.kind == "background" or not points:
        raise Refused(f"Step {step.id} ({step.kind}) collects no charge of a beam.")
    rate = step.dose_rate_mu_per_min or session.plan.dose_rate_mu_per_min
    return [
        {"point": point, **shown(part), "expected_s": lasts_s(step.mu, rate)}
        for point in points
        for part in _of_point(connection, session, step, point)
    ]


def assign_parts(
    connection: sqlite3.Connection,
    session: Session,
    step_id: str,
    found: Mapping[int, str],
    who: str,
    confirmed_by: str,
    reason: str,
    *,
    mu: Mapping[int, float],
) -> None:
    """Say of each part of a step's beam what it was: "irradiation", or what else; the same at each of its points.

    mu: by part, as the console shows it, of all that are of the irradiation. Raises Refused: one person alone, no
    reason, parts that were not seen or not named, MU that are missing or not those of the plan, a session that is not
    measured.
    """
    if session.state not in ASSIGNED_IN:
        raise Refused(f"Session {session.id} is {session.state}; parts are assigned once a beam was measured.")
    if any(a.begun and not a.ended and a.abandoned is None for a in attempts(connection, session.id, step_id)):
        raise Refused(f"{step_id} is running; end it first.")
    parts = beam_parts_of(connection, session, step_id)
    numbers = sorted({p["n"] for p in parts})
    if not numbers or sorted(found) != numbers:
        seen = ", ".join(map(str, numbers)) or "none"
        raise Refused(f"Say of each part of {step_id} what it was; seen are {seen} (acquire session parts).")
    if odd := [p["point"] for p in parts if _count(parts, p["point"]) != len(numbers)]:
        raise Refused(f"The points of {step_id} do not show the same parts ({odd[0]} shows fewer): they stay held.")
    if blank := [n for n, what in found.items() if not what.strip()]:
        raise Refused(f"Say what part {blank[0]} was: '{IRRADIATION}', or what else.")
    _holds_mu(session.plan.step_named(step_id), {n: what.strip() for n, what in found.items()}, mu)
    said = [
        PartSaid(
            p["point"], p["measurement"], p["begin_s"], p["end_s"], p["nc"], found[p["n"]].strip(), reason, who,
            confirmed_by, mu.get(p["n"]),
        )
        for p in parts
    ]  # fmt: skip
    keep_parts(connection, session.id, step_id, said)


def _holds_mu(step: Step, found: Mapping[int, str], mu: Mapping[int, float]) -> None:
    """Raises Refused unless each part of the irradiation has its MU, and all of them those of the plan."""
    if unknown := [n for n in mu if n not in found]:
        raise Refused(f"Part {unknown[0]} of {step.id} was not seen, and has no MU.")
    if odd := [n for n, of in mu.items() if not 0 < of < MOST_MU]:
        raise Refused(f"Part {odd[0]} cannot have {mu[odd[0]]:g} MU; they are above 0 and below {MOST_MU:g}.")
    counted = [n for n, what in sorted(found.items()) if what == IRRADIATION]
    if without := [n for n in counted if n not in mu]:
        raise Refused(f"Say how many MU part {without[0]} of {step.id} had, as the console shows it (--mu).")
    whole = added(mu[n] for n in counted)
    if counted and step.mu is not None and abs(whole - step.mu) > max(MU_WITHIN, MU_SHARE * step.mu):
        raise Refused(
            f"The parts of {step.id} that are its irradiation had {' + '.join(f'{mu[n]:g}' for n in counted)} ="
            f" {whole:g} MU, and the plan has {step.mu:g} MU: what the linac still has to give is measured as its rest"
            " (--rest); with other MU than planned there is no dose to compare."
        )


def beams_shown(connection: sqlite3.Connection, session: Session, only: str | None = None) -> list[dict[str, Any]]:
    """Of every step whose beam was measured (or of one alone), its parts: what `session status` and the record show."""
    found: list[dict[str, Any]] = []
    for step in session.plan.step:
        if only in (None, step.id) and step.integrates and step.kind != "background":
            try:
                parts = beam_parts_of(connection, session, step.id)
            except Refused:
                continue  # an irradiation of which the times alone count
            found += [{"step": step.id, **part} for part in parts]
    return found


def beam_doubts(shown: Sequence[Mapping[str, Any]]) -> list[str]:
    """One sentence for each step whose beam came in several parts that nobody has assigned yet."""
    said = []
    for step in dict.fromkeys(p["step"] for p in shown):
        of_step = [p for p in shown if p["step"] == step]
        own = [p for p in of_step if p["point"] == of_step[0]["point"]]
        names = [p["name"] for p in own]
        if any(p["what"] is None for p in own) and len(set(names)) < len(names):
            said.append(
                f"The beam of {step} came in {len(own)} parts; two people say which of them are its irradiation"
                " (acquire session parts, then acquire session assign-parts)."
            )
    return said


def in_words(shown: Sequence[Mapping[str, Any]], step: str) -> str:
    """The parts of a step's beam in a few words; empty where none was seen."""
    of_step = [p for p in shown if p["step"] == step]
    own = [p for p in of_step if p["point"] == of_step[0]["point"]]
    beams = ", ".join(f"{p['nc']:.4g} nC in {p['end_s'] - p['begin_s']:.1f} s" for p in own)
    return f"{len(own)} parts: {beams}" if len(own) > 1 else beams


def shown(part: PartRead) -> dict[str, Any]:
    """A part with every key, None for what nobody has said."""
    return {name: getattr(part, name) for name in part.__struct_fields__}


def _count(parts: Sequence[Mapping[str, Any]], point: str) -> int:
    return added(1 for p in parts if p["point"] == point)


def _of_point(connection: sqlite3.Connection, session: Session, step: Step, point: str) -> Iterator[PartRead]:
    chosen = select(connection, session, point, compared=False)
    of = chosen.of
    attempt = next((a for a in of.attempts if a.step == step.id), None) if isinstance(of, OfCharges) else None
    if not isinstance(of, OfCharges) or attempt is None or not all(chosen.readings.get(n) for n in attempt.names):
        return
    bodies = load_named(connection, chosen.readings)
    try:
        without = still(bodies[attempt.background]) if bodies.get(attempt.background) else Still()
        measured = Measured(bodies, chosen.measurements, of.parts_said or (), of.integrates or "running", without)
        yield from parts_of(attempt, step, measured)[0]
    except Invalid:
        return  # the result says why there is no charge
