"""Attempts, measurements and their markers by hand: what a point's readings are chosen from, without a store."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from acquire.procedure.documents.plan import Step
from acquire.procedure.records.selection import BoundDetector, Ref
from acquire.procedure.results import choosing as room
from acquire.procedure.results.choosing import Choosing
from acquire.procedure.session import beams_given
from acquire.procedure.session.attempts import Attempt
from acquire.procedure.session.beam_statements import BeamStatement, PartSaid
from acquire.store import entries
from acquire.store.attribution import MeasurementView, StoredReading
from acquire.store.entries import Entry
from acquire.store.made import Received

RUNNING = SimpleNamespace(integrates="running")


def attempt(
    name: str, step: str = "b1", on: str = "el-1", *, begun: bool = True, ended: bool = True,
    abandoned: str | None = None, beam_given: bool | None = None, in_force: Any = RUNNING,
) -> Attempt:  # fmt: skip
    """One at a step; by default ended as it should be."""
    return Attempt(name, "S", step, "irradiate", on, "", begun, ended, abandoned, beam_given, in_force)


def given_up(name: str, beam: bool, **more: Any) -> Attempt:
    return attempt(name, ended=False, abandoned="fault", beam_given=beam, **more)


def reading(seq: int, stream: str = "s") -> StoredReading:
    return StoredReading(stream, seq, "el-1", {}, f"digest {seq}", Received(0, ""))


def ref(seq: int, stream: str = "s") -> Ref:
    return Ref(stream=stream, seq=seq, digest=f"digest {seq}")


def view(name: str, begin: int | None = 10, end: int | None = 20, **more: Any) -> MeasurementView:
    """A measurement as the streams show it: two readings between its markers."""
    first = begin or 0
    made = MeasurementView(name, "ended", "s", begin, end, (reading(first + 1), reading(first + 2)))
    return replace(made, **more)


def step(name: str = "b1", kind: str = "irradiate", instrument: str | None = None, *points: str, **more: Any) -> Step:
    return Step.model_construct(
        id=name, kind=kind, instrument=instrument, point=None, points=points or ("B1",), **more
    )  # fmt: skip


def entry(seq: int, status: str = "stored", kind: str = "marker") -> Entry:
    return SimpleNamespace(seq=seq, status=status, kind=kind, digest=f"digest {seq}")  # type: ignore[return-value]


@dataclass
class Store:
    """A session's attempts and measurements, without a store."""

    attempts: list[Attempt] = field(default_factory=list)
    rests: dict[str, BeamStatement] = field(default_factory=dict)
    parts: list[PartSaid] = field(default_factory=list)
    views: dict[str, MeasurementView] = field(default_factory=dict)
    entries: dict[tuple[str, int], Any] = field(default_factory=dict)
    beside: dict[str, tuple[str, ...]] = field(default_factory=dict)  # instrument: the points of a step on it
    channel: str | None = None  # of the point
    bound: dict[str, BoundDetector] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)  # measurement: the beam that its signal shows all the same
    steps: list[Step] = field(default_factory=list)
    other_points: tuple[Any, ...] = ()
    connection: sqlite3.Connection = field(default_factory=lambda: sqlite3.connect(":memory:"))

    def __post_init__(self) -> None:
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("CREATE TABLE not_measured (session, step, reason)")

    def choosing(self, **more: Any) -> Choosing:
        point = SimpleNamespace(id="B1", channel=self.channel, detector="D-11", instrument="el-1", **more)
        by_id = {each.id: each for each in (point, *self.other_points)}
        plan = SimpleNamespace(
            step=self.steps, inputs=lambda step: self.beside, point_named=by_id.__getitem__, point=list(by_id.values()),
            background_rule=None, environment_valid_min=60,
        )  # fmt: skip
        inventory = SimpleNamespace(
            detector_named=lambda name: SimpleNamespace(channel=None),
            instrument_named=lambda name: SimpleNamespace(integrates="reset"),
        )
        session = SimpleNamespace(id="S", plan=plan, inventory=inventory)
        return Choosing(self.connection, session, point, plan, self.bound)  # type: ignore[arg-type]


def in_place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store whose answers the choice is given."""
    made = Store()

    def at(_: Any, stream: str, seq: int) -> Any:
        return made.entries.get((stream, seq), entry(seq))

    monkeypatch.setattr(room, "attempts", lambda _, session: made.attempts if session == "S" else [])
    monkeypatch.setattr(room, "rests", lambda _, session: made.rests if session == "S" else {})
    monkeypatch.setattr(room, "every_part_said", lambda _, session: made.parts if session == "S" else [])
    monkeypatch.setattr(room, "measurement", lambda _, name: made.views.get(name) or view(name))
    monkeypatch.setattr(
        room,
        "on_channel",
        lambda _, channel, stream, first, last: (Ref(stream=f"{stream} {channel}", seq=first, digest=str(last)),),
    )
    monkeypatch.setattr(entries, "entry_at", at)
    monkeypatch.setattr(beams_given, "shown_by_signal", lambda _, session, each: made.shown.get(each.measurement))
    yield made
    made.connection.close()
