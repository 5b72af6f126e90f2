"""What was entered from a downtime form in place of a measurement, with what its electrometer kept."""

from __future__ import annotations

from acquire.procedure.records.selection import OfTranscribed, Ref, TotalTaken, TranscribedTaken
from acquire.procedure.results.choosing import Choosing
from acquire.procedure.session import ambient_conditions
from acquire.procedure.session.downtime import difference_percent
from acquire.procedure.session.transcribed import Transcription, in_force, totals
from acquire.store import entries
from acquire.store.entries import Damaged


def select_transcribed(choosing: Choosing) -> OfTranscribed | None:
    """The entry that counts for the point; None where it was measured as usual, or not at all."""
    connection, session, point = choosing.connection, choosing.session, choosing.point
    found = in_force(connection, session.id).get(point.id)
    if found is None:
        return None
    if found.checked_by is None:
        choosing.problems.append(f"{found.says}: a second person compares it first (acquire downtime check).")
    air = ambient_conditions.entries(connection, session.id) if point.asks.ambient else None
    return OfTranscribed(transcribed=_taken(found, _total(choosing, found)), air=None if air is None else tuple(air))


def _taken(found: Transcription, total: TotalTaken | None) -> TranscribedTaken:
    return TranscribedTaken(
        n=found.n, form=found.form, step=found.step, nc=found.nc, as_written=found.as_written, read_at=found.read_at,
        written_by=found.written_by, entered_by=found.who, entered_at=found.at, checked_by=found.checked_by,
        scan=found.scan, says=f"{found.says}.", total=total,
    )  # fmt: skip


def _total(choosing: Choosing, found: Transcription) -> TotalTaken | None:
    """The newest that was read back, against the entry that counts now; none where two people set it aside."""
    read = [each for each in totals(choosing.connection, choosing.session.id) if each.point == choosing.point.id]
    if not read:
        return None
    last = read[-1]
    if last.nc is None or last.stream is None or last.seq is None or last.limit_percent is None:
        why, people = (last.reason or "").strip().rstrip("."), f"{last.who}, confirmed by {last.confirmed_by}"
        choosing.remarks.append(f"The total of {choosing.point.instrument} is set aside: {why} ({people}).")
        return None
    entry = entries.entry_at(choosing.connection, last.stream, last.seq)
    if entry is None or entry.status == "damaged":
        raise Damaged(last.stream, last.seq)
    return TotalTaken(
        reading=Ref(stream=last.stream, seq=last.seq, digest=entry.digest), nc=last.nc,
        difference_percent=difference_percent(last.nc, found.nc), limit_percent=last.limit_percent,
    )  # fmt: skip
