"""session parts, assign-parts, no-beam, as-planned, beam-order: what a signal shows, and what two people say of it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from acquire.cli.place import By, ConfigOption, SessionId, StepId, StoreOption, named_once, two_names, with_session
from acquire.terminal.output import Json, emit, say, table, told
from drivers import Misuse

SecondPerson = Annotated[str, typer.Option("--confirmed-by", help="The second person.")]
Why = Annotated[str, typer.Option("--reason", help="Why; printed with the result.")]


def register(sessions: typer.Typer) -> None:
    """Add these commands to those of sessions."""
    for name, command in (
        ("parts", parts), ("assign-parts", assign_parts), ("no-beam", no_beam), ("as-planned", as_planned),
        ("beam-order", beam_order),
    ):  # fmt: skip
        sessions.command(name)(command)


def parts(
    session: SessionId, step: StepId, config: ConfigOption = None, store: StoreOption = None, as_json: Json = False
) -> None:
    """In which parts the beam of a step came: begin and end on the instrument's clock, charge, and what they were."""
    from acquire.procedure.results.beam_assignment import beam_parts_of  # noqa: PLC0415

    found: list[dict[str, Any]] = []
    with_session(config, store, session, lambda c, s: found.extend(beam_parts_of(c, s, step)))
    if as_json:
        emit({"session": session, "step": step, "parts": found})
        return
    rows = [
        (p["point"], str(p["n"]), f"{p['begin_s']:.1f}", f"{p['end_s'] - p['begin_s']:.1f}", f"{p['nc']:.4g}",
         p["what"] or "not said")
        for p in found
    ]  # fmt: skip
    table(f"Parts of the beam of {step}", ("point", "part", "begin s", "lasted s", "nC", "what it was"), rows)
    if found:
        say(f"Pauses shorter than {2 * max(p['interval_s'] for p in found):.1f} s are not seen.")
        expected = found[0]["expected_s"]
        mu = f"By MU and dose rate the beam is on for {expected:.1f} s." if expected else "Not held against MU."
        say(mu)
    else:
        say(f"No beam is seen in {step}.")


def assign_parts(
    session: SessionId, step: StepId,
    what: Annotated[list[str], typer.Argument(metavar="PART=WHAT...", help="1='port image' 2=irradiation")],
    by: By, confirmed_by: SecondPerson, reason: Why,
    mu: Annotated[
        list[str] | None, typer.Option("--mu", metavar="PART=MU", help="2=92: of each part that is irradiation.")
    ] = None,
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """What each part of a beam was: `irradiation` (these are summed), or what else; by two people."""
    from acquire.procedure.results import beam_assignment  # noqa: PLC0415

    found, had = named_once(what, _part_and_what, "part"), named_once(mu or [], _part_and_mu, "part")
    with_session(
        config, store, session,
        lambda c, s: beam_assignment.assign_parts(c, s, step, found, by, confirmed_by, reason, mu=had),
    )  # fmt: skip
    told(
        f"{session}: {step}: {', '.join(f'part {n} was {said}' for n, said in sorted(found.items()))}.",
        as_json=as_json,
        session=session,
        step=step,
        parts={str(n): said for n, said in sorted(found.items())},
    )


def _part_and_what(text: str) -> tuple[int, str]:
    part, equals, what = text.partition("=")
    if not (part.isdecimal() and equals and what.strip()):
        raise Misuse(f"'{text}' is no PART=WHAT, such as 2=irradiation.")
    return int(part), what


def _part_and_mu(text: str) -> tuple[int, float]:
    from acquire.dosimetry.errors import DosimetryError  # noqa: PLC0415 - brings numpy
    from acquire.dosimetry.number_text import parse_number  # noqa: PLC0415

    part, _, mu = text.partition("=")
    try:
        return int(part), parse_number(mu)
    except (ValueError, DosimetryError) as error:
        raise Misuse(f"'{text}' is no PART=MU, such as 2=92.") from error


def no_beam(
    session: SessionId, step: StepId, by: By, confirmed_by: SecondPerson, reason: Why, config: ConfigOption = None,
    store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """No beam was given in a step after all, as the linac's record shows; by two people. The signal must agree."""
    from acquire.procedure.session.no_beam import state_no_beam  # noqa: PLC0415

    with_session(config, store, session, lambda c, s: state_no_beam(c, s, step, by, confirmed_by, reason))
    told(f"{session}: no beam was given in {step}.", as_json=as_json, session=session, step=step)


def as_planned(
    session: SessionId,
    points: Annotated[list[str], typer.Argument(metavar="POINT POINT", help="The two points that look exchanged.")],
    by: By, confirmed_by: SecondPerson, reason: Why, config: ConfigOption = None, store: StoreOption = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Two points look exchanged and are not: detectors and beams were as planned; by two people."""
    from acquire.procedure.session.as_planned import state_as_planned  # noqa: PLC0415

    with_session(config, store, session, lambda c, s: state_as_planned(c, s, points, by, confirmed_by, reason))
    told(
        f"{session}: {' and '.join(points)} were measured as planned.", as_json=as_json, session=session, points=points
    )


def beam_order(
    session: SessionId,
    came: Annotated[list[str], typer.Argument(metavar="STEP=STEP...", help="b2=b7 b7=b2: b2's beam came during b7.")],
    by: By, confirmed_by: SecondPerson, reason: Why, config: ConfigOption = None, store: StoreOption = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Beams came in another order than planned: say during which step each came; by two people."""
    from acquire.procedure.session.as_planned import state_order  # noqa: PLC0415

    found = named_once(came, lambda word: two_names(word, "STEP=STEP", "b2=b7"), "step")
    with_session(config, store, session, lambda c, s: state_order(c, s, found, by, confirmed_by, reason))
    told(
        f"{session}: {', '.join(f'the beam of {step} came during {other}' for step, other in found.items())}.",
        as_json=as_json,
        session=session,
        came_during=found,
    )
