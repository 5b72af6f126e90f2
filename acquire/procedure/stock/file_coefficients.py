"""Who stands by the coefficients of calibration files: the first of a detector with the names in its file, every other
one by a second person in the store.

A file is typed by one person and nobody sees who changed a figure in it. So the store keeps what was used last, to the
last digit: what differs is refused until somebody entered it and somebody else confirmed it. The first coefficient of a
detector or reader has nothing to be held against: as with a first plan, the names in the file stand for it, but only
where names are typed anyway. Where people log in, two of them stand by the first one, too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from acquire.canonical import canonical, parse, utc_now
from acquire.errors import Refused
from acquire.procedure.documents.calibrations import Calibrations
from acquire.procedure.documents.causes import Stop
from acquire.procedure.documents.inventory import Inventory
from acquire.procedure.documents.people import same_person
from acquire.procedure.stock.stated import (
    ELEMENTS,
    Stated,
    differences,
    entries_of,
    greatest_change_percent,
    holds,
    of_file,
)
from acquire.store import audit
from acquire.store.database import transaction
from acquire.store.present import has_accounts
from acquire.sums import added

IN_FORCE = ("first", "confirmed")


@dataclass(frozen=True, slots=True)
class Known:
    """One row: what was done with which content of a calibration, and by whom."""

    owner: str
    n: int
    what: str
    calibration: str
    covers: str
    serial: str | None
    sha256: str
    content: Mapping[str, Any]
    entered_by: str
    who: str
    reason: str | None
    at: str


def known_of(connection: sqlite3.Connection, owner: str, serial: str | None = None) -> list[Known]:
    """Every row of a detector or reader, oldest first; also of the same serial number under another name."""
    rows = connection.execute(
        "SELECT * FROM coefficient WHERE owner = ?1 OR (?2 IS NOT NULL AND serial = ?2) ORDER BY audit_entry, owner, n",
        (owner, serial),
    )
    return [_known(row) for row in rows]


def known_by_id(connection: sqlite3.Connection, calibration: str) -> list[Known]:
    """Every row of a calibration of files, oldest first."""
    rows = connection.execute(
        "SELECT * FROM coefficient WHERE calibration = ? ORDER BY audit_entry, owner, n", (calibration,)
    )
    return [_known(row) for row in rows]


def every_known(connection: sqlite3.Connection) -> list[Known]:
    """Every row, by detector or reader, oldest first."""
    return [_known(row) for row in connection.execute("SELECT * FROM coefficient ORDER BY owner, n")]


def standing_of(connection: sqlite3.Connection, owner: str) -> list[Known]:
    """What is in force of a detector or reader, the last one for each beam."""
    found: dict[str, Known] = {}
    for each in known_of(connection, owner):
        if each.what in IN_FORCE:
            found[each.covers] = each
        elif each.what == "withdrawn" and each.covers in found and found[each.covers].sha256 == each.sha256:
            del found[each.covers]
    return [*found.values()]


def in_force(connection: sqlite3.Connection, stated: Stated, on: date) -> Known | None:
    """What stands for the same detector or reader, and for the same beam, on a day: the one that came last."""
    standing = [each for each in _standing(connection, stated) if holds(each.content, on)]
    return standing[-1] if standing else None


def unconfirmed(connection: sqlite3.Connection, found: Iterable[Stated], on: date) -> Iterator[Stop]:
    """A sentence for each calibration of a file that is not the one the store knows for this day."""
    for stated in found:
        if says := _unlike(connection, stated, on):
            yield Stop("second-person", says)


def first(
    connection: sqlite3.Connection, found: Iterable[Stated], inventory: Inventory, calibrations: Calibrations
) -> list[Stated]:
    """Everything in a file of those detectors, readers and elements that are used and that the store did not know.

    Nothing where people log in: a name in a file is nobody's word.
    """
    if has_accounts(connection):
        return []
    owners = {(each.owner, each.covers == ELEMENTS) for each in found if _is_news(connection, each)}
    every = [of_file(inventory, each) for each in entries_of(calibrations)]
    own = [each for each in every if (each.owner, each.covers == ELEMENTS) in owners]
    return [each for each in own if _is_news(connection, each)]


def first_rows(connection: sqlite3.Connection, found: Sequence[Stated], who: str) -> list[audit.Row]:
    """The rows by which they are known from now on, for the caller's own entry.

    Raises Refused where who brings a file is the one who approved it, and it names nobody else who entered it.
    """
    rows: list[audit.Row] = []
    for stated in found:
        by = stated.entered_by or who
        if stated.approved_by is not None and same_person(by, stated.approved_by):
            raise Refused(
                f"Calibration {stated.calibration} of {stated.owner} is approved by {stated.approved_by}, who brings"
                " it: a coefficient needs two people. Let another one bring it, or name in the file who entered it"
                " (entered_by)."
            )
        rows.append(_row(connection, stated, "first", by, who, beside=rows))
    return rows


def enter(
    connection: sqlite3.Connection,
    who: str,
    inventory: Inventory,
    calibrations: Calibrations,
    reason: str,
    change_limit_percent: float | None = None,
) -> list[tuple[str, list[str]]]:
    """Enter what is new in a calibration file; another person confirms it (`confirm`). Returns (id, what is otherwise).

    Of several for one detector and beam the one counts that begins last. Raises Refused without a reason, where nothing
    is new, where a coefficient changed and no limit is given, and where it changed by more than that.
    """
    if not reason.strip():
        raise Refused("Say why there are other coefficients: for example 'reference session F of 2027-02-01'.")
    new = [(stated, _last(connection, stated)) for stated in _latest(inventory, calibrations)]
    new = [(stated, last) for stated, last in new if last is None or last.sha256 != stated.sha256]
    ids = [stated.calibration for stated, _ in new]
    if twice := sorted({each for each in ids if ids.count(each) > 1}):
        raise Refused(f"{', '.join(twice)} stands more than once in this calibration file: give each an id of its own.")
    if not new:
        raise Refused("Everything in this calibration file is as the store knows it: there is nothing to confirm.")
    if wrong := [says for stated, last in new for says in _not_issued(stated, last, change_limit_percent)]:
        raise Refused(*wrong)
    rows: list[audit.Row] = []
    for stated, _ in new:
        rows.append(_row(connection, stated, "entered", who, who, beside=rows, reason=reason))
    with transaction(connection):
        audit.keep(connection, who, "coefficients entered", ", ".join(ids), rows=rows, reason=reason)
    return [(stated.calibration, _told(stated, last)) for stated, last in new]


def confirm(connection: sqlite3.Connection, calibration: str, who: str) -> Known:
    """A second person stands by what was entered last under this id: it is in force. Raises Refused."""
    with transaction(connection):
        rows = known_by_id(connection, calibration)
        if not rows or rows[-1].what != "entered":
            raise Refused(f"Nothing of {calibration} waits for a second person (acquire calibration enter FILE).")
        last = rows[-1]
        if same_person(last.entered_by, who):
            raise Refused(f"{last.entered_by} entered {calibration}; another person must confirm it.")
        made = _again(connection, last, "confirmed", who)
        audit.keep(connection, who, "coefficient confirmed", calibration, rows=[made], new=last.sha256)
    return last


def withdraw(connection: sqlite3.Connection, calibration: str, who: str, reason: str) -> str:
    """Take back what was entered, or withdraw what is in force; returns "rejected" or "withdrawn". Raises Refused.

    From now on it gives no number; results that were made with it stay as they are.
    """
    if not reason.strip():
        raise Refused("Say why.")
    with transaction(connection):
        rows = known_by_id(connection, calibration)
        if not rows or rows[-1].what == "withdrawn":
            raise Refused(f"Nothing of {calibration} is in force or waits for a second person.")
        last = rows[-1]
        made = _again(connection, last, "withdrawn", who, reason)
        state = "rejected" if last.what == "entered" else "withdrawn"
        audit.keep(connection, who, f"coefficient {state}", calibration, rows=[made], old=last.sha256, reason=reason)
    return state


def withdrawn(connection: sqlite3.Connection, stated: Stated) -> Known | None:
    """Who withdrew exactly this content after it was last confirmed; None where nobody did."""
    same = [each for each in known_of(connection, stated.owner, stated.serial) if each.sha256 == stated.sha256]
    return same[-1] if same and same[-1].what == "withdrawn" else None


def confirmed_at(connection: sqlite3.Connection, stated: Stated) -> str | None:
    """When exactly this content came into force (UTC); None where it did not."""
    known = known_of(connection, stated.owner, stated.serial)
    same = [each for each in known if each.sha256 == stated.sha256 and each.what in IN_FORCE]
    return same[-1].at if same else None


def _unlike(connection: sqlite3.Connection, stated: Stated, on: date) -> str | None:
    """Why a calibration of a file is not to be used on a day; None where it is the one in force, or the first."""
    if gone := withdrawn(connection, stated):
        return (
            f"Calibration {stated.calibration} of {stated.owner} was withdrawn by {gone.who}"
            f" ({(gone.reason or '').rstrip('.')}): calibrate again, or use another."
        )
    if not _earlier(connection, stated) and not has_accounts(connection):
        return None
    if stated.covers == ELEMENTS and all(
        _corrects_alike(connection, stated, name, on) for name in stated.content["ecc"]
    ):
        return None
    last = in_force(connection, stated, on) or _last(connection, stated)
    if last is not None and last.sha256 == stated.sha256:
        return None
    return (
        f"Calibration {stated.calibration} of {stated.owner} ({stated.covers}) is not the one that is in force:"
        f" {'; '.join(_told(stated, last))}. Two people stand by a new coefficient: acquire calibration enter, then"
        f" acquire calibration confirm {stated.calibration} by another one."
    )


def _told(stated: Stated, last: Known | None) -> list[str]:
    if last is None:
        return [f"for {stated.covers} there was none"]
    if last.serial != stated.serial:
        return [f"it was of serial number {last.serial}, the inventory has {stated.owner} with {stated.serial}"]
    return differences(last.content, stated.content) or [f"its id was {last.calibration}"]


def _not_issued(stated: Stated, last: Known | None, limit: float | None) -> Iterator[str]:
    """A coefficient that changed needs the site's limit, and lies within it."""
    change = None if last is None else greatest_change_percent(last.content, stated.content)
    if not change or last is None or last.serial != stated.serial:
        return
    what = f"The coefficient of {stated.owner} in {stated.calibration} changed by {change:+.2f} %"
    if limit is None:
        yield f"{what}: say by how much a new one may differ in percent (change_limit_percent)."
    elif abs(change) > limit:
        yield (
            f"{what}; the limit is {limit:g} %, so it is not issued. Take {stated.owner} out of service (acquire"
            f" calibration ended {stated.owner} other) and look at what was measured with it since (acquire"
            f" calibration touched {last.calibration})."
        )


def _latest(inventory: Inventory, calibrations: Calibrations) -> list[Stated]:
    """Of each detector and beam, each reader and each batch the calibration of a file that begins last."""
    found: dict[tuple[str, str, str], Stated] = {}
    for each in entries_of(calibrations):
        stated = of_file(inventory, each)
        key = (stated.owner, stated.covers, stated.calibration if stated.covers == ELEMENTS else "")
        if key not in found or found[key].content["valid_from"] <= stated.content["valid_from"]:
            found[key] = stated
    return [*found.values()]


def _earlier(connection: sqlite3.Connection, stated: Stated) -> list[Known]:
    """What the store knows of the same detector or reader; of elements, what corrects one of the same."""
    known = known_of(connection, stated.owner, stated.serial)
    if stated.covers == ELEMENTS:
        return [each for each in known if each.covers == ELEMENTS and _share(each, stated)]
    return [each for each in known if each.covers != ELEMENTS]


def _is_news(connection: sqlite3.Connection, stated: Stated) -> bool:
    """Whether the store knows nothing of the detector or reader, or of one of the elements."""
    earlier = _earlier(connection, stated)
    if stated.covers != ELEMENTS:
        return not earlier
    return bool(stated.content["ecc"].keys() - {name for each in earlier for name in each.content["ecc"]})


def _corrects_alike(connection: sqlite3.Connection, stated: Stated, name: str, on: date) -> bool:
    """Whether an element is corrected as it was last, or for the first time; what else its batch holds is no matter."""
    standing = [each for each in _standing(connection, stated) if name in each.content["ecc"]]
    if not standing:
        known = any(name in each.content["ecc"] for each in _earlier(connection, stated))
        return not known and not has_accounts(connection)
    last = ([each for each in standing if holds(each.content, on)] or standing)[-1].content
    rest = (last.keys() | stated.content.keys()) - {"ecc"}
    same = all(last.get(key) == stated.content.get(key) for key in rest)
    return bool(same and last["ecc"][name] == stated.content["ecc"][name])


def _share(each: Known, stated: Stated) -> bool:
    return bool(each.content["ecc"].keys() & stated.content["ecc"].keys())


def _standing(connection: sqlite3.Connection, stated: Stated) -> list[Known]:
    """What is in force of the same detector and beam: first or confirmed, and not withdrawn since."""
    standing: list[Known] = []
    for each in _earlier(connection, stated):
        if each.covers != stated.covers:
            continue
        standing = [s for s in standing if s.sha256 != each.sha256] if each.what == "withdrawn" else standing
        standing += [each] if each.what in IN_FORCE else []
    return standing


def _last(connection: sqlite3.Connection, stated: Stated) -> Known | None:
    standing = _standing(connection, stated)
    return standing[-1] if standing else None


def _row(
    connection: sqlite3.Connection,
    stated: Stated,
    what: str,
    entered_by: str,
    who: str,
    *,
    beside: Sequence[audit.Row],
    reason: str | None = None,
) -> audit.Row:
    more = added(each.values.get("owner") == stated.owner for each in beside)
    return audit.row(
        "coefficient", owner=stated.owner, n=_next(connection, stated.owner) + more, what=what,
        calibration=stated.calibration, covers=stated.covers, serial=stated.serial, sha256=stated.sha256,
        content=canonical(stated.content), entered_by=entered_by, who=who, reason=reason, at=utc_now(),
    )  # fmt: skip


def _again(connection: sqlite3.Connection, last: Known, what: str, who: str, reason: str | None = None) -> audit.Row:
    said = {name: getattr(last, name) for name in ("owner", "calibration", "covers", "serial", "sha256", "entered_by")}
    return audit.row(
        "coefficient", **said, n=_next(connection, last.owner), what=what, content=canonical(last.content), who=who,
        reason=reason, at=utc_now(),
    )  # fmt: skip


def _next(connection: sqlite3.Connection, owner: str) -> int:
    row = connection.execute(
        "SELECT coalesce(max(n), 0) + 1 AS n FROM coefficient WHERE owner = ?", (owner,)
    ).fetchone()
    return int(row["n"])


def _known(row: sqlite3.Row) -> Known:
    values = {name: row[name] for name in Known.__slots__}
    return Known(**values | {"content": parse(row["content"])})
