"""The one place that talks to the MQTT client library (aiomqtt on paho).

What the rest of the project relies on: a connection with TCP_NODELAY (Nagle and delayed acknowledgement cost 40 ms a
round trip), clean sessions, an optional last will, MQTT 5 where the broker has it. Nothing relies on PUBACK.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

import aiomqtt
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY

BusError = aiomqtt.MqttError


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the broker is and what it speaks."""

    host: str
    port: int
    protocol: Literal["5", "3.1.1"] = "5"
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says for us when we are gone."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Received:
    """A message as it came."""

    topic: str
    payload: bytes
    response_topic: str | None = None
    retained: bool = False


class Connection:
    """An open connection. Made by `connect`; one task publishes at a time or many, as they like."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client

    async def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Publish and wait for the broker to take it. Raises BusError when the connection is lost."""
        await self._client.publish(topic, payload, qos=qos, retain=retain)

    async def subscribe(self, topic: str, *, qos: int = 1) -> None:
        """Subscribe to a topic filter."""
        await self._client.subscribe(topic, qos=qos)

    async def messages(self) -> AsyncIterator[Received]:
        """Messages of all subscriptions, as they come. Raises BusError when the connection is lost."""
        async for message in self._client.messages:
            yield _received(message)

    def waiting(self) -> int:
        """How many messages have been received and not yet taken from messages()."""
        return len(self._client.messages)


def _received(message: aiomqtt.Message) -> Received:
    payload = message.payload
    data = bytes(payload) if isinstance(payload, (bytes, bytearray)) else str(payload or "").encode()
    response = getattr(message.properties, "ResponseTopic", None) if message.properties else None
    return Received(str(message.topic), data, response, bool(message.retain))


@asynccontextmanager
async def connect(
    endpoint: Endpoint, identifier: str, *, will: Will | None = None, keepalive_s: int = 15
) -> AsyncIterator[Connection]:
    """Open a connection with a clean session. Raises BusError when the broker cannot be had."""
    v5 = endpoint.protocol == "5"
    async with aiomqtt.Client(
        endpoint.host,
        endpoint.port,
        identifier=identifier,
        username=endpoint.username,
        password=endpoint.password,
        protocol=aiomqtt.ProtocolVersion.V5 if v5 else aiomqtt.ProtocolVersion.V311,
        will=aiomqtt.Will(will.topic, will.payload, qos=1, retain=True) if will else None,
        clean_start=True if v5 else MQTT_CLEAN_START_FIRST_ONLY,
        clean_session=None if v5 else True,
        keepalive=keepalive_s,
        timeout=10,
        max_inflight_messages=100,
        socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
    ) as client:
        yield Connection(client)
