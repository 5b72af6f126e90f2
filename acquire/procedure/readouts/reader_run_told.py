"""The reader run of a result as it is stored and printed: what names it, what was read in it, its quality control."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from acquire.store import entries

KINDS = {"standards": "standards", "controls": "controls", "checks": "check element"}
QUALITY = {"pmt-noise": "PMT noise", "reference-light": "reference light"}


def described(connection: sqlite3.Connection, selection: Mapping[str, Any]) -> dict[str, Any]:
    """The run that a selection names, with the values of its PMT noise and reference light; and a sentence of it."""
    run = selection["run"]
    told = {name: run[name] for name in ("reader", "is", "states", "begins", "file", "offset", "side") if name in run}
    read = {name: selection.get(name) or [] for name in ("elements", "standards", "controls", "checks")}
    quality = {kind: _values(connection, run[kind]) for kind in QUALITY if kind in run}
    made = told | {"first": {"stream": run["first"]["stream"], "seq": run["first"]["seq"]}} | read | quality
    return made | {"says": _says(made)}


def quality_control(connection: sqlite3.Connection, selection: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The PMT noise and reference light of the run that a selection names, as they are stored."""
    refs = [ref for kind in QUALITY for ref in selection.get("run", {}).get(kind, ())]
    return [entries.body_at(connection, ref["stream"], ref["seq"]) for ref in refs]


def _values(connection: sqlite3.Connection, refs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What was read, in the order it was read; None where there was no number."""
    bodies = [entries.body_at(connection, ref["stream"], ref["seq"]) for ref in refs]
    return {"unit": bodies[0]["unit"], "values": [body.get("value") for body in bodies]}


def _says(made: Mapping[str, Any]) -> str:
    where = f"entry {made['first']['seq']} of stream {made['first']['stream']}"
    if "file" in made:
        place = f", byte {made['offset']}" if "offset" in made else ""
        where = f"{made['file']}{place}; {where}"
    named = f" '{made['states']}'" if "states" in made else ""
    read = [f"{what} {', '.join(made[kind])}" for kind, what in KINDS.items() if made[kind]]
    quality = [f"{len(made[kind]['values'])} of {what}" for kind, what in QUALITY.items() if kind in made]
    parts = [f"Read in the run{named} of {made['reader']} that begins at {where}", *read, *quality]
    return ", with ".join([parts[0], "; ".join(parts[1:])] if parts[1:] else parts) + "."
