"""What people state of elements and the beam: given or not; one lay there after all; one was off before its readout.

Where an instrument measures the beam nobody needs to state it. The last two contradict what was written earlier: they
need a reason and a second person, what was written stays, and both are printed with the result.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from acquire.canonical import utc_now
from acquire.errors import Refused
from acquire.procedure.documents.people import two_people
from acquire.procedure.documents.point import Point
from acquire.procedure.readouts.elements import readout
from acquire.procedure.readouts.placed import Placement, placements
from acquire.procedure.session.exposure import Exposure
from acquire.procedure.session.session import Session
from acquire.store import audit
from acquire.store.database import transaction


def beam_given(connection: sqlite3.Connection, session: Session, who: str, points: Sequence[str] = ()) -> list[str]:
    """The beam of some points was given and is off, said while their elements lie there; by default of all such.

    Returns the points. Raises Refused where nothing lies at a point, or an instrument measured its beam.
    """
    of = [session.plan.point_named(each) for each in points] or _lying(connection, session)
    if not of:
        raise Refused(f"No element whose beam no instrument measures lies on the patient in session {session.id} now.")
    out = {p.point for p in placements(connection, session.id) if p.removed_at is None}
    for point in of:
        _no_instrument(connection, session, point)
        if point.id not in out:
            raise Refused(
                f"Nothing lies at {point.id} now. If its elements lay there during the beam, two people say so (acquire"
                " session was-there)."
            )
    _state(connection, session, "beam-given", [(point.id, {}) for point in of], "given and off", who)
    return [point.id for point in of]


def no_beam(
    connection: sqlite3.Connection, session: Session, who: str, reason: str, points: Sequence[str] = ()
) -> list[str]:
    """No beam was given while the elements of some points lay there: they hold no dose. By default of all such.

    Raises Refused without reason, where a beam was measured or stated there, or for a point without elements.
    """
    if not reason.strip():
        raise Refused("Say why no beam was given.")
    of = [session.plan.point_named(each) for each in points] or _lying(connection, session)
    for point in of:
        _no_instrument(connection, session, point)
        if Exposure(connection, session).beams(point):
            raise Refused(
                f"The beam of {point.id} was stated as given already; leave its elements out (acquire session exclude)."
            )
    _state(connection, session, "no-beam", [(point.id, {}) for point in of], reason, who)
    return [point.id for point in of]


def was_there(
    connection: sqlite3.Connection, session: Session, dosimeter: str, who: str, confirmed_by: str, reason: str
) -> None:
    """Two people state that an element lay at its point while the beam was on, whenever placing and removing were
    written. Raises Refused for one person twice, no reason, no placement, or one of which nothing is in doubt.
    """
    two_people("That an element lay there during the beam is stated", who, confirmed_by, reason)
    placement = _placed(connection, session, dosimeter)
    if placement.removed_at is None:
        raise Refused(f"{dosimeter} is still out at {placement.point}; write its removal first.")
    if Exposure(connection, session).doubt(placement) is None:
        raise Refused(f"It is written already that {dosimeter} lay at {placement.point} during the beam.")
    of = {"placement": placement.id, "confirmed_by": confirmed_by}
    _state(connection, session, "was-there", [(placement.point, of)], reason, who)


def was_removed(
    connection: sqlite3.Connection, session: Session, dosimeter: str, who: str, confirmed_by: str, reason: str
) -> None:
    """Two people state that an element was off the patient before it was read, though its removal was written later.

    It is said of its first reading since the beam. Raises Refused for one person twice, no reason, an element that is
    still out, one that was read after its removal, was not read, or was read before the beam was over.
    """
    two_people("That an element was removed before its readout is stated", who, confirmed_by, reason)
    placement = _placed(connection, session, dosimeter)
    element = session.inventory.element_named(dosimeter)
    read = readout(connection, element, placement, session.plan.batch_of(element.reader))
    if placement.removed_at is None:
        raise Refused(f"{dosimeter} is still out at {placement.point}; write its removal first.")
    if read.used is not None:
        raise Refused(f"{dosimeter} has a reading that counts already; nothing is to be stated.")
    exposure = Exposure(connection, session)
    too_early = [exposure.read_too_early(placement, each) for each in read.early]
    counting = [each for each, wrong in zip(read.early, too_early, strict=True) if wrong is None]
    if not counting:
        raise Refused(next((each for each in too_early if each), f"{dosimeter} was not read while it was out."))
    of = {
        "placement": placement.id, "stream": counting[0].stream, "seq": counting[0].seq, "confirmed_by": confirmed_by
    }  # fmt: skip
    _state(connection, session, "was-removed", [(placement.point, of)], reason, who)


def beam_is_asked(connection: sqlite3.Connection, session: Session, placement: Placement) -> str | None:
    """The question that is to be answered before an element comes off: nothing says yet whether its beam was given."""
    point = session.plan.point_named(placement.point)
    exposure = Exposure(connection, session)
    if exposure.beams(point) or exposure.none_given(placement) is not None or exposure.waits_for_beam(point):
        return None
    return (
        f"No instrument measured a beam while {placement.dosimeter} lay at {point.id}: say first whether one was given"
        " (acquire session beam-given, or --none)."
    )


def beams_unsaid(connection: sqlite3.Connection, session: Session) -> list[str]:
    """Points at which elements lie, of which nothing says whether the beam was given, and no instrument will."""
    exposure, lying = Exposure(connection, session), {p.id for p in _lying(connection, session)}
    out = [p for p in placements(connection, session.id) if p.removed_at is None and p.point in lying]
    unsaid = [p.point for p in out if exposure.none_given(p) is None]
    return [p for p in dict.fromkeys(unsaid) if not exposure.beams(session.plan.point_named(p))]


def _lying(connection: sqlite3.Connection, session: Session) -> list[Point]:
    """Points at which elements lie now and whose beam no instrument has measured or will measure."""
    exposure = Exposure(connection, session)
    out = dict.fromkeys(p.point for p in placements(connection, session.id) if p.removed_at is None)
    found = [session.plan.point_named(each) for each in out]
    return [p for p in found if all(b.stated for b in exposure.beams(p)) and not exposure.waits_for_beam(p)]


def _no_instrument(connection: sqlite3.Connection, session: Session, point: Point) -> None:
    if not point.by_element:
        raise Refused(f"Point {point.id} has no elements; its instrument tells when the beam was given.")
    exposure = Exposure(connection, session)
    if measured := [b.name for b in exposure.beams(point) if not b.stated]:
        raise Refused(f"The beam of {point.id} was measured ({', '.join(measured)}); nothing is to be stated.")
    if exposure.waits_for_beam(point):
        raise Refused(
            f"A step that measures the beam of {point.id} is still to come. If it is not to be measured, leave it out"
            " first (acquire session step ... skip)."
        )


def _placed(connection: sqlite3.Connection, session: Session, dosimeter: str) -> Placement:
    found = [p for p in placements(connection, session.id) if p.dosimeter == dosimeter]
    if not found:
        raise Refused(f"{dosimeter} has no placement in session {session.id}.")
    return found[-1]


def _state(
    connection: sqlite3.Connection,
    session: Session,
    what: str,
    of: Sequence[tuple[str, dict[str, object]]],
    reason: str,
    who: str,
) -> None:
    at = utc_now()
    rows = [
        audit.row("presence_stated", session=session.id, what=what, point=point, reason=reason, who=who, at=at, **more)
        for point, more in of
    ]
    new = f"{what}: {', '.join(point for point, _ in of)}"
    with transaction(connection):
        audit.keep(connection, who, "presence stated", session.id, rows=rows, new=new, reason=reason)
