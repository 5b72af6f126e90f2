"""While the computer is down: a form printed beforehand, its numbers entered later by one and compared by another.

Nobody pretends to have raw bytes. The second person reads the number from the form again, without being shown what the
first one entered; what the electrometer kept is read back by its driver and held against it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping

from acquire.canonical import utc_now
from acquire.dosimetry import DosimetryError, likely_unit, parse_number
from acquire.dosimetry.units import charge_nc
from acquire.errors import Refused
from acquire.procedure.documents import kept
from acquire.procedure.documents.kept import File
from acquire.procedure.documents.moment import has_happened
from acquire.procedure.documents.people import same_person, two_people
from acquire.procedure.documents.plan import CHARGES, Step
from acquire.procedure.documents.point import Point
from acquire.procedure.methods.collected_charge import BLOCKING, Body, in_nc
from acquire.procedure.session.attempts import attempts
from acquire.procedure.session.progress import progress
from acquire.procedure.session.session import Session, SessionState, move, state_of
from acquire.procedure.session.stops import Execution, expected_nc
from acquire.procedure.session.transcribed import Form, Transcription, form_numbered, in_force, must_be_of
from acquire.procedure.stock.received import at_most_gy
from acquire.store import audit, entries, streams
from acquire.store.database import transaction

LARGEST_SCAN = 20 * 1024 * 1024  # bytes
SCANS: Mapping[bytes, str] = {
    b"%PDF-": "PDF", b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG", b"II*\x00": "TIFF", b"MM\x00*": "TIFF",
}  # fmt: skip
FEWEST, MOST = 0.2, 5.0  # times the expected charge, as the dose is held against the expected one


def keep_form(connection: sqlite3.Connection, asked: Execution, who: str, render: Callable[[int], bytes]) -> Form:
    """Number a form, render it with its number, and keep what is printed."""
    with transaction(connection):
        n = int(connection.execute("SELECT coalesce(max(n), 0) + 1 FROM downtime_form").fetchone()[0])
        sha256, file = kept.to_keep(connection, "downtime form", f"form-{n}.html", render(n))
        made = audit.row(
            "downtime_form", n=n, order_id=asked.order_id, plan_version=asked.plan.version, fraction=asked.fraction,
            sha256=sha256, at=utc_now(), who=who,
        )  # fmt: skip
        audit.keep(connection, who, "downtime form", asked.order_id, rows=[*file, made], new=f"form {n} {sha256}")
    form = form_numbered(connection, n)
    assert form is not None
    return form


def enter(
    connection: sqlite3.Connection,
    session: Session,
    point_id: str,
    charge: str,
    who: str,
    *,
    form: int,
    read_at: str,
    written_by: str,
    scan: File,
    reason: str,
    correct: bool = False,
) -> None:
    """A late entry from a form: `charge` with its unit as it stands there, `scan` the form's picture.

    correct: it takes the place of the one before. Raises Refused: a form of another plan or fraction, a step that was
    measured or left out, a charge that is none or far from what the plan expects, a scan that is none.
    """
    point, step = session.plan.point_named(point_id), _step(session, point_id)
    must_be_of(connection, form, session.id, session.order_id, session.plan.version, session.fraction)
    nc = _charge(charge)
    _plausible(session, point, nc, charge)
    has_happened(read_at)
    _is_scan(scan)
    if not reason.strip() or not written_by.strip():
        raise Refused("Say why it was not measured as usual (--reason), and who filled the form (--written-by).")
    own = session.inventory.detector_named(point.detector or "")
    with transaction(connection):
        before = in_force(connection, session.id).get(point_id)
        _may_enter(connection, session, step, before, correct=correct)
        sha256, file = kept.to_keep(connection, "scan", *scan)
        made = audit.row(
            "transcription", session=session.id, point=point_id, step=step.id, form=form, as_written=charge, nc=nc,
            read_at=read_at, written_by=written_by, scan=sha256, serial=own.serial, at_most_gy=at_most_gy(point),
            reason=reason, replaces=before.n if before else None, who=who, at=utc_now(),
        )  # fmt: skip
        audit.keep(
            connection, who, "transcribed", session.id, rows=[*file, made], old=before.as_written if before else None,
            new=f"{point_id} {charge} from form {form}, written by {written_by}", reason=reason,
        )  # fmt: skip
        if state_of(connection, session.id) is SessionState.READY:
            move(connection, session.id, SessionState.MEASURING, who)


def check(connection: sqlite3.Connection, session: Session, point_id: str, charge: str, who: str) -> Transcription:
    """A second person reads the form: what they read must be what was entered.

    Raises Refused for the one who entered it, or where the two differ.
    """
    with transaction(connection):
        found = in_force(connection, session.id).get(point_id)
        if found is None or found.checked_by is not None:
            state = "nothing is entered" if found is None else f"{found.checked_by} has compared it already"
            raise Refused(f"{point_id} of session {session.id}: {state}.")
        if same_person(found.who, who):
            raise Refused(f"{found.who} entered it; another person compares it with the form.")
        if _charge(charge) != found.nc:
            raise Refused(
                f"{charge} is not what {found.who} entered for {point_id}. Read the form together; then it is entered"
                " again (acquire downtime enter --correct)."
            )
        made = audit.row("transcription_checked", transcription=found.n, as_written=charge, who=who, at=utc_now())
        audit.keep(connection, who, "transcription checked", session.id, rows=[made], new=f"{point_id} {charge}")
    return in_force(connection, session.id)[point_id]


def read_back(
    connection: sqlite3.Connection, session: Session, point_id: str, limit_percent: float, who: str
) -> tuple[float, float]:
    """What the electrometer kept, as its driver read it last: (nC, difference in percent of what was entered).

    Raises Refused where nothing is entered, where its instrument has not been read since the form was printed, or was
    measured with since.
    """
    found = _entered(connection, session, point_id)
    if not 0 < limit_percent < 100:
        raise Refused("The limit of the difference is above 0 and below 100 percent.")
    point, form = session.plan.point_named(point_id), form_numbered(connection, found.form)
    stream, seq, nc = _kept_total(connection, point.instrument or "", point.channel, form)
    made = audit.row(
        "total_read_back", session=session.id, point=point_id, stream=stream, seq=seq, nc=nc,
        limit_percent=limit_percent, who=who, at=utc_now(),
    )  # fmt: skip
    with transaction(connection):
        audit.keep(connection, who, "total read back", session.id, rows=[made], new=f"{point_id} {nc:.6g} nC")
    return nc, difference_percent(nc, found.nc)


def set_aside(
    connection: sqlite3.Connection, session: Session, point_id: str, who: str, confirmed_by: str, reason: str
) -> None:
    """The total that was read back is not of this beam (the electrometer was reset since), as two people say."""
    _entered(connection, session, point_id)
    two_people("The total of an electrometer is set aside", who, confirmed_by, reason)
    made = audit.row(
        "total_read_back", session=session.id, point=point_id, reason=reason, who=who, confirmed_by=confirmed_by,
        at=utc_now(),
    )  # fmt: skip
    with transaction(connection):
        new = f"{point_id} set aside, confirmed by {confirmed_by}"
        audit.keep(connection, who, "total set aside", session.id, rows=[made], new=new, reason=reason)


def difference_percent(kept_nc: float, entered_nc: float) -> float:
    """The electrometer's total against the entered charge, whatever sign its readings have."""
    return 100 * (abs(kept_nc) / abs(entered_nc) - 1)


def _entered(connection: sqlite3.Connection, session: Session, point_id: str) -> Transcription:
    found = in_force(connection, session.id).get(point_id)
    if found is None:
        raise Refused(f"Nothing was entered from a form for {point_id} of session {session.id}.")
    return found


def _step(session: Session, point_id: str) -> Step:
    """The one beam of a point. Raises Refused for one that is not measured by a charge, or in several beams."""
    point = session.plan.point_named(point_id)
    steps = [s for s in session.plan.step if s.kind in CHARGES and point_id in s.measured]
    if point.asks.way != "charge" or len(steps) != 1 or point.pre_irradiation_gy is not None:
        raise Refused(
            f"{point_id} is not entered from a form: only a charge that one beam gives is; elements are read later, and"
            " what takes several readings is measured again at the next planned fraction."
        )
    return steps[0]


def _charge(text: str) -> float:
    """A charge in nC, from a number with its unit. Raises Refused."""
    number, _, unit = text.strip().partition(" ")
    try:
        nc: float = charge_nc(parse_number(number), unit.strip().replace("µ", "u").replace("μ", "u"))
    except DosimetryError as error:
        raise Refused(f"'{text}' is no charge with its unit, such as '36.02 nC': {error}") from error
    if nc == 0:
        raise Refused("A charge of zero is no measurement; write the step as not measured.")
    return nc


def _plausible(session: Session, point: Point, nc: float, said: str) -> None:
    expected = expected_nc(session.plan, point, session.inventory, session.calibrations, session.day)
    ratio = abs(nc) / expected if expected else 1.0
    if not FEWEST <= ratio <= MOST:
        hint = likely_unit(ratio) or "nC and pC"
        raise Refused(
            f"{said} is {ratio:.3g} times the {expected:.4g} nC that the plan expects at {point.id}: look at the unit"
            f" on the form ({hint})."
        )


def _is_scan(scan: File) -> None:
    name, body = scan
    if len(body) > LARGEST_SCAN or not any(body.startswith(each) for each in SCANS):
        kinds = ", ".join(dict.fromkeys(SCANS.values()))
        raise Refused(f"{name} is no scan of a form: {kinds} of up to {LARGEST_SCAN // 2**20} MiB are taken.")


def _may_enter(
    connection: sqlite3.Connection, session: Session, step: Step, before: Transcription | None, *, correct: bool
) -> None:
    if session.state is SessionState.PLANNED:
        raise Refused(
            f"Session {session.id} has had no time-out: enter the one of the form (acquire session time-out)."
        )
    if session.state not in (SessionState.READY, SessionState.MEASURING):
        raise Refused(f"Session {session.id} is {session.state}; nothing can be entered in it any more.")
    if (before is not None) != correct:
        how = "it is corrected with --correct" if before else "there is nothing to correct"
        raise Refused(f"{before.says}; {how}." if before else f"Nothing was entered for {step.id}; {how}.")
    if before is not None:
        return
    status = next(s for s in progress(connection, session) if s.step.id == step.id)
    running = any(a.begun and not a.ended and a.abandoned is None for a in attempts(connection, session.id, step.id))
    if status.progress not in ("waiting", "running") or (running and status.progress == "running"):
        now = "running: abandon it first (acquire session step abandon)" if running else status.progress
        raise Refused(f"Step {step.id} is {now}; nothing is entered for it.")


def _kept_total(
    connection: sqlite3.Connection, instrument: str, channel: str | None, form: Form | None
) -> tuple[str, int, float]:
    """(stream, seq, nC) of the newest charge that an instrument told after the form was printed. Raises Refused."""
    stream = streams.newest_of(connection, instrument)
    since = (form.made_after if form else None) or 0
    for entry in entries.beside(connection, stream.stream, entries.HIGHEST, before=True, most=50) if stream else ():
        if entry.received <= since:
            break
        body: Body = entries.decoded(stream.stream if stream else "", entry)
        if body["kind"] == "marker":
            raise Refused(f"{instrument} was measured with since; it keeps no total of that beam any more.")
        if body["quantity"] != "charge" or (channel is not None and body.get("channel") != channel):
            continue
        if body.get("value") is None or set(body.get("flags") or ()) & BLOCKING:
            raise Refused(f"{instrument} shows no charge now ({', '.join(body.get('flags') or ['no value'])}).")
        return stream.stream if stream else "", entry.seq, in_nc(float(body["value"]), str(body["unit"]))
    raise Refused(f"{instrument} has told no charge since the form was printed; read it with the service running.")
