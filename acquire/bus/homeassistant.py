"""Home Assistant's MQTT discovery: one retained message for each instrument, from which it makes a device with sensors.

Device-based discovery (Home Assistant 2024.11 or newer): topic homeassistant/device/<id>/config with `device`, `origin`
and `components` (home-assistant.io/integrations/mqtt, "Device discovery payload"). The sensors read the contract's own
topics through templates; nothing is published twice. Values are announced as they are first seen, because only a
reading says in which unit an instrument measures.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import version
from typing import Any, NamedTuple
from uuid import uuid4

from pydantic import ValidationError

from acquire.bus.client import BusError, Connection, Endpoint, Received, connect
from acquire.bus.messages import Reading, Readings, State
from acquire.bus.names import Topics
from acquire.canonical import canonical

PREFIX = "homeassistant"
RECONNECT_S = 2.0
AVAILABLE = "{{ 'online' if value_json.state in ('ready', 'measuring') else 'offline' }}"


class Value(NamedTuple):
    """What a sensor shows: a quantity in a UCUM unit, of one channel where the instrument has several."""

    quantity: str
    unit: str
    channel: str = ""

    @property
    def id(self) -> str:
        """Part of an id; every value has its own."""
        return "_".join(_slug(part) for part in self if part)


def config_topic(site: str, instrument: str) -> str:
    """Where the discovery message of an instrument is retained. Ids there are made of letters, digits, '_' and '-'."""
    return f"{PREFIX}/device/{_id(site, instrument)}/config"


def config(topics: Topics, instrument: str, state: State | None, values: Iterable[Value]) -> bytes:
    """The discovery message: what is known of the instrument, its state, and a sensor for each of its values."""
    own = _id(topics.site, instrument)
    device: dict[str, Any] = {"identifiers": [own], "name": f"{instrument} ({topics.site})"}
    if state is not None:
        told = {"model": state.model, "serial_number": state.serial, "sw_version": state.firmware}
        device |= {key: text for key, text in told.items() if text}
    components = {f"{own}_state": _state_sensor(topics, instrument, own)}
    for value in sorted(values):
        components[f"{own}_{value.id}"] = _value_sensor(topics, instrument, own, value)
    origin = {"name": "dosimetry-acquire", "sw_version": version("dosimetry-acquire")}
    return canonical({"device": device, "origin": origin, "components": components, "qos": 1})


def _state_sensor(topics: Topics, instrument: str, own: str) -> dict[str, Any]:
    """Always available: "offline" and "fault" are states too, and the last will sets the first."""
    return {
        "platform": "sensor",
        "unique_id": f"{own}_state",
        "name": "State",
        "icon": "mdi:radioactive",
        "state_topic": topics.state(instrument),
        "value_template": "{{ value_json.state }}",
    }


def _value_sensor(topics: Topics, instrument: str, own: str, value: Value) -> dict[str, Any]:
    return {
        "platform": "sensor",
        "unique_id": f"{own}_{value.id}",
        "name": " ".join([value.quantity.replace("-", " ").capitalize(), value.channel]).strip(),
        "state_class": "measurement",
        "unit_of_measurement": value.unit,
        "state_topic": topics.readings(instrument),
        "value_template": value_template(value),
        "availability": [{"topic": topics.state(instrument), "value_template": AVAILABLE}],
    }


def value_template(value: Value) -> str:
    """The last reading of this quantity in a batch.

    It gives None (unknown) where that reading has no value: an overload after a good reading must not show the good
    one. Without such a reading (a marker, a question) it gives nothing, which a sensor with a unit passes over.
    """
    return (
        "{%- set last = namespace(entry=none) -%}"
        "{%- for entry in value_json.readings if entry.kind == 'scalar'"
        f" and entry.quantity == {_quoted(value.quantity)} and entry.unit == {_quoted(value.unit)}"
        f" and entry.channel | default('', true) == {_quoted(value.channel)}"
        " and entry.role | default('sample') == 'sample' -%}"
        "{%- set last.entry = entry -%}{%- endfor -%}"
        "{%- if last.entry is not none -%}{{ last.entry.value | default(none) }}{%- endif -%}"
    )


class HomeAssistant:
    """Announces the instruments of this host. A connection of its own: readings never wait for it."""

    def __init__(self, topics: Topics, instruments: Iterable[str]) -> None:
        self._topics = topics
        self._known: dict[str, tuple[State | None, frozenset[Value]]] = {
            each: (None, frozenset()) for each in instruments
        }

    async def run(self, endpoint: Endpoint) -> None:
        """Until cancelled. What was announced stays retained after that; the sensors then are unavailable by state."""
        while True:
            with suppress(BusError):  # the publisher tells of a broker that is gone, once for all
                async with connect(endpoint, f"discovery-{uuid4().hex[:13]}") as connection:
                    await self._serve(connection)
            await asyncio.sleep(RECONNECT_S)

    async def withdraw(self, endpoint: Endpoint) -> None:
        """Take back what an earlier run announced: an empty retained message removes the device. Then it is over."""
        while True:
            with suppress(BusError):
                async with connect(endpoint, f"discovery-{uuid4().hex[:13]}") as connection:
                    for instrument in self._known:
                        await connection.publish(config_topic(self._topics.site, instrument), b"", retain=True)
                    break
            await asyncio.sleep(RECONNECT_S)
        await asyncio.Event().wait()  # a part of the service runs until it is stopped

    async def _serve(self, connection: Connection) -> None:
        by_topic = {}
        for instrument in self._known:
            await self._announce(connection, instrument)
            for topic in (self._topics.state(instrument), self._topics.readings(instrument)):
                by_topic[topic] = instrument
                await connection.subscribe(topic)
        async for message in connection.messages():
            instrument = by_topic[message.topic]
            with suppress(ValidationError, ValueError):
                if self._learn(instrument, message):
                    await self._announce(connection, instrument)

    async def _announce(self, connection: Connection, instrument: str) -> None:
        state, values = self._known[instrument]
        topic = config_topic(self._topics.site, instrument)
        await connection.publish(topic, config(self._topics, instrument, state, values), retain=True)

    def _learn(self, instrument: str, message: Received) -> bool:
        """Whether the message told something that the announcement does not say yet."""
        state, values = self._known[instrument]
        if message.topic == self._topics.state(instrument):
            told = State.model_validate_json(message.payload)
            if told.model is None or (state is not None and _identity(state) == _identity(told)):
                return False
            self._known[instrument] = (told, values)
            return True
        entries = Readings.model_validate_json(message.payload).readings
        samples = (e for e in entries if isinstance(e, Reading) and e.kind == "scalar" and e.role == "sample")
        seen = {Value(e.quantity, e.unit, e.channel or "") for e in samples}
        self._known[instrument] = (state, values | seen)
        return not seen <= values


def _identity(state: State) -> tuple[str | None, str | None, str | None]:
    return state.model, state.serial, state.firmware


def _id(site: str, instrument: str) -> str:
    return f"acquire_{_slug(site)}_{_slug(instrument)}"


def _slug(text: str) -> str:
    """Letters and digits as they are, everything else by its code, so that different texts stay different."""
    return "".join(c if c.isascii() and (c.isalnum() or c == "-") else f"_{ord(c):x}" for c in text)


def _quoted(text: str) -> str:
    """A text as a Jinja string."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
