"""The fit beside the dose: of each curve that a result or a session uses, what it found, or why there is none."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from acquire.canonical import parse
from acquire.fits.kept import DECAY, LIGHT, KeptFit, fits_of
from acquire.procedure.documents.inventory import Element
from acquire.procedure.readouts.elements import readout
from acquire.procedure.readouts.placed import placements
from acquire.procedure.results.result import Result
from acquire.procedure.session.session import Session
from acquire.store import entries, streams

Shown = dict[str, Any]

NOT_YET = "it has not been fitted yet; a running service does that by itself."
NOT_BY_THEN = (
    "it had not been fitted when this was calculated, or words on it were written last; acquire session status says"
    " what a fit made since found."
)


def fits_of_point(
    connection: sqlite3.Connection, session: Session, result: Result, until: int | None = None
) -> list[Shown]:
    """The fits of the curves a result was made from, in the order it names them; as `fits_of_session`.

    With `until`, those alone that were kept before this entry of the audit trail.
    """
    refs = [ref for each in result.selection.readings.values() for ref in each]
    return list(_shown(connection, session, ((ref.stream, ref.seq) for ref in refs), until))


def last_written(connection: sqlite3.Connection, session: Session) -> int:
    """The audit entry with which results of a session were calculated, or words on it written, last; 0 without one.

    A record shows the fits that were there then: whoever signs it has read them, and none comes in between.
    """
    about = [session.id, *(f"{session.id} {point.id}" for point in session.plan.point)]
    (last,) = connection.execute(
        "SELECT coalesce(max(n), 0) FROM audit WHERE what IN ('result', 'words written')"
        f" AND subject IN ({','.join('?' * len(about))})",
        about,
    ).fetchone()
    return int(last)


def fits_of_session(connection: sqlite3.Connection, session: Session) -> list[Shown]:
    """The fits of the curves that were read of a session's elements so far.

    Each has "element", "stream" and "seq", and "says" where there is no fit: why. Of one there are "analysis",
    "preset", "curve" (the digest it is of), "at" and "result" (as `acquire fit --json` gives it).
    """
    read = []
    for placement in placements(connection, session.id):
        element = session.inventory.element_named(placement.dosimeter)
        read.append(readout(connection, element, placement, session.plan.batch_of(element.reader)).used)
    return list(_shown(connection, session, ((each.stream, each.seq) for each in read if each is not None)))


def said(fits: Iterable[Shown]) -> list[str]:
    """Sentences for whoever reads the dose: what is to be said of the fits, and of curves without one."""
    return [f"Curve of {each['element']}: {sentence}" for each in fits for sentence in _sentences(each)]


def _sentences(fit: Shown) -> Iterator[str]:
    if "result" not in fit:
        yield fit["says"]
    elif fit["result"]["refused"] is not None:
        yield f"not fitted: {fit['result']['refused']}"
    else:
        yield from fit["result"]["warnings"]


def _shown(
    connection: sqlite3.Connection, session: Session, read: Iterable[tuple[str, int]], until: int | None = None
) -> Iterator[Shown]:
    for stream, seq in read:
        entry = entries.entry_at(connection, stream, seq)
        if entry is None or entry.kind not in ("glow-curve", "curve"):
            continue
        here = {"element": entry.element, "stream": stream, "seq": seq}
        if entry.status == "damaged":
            yield {**here, "says": "its bytes are not those that were stored, so that it is not fitted."}
            continue
        body = parse(entry.body)
        if entry.kind == "curve" and body.get("mode") not in LIGHT:
            continue
        element = _element(connection, session, stream, body)
        yield {**here, "element": element.id if element else entry.element} | _of(
            element, entry.kind, fits_of(connection, stream, seq, entry.digest, until),
            NOT_YET if until is None else NOT_BY_THEN,
        )  # fmt: skip


def _element(connection: sqlite3.Connection, session: Session, stream: str, body: Mapping[str, Any]) -> Element | None:
    of = streams.named(connection, stream)
    named = None if of is None else (of.instrument, body.get("element"))
    for each in session.inventory.element:
        if (each.reader, each.read_as) == named and each.element_index in (None, body.get("element_index")):
            return each
    return None


def _of(element: Element | None, kind: str, kept: list[KeptFit], none: str) -> Shown:
    """The fit that counts: with the preset of the session's own inventory, the newest analysis. none: why not."""
    from acquire.glow import preset_of  # noqa: PLC0415 - brings numpy

    preset: str | None = DECAY
    if kind == "glow-curve":
        if element is None:
            return {"says": "the inventory does not name its element, so that its material is not known."}
        found = preset_of(element.material)
        if found is None:
            return {"says": f"there is no preset for the material '{element.material}'."}
        preset = found.name
    ours = [each for each in kept if each.preset == preset]
    if not ours:
        return {"says": none}
    fit = ours[-1]
    return {
        "analysis": fit.analysis, "preset": fit.preset, "curve": fit.curve, "at": fit.at, "result": fit.result,
    }  # fmt: skip
