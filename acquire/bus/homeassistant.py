"""Home Assistant's MQTT discovery: one retained message for each instrument, from which it makes a device with sensors.

Device-based discovery (Home Assistant 2024.11 or newer): topic homeassistant/device/<id>/config with `device`, `origin`
and `components` (home-assistant.io/integrations/mqtt, "Device discovery payload"). The sensors read the contract's own
topics through templates; nothing is published twice. Values are announced as they are first seen, because only a
reading says in which unit an instrument measures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import uuid4

from pydantic import BaseModel, ValidationError

from acquire.bus.client import Connection, Received
from acquire.bus.endpoint import Endpoint
from acquire.bus.messages import ReadingEntry, State, readings_of
from acquire.bus.names import Topics
from acquire.bus.noloss import Readings
from acquire.bus.presence import VALID_S
from acquire.bus.reconnecting import stay_connected
from acquire.canonical import canonical

PREFIX = "homeassistant"
# Any message on the readings topic starts this anew, also one that the template passes over (components/mqtt/sensor.py:
# the timer is set before the template is rendered), and each instrument has a heartbeat every 30 s (docs/noloss.md
# section 5). So a value goes when host and broker went together and only the broker came back, by no clock but
# Home Assistant's own timer.
VALUE_EXPIRES_S = 90
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


def config(
    topics: Topics,
    instrument: str,
    state: State | None,
    values: Iterable[Value],
    earlier: Mapping[str, Any] = MappingProxyType({}),
) -> bytes:
    """The discovery message: what is known of the instrument, its state, and a sensor for each of its values.

    `earlier` are components of the message it takes the place of (`components_of`): kept where there is no newer one.
    """
    own = _id(topics.site, instrument)
    device: dict[str, Any] = {"identifiers": [own], "name": f"{instrument} ({topics.site})"}
    if state is not None:
        told = {"model": state.model, "serial_number": state.serial, "sw_version": state.firmware}
        device |= {key: text for key, text in told.items() if text}
    components = {**earlier, f"{own}_state": _state_sensor(topics, instrument, own)}
    for value in sorted(values):
        components[f"{own}_{value.id}"] = _value_sensor(topics, instrument, own, value)
    origin = {"name": "dosimetry-acquire", "sw_version": version("dosimetry-acquire")}
    return canonical({"device": device, "origin": origin, "components": components, "qos": 1})


class _Announced(BaseModel):
    components: dict[str, dict[str, Any]] = {}


def components_of(site: str, instrument: str, message: bytes) -> dict[str, Any]:
    """Sensors of a discovery message that are this instrument's. Raises ValueError where it is no such message."""
    own = f"{_id(site, instrument)}_"
    found = _Announced.model_validate_json(message).components
    return {key: each for key, each in found.items() if key.startswith(own)}


def _state_sensor(topics: Topics, instrument: str, own: str) -> dict[str, Any]:
    """Available while it is repeated: "offline" and "fault" are states too, and the last will sets the first."""
    return {
        "platform": "sensor",
        "unique_id": f"{own}_state",
        "name": "State",
        "icon": "mdi:radioactive",
        "state_topic": topics.state(instrument),
        "value_template": "{{ value_json.state }}",
        "expire_after": round(VALID_S),
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
        "expire_after": VALUE_EXPIRES_S,
        "availability": [{"topic": topics.state(instrument), "value_template": AVAILABLE}],
    }


def value_template(value: Value) -> str:
    """The last reading of this quantity in a batch.

    A stream that has ended is passed over: what is sent of it is sent again from a journal, up to weeks later
    (docs/noloss.md), and Home Assistant would show it as the present value of an instrument that is ready.

    It gives None (unknown) where that reading has no value: an overload after a good reading must not show the good
    one. Without such a reading (a marker, a question) it gives nothing, which a sensor with a unit passes over.
    """
    return (
        "{%- set last = namespace(entry=none) -%}"
        "{%- for entry in value_json.readings if value_json.ended is none and entry.kind == 'scalar'"
        f" and entry.quantity == {_quoted(value.quantity)} and entry.unit == {_quoted(value.unit)}"
        f" and entry.channel | default('', true) == {_quoted(value.channel)}"
        " and entry.role | default('sample') == 'sample' -%}"
        "{%- set last.entry = entry -%}{%- endfor -%}"
        "{%- if last.entry is not none -%}{{ last.entry.value | default(none) }}{%- endif -%}"
    )


def _identifier() -> str:
    return f"discovery-{uuid4().hex[:13]}"


@dataclass
class _Known:
    """What is known of an instrument: its state, what it measures, and the sensors an earlier run announced."""

    state: State | None = None
    values: frozenset[Value] = frozenset()
    earlier: dict[str, Any] = field(default_factory=dict)


class HomeAssistant:
    """Announces the instruments of this host. A connection of its own: readings never wait for it."""

    def __init__(self, topics: Topics, instruments: Iterable[str]) -> None:
        self._topics = topics
        self._known = {each: _Known() for each in instruments}

    async def run(self, endpoint: Endpoint) -> None:
        """Until cancelled. What was announced stays retained after that; the sensors then are unavailable by state."""
        await stay_connected(endpoint, _identifier, self._serve)

    async def withdraw(self, endpoint: Endpoint) -> None:
        """Take back what an earlier run announced, until cancelled: an empty retained message removes the device.

        Only where something is retained: Home Assistant logs a warning for an empty message that removes nothing ("No
        device components to cleanup", components/mqtt/discovery.py of 2024.11.0 and 2025.4.4).
        """
        await stay_connected(endpoint, _identifier, self._take_back)

    async def _take_back(self, connection: Connection) -> None:
        for instrument in self._known:
            await connection.subscribe(config_topic(self._topics.site, instrument))
        async for message in connection.messages():
            if message.retained and message.payload:
                await connection.publish(message.topic, b"", retain=True)

    async def _serve(self, connection: Connection) -> None:
        """The earlier announcement is asked for first, and comes first: what is announced adds to it.

        Otherwise an instrument that is off, or reads seldom, would lose its sensors with every start of this service:
        Home Assistant, when it starts after that, no longer provides what the retained message does not list.
        """
        by_topic = {}
        for instrument in self._known:
            announced = config_topic(self._topics.site, instrument)
            for topic in (announced, self._topics.state(instrument), self._topics.readings(instrument)):
                by_topic[topic] = instrument
                await connection.subscribe(topic)
        told: set[str] = set()  # on this connection: a broker may have lost what it retained
        async for message in connection.messages():
            instrument = by_topic[message.topic]
            with suppress(ValidationError, ValueError):
                news = self._learn(instrument, message)
                first = instrument not in told and message.topic == self._topics.state(instrument)
                if first or (news and instrument in told):
                    await self._announce(connection, instrument)
                    told.add(instrument)

    async def _announce(self, connection: Connection, instrument: str) -> None:
        known = self._known[instrument]
        topic = config_topic(self._topics.site, instrument)
        made = config(self._topics, instrument, known.state, known.values, known.earlier)
        await connection.publish(topic, made, retain=True)

    def _learn(self, instrument: str, message: Received) -> bool:
        """Whether the message told something that the announcement does not say yet."""
        known = self._known[instrument]
        if message.topic == self._topics.state(instrument):
            told = State.model_validate_json(message.payload)
            if told.model is None or (known.state is not None and _identity(known.state) == _identity(told)):
                return False
            known.state = told
            return True
        if message.topic == self._topics.readings(instrument):
            seen = _measured(readings_of(message.payload))
            new = not seen <= known.values
            known.values |= seen
            return new
        if not message.retained:  # our own, as the broker passes it on
            return False
        earlier = components_of(self._topics.site, instrument, message.payload)
        new = not earlier.keys() <= known.earlier.keys()
        known.earlier = {**known.earlier, **earlier}
        return new


def _measured(batch: Readings) -> set[Value]:
    """What the batch has a number for, now: no sensor for what is only there without one, nor for a stream that ended.

    A 6517B for one begins with a voltage without a number, from before it was set to charge.
    """
    entries = batch.readings if batch.ended is None else []
    samples = (e for e in entries if isinstance(e, ReadingEntry) and e.kind == "scalar" and e.role == "sample")
    return {Value(e.quantity, e.unit, e.channel or "") for e in samples if e.value is not None}


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
