"""The broker, and what is retained on it: a connection that only listens, has no will and leaves nothing behind."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime
from uuid import uuid4

from pydantic import ValidationError

from acquire import event_loop
from acquire.bus.client import BusError, Connection, Received, connect
from acquire.bus.messages import State
from acquire.bus.names import STORE, Topics
from acquire.bus.reasons import is_refusal
from acquire.config import BrokerConfig
from acquire.doctor.case import Case
from acquire.doctor.finding import CannotTell
from acquire.doctor.judging.broker import BrokerSeen
from acquire.doctor.judging.states import Heard, StatesSeen
from acquire.strict_numbers import moment

CONNECTED_WITHIN_S = 4.0
HEARD_WITHIN_S = 1.5  # everything that is retained
QUIET_S = 0.3  # after what is expected: hosts that are not
FREE_PORT = "this configuration takes a free broker port at every start; give it a fixed one to be reached"


def look_at_bus(case: Case, _: str) -> tuple[BrokerSeen, StatesSeen | None]:
    """The broker, and the states that are retained where it can be had. Raises CannotTell."""
    broker = case.loaded.config.broker
    where = f"{broker.host}:{broker.port}"
    if broker.port == 0:
        raise CannotTell(FREE_PORT)
    seen = StatesSeen(
        now=datetime.now(UTC),
        models={each.id: each.model for each in case.loaded.config.instrument},
        host=case.loaded.config.host or "",
        has_spool=case.loaded.spool is not None and bool(case.loaded.config.instrument),
        has_store=case.loaded.store is not None,
        is_running=case.processes.is_running,
    )
    own = broker.mode != "external"
    if own and not seen.is_running:
        return BrokerSeen(where, own), None  # it comes with the service, whose absence is a finding
    try:
        states = event_loop.run(_heard(case, seen))
    except BusError as error:
        return _of(broker, where, own, str(error)), None
    return BrokerSeen(where, own), states


def _of(broker: BrokerConfig, where: str, own: bool, why: str) -> BrokerSeen:
    why = why.rstrip(".")
    if is_refusal(why):
        kept = str(broker.password_file) if broker.password_file else broker.password_env
        return BrokerSeen(where, own, why, "refused", kept)
    of_files = "certificate" in why or "secret" in why or "key" in why
    return BrokerSeen(where, own, why, "certificate" if of_files else "down")


async def _heard(case: Case, seen: StatesSeen) -> StatesSeen:
    topics = Topics(seen_site := case.loaded.config.site)
    expected = {topics.state(name) for name in seen.models} if seen.is_running else set()
    expected |= {topics.host_state(case.loaded.config.host)} if seen.has_spool and seen.is_running else set()
    expected |= {topics.store_state} if seen.has_store and seen.is_running else set()
    try:
        async with asyncio.timeout(CONNECTED_WITHIN_S) as deadline:
            async with connect(case.loaded.endpoint(), f"doctor-{uuid4().hex[:12]}") as connection:
                deadline.reschedule(None)
                for each in (topics.state("+"), topics.daemon_state, topics.host_state("+")):
                    await connection.subscribe(each, qos=0)
                return _sorted(seen, seen_site, await _retained(connection, expected))
    except TimeoutError:
        broker = case.loaded.config.broker
        where = f"{broker.host}:{broker.port}"
        raise BusError(f"{where}: no answer within {CONNECTED_WITHIN_S:g} s, of it or of a name server") from None


async def _retained(connection: Connection, expected: set[str]) -> dict[str, Received]:
    """By topic what is retained; what comes live meanwhile is newer and taken, too."""
    found: dict[str, Received] = {}
    until = time.monotonic() + HEARD_WITHIN_S
    messages = aiter(connection.messages())
    with suppress(TimeoutError):
        while (left_s := until - time.monotonic()) > 0:
            async with asyncio.timeout(min(left_s, QUIET_S) if expected <= found.keys() else left_s):
                message = await anext(messages)
            if message.payload:
                found[message.topic] = message
    return found


def _sorted(seen: StatesSeen, site: str, found: dict[str, Received]) -> StatesSeen:
    instruments: dict[str, Heard] = {}
    hosts: dict[str, Heard] = {}
    store = None
    for topic, message in found.items():
        with suppress(ValidationError, ValueError):  # whoever may write on the bus can put anything there
            heard = Heard(State.model_validate_json(message.payload), _left_s(message))
            if heard.state.valid_until is not None:
                moment(heard.state.valid_until)
            match topic.removeprefix(f"dosimetry/v1/{site}/").split("/"):
                case ["daemon", "state"]:
                    hosts[""] = heard
                case ["daemon", host, "state"] if host == STORE:
                    store = heard
                case ["daemon", host, "state"]:
                    hosts[host] = heard
                case [name, "state"]:
                    instruments[name] = heard
    return StatesSeen(
        datetime.now(UTC), seen.models, seen.host, seen.has_spool, seen.has_store, seen.is_running, instruments, hosts,
        store,
    )  # fmt: skip


def _left_s(message: Received) -> float | None:
    return None if message.expires_s is None else float(message.expires_s)
