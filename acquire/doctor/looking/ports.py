"""A port as it is seen from outside; and, where a person asked for it and nobody has the port, who answers on it."""

from __future__ import annotations

import os

from acquire import event_loop
from acquire.beforehand import may_open, missing, no_right
from acquire.config import InstrumentConfig
from acquire.config_instruments import SIMULATOR, unlikely_there
from acquire.doctor.case import Case
from acquire.doctor.finding import CannotTell
from acquire.doctor.judging.ports import Answered, PortSeen
from drivers import InstrumentError, Misuse, WrongInstrument, connect
from drivers.places import local_place
from drivers.registry import model

ROOT = 0


def instrument(case: Case, name: str) -> InstrumentConfig:
    """The instrument of a configuration by its id."""
    return next(each for each in case.loaded.config.instrument if each.id == name)


def look_at_port(case: Case, name: str) -> PortSeen:
    """Of an instrument with a wire. Raises OSError, CannotTell."""
    each, users = instrument(case, name), case.processes.ports.get(name, ())
    place = local_place(each.resource)
    absent = forbidden = None
    if place.device is not None:
        if not place.device.exists():
            absent = missing(name, str(place.device))
        elif not may_open(place.device):
            forbidden = no_right(place.device)
        elif os.geteuid() == ROOT and case.loaded.spool is None:
            raise CannotTell("root may open everything, and it is not known under which account the service runs")
    return PortSeen(name, each.resource, users, absent, place.trouble, forbidden, unlikely_there(each))


def ask_instrument(case: Case, name: str) -> Answered:
    """What an instrument answers, where its port is free. Never raises for what the instrument does."""
    each = instrument(case, name)
    if (why := _why_not(case, name, each.resource)) is not None:
        return Answered(name, not_asked=why)
    try:
        event_loop.run(connect(model(each.model), each.resource, each.settings).ask_identity())
    except WrongInstrument as error:
        return Answered(name, wrong=str(error))
    except InstrumentError as error:
        return Answered(name, silent=str(error))
    except Misuse as error:
        return Answered(name, not_asked=str(error))
    return Answered(name)


def _why_not(case: Case, name: str, resource: str) -> str | None:
    seen = case.processes
    if resource.startswith(SIMULATOR):
        return "it is a simulator, which the service itself has; give it no --ask."
    if seen.is_running:
        return "the service runs and owns its port; its state on the bus says how it is, or stop the service first."
    if users := seen.ports.get(name):
        return f"{users[0].says} has its port; end that first."
    if not seen.all_seen:
        return "this account does not see who else has its port; ask as root."
    return None
