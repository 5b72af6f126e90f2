"""Playing the scene: order, plan, session, every step over the bus, the readers, closing, results, record."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acquire.bus.instrument_client import InstrumentClient, instrument_client
from acquire.config import load
from acquire.demo import scene
from acquire.demo.files import example
from acquire.errors import Refused
from acquire.procedure.documents.calibrations import read_calibrations
from acquire.procedure.documents.inventory import read_inventory
from acquire.procedure.documents.order import add_order
from acquire.procedure.documents.plan import Step
from acquire.procedure.results.result import calculate_session
from acquire.procedure.session.ambient_conditions import set_environment
from acquire.procedure.session.closing import close_when_settled
from acquire.procedure.session.placement import place, remove
from acquire.procedure.session.planning import add_plan
from acquire.procedure.session.session import Session, get_session, start_session, time_out
from acquire.procedure.session.statements import no_imaging
from acquire.procedure.session.steps import run_step
from acquire.procedure.session.stored import until_read
from acquire.record import build, write_files
from acquire.service import Service
from acquire.store.database import connect

Tell = Callable[[str], None]
PHYSICIST, DOSIMETRIST, THERAPIST = "MP-1", "MD-1", "RT-1"
BEFORE_BEAM_S, AFTER_BEAM_S = 0.5, 0.5


@dataclass(frozen=True, slots=True)
class Played:
    """What came of it."""

    session: str
    record: dict[str, Any]
    files: dict[str, str]


async def play(service: Service, folder: Path, tell: Tell) -> Played:
    """The whole procedure on a running service. Raises Refused where the service has no store or does not get ready."""
    path = load(folder / "service.toml").store
    if path is None:
        raise Refused("The demonstration's configuration has no store.")
    connection = connect(path)
    try:
        await _ready(service)
        session = _open(connection, tell)
        async with instrument_client(service.endpoint, service.topics, DOSIMETRIST, timeout_s=60) as asker:
            await _measure(connection, asker, service, session, tell)
        _read_out(service, tell)
        tell("Closing: the store must have confirmed everything")
        await close_when_settled(connection, session.id, DOSIMETRIST)
        tell("Doses, uncertainties, decisions")
        calculate_session(connection, session.id, PHYSICIST)
        record = build(connection, session.id)
        # glow curves are fitted and drawn for the page: seconds in which the instruments beside are heard
        files = await asyncio.to_thread(write_files, record, folder)
        return Played(session.id, record, files)
    finally:
        connection.close()


async def _ready(service: Service) -> None:
    for runner in service.runners.values():
        for _ in range(400):
            if runner.state.state == "ready":
                break
            await asyncio.sleep(0.05)
        else:
            raise Refused(f"{runner.instrument} did not become ready: {runner.state.why or runner.state.state}.")


def _open(connection: sqlite3.Connection, tell: Tell) -> Session:
    tell("Order ORD-A-1 (FHIR ServiceRequest, 77331), plan v2, session")
    name, body = example("order-A-1.json")
    order = add_order(connection, body, name, DOSIMETRIST)
    inventory, calibrations, plan = (example(f"{n}.toml") for n in ("inventory", "calibrations", "plan-A-v2"))
    owned = read_inventory(inventory[1], inventory[0])
    add_plan(connection, plan[1], plan[0], PHYSICIST, owned, read_calibrations(calibrations[1], calibrations[0]))
    session = start_session(
        connection, order.id, DOSIMETRIST, calibrations=calibrations, inventory=inventory, simulated=True
    )
    time_out(connection, session.id, DOSIMETRIST, THERAPIST, identifiers_agree=True)
    set_environment(
        connection, session.id, DOSIMETRIST, temperature_c=scene.TEMPERATURE_C, pressure_kpa=scene.PRESSURE_KPA,
        source="simulated room sensors",
    )  # fmt: skip
    return get_session(connection, session.id)


async def _measure(
    connection: sqlite3.Connection, asker: InstrumentClient, service: Service, session: Session, tell: Tell
) -> None:
    """Every step up to the elements' coming back, in the plan's order."""

    async def during(step: Step) -> None:
        await until_read(connection, session.id, step.id)
        await _beam_or_wait(service, step)

    for step in session.plan.step:
        tell(step.title)
        elements = [(p, e) for p in step.points for e in session.plan.point_named(p).elements]
        now = get_session(connection, session.id)
        for point, element in elements:
            if step.kind == "place":
                place(connection, now, point, element, DOSIMETRIST)
            elif step.kind == "remove":
                remove(connection, now, element, DOSIMETRIST)
        if step.has_markers:
            await run_step(connection, asker, session.id, step.id, DOSIMETRIST, during)
    for each in session.plan.point:
        if each.by_element:
            no_imaging(connection, session, each.id, THERAPIST)


async def _beam_or_wait(service: Service, step: Step) -> None:
    """A background only waits. An irradiation gives the step's charge to the simulated detector."""
    duration_s = step.duration_s
    if step.kind == "zero" or duration_s is None:
        return
    if step.kind == "irradiate":
        await asyncio.sleep(BEFORE_BEAM_S)
        resource = next(i.resource for i in service.loaded.config.instrument if i.id == step.instrument)
        name = resource.removeprefix("simulator:")
        speed = next(s.speed for s in service.loaded.config.simulator if s.id == name)
        detector: Any = service.simulators[name].instrument
        detector.detector.expose(scene.BEAM_CHARGE_C[step.id], duration_s * speed)
    await asyncio.sleep(duration_s + AFTER_BEAM_S)


def _read_out(service: Service, tell: Tell) -> None:
    """Days later at the readers: chips on a simulated Harshaw, a disc on a simulated lexsyg."""
    tell("Reading the chips with their standards and controls, and the disc")
    reader: Any = service.simulators["sim-winrems"].instrument
    reader.read_out([(card, (None, charge, None, None)) for card, charge in scene.CHIPS])
    lexsyg: Any = service.simulators["sim-lexsyg"].instrument
    lexsyg.read_out("Luminescence", 1, scene.DISC_DOSE_SCALE)
