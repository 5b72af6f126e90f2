"""Which curves of the store still need a fit: those of an element that this analysis has not fitted yet.

The store is walked in the order in which entries came, a slice at a time, by the index of entries that name an element;
so the thread that commits is never held for long. Nothing has to be remembered: a new walk finds what an old one left.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from acquire.fits.kept import ANALYSIS, DECAY, LIGHT, Curve, is_kept
from acquire.fits.materials import Materials
from acquire.log import Log
from acquire.store import entries
from acquire.store.entries import KIND

log = Log("fits")

SLICE = 200  # entries looked at in one turn on the store's thread
MOST = 4  # curves taken in one turn
_START = (0, 0, 0)
_NEXT = (
    "SELECT e.received, e.stream AS number, e.seq, e.kind, e.element, s.stream, s.instrument"
    " FROM entries e INDEXED BY entries_of_elements JOIN streams s ON s.number = e.stream"
    " WHERE e.element IS NOT NULL AND (e.received, e.stream, e.seq) > (?, ?, ?) AND e.received >= ?1"
    " ORDER BY e.received, e.stream, e.seq LIMIT ?"
)
_PRESETS = "SELECT preset FROM curve_fit WHERE stream = ? AND seq = ? AND analysis = ?"


class _Head(msgspec.Struct):
    """What decides whether a reading is to be fitted; its columns are not looked at."""

    kind: str
    role: str = "sample"
    mode: str | None = None
    flags: tuple[str, ...] = ()
    element_index: int | None = None


_head = msgspec.json.Decoder(_Head)


class Found(NamedTuple):
    """What one turn found: curves, and whether the walk goes on."""

    curves: list[Curve]
    goes_on: bool


@dataclass(slots=True)
class Search:
    """One walk through the store after another. Every method runs on the store's thread, but for `begin_anew`."""

    materials: Materials
    met_glow: bool = False  # whether there is a glow curve at all, for which inventories are to be read
    _after: tuple[int, int, int] = _START
    _life: tuple[object, ...] = ()  # of the store: after a restore its numbers begin lower

    def begin_anew(self) -> None:
        """What was taken may not have been kept, or more may be known of the elements."""
        self._after = _START

    def next(self, connection: sqlite3.Connection) -> Found:
        """A few curves that need a fit, in the order they came."""
        self._same_life(connection)
        curves: list[Curve] = []
        rows = connection.execute(_NEXT, (*self._after, SLICE)).fetchall()
        for row in rows:
            self._after = row["received"], row["number"], row["seq"]
            curve = self._curve(connection, row)
            if curve is not None:
                curves.append(curve)
            if len(curves) >= MOST:
                break
        return Found(curves, bool(rows))

    def _same_life(self, connection: sqlite3.Connection) -> None:
        life = tuple(connection.execute("SELECT store, epoch, start FROM identity").fetchone())
        if life != self._life:
            self._life, self.met_glow = life, False
            self.materials.forget()
            self.begin_anew()

    def _curve(self, connection: sqlite3.Connection, row: sqlite3.Row) -> Curve | None:
        wanted = self._presets(row)
        done = {each[0] for each in connection.execute(_PRESETS, (row["stream"], row["seq"], ANALYSIS))}
        if wanted <= done:
            return None
        entry = entries.entry_at(connection, row["stream"], row["seq"])
        if entry is None or entry.status != "stored":
            if entry is not None and entry.status == "damaged":
                log.warning("a damaged curve is not fitted", stream=row["stream"], seq=row["seq"])
            return None
        curve = self._of(row, entry)
        return curve if curve is not None and not is_kept(connection, curve) else None

    def _presets(self, row: sqlite3.Row) -> set[str]:
        """The presets that the entry may need a fit with, by what its row says."""
        if row["kind"] == KIND["curve"]:
            return {DECAY}
        if row["kind"] != KIND["glow-curve"]:
            return set()
        self.met_glow = True
        return {each.preset for each in self.materials.candidates(row["instrument"], row["element"]) if each.preset}

    def _of(self, row: sqlite3.Row, entry: entries.Entry) -> Curve | None:
        """The curve of an entry, or None where it is a reader's own check, unfinished, or of no known material."""
        try:
            head = _head.decode(entry.body)
        except msgspec.DecodeError:  # of a source that is none of ours
            return None
        if head.role != "sample" or "incomplete" in head.flags:
            return None
        known = self.materials.element(row["instrument"], row["element"], head.element_index)
        if head.kind == "curve":
            preset = DECAY if head.mode in LIGHT else None
        else:
            preset = known.preset if known is not None else None
        if preset is None:
            return None
        dosimeter = known.dosimeter if known is not None else None
        return Curve(
            row["stream"], row["seq"], entry.digest, preset, dosimeter, dosimeter or row["element"], entry.body
        )
