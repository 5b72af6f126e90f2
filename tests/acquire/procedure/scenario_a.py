"""Scenario A with a client that puts entries into the store as the service would: through the store's own ingest."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from acquire.bus.messages import State
from acquire.procedure.documents.calibrations import read_calibrations
from acquire.procedure.documents.dates import shifted
from acquire.procedure.documents.inventory import read_inventory
from acquire.procedure.documents.order import add_order
from acquire.procedure.session.ambient_conditions import set_environment
from acquire.procedure.session.closing import close_session
from acquire.procedure.session.placement import place, remove
from acquire.procedure.session.planning import add_plan
from acquire.procedure.session.session import get_session, start_session, time_out
from acquire.procedure.session.steps import run_step
from acquire.store.database import identity
from acquire.store.ingest import ingest
from drivers import registry

DEMO = Path(__file__).parents[3] / "config" / "demo"
DAY_OF_FILES = datetime(2026, 2, 3, tzinfo=UTC).date()
CHARGES = {"b1": 15.67, "b2": 16.95, "b7": 9.26}
CHIPS = {  # element as the reader states it: charge in pC
    "201": 641_200, "202": 655_000, "203": 633_700,
    "301": 350, "302": 410, "303": 330, "304": 380,
    "14": 40_930, "16": 42_200, "17": 17_920, "18": 18_290,
}  # fmt: skip
DISC_COUNTS = 295_039.0


def demo_file(name: str) -> tuple[str, bytes]:
    """A file of the demonstration with its dates moved so that its session is today."""
    today = datetime.now(UTC).date()
    return name, shifted((DEMO / name).read_bytes(), DAY_OF_FILES, today)


MODELS = {"electrometer-1": "keithley-6517b", "electrometer-2": "ptw-unidos-tango"}


def published(name: str) -> dict[str, Any]:
    """What an instrument's state says of its model."""
    model = registry.model(name)
    framing = {place: list(getattr(model.framing, place)) for place in ("zero", "before", "start", "stop")}
    return {
        "state": "ready", "since": "2026-02-03T09:00:00.000000Z", "driver": name, "integrates": model.integrates,
        "framing": framing, "channels": list(model.channels),
    }  # fmt: skip


class Instrument:
    """One instrument's stream, as the runner would keep it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.stream = str(uuid4())
        self.head = 0
        self.clock_s = 100.0
        self.charge_nc = 3.0


class StoreClient:
    """Answers commands as the runner does, and fills the store. `beam` says what an irradiation collects in nC."""

    def __init__(self, connection: Any, site: str = "test") -> None:
        self.connection = connection
        self.site = site
        self.source = str(uuid4())
        self.instruments: dict[str, Instrument] = {}
        self.asked: list[tuple[str, str]] = []
        self.marks: dict[tuple[str, str], dict[str, Any]] = {}
        self.beam: dict[str, float] = dict(CHARGES)
        self.leak_a = 0.0
        self.says: dict[str, dict[str, Any] | None] = {}  # what a state says that its model does not; None: nothing
        self.ahead_s = self.stepped_s = 0.0

    async def state(self, instrument: str) -> State | None:
        """As its runner publishes it: what the model of the inventory says, unless the test says something else."""
        said, own = published(MODELS.get(instrument, "keithley-6517b")), self.says.get(instrument, {})
        return None if own is None else State.model_validate({**said, **own})

    async def command(self, instrument: str, name: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append((instrument, name))
        if name in ("begin", "end"):
            key = (name, parameters["measurement"])
            if key not in self.marks:
                if name == "begin":
                    self.idle(instrument)
                entry = {"kind": "marker", "mark": name, "time": self.now(), **parameters}
                self.marks[key] = {"stream": self.of(instrument).stream, "seq": self.put(instrument, [entry])}
                if name == "end":
                    self.idle(instrument)
            return self.marks[key]
        if name == "reset":
            self.of(instrument).charge_nc, self.of(instrument).clock_s = 0.0, 0.0
        return {}

    async def during(self, step: Any) -> None:
        """Background or beam: readings that rise from the first to the last by what the step collects."""
        if step.kind == "zero":
            return
        of = self.of(step.instrument)
        rise, n = self.beam.get(step.id, 0.0), 10
        start, flags = of.charge_nc, self.flags(step.id)
        readings = []
        for k in range(n + 1):
            of.charge_nc = start + rise * k / n + self.leak_a * 1e9 * step.duration_s * k / n
            readings.append(self.charge(step.instrument, of.charge_nc, flags if k == n // 2 else []))
            of.clock_s += step.duration_s / n
            self.ahead_s += step.duration_s / n
        state = await self.state(step.instrument)
        for _ in range(2 if state is not None and state.integrates == "reset" else 0):  # it is held after the beam
            of.clock_s += 0.25
            self.ahead_s += 0.25
            of.charge_nc += self.leak_a * 1e9 * 0.25
            readings.append(self.charge(step.instrument, of.charge_nc, []))
        self.put(step.instrument, readings)

    def idle(self, instrument: str) -> None:
        """The instrument is polled all the time: readings outside the markers, which belong to nothing."""
        of, readings = self.of(instrument), []
        for _ in range(4):
            of.clock_s += 0.25
            self.ahead_s += 0.25
            readings.append(self.charge(instrument, of.charge_nc, []))
        self.put(instrument, readings)

    def flags(self, step_id: str) -> list[str]:
        return []

    def of(self, instrument: str) -> Instrument:
        return self.instruments.setdefault(instrument, Instrument(instrument))

    def now(self) -> str:
        """The host's clock, ahead of the real one by the time that steps would have taken."""
        return (datetime.now(UTC) + timedelta(seconds=self.ahead_s)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def monotonic_s(self) -> float:
        """The host's monotonic clock beside it; `stepped_s` of what is ahead is a step of its calendar clock alone."""
        return time.monotonic() + self.ahead_s - self.stepped_s

    def charge(self, instrument: str, nc: float, flags: list[str]) -> dict[str, Any]:
        of = self.of(instrument)
        value, unit = (nc * 1e-9, "C") if instrument == "electrometer-1" else (nc, "nC")
        body: dict[str, Any] = {
            "kind": "scalar", "quantity": "charge", "unit": unit, "time": self.now(), "monotonic_s": self.monotonic_s(),
            "elapsed_s": of.clock_s, "raw": f"{value:.9E}",
        }  # fmt: skip
        return {**body, "flags": flags} if flags else {**body, "value": value}

    def chips(self, file: str, charges: Mapping[str, float], reader: str = "tld-reader-1") -> None:
        origin = {"file": file, "sha256": hashlib.sha256(file.encode()).hexdigest()}
        self.put(reader, [self.chip(element, value, origin) for element, value in charges.items()])

    def chip(self, element: str, value: float, origin: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "kind": "scalar", "quantity": "charge", "unit": "C", "value": value * 1e-12, "time": self.now(),
            "monotonic_s": 1.0, "clock": "2027-02-05T10:20:00", "element": element, "element_index": 2,
            "origin": dict(origin), "raw": f'"M6600", {element}, {value}',
        }  # fmt: skip

    def disc(self, counts: float = DISC_COUNTS, reader: str = "tld-reader-2") -> None:
        times = [0.1 * (i + 1) for i in range(200)]
        shape = [1 / (1 + ((t - 12) / 2.5) ** 2) for t in times]
        signal = [counts * s / sum(shape) for s in shape]
        body = {
            "kind": "glow-curve", "quantity": "counts", "unit": "{counts}", "value": counts, "time": self.now(),
            "monotonic_s": 1.0, "element": "Luminescence/1", "raw": "<Curve>...</Curve>",
            "attributes": {"recordType": "TL", "sequenceStepNumber": "2"},
            "origin": {"file": "x.xsyg", "sha256": "ab" * 32},
            "axes": {
                "time": {"unit": "s", "values": times},
                "temperature": {"unit": "Cel", "values": [25 + 12 * t for t in times]},
                "signal": {"unit": "{counts}", "values": signal},
            },
        }  # fmt: skip
        self.put(reader, [body])

    def put(self, instrument: str, entries: list[dict[str, Any]]) -> int:
        """Entries into the store; returns the seq of the last."""
        of = self.of(instrument)
        first, of.head = of.head + 1, of.head + len(entries)
        _, epoch = identity(self.connection)
        message = {
            "schema": "readings/1", "stream": of.stream, "first_seq": first, "readings": entries, "source": self.source,
            "head": of.head, "oldest": 1, "ended": None, "ask": str(uuid4()), "epoch": epoch, "older": 0,
        }  # fmt: skip
        topic = f"dosimetry/v1/{self.site}/{instrument}/readings"
        done = ingest(self.connection, self.site, [(topic, json.dumps(message).encode())])
        assert done.unreadable == 0
        return of.head


def prepared(connection: Any, **changes: str) -> str:
    """Order, plan and session of scenario A, with time-out and environment; returns the session id."""
    name, body = demo_file("order-A-1.json")
    add_order(connection, body, name, "MD-1")
    inventory, calibrations = demo_file("inventory.toml"), demo_file("calibrations.toml")
    plan_name, plan = demo_file("plan-A-v2.toml")
    for old, new in changes.items():
        plan = plan.replace(old.encode(), new.encode())
    add_plan(
        connection, plan, plan_name, "MP-1",
        read_inventory(inventory[1], inventory[0]), read_calibrations(calibrations[1], calibrations[0]),
    )  # fmt: skip
    session = start_session(
        connection, "ORD-A-1", "MD-1", calibrations=calibrations, inventory=inventory, simulated=True
    )
    time_out(connection, session.id, "MD-1", "RT-1", identifiers_agree=True)
    set_environment(connection, session.id, "MD-1", temperature_c=22.1, pressure_kpa=99.6, source="room sensors")
    return session.id


async def measured(connection: Any, client: StoreClient, session_id: str) -> None:
    """Every step up to the elements' coming back."""
    session = get_session(connection, session_id)
    for step in session.plan.step:
        pairs = [(p, e) for p in step.points for e in session.plan.point_named(p).elements]
        for point, element in pairs:
            if step.kind == "place":
                place(connection, get_session(connection, session_id), point, element, "MD-1")
            elif step.kind == "remove":
                remove(connection, get_session(connection, session_id), element, "MD-1")
        if step.has_markers:
            await run_step(connection, client, session_id, step.id, "MD-1", client.during)


async def closed(connection: Any, client: StoreClient) -> str:
    """The whole session, read out and closed; returns its id."""
    session = prepared(connection)
    await measured(connection, client, session)
    client.chips("tray.asc", CHIPS)
    client.disc()
    close_session(connection, session, "MD-1")
    return session
