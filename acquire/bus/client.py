"""The one place that the rest of the project has of MQTT; the client library (aiomqtt on paho) is mended beside it.

What the rest of the project relies on: a connection with TCP_NODELAY (Nagle and delayed acknowledgement cost 40 ms a
round trip), clean sessions, an optional last will, MQTT 5 where the broker has it, TLS with verified names where it is
configured, and for every failure a sentence. Nothing relies on PUBACK.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import aiomqtt
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from acquire.bus.endpoint import Endpoint
from acquire.bus.library import BusError, ClosedEarly, Done, LibraryClient, Received
from acquire.bus.reasons import of_connack, of_network
from acquire.bus.tls import Unusable
from acquire.once import Once

__all__ = ["BusError", "Connection", "Outage", "Received", "Will", "connect"]

CONNECTED_WITHIN_S = 10.0
TOLD_WITHIN_S = 2.0  # in TLS 1.3 a broker refuses our certificate only after the handshake
MOST_HANDED = 8  # messages the broker has not acknowledged: enough to keep it busy, few enough for the client
PUBACK_S = 0.25  # waited for then
AROUND_PAYLOAD = 512  # bytes of a packet that are not payload: header, topic, properties
OTHER_VERSION = 0x84  # MQTT 5, 3.2.2.2: unsupported protocol version


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says for us when we are gone."""

    topic: str
    payload: bytes
    retain: bool = True


class _Messages:
    """An iterator and no generator: one that is left in the middle leaves nothing behind."""

    def __init__(self, client: LibraryClient) -> None:
        self._client = client

    def __aiter__(self) -> _Messages:
        return self

    async def __anext__(self) -> Received:
        return await self._client.received()


class Connection:
    """An open connection. Made by `connect`; one task publishes at a time or many, as they like."""

    def __init__(self, client: LibraryClient, *, v5: bool) -> None:
        self._client = client
        self._v5 = v5

    @property
    def largest_payload(self) -> int | None:
        """Bytes a message may hold, where the broker limits its packets (MQTT 5) by what it said at connecting."""
        return None if self._client.largest is None else max(1, self._client.largest - AROUND_PAYLOAD)

    @property
    def certificate_until(self) -> float | None:
        """When the broker's certificate expires, in seconds since 1970; None without TLS."""
        made: Any = self._client._client.socket()
        said = made.getpeercert() if isinstance(made, ssl.SSLSocket) else None
        return float(ssl.cert_time_to_seconds(str(said["notAfter"]))) if said else None

    async def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        retain: bool = False,
        response_topic: str | None = None,
        correlation: bytes | None = None,
        expires_s: int | None = None,
    ) -> None:
        """Publish and wait for the broker to take it. Raises BusError when the connection is lost.

        Response topic, correlation data and expiry go along where the broker speaks MQTT 5; 3.1.1 has none of them.
        """
        properties = _properties(response_topic, correlation, expires_s) if self._v5 else None
        await self._client.publish(topic, payload, qos=qos, retain=retain, properties=properties)

    async def hand_over(self, topic: str, payload: bytes, done: Done, *, retain: bool = False) -> None:
        """Publish without waiting for the broker, for what nothing relies on. It is in the client's hands on return.

        `done` is called with None once the broker has taken it, or with why not. A broker that drops a message may
        never acknowledge it: with MOST_HANDED under way one of them is waited for, but not for long.
        """
        self._client.hand_over(topic, payload, done, retain=retain)
        if len(self._client.handed) >= MOST_HANDED:
            await self._client.room(PUBACK_S)
        else:
            await asyncio.sleep(0)

    async def subscribe(self, topic: str, *, qos: int = 1) -> None:
        """Subscribe to a topic filter."""
        await self._client.subscribe(topic, qos=qos)

    def messages(self) -> AsyncIterator[Received]:
        """Messages of all subscriptions, as they come. Raises BusError when the connection is lost."""
        return _Messages(self._client)

    def waiting(self) -> int:
        """How many messages have been received and not yet taken from messages()."""
        return len(self._client.inbox)


def _properties(response_topic: str | None, correlation: bytes | None, expires_s: int | None) -> Properties | None:
    given = {"ResponseTopic": response_topic, "CorrelationData": correlation, "MessageExpiryInterval": expires_s}
    given = {name: value for name, value in given.items() if value is not None}
    if not given:
        return None
    made = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    for name, value in given.items():
        setattr(made, name, value)
    return made


class Outage:
    """Tells a loss of the broker once, again only when its reason changes, and once when it is over.

    A connection that comes and goes (somebody takes our client identifier) is told once a minute.
    """

    def __init__(self, endpoint: Endpoint, logger: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self._where = {"host": endpoint.host, "port": endpoint.port}
        self._log = logger
        self._told = Once(clock)

    def lost(self, error: Exception) -> None:
        """There is no connection, for this reason: a BusError, or a group of them from tasks that shared one."""
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        why = str(error)
        if self._told.is_new(why):
            self._log.warning("broker lost or absent", **self._where, why=why)

    def over(self) -> None:
        """There is a connection again: the outage is over."""
        if self._told.is_over():
            self._log.info("broker there again", **self._where)


@asynccontextmanager
async def connect(
    endpoint: Endpoint, identifier: str, *, will: Will | None = None, keepalive_s: int = 15
) -> AsyncIterator[Connection]:
    """Open a connection with a clean session. Raises BusError, one plain sentence, when the broker cannot be had.

    Certificates and password are read from their files each time.
    """
    try:
        context = endpoint.tls.context() if endpoint.tls else None
        password = endpoint.password.read() if endpoint.password else None
    except Unusable as error:
        raise BusError(str(error)) from None
    client, v5 = await _entered(endpoint, identifier, password, context, will, keepalive_s)
    connection = Connection(client, v5=v5)
    try:
        yield connection
    except BaseException as error:
        client.give_up(error if isinstance(error, BusError) else None)
        await client.__aexit__(type(error), error, error.__traceback__)
        raise
    client.give_up(None)
    await client.__aexit__(None, None, None)


async def _entered(
    endpoint: Endpoint,
    identifier: str,
    password: str | None,
    context: ssl.SSLContext | None,
    will: Will | None,
    keepalive_s: int,
) -> tuple[LibraryClient, bool]:
    """A client that is connected, and whether it speaks MQTT 5: with a broker that does not, 3.1.1 is tried."""
    v5 = endpoint.protocol == "5"
    client = LibraryClient(
        endpoint.host,
        endpoint.port,
        identifier=identifier,
        username=endpoint.username,
        password=password,
        protocol=aiomqtt.ProtocolVersion.V5 if v5 else aiomqtt.ProtocolVersion.V311,
        will=aiomqtt.Will(will.topic, will.payload, qos=1, retain=will.retain) if will else None,
        clean_start=True if v5 else MQTT_CLEAN_START_FIRST_ONLY,
        clean_session=None if v5 else True,
        keepalive=keepalive_s,
        timeout=CONNECTED_WITHIN_S,
        max_inflight_messages=100,
        socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        tls_context=context,
    )
    try:
        await client.__aenter__()
    except asyncio.CancelledError:
        client.let_go()
        raise
    except BusError as error:
        if v5 and _code(error) == OTHER_VERSION:
            older = replace(endpoint, protocol="3.1.1")
            return await _entered(older, identifier, password, context, will, keepalive_s)
        raise BusError(f"{endpoint.host}:{endpoint.port}: {await _reason(error, endpoint, context)}") from None
    return client, v5


def _code(error: BusError) -> int | None:
    """The broker's reason code, if it gave one."""
    if not isinstance(error, aiomqtt.MqttCodeError):
        return None
    code: Any = error.rc  # an int, or paho's ReasonCode
    return int(getattr(code, "value", code))


async def _reason(error: BusError, endpoint: Endpoint, context: ssl.SSLContext | None) -> str:
    """The sentence. aiomqtt keeps only the text of a network error; the error itself is its context."""
    if (code := _code(error)) is not None:
        return of_connack(code)
    ca_file = endpoint.tls.ca_file if endpoint.tls else None
    if isinstance(error.__context__, OSError):
        return of_network(error.__context__, endpoint.host, ca_file)
    if not isinstance(error, ClosedEarly):
        return "it does not answer"
    if context is not None:
        refused = await _probe(endpoint, context)
        if refused is not None:
            return of_network(refused, endpoint.host, ca_file)
    return "it closed the connection before it answered; does it ask for TLS or a certificate there?"


async def _probe(endpoint: Endpoint, context: ssl.SSLContext) -> OSError | None:
    """Ask once more, saying nothing, to hear why the broker closes the connection."""
    try:
        async with asyncio.timeout(TOLD_WITHIN_S):
            reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port, ssl=context)
            try:
                await reader.read(1)
            finally:
                writer.transport.abort()
    except TimeoutError:
        return None
    except OSError as error:
        return error
    return None
