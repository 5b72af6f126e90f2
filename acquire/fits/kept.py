"""The rows of fits: kept with the analysis, the preset and the digest of the curve they are of; nothing is replaced."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from acquire.canonical import canonical, parse, utc_now
from acquire.packing import packed, unpacked
from acquire.store import audit
from acquire.store.database import transaction
from acquire.store.entries import entry_at
from acquire.store.present import PROGRAM
from acquire.store.record_tables import FITTED

ANALYSIS = "glow 1"
"""Which analysis makes the fits that are kept: to be counted up with every change of acquire.glow, presets too, that
may change a figure or a sentence. Curves that an earlier one fitted are fitted again then, beside it."""
DECAY = ""  # in place of a preset: a decay needs none
LIGHT = ("OSL", "IRSL")  # modes of a record (XSYG's recordType) under constant light: its curve is a decay


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve to be fitted: where its entry is, its digest (hexadecimal), the preset, and the entry's body.

    dosimeter: the element as the inventory calls it; None where none does. name: what the fit calls the curve.
    """

    stream: str
    seq: int
    digest: str
    preset: str
    dosimeter: str | None
    name: str
    body: bytes

    @property
    def key(self) -> tuple[str, int, str, str, str]:
        """The key of its row."""
        return self.stream, self.seq, self.digest, ANALYSIS, self.preset


@dataclass(frozen=True, slots=True)
class KeptFit:
    """A fit as it is kept; `result` is what acquire.glow gave, as JSON values: a sentence in "refused", or numbers."""

    stream: str
    seq: int
    curve: str
    analysis: str
    preset: str
    dosimeter: str | None
    at: str
    result: dict[str, Any]

    @property
    def key(self) -> tuple[str, int, str, str, str]:
        """The key of its row."""
        return self.stream, self.seq, self.curve, self.analysis, self.preset


_THIS = "SELECT 1 FROM curve_fit WHERE stream = ? AND seq = ? AND curve = ? AND analysis = ? AND preset = ?"


def is_kept(connection: sqlite3.Connection, curve: Curve) -> bool:
    """Whether this analysis has fitted this very curve with this preset."""
    return connection.execute(_THIS, curve.key).fetchone() is not None


def is_there(connection: sqlite3.Connection, curve: Curve) -> bool:
    """Whether the store still holds this very curve: another may have been put in its place meanwhile."""
    entry = entry_at(connection, curve.stream, curve.seq)
    return entry is not None and entry.status == "stored" and entry.digest == curve.digest


def keep(connection: sqlite3.Connection, made: Iterable[tuple[Curve, dict[str, Any]]]) -> int:
    """Keep fits, each with an audit entry, in one transaction; returns how many were new."""
    new = 0
    with transaction(connection):
        for curve, result in made:
            if is_kept(connection, curve):  # another process was quicker
                continue
            row = audit.row(
                "curve_fit", stream=curve.stream, seq=curve.seq, curve=curve.digest, analysis=ANALYSIS,
                preset=curve.preset, dosimeter=curve.dosimeter, result=packed(canonical(result)), at=utc_now(),
            )  # fmt: skip
            new_value = f"{ANALYSIS} {curve.preset}".strip()
            audit.keep(connection, PROGRAM, FITTED, _subject(curve), rows=[row], new=new_value)
            new += 1
    return new


def fits_of(
    connection: sqlite3.Connection, stream: str, seq: int, digest: str, until: int | None = None
) -> list[KeptFit]:
    """The fits of a curve: all, or those that were kept before an entry of the audit trail. In the order in which they
    were kept, by the number of that entry: a clock that was set back makes no fit an old one."""
    rows = connection.execute(
        "SELECT stream, seq, curve, analysis, preset, dosimeter, at, result FROM curve_fit"
        " WHERE stream = ? AND seq = ? AND curve = ? ORDER BY analysis, preset",
        (stream, seq, digest),
    )
    found = [KeptFit(**{**dict(row), "result": parse(unpacked(row["result"]))}) for row in rows]
    kept = audit.entries_of_rows(connection, {_subject(each) for each in found})
    numbers = [kept.get(("curve_fit", each.key), 0) for each in found]
    in_order = sorted(zip(numbers, found, strict=True), key=lambda each: each[0])
    return [fit for n, fit in in_order if until is None or n < until]


def _subject(of: Curve | KeptFit) -> str:
    return of.dosimeter or f"{of.stream}/{of.seq}"
