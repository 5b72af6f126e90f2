"""The one place that talks to the MQTT client library (aiomqtt on paho).

What the rest of the project relies on: a connection with TCP_NODELAY (Nagle and delayed acknowledgement cost 40 ms a
round trip), clean sessions, an optional last will, MQTT 5 where the broker has it, TLS with verified names where it is
configured, and for every failure a sentence. Nothing relies on PUBACK.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar

import aiomqtt
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY, MQTT_ERR_SUCCESS, MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from acquire.bus.endpoint import Endpoint
from acquire.bus.line import line_to
from acquire.bus.reasons import of_connack, of_network
from acquire.bus.tls import Unusable
from acquire.log import Log
from acquire.once import Once

T = TypeVar("T")
BusError = aiomqtt.MqttError
Done = Callable[[BaseException | None], None]
log = Log("bus")

CONNECTED_WITHIN_S = 10.0
TOLD_WITHIN_S = 2.0  # in TLS 1.3 a broker refuses our certificate only after the handshake
MOST_WAITING_BYTES = 64 * 1024 * 1024
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


@dataclass(frozen=True, slots=True)
class Received:
    """A message as it came."""

    topic: str
    payload: bytes
    response_topic: str | None = None
    retained: bool = False
    correlation: bytes | None = None
    expires_s: int | None = None  # what is left of the message's expiry, where it has one (MQTT 5)


class _Told(asyncio.Future[None]):
    """Whoever waits hears of an error; where nobody waits any more, nothing is said of "never retrieved" in the end."""

    def set_exception(self, exception: Any, /) -> None:
        super().set_exception(exception)
        self.exception()


class _AsTold:
    """A future of aiomqtt's that it makes anew after each use: one that may be left alone stands in its place."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = f"_told{name}"

    def __get__(self, client: object, owner: type) -> asyncio.Future[None]:
        found: asyncio.Future[None] = getattr(client, self._name)
        return found

    def __set__(self, client: object, given: asyncio.Future[None]) -> None:
        setattr(client, self._name, _Told(loop=given.get_loop()))


class _Client(aiomqtt.Client):
    """What aiomqtt 2.5 does not tell: an early close, a publish refused, a queue too long. And it waits otherwise."""

    _connected = _AsTold()
    _disconnected = _AsTold()
    _line: socket.socket | None = None  # to the broker; what TLS makes of it is another
    _has_writer = False  # on the event loop, for what the system did not take at once
    held = 0  # bytes in the queue of messages
    largest: int | None = None  # packet the broker takes, in bytes, where it says so
    dropped = 0
    _refused: frozenset[str] = frozenset()

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._client.disable_logger()  # several lines for each packet, which nobody reads; what fails is raised
        self.inbox: deque[Received] = deque()
        self._arrived: asyncio.Future[None] | None = None
        self.handed: dict[int, tuple[float, Done]] = {}  # by message id, in order: when, and whom to tell
        self._waiting_for_room: set[asyncio.Future[None]] = set()

    def hand_over(self, topic: str, payload: bytes, done: Done, *, retain: bool) -> None:
        """Publish at QoS 1; `done` is called once. Without a task for each, which costs more than the message."""
        now = asyncio.get_running_loop().time()
        info = self._client.publish(topic, payload, 1, retain)
        if info.rc != MQTT_ERR_SUCCESS:
            done(BusError("Could not publish message"))
            return
        self.handed[info.mid] = now, done
        oldest, (since, _) = next(iter(self.handed.items()))
        if now - since > self.timeout:
            self._taken(oldest, BusError("the broker does not answer"))

    async def room(self, within_s: float) -> None:
        """Wait until something of what was handed over is taken, but not for long. Several tasks may wait at once."""
        loop = asyncio.get_running_loop()
        room = loop.create_future()
        self._waiting_for_room.add(room)
        timer = loop.call_later(within_s, _settle, room)
        try:
            await room
        finally:
            timer.cancel()
            self._waiting_for_room.discard(room)

    def _taken(self, mid: int, error: BusError | None) -> None:
        _, done = self.handed.pop(mid, (0.0, None))
        if done is not None:
            done(error)
            for room in self._waiting_for_room:
                _settle(room)

    def give_up(self, lost: BusError | None) -> None:
        """What was handed over and not acknowledged: where the connection was lost on it, say so."""
        left, self.handed = self.handed, {}
        for _, done in left.values():
            if lost is not None:
                done(lost)

    async def _wait_for(self, fut: Awaitable[T], timeout: float | None) -> T:
        """Not with `asyncio.wait_for`: in Python 3.11 that forgets a cancellation that meets the result."""
        try:
            async with asyncio.timeout(self.timeout if timeout is None else timeout):
                return await fut
        except TimeoutError:
            raise BusError("the broker does not answer") from None

    async def __aenter__(self) -> Self:
        """aiomqtt does the rest in a thread: TLS, against the name, and the first packet."""
        try:
            line = self._line = await line_to(self._hostname, self._port)
        except OSError as error:
            raise BusError(str(error)) from error
        self._client._create_socket_connection = lambda: line  # type: ignore[method-assign]  # instead of its own
        entered = await super().__aenter__()
        if self._client.socket() is None:  # lost since the broker's answer, which aiomqtt forgets here
            self._disconnected.set_exception(BusError("the broker closed the connection"))
        return entered

    def _on_socket_register_write(self, client: Any, userdata: Any, sock: Any) -> None:
        """What is to be sent is written in the loop's next turn, and a writer waits only for what was not taken then.

        aiomqtt has a writer for every packet: the loop is woken by its pipe, the selector is told twice, and all that
        takes a turn more. That is how it begins here too, since it connects in a thread.
        """
        if self._connected.done():
            self._loop.call_soon(self._write, sock)
        else:
            self._wait_to_write(sock)

    def _write(self, sock: Any) -> None:
        try:
            self._client.loop_write()
        except Exception as error:  # as aiomqtt takes it: the connection broke
            if not self._disconnected.done():
                self._disconnected.set_exception(error)
            return
        if self._client.want_write() and self._client.socket() is sock:
            self._wait_to_write(sock)

    def _wait_to_write(self, sock: Any) -> None:
        self._has_writer = True
        super()._on_socket_register_write(self._client, None, sock)

    def _on_socket_unregister_write(self, client: Any, userdata: Any, sock: Any) -> None:
        if self._has_writer:
            self._has_writer = False
            super()._on_socket_unregister_write(client, userdata, sock)

    def let_go(self) -> None:
        """Close the socket of a connection that was given up while it was being made; aiomqtt leaves it open."""
        self._client._sock_close()
        if self._line is not None:
            self._line.close()

    def _on_subscribe(self, client: Any, userdata: Any, mid: int, reason_codes: Any, properties: Any = None) -> None:
        """The answer to a subscription that was given up meanwhile, as at a Ctrl-C, is no error to be logged."""
        if mid in self._pending_subscribes:
            super()._on_subscribe(client, userdata, mid, reason_codes, properties)

    def _on_connect(self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any = None) -> None:
        self.largest = getattr(properties, "MaximumPacketSize", None)
        super()._on_connect(client, userdata, flags, reason_code, properties)

    def _on_disconnect(self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any = None) -> None:
        if not self._connected.done():  # otherwise it would be waited for until the time is up
            self._connected.set_exception(ClosedEarly())
            return
        super()._on_disconnect(client, userdata, flags, reason_code, properties)

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason_code: Any, properties: Any) -> None:
        """A broker that does not allow a topic says so once for a topic; what is sent stays unconfirmed."""
        if reason_code.is_failure:
            sent = client._out_messages.get(mid)
            topic = str(sent.topic) if sent is not None else "?"
            if topic not in self._refused and len(self._refused) < 100:
                self._refused |= {topic}
                log.error("the broker does not take what is published here", topic=topic, why=str(reason_code))
        if mid in self.handed:
            self._taken(mid, None)
        else:
            super()._on_publish(client, userdata, mid, reason_code, properties)

    def _on_message(self, client: Any, userdata: Any, message: Any) -> None:
        """A flood does not grow memory without end; whatever matters is asked for or sent again."""
        size = len(message.payload)
        if self.held + size > MOST_WAITING_BYTES:
            self.dropped += 1
            if is_worth_telling(self.dropped):
                log.error("messages come faster than they are taken; dropped", dropped=self.dropped)
            return
        self.held += size
        self.inbox.append(_received(message))
        self._wake()

    def _wake(self, lost: asyncio.Future[None] | None = None) -> None:
        if self._arrived is not None:
            _settle(self._arrived)

    async def received(self) -> Received:
        """The next message, without a task for it. Raises BusError when the connection is lost."""
        lost = self._disconnected
        while not self.inbox:
            if lost.done():
                raise BusError("Disconnected during message iteration") from lost.exception()
            self._arrived = asyncio.get_running_loop().create_future()
            lost.add_done_callback(self._wake)
            try:
                await self._arrived
            finally:
                lost.remove_done_callback(self._wake)
        message = self.inbox.popleft()
        self.held -= len(message.payload)
        return message


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class ClosedEarly(BusError):
    """The broker closed the connection before it answered."""


def is_worth_telling(count: int) -> bool:
    """1, 10, 100, ...: something that may happen without end is told without filling the log."""
    return str(count).strip("0") == "1"


class _Messages:
    """An iterator and no generator: one that is left in the middle leaves nothing behind."""

    def __init__(self, client: _Client) -> None:
        self._client = client

    def __aiter__(self) -> _Messages:
        return self

    async def __anext__(self) -> Received:
        return await self._client.received()


class Connection:
    """An open connection. Made by `connect`; one task publishes at a time or many, as they like."""

    def __init__(self, client: _Client, *, v5: bool) -> None:
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


def _received(message: MQTTMessage) -> Received:
    """From the client library's own message; MQTT 3.1.1 has no properties."""
    said = message.properties
    return Received(
        message.topic,
        bytes(message.payload),
        getattr(said, "ResponseTopic", None),
        bool(message.retain),
        getattr(said, "CorrelationData", None),
        getattr(said, "MessageExpiryInterval", None),
    )


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
) -> tuple[_Client, bool]:
    """A client that is connected, and whether it speaks MQTT 5: with a broker that does not, 3.1.1 is tried."""
    v5 = endpoint.protocol == "5"
    client = _Client(
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
