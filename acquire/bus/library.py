"""What aiomqtt on paho does not do as we need it: `LibraryClient`, which nothing but acquire.bus.client uses.

Addresses are tried in turn (acquire.bus.line), packets written at once, messages handed over and received without a
task for each; what waits has a bound, and each way in which a connection ends its word.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import aiomqtt
from paho.mqtt.client import MQTT_ERR_SUCCESS, MQTTMessage

from acquire.bus.line import line_to
from acquire.log import Log
from acquire.once import is_worth_telling

T = TypeVar("T")
BusError = aiomqtt.MqttError
Done = Callable[[BaseException | None], None]
log = Log("bus")

MOST_WAITING_BYTES = 64 * 1024 * 1024


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


class LibraryClient(aiomqtt.Client):
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
